"""What PostgreSQL and the broker have in common as processes: start or adopt, watch, stop. Imports `child`, `locks`, `place`.

`ensure` is the whole contract: when it returns, the server answers. It is safe to call at any time and from several
processes at once; a restart after a crash is just another `ensure`.
"""

import contextlib
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path

from config.services import child
from config.services.errors import ServiceError
from config.services.locks import FileLock
from config.services.place import Place

START_SECONDS = 60.0
RELAUNCH_SECONDS = 0.5


class Server(ABC):
    """One embedded server below a `Place`.

    Whoever holds the owner lock stops the server at the end; another process that finds it running is a guest. On Linux
    the server also dies with the process that launched it, whatever happens to that process.
    """

    name: str
    stop_signal: signal.Signals
    grace = 10.0

    def __init__(self, place: Place, log: Path) -> None:
        self.place = place
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None
        self._starting = FileLock(place.home / f"{self.name}.lock")
        self._owner = FileLock(place.home / f"{self.name}.owner")

    @abstractmethod
    def answers(self) -> bool:
        """True when a client would be served now."""

    @abstractmethod
    def prepare(self) -> None:
        """Everything that must exist before the program is launched; called under the start-up lock."""

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    @abstractmethod
    def pid_file(self) -> Path: ...

    @abstractmethod
    def marker(self) -> str:
        """Words of the command line by which a process is known to be this very server."""

    def settle(self) -> None:  # noqa: B027  most servers have nothing to settle
        """What is done once the server answers, still under the start-up lock."""

    def ensure(self) -> None:
        with self._starting:
            self._owner.take()
            self.prepare()
            self._answer_or_launch()
            self.settle()

    def alive(self) -> bool:
        if self._child is not None and self._child.poll() is None:
            return True
        return self.pid() is not None

    def pid(self) -> int | None:
        """The server's process id, if the pid file names a live process that really is this server.

        A number alone proves nothing: after a reboot, or in a container, it may belong to any other program.
        """
        try:
            pid = int(self.pid_file().read_text(encoding="ascii").split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if self.marker() in child.command_line(pid) else None

    def stop(self) -> None:
        """Stop the server if it is ours; a guest leaves it to its owner."""
        if self._child is not None:
            child.end(self._child, first=self.stop_signal, grace=self.grace)
            self._child = None
        elif self._owner.held:
            self._stop_adopted()
        self._owner.release()

    def _stop_adopted(self) -> None:
        for order in (self.stop_signal, signal.SIGQUIT, signal.SIGKILL):
            pid = self.pid()
            if pid is None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, order)
            child.wait_until(lambda: self.pid() is None, self.grace)

    def _answer_or_launch(self) -> None:
        deadline, launched = time.monotonic() + START_SECONDS, 0.0
        while not self.answers():
            now = time.monotonic()
            if now > deadline:
                raise ServiceError(f"{self.name} does not start ({self._last_words()}): see {self.log}.")
            # A survivor that is shutting down is waited for; only when it is gone is another launched.
            if not self.alive() and now - launched > RELAUNCH_SECONDS:
                self._give_up_on(now - deadline + START_SECONDS)
                self._launch()
                launched = now
            time.sleep(0.02)

    def _give_up_on(self, elapsed: float) -> None:
        """Relaunching helps for a while (children of a killed server hold its memory for a moment), not for ever."""
        if self._child is not None and elapsed > START_SECONDS / 4:
            raise ServiceError(f"{self.name} stops as soon as it starts ({self._last_words()}): see {self.log}.")

    def _launch(self) -> None:
        if self._child is not None:
            child.sweep(self._child)
        self.pid_file().unlink(missing_ok=True)  # `pid` has just said that it is stale
        self._child = child.spawn(
            self.command(),
            log=self.log,
            cwd=self.place.sockets,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            account=self.place.account,
            death_signal=self.stop_signal,
        )

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return "no log"
        telling = [line for line in lines if "FATAL" in line or "PANIC" in line] or lines
        return telling[-1][-300:] if telling else "it said nothing"
