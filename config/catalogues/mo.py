"""`python -m config.catalogues.mo`: compile every locale/*/LC_MESSAGES/django.po that is newer than its .mo. Called by scripts/bootstrap.

The .mo format is that of GNU gettext, which Python's own `gettext` reads; the compiled files are not kept in the repository.
"""

import os
import struct
from collections.abc import Iterable
from pathlib import Path

from config.catalogues import po

MAGIC = 0x950412DE
LOCALE = Path(__file__).resolve().parents[2] / "locale"


def compiled(entries: Iterable[po.Entry]) -> bytes:
    """A catalogue as Python's gettext reads it: sorted keys, sorted texts. Untranslated and fuzzy entries are left out."""
    texts = sorted((_key(e.message), "\0".join(e.texts).encode()) for e in entries if all(e.texts) and e.texts and not e.fuzzy)
    keys_at = 28
    data_at = keys_at + 16 * len(texts)
    tables: list[list[int]] = [[], []]
    data = b""
    for which, table in enumerate(tables):
        for pair in texts:
            table += [len(pair[which]), data_at + len(data)]
            data += pair[which] + b"\0"
    head = struct.pack("<7I", MAGIC, 0, len(texts), keys_at, keys_at + 8 * len(texts), 0, data_at)
    return head + struct.pack(f"<{4 * len(texts)}I", *tables[0], *tables[1]) + data


def _key(message: po.Message) -> bytes:
    context = f"{message.context}\x04" if message.context else ""
    plural = f"\0{message.plural}" if message.plural else ""
    return f"{context}{message.msgid}{plural}".encode()


def sources() -> list[Path]:
    return sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


def stale() -> list[Path]:
    """The catalogues whose compiled file is missing or older."""
    return [path for path in sources() if not (mo := path.with_suffix(".mo")).exists() or mo.stat().st_mtime_ns < path.stat().st_mtime_ns]


def compile_all() -> None:
    """Whoever comes at the same time writes the same bytes; a reader never sees half a file."""
    for path in stale():
        half = path.with_suffix(f".{os.getpid()}")
        half.write_bytes(compiled(po.read(path).values()))
        half.replace(path.with_suffix(".mo"))


if __name__ == "__main__":
    compile_all()
