"""What the person at the terminal sees: timed progress lines, and the warnings of children picked from their logs.

Imports nothing of ours.
"""

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TELLING = re.compile(
    r"(?<!%)\b(WARNING|ERROR|CRITICAL|FATAL|PANIC)\b|\"level\": ?\"(warning|error|critical)\"|\[(warning|error|critical) *\]", re.ASCII
)
LINES_PER_LOOK = 5
ROTATE_BYTES = 20_000_000


def readable(line: str) -> str:
    """A JSON log line as one short sentence: what happened and, of an exception, the last line; others as they are."""
    try:
        entry = json.loads(line)
        data = entry.get("log_data")
        what = entry.get("event") or (data.get("action") if isinstance(data, dict) else None) or entry.get("logger", "")
        said = data.get("payload") if isinstance(data, dict) else None
        if isinstance(said, dict) and said.get("request") and said.get("code"):
            what = f"{said['request']} answered {said['code']}"
        failure = str(entry.get("exception", "")).strip().splitlines()[-1:]
        return " ".join([f"[{entry.get('level', '?')}]", *str(what).split(), *failure])
    except (ValueError, AttributeError):
        return line


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """`text ...` now, and how long it took when it is done."""
    began = time.monotonic()
    # On a terminal one line that completes itself; in a log file two words must not be torn apart by other output.
    interactive = sys.stdout.isatty()
    print(f"{text} ...", end=" " if interactive else "\n", flush=True)
    yield
    took = f"{time.monotonic() - began:.1f} s"
    print(took if interactive else f"{text}: {took}", flush=True)


class LogTail:
    """New telling lines of one log file; the file is cut before it fills the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_to = 0

    def start_afresh(self) -> None:
        """Keep the log of the start before this one, and begin a new file."""
        if self.path.exists():
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self._read_to = 0

    def look(self) -> list[str]:
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return []
        if size < self._read_to:
            self._read_to = 0
        if size == self._read_to:
            return []
        with self.path.open("rb") as file:
            file.seek(self._read_to)
            new = file.read(1_000_000)
        whole = new[: new.rfind(b"\n") + 1] or new
        self._read_to += len(whole)
        if size > ROTATE_BYTES:
            self._cut()
        telling = [readable(line) for line in whole.decode(errors="replace").splitlines() if TELLING.search(line)]
        more = len(telling) - LINES_PER_LOOK
        return [*telling[:LINES_PER_LOOK], f"... and {more} more such lines in {self.path}"] if more > 0 else telling

    def skip(self) -> None:
        """Pass over what is there: it has been dealt with."""
        self._read_to = self.path.stat().st_size if self.path.exists() else 0

    def last(self, count: int) -> list[str]:
        try:
            return self.path.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-count:]
        except OSError:
            return []

    def _cut(self) -> None:
        """Children append, so cutting their open file is safe; what is lost is older than the newest megabyte."""
        with self.path.open("rb") as file:
            file.seek(-1_000_000, 2)
            self.path.with_name(f"{self.path.name}.1").write_bytes(file.read())
        self.path.open("wb").close()
        self._read_to = 0
