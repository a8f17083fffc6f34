"""Runbooks of docs/runbooks as pages: the few forms of Markdown they are written in, as blocks a template draws. Pure but for reading the file.

A runbook has one title, headings, paragraphs, lists, fenced commands; inline, code and links. What is none of these is shown as it is written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
_INLINE = re.compile(r"`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)")
_NAME = re.compile(r"[a-z][a-z-]{0,40}")


@dataclass(frozen=True)
class Piece:
    """A stretch of a line: plain, `code`, or a link."""

    text: str
    code: bool = False
    url: str = ""


@dataclass(frozen=True)
class Block:
    """`kind`: "h2", "p", "ul", "ol" or "pre". `lines` holds one paragraph, the items of a list; `text` the commands of a pre."""

    kind: str
    lines: tuple[tuple[Piece, ...], ...] = ()
    text: str = ""
    start: int = 1  # the number an "ol" begins with: commands stand between its items


@dataclass(frozen=True)
class Runbook:
    name: str
    title: str
    blocks: tuple[Block, ...]


def names() -> list[str]:
    """Every runbook there is."""
    return sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")


def read(name: str) -> Runbook | None:
    """One of them; None when there is none of that name."""
    path = FOLDER / f"{name}.md"
    if not _NAME.fullmatch(name) or not path.is_file():
        return None
    first, _newline, rest = path.read_text(encoding="utf-8").partition("\n")
    return Runbook(name, first.removeprefix("# ").strip(), tuple(_blocks(rest)))


def _blocks(text: str) -> Iterator[Block]:
    for n, part in enumerate(re.split(r"^```[a-z]*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)):
        if n % 2:
            yield Block("pre", text=part.rstrip())
            continue
        for lump in filter(None, (lump.strip() for lump in re.split(r"\n\s*\n", part))):
            yield _block(lump)


def _block(lump: str) -> Block:
    if lump.startswith("## "):
        return Block("h2", (pieces(lump[3:]),))
    for kind, mark in (("ul", r"[*-] "), ("ol", r"\d+\. ")):
        if re.match(mark, lump):
            items = re.split(rf"^{mark}", lump, flags=re.MULTILINE)[1:]
            start = int(lump.partition(".")[0]) if kind == "ol" else 1
            return Block(kind, tuple(pieces(" ".join(item.split())) for item in items), start=start)
    return Block("p", (pieces(" ".join(lump.split())),))


def pieces(line: str) -> tuple[Piece, ...]:
    """A line in stretches. A link leads to a page of ours, or it is not one."""
    found, at = [], 0
    for one in _INLINE.finditer(line):
        found.append(Piece(line[at : one.start()]))
        at = one.end()
        if one[1]:
            found.append(Piece(one[1], code=True))
        else:
            found.append(Piece(one[2], url=one[3] if one[3].startswith("/") and not one[3].startswith("//") else ""))
    return tuple(piece for piece in (*found, Piece(line[at:])) if piece.text)
