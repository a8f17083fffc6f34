"""One catalogue as text: the part of the .po format that we write, and what is wrong with a translation.

Entries stand in the order of the sources, by file, without line numbers: two people who add strings to different files change different
parts of the catalogue.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOLES = re.compile(r"%\((\w+)\)([sd])")
_LINE = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d)\])?)?\s*"(.*)"$')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_WRITTEN = {"\\\\": "\\", '\\"': '"', "\\n": "\n", "\\t": "\t", "\\r": "\r"}

Key = tuple[str, str]  # context, msgid


@dataclass(frozen=True)
class Message:
    """One string of the sources: `plural` is its second form, `files` where it stands."""

    msgid: str
    plural: str = ""
    context: str = ""
    files: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return self.context, self.msgid


@dataclass
class Entry:
    """One string of a catalogue with its translation, a text per plural form (one, when there is no plural)."""

    message: Message
    texts: list[str] = field(default_factory=list)
    fuzzy: bool = False


def read(path: Path) -> dict[Key, Entry]:
    """A catalogue; its header has the empty key. Raises ValueError for a line that is none of the format."""
    found: dict[Key, Entry] = {}
    for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8").strip()):
        entry = _entry(block, path)
        if entry:
            if entry.message.key in found:
                raise ValueError(f"{path}: {entry.message.msgid[:60]!r} stands twice")
            found[entry.message.key] = entry
    return found


def _entry(block: str, path: Path) -> Entry | None:
    parts: dict[str, str] = {}
    files: list[str] = []
    fuzzy, at = False, ""
    for line in block.splitlines():
        if line.startswith("#:"):
            files += line[2:].split()
        elif line.startswith("#,"):
            fuzzy = "fuzzy" in line
        elif line and not line.startswith("#"):
            if (match := _LINE.match(line.strip())) is None:
                raise ValueError(f"{path}: cannot read {line[:80]!r}")
            at = match[1] or at
            parts[at] = parts.get(at, "") + re.sub(r"\\.", lambda m: _WRITTEN.get(m[0], m[0]), match[3])
    if "msgid" not in parts:
        return None
    texts = [parts[name] for name in sorted(parts) if name.startswith("msgstr")]
    return Entry(Message(parts["msgid"], parts.get("msgid_plural", ""), parts.get("msgctxt", ""), tuple(files)), texts, fuzzy)


def written(header: Entry, entries: Iterable[Entry]) -> str:
    """A whole catalogue as text."""
    return "\n".join("\n".join(_lines(entry)) + "\n" for entry in (header, *entries))


def _lines(entry: Entry) -> Iterator[str]:
    message = entry.message
    for name in message.files:
        yield f"#: {name}"
    if entry.fuzzy:
        yield "#, fuzzy"
    if message.context:
        yield f"msgctxt {_quoted(message.context)}"
    yield f"msgid {_quoted(message.msgid)}"
    if message.plural:
        yield f"msgid_plural {_quoted(message.plural)}"
        for i, text in enumerate(entry.texts):
            yield f"msgstr[{i}] {_quoted(text)}"
    else:
        yield f"msgstr {_quoted(entry.texts[0] if entry.texts else '')}"


def _quoted(text: str) -> str:
    said = "".join(_ESCAPES.get(char, char) for char in text)
    parts = said.replace("\\n", "\\n\0").split("\0") if "\\n" in said else [said]
    return f'"{said}"' if len(parts) < 3 else "\n".join(['""', *(f'"{part}"' for part in parts if part)])


def plural_forms(header: Entry) -> int:
    """How many forms the language has, from the header."""
    found = re.search(r"nplurals=(\d)", header.texts[0])
    return int(found[1]) if found else 2


def merged(known: Mapping[Key, Entry], messages: Iterable[Message]) -> list[Entry]:
    """The catalogue for what the sources say now: translations are kept, new strings are empty, what is gone is gone."""
    header = known["", ""]
    found = []
    for message in messages:
        before = known.get(message.key)
        kept = before is not None and bool(before.message.plural) == bool(message.plural)
        empty = [""] * (plural_forms(header) if message.plural else 1)
        found.append(Entry(message, before.texts if kept and before else empty, bool(before and before.fuzzy)))
    return found


def faults(entry: Entry, forms: int) -> Iterator[str]:
    """What is wrong with one translation, in words for whoever mends it."""
    message, wanted = entry.message, HOLES.findall(entry.message.plural or entry.message.msgid)
    if entry.fuzzy:
        yield "is marked fuzzy: look at it and take the mark away"
    if len(entry.texts) != (forms if message.plural else 1) or not all(entry.texts):
        yield "is not translated"
        return
    for i, text in enumerate(entry.texts):
        holes = set(HOLES.findall(text))
        one = bool(message.plural) and i == 0  # "one" may say its number as a word
        if holes != set(wanted) and not (one and holes | {("n", "d"), ("n", "s")} >= set(wanted) >= holes):
            yield f"has other holes than its source: {sorted(holes)} instead of {sorted(set(wanted))}"
        if (message.msgid[:1].isspace(), message.msgid[-1:].isspace()) != (text[:1].isspace(), text[-1:].isspace()):
            yield "begins or ends with a space where its source does not, or the other way round"
        if "%" in re.sub(r"%\(\w+\)[sd]|%%", "", text):
            yield "has a lone percent sign: write %%"
        if any(mark in text and mark not in message.msgid for mark in '"<>'):
            yield "has a quote or markup that its source has not: it may stand in an attribute"
