"""The envelope: what a reviewer sees and the executor runs, as canonical bytes with one digest.

Operations build and prove it, queries prove it again for the page. Built at the pause, parsed back wherever somebody acts. Nothing acts on a column that the envelope also
holds without having compared the two. `building` writes the bytes, `reading` names what stands in them, `proving` says whether they are what was proposed.
"""

from approvals.envelopes.building import RENDERER, Content, Judged, Until, build
from approvals.envelopes.proving import DOMAIN, NO_ENVELOPE, NO_VERSION, digest_of, opened, parse
from approvals.envelopes.reading import STOP_RUN, Call, Envelope

__all__ = [
    "DOMAIN", "NO_ENVELOPE", "NO_VERSION", "RENDERER", "STOP_RUN", "Call", "Content", "Envelope", "Judged", "Until", "build", "digest_of", "opened", "parse",
]  # fmt: skip
