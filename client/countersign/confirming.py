"""What a person says yes to on the command line: shown whole, then agreed to; never a version that only this program has seen.

`--digest` says that it was shown before (`countersign actions show` prints it). Without one the action is shown here and the question is put at the
terminal; where there is no terminal nobody looks, so nothing is decided.
"""

import json
import re
import sys
import unicodedata
from typing import Any

from countersign._calls import Call, part
from countersign.client import Client

SHOWN = ("id", "summary", "tool", "agent", "state", "next", "level", "score", "digest", "expires_at", "url")
UNSEEN = (
    "Nothing was decided: there is no terminal to show the action at. Read it with `countersign actions show {action}`, "
    "then say which version you saw: --digest, as it is printed there"
)


def shown(value: Any) -> str:
    """Somebody else's text in a terminal: what does not show itself is written out, so that it can neither move the cursor nor hide, and behind a
    letter that stands among those of another alphabet stands which one it is. Words wholly of look-alikes the server names (`marks`)."""
    return "".join(map(_word, re.split(r"(\W+)", str(value if value is not None else ""))))


def _word(text: str) -> str:
    mixed = not text.isascii() and len({_alphabet(c) for c in text if c.isalpha()}) > 1
    return "".join(_char(c, marked=mixed and not c.isascii() and c.isalpha()) for c in text)


def _char(char: str, *, marked: bool) -> str:
    if not char.isprintable() or _blank(char):
        return f"<U+{ord(char):04X}>"
    return f"{char}<U+{ord(char):04X}>" if marked else char


def _blank(char: str) -> bool:
    """Whether it draws nothing although its category says letter, mark or symbol."""
    return not char.isascii() and any(part in unicodedata.name(char, "") for part in ("FILLER", "VARIATION SELECTOR", "BLANK", "JOINER"))


def _alphabet(char: str) -> str:
    """LATIN, CYRILLIC, GREEK ...: as its name begins."""
    return unicodedata.name(char, "?").split()[0]


def lines(found: dict[str, Any]) -> list[str]:
    """An action as one reads it: what it is, who has to agree, and every argument."""
    said = [f"{name:<12} {shown(found[name])}" for name in SHOWN]
    needs = ", ".join(f"{need['count']} of {need['group']}" for need in found["needs"])
    said.append(f"{'needs':<12} {needs or 'nobody'}")
    if found.get("unknown"):
        said.append(f"{'unknown':<12} {shown(found['unknown'])}")
    if found.get("unheard"):
        said.append(f"{'unheard':<12} it reached nobody: {shown(found['unheard'])}")
    if found.get("unanswerable"):
        said.append(f"{'no answer':<12} can be given: {shown(found['unanswerable'])}; it can only be rejected")
    if found.get("rejecting_ends_run"):
        said.append(f"{'if rejected':<12} its run ends, for its agent cannot be told no: a reason stays on record")
    elif found.get("hears_reason") is False:
        said.append(f"{'hears':<12} not why it is rejected: a reason stays on record")
    if edit := found.get("edit"):
        why = "; ".join(f"{name}: {told}" for name, told in edit["errors"].items())
        said.append(f"{'edit':<12} {shown(edit['state'])} of version {edit['version']}{f' ({shown(why)})' if why else ''}")
    said.append(f"{'args':<12} {json.dumps(found['args'], indent=2, ensure_ascii=True)}")
    said += [f"{'marked':<12} {shown(mark)}" for mark in found.get("marks") or ()]
    if found["outcome"]:
        said.append(f"{'outcome':<12} {json.dumps(found['outcome'], indent=2, ensure_ascii=True)}")
    return said


def agreed_digest(client: Client, action: str, verb: str) -> str | None:
    """The digest of what was shown here and said yes to; None when it was not. Raises Unseen."""
    if not (sys.stdin and sys.stdin.isatty()):
        raise Unseen(UNSEEN.format(action=shown(action)))
    found: dict[str, Any] = client.call(Call("GET", f"/actions/{part(action)}"))
    sys.stderr.write("\n".join([*lines(found), f"{verb.capitalize()} this? [y/N] "]))  # standard output is for what came of it
    sys.stderr.flush()
    return str(found["digest"]) if sys.stdin.readline().strip().lower() in {"y", "yes"} else None


class Unseen(Exception):
    """There is nobody who could have seen what is to be decided."""
