"""One thing that is kept alive: a child process or an embedded server, restarted with growing pauses.

Imports `config.services` and `screen`.
"""

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.launch.screen import LogTail, say
from config.services import child
from config.services.errors import ServiceError
from config.services.server import Server

PAUSES = (0.2, 1.0, 2.0, 5.0)  # never so long that work waits half a minute
STEADY_SECONDS = 60.0


class Kept(ABC):
    """Something that runs and is started again when it ends."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.tail = LogTail(log)
        self.failures = 0
        self._started = 0.0
        self._again_at: float | None = None

    @abstractmethod
    def launch(self) -> None: ...

    @abstractmethod
    def running(self) -> bool: ...

    @abstractmethod
    def ending(self) -> str:
        """How it ended, in a few words."""

    @abstractmethod
    def stop(self) -> None: ...

    def start(self) -> None:
        self._started = time.monotonic()
        self.launch()

    def look(self) -> None:
        """Called several times a second: show what it complains about, and start it again when it is due."""
        for line in self.tail.look():
            say(f"{self.name:>8} | {line[:300]}")
        now = time.monotonic()
        if self._again_at is not None:
            if now >= self._again_at:
                self._again()
        elif not self.running():
            self.failures = 1 if now - self._started > STEADY_SECONDS else self.failures + 1
            pause = PAUSES[min(self.failures, len(PAUSES)) - 1]
            self._again_at = now + pause
            say(f"{self.name:>8} | {self.ending()}; starting it again in {pause:g} s (see {self.tail.path})")

    def _again(self) -> None:
        self._again_at = None
        self.start()
        say(f"{self.name:>8} | started again")


class Role(Kept):
    """One of our own programs: web, worker, beat."""

    def __init__(self, name: str, command: Sequence[str], *, log: Path, cwd: Path, env: Mapping[str, str], grace: float) -> None:
        super().__init__(name, log)
        self.command, self.cwd, self.env, self.grace = list(command), cwd, dict(env), grace
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def launch(self) -> None:
        if self._child is not None:
            child.sweep(self._child)
        self._child = child.spawn(self.command, log=self.tail.path, cwd=self.cwd, env=self.env)

    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def ending(self) -> str:
        code = self._child.returncode if self._child else None
        if code is not None and code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with code {code}"

    def ask_to_stop(self) -> None:
        if self._child is not None and self.running():
            self._child.terminate()

    def stop(self) -> None:
        if self._child is not None:
            child.end(self._child, first=signal.SIGTERM, grace=self.grace)
            self._child = None


class KeptServer(Kept):
    """An embedded server; the roles reconnect by themselves when it is back."""

    def __init__(self, server: Server) -> None:
        super().__init__(server.name, server.log)
        self.server = server
        self.tail.skip()
        self._started = time.monotonic()

    def launch(self) -> None:
        try:
            self.server.ensure()
            self.tail.skip()  # refusing clients while it recovers is no news
        except ServiceError as error:
            say(f"{self.name:>8} | {error}")

    def running(self) -> bool:
        return self.server.alive()

    def ending(self) -> str:
        return "has ended"

    def stop(self) -> None:
        self.server.stop()
