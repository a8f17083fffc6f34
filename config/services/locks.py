"""A lock that the kernel drops when its holder dies. Imports only `errors`."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from config.services.errors import ServiceError


class FileLock:
    """An exclusive `flock` on a small file, which may carry a note about its holder.

    Python's descriptors are closed on exec, so children never inherit the lock: it lives exactly as long as we do.
    """

    def __init__(self, path: Path, *, wait: float = 60.0) -> None:
        self.path = path
        self.wait = wait
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        return self._fd is not None

    def take(self) -> bool:
        """Try once, without waiting; True when it is ours (also when it already was)."""
        if self._fd is not None:
            return True
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def note(self, text: str) -> None:
        """Leave a note for whoever finds the lock taken; only the holder may."""
        assert self._fd is not None  # noqa: S101  a programming error, not input
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text.encode(), 0)

    def read_note(self) -> str:
        return self.path.read_text(encoding="utf-8").strip()

    def __enter__(self) -> "FileLock":
        deadline = time.monotonic() + self.wait
        while not self.take():
            if time.monotonic() > deadline:
                raise ServiceError(f"Another process holds {self.path} and does not finish: stop it and try again.")
            time.sleep(0.02)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()
