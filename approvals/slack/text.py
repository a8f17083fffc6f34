"""Text from elsewhere as Slack may show it: nothing in it becomes a mention, a link, a date or formatting. Pure but for names."""

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from approvals.notify.words import name as defanged
from approvals.render.reveal import Revealed, line, written_out

_MARKUP = re.compile(r"<(?P<sign>[@#!]?)(?P<what>[^<>|\n]+)(?:\|(?P<label>[^<>\n]*))?>")
_MENTION = re.compile(r"[@#!](?=\w)")
EVERYBODY = frozenset({"here", "channel", "everyone"})
_BREAK = "\u2060"  # a word joiner between the sign and the word: Slack then knows neither a channel nor a person by it
_RETURN = "⏎"
_NUMBER = r"[-+]?[\d.,_ ]*\d[\d.,_ ]*(e[-+]?\d+)?"
_WORDS = r"null|nil|none|nothing|empty|undefined|true|false|yes|no|nan|[-+]?inf(inity)?"
_AMBIGUOUS = re.compile(rf"""\s*($|["'“”„«{{\[(]|({_NUMBER}|{_WORDS})\s*$)""", re.IGNORECASE)
_MARKS = re.compile(r"([*_~`])")


def as_read(text: str, names: Mapping[str, str] | None = None) -> str:
    """What somebody wrote, out of Slack's own form: mentions and links as they were read there, with the address a link really has.

    Args:
        names: what people are called here, by what Slack calls them.
    """
    return html.unescape(_MARKUP.sub(lambda found: _written(found, names or {}), text))


def mentioned(text: str) -> frozenset[str]:
    """The people a text in Slack's own form speaks to, as Slack calls them."""
    return frozenset(found.group("what") for found in _MARKUP.finditer(text) if found.group("sign") == "@")


def _written(found: re.Match[str], names: Mapping[str, str]) -> str:
    sign, what, label = found.group("sign"), found.group("what"), found.group("label") or ""
    if sign == "!":
        # !here, !here|here, !subteam^S1|@ops, !date^...|fallback
        return f"@{what}" if what in EVERYBODY else label or f"@{what.partition('^')[0]}"
    if sign in ("@", "#"):
        known = names.get(what, "") if sign == "@" else ""
        return f"{sign}{(known or label or what).removeprefix(sign)}"
    return f"{label} ({what})" if label and label != what.removeprefix("mailto:").removeprefix("tel:") else label or what


def safe(text: str) -> str:
    """For mrkdwn: the three characters Slack asks to escape, mentions broken, and no mark that would format the rest."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(lambda found: _BREAK + found.group(), broken(escaped))


def broken(text: str) -> str:
    """For plain text: signs that Slack's clients turn into mentions lose their word."""
    return _MENTION.sub(lambda found: found.group() + _BREAK, text)


def shown(found: Revealed) -> str:
    """A revealed text with its chips spelled out: every character that is there."""
    return written_out(found)


def spelled(text: str) -> str:
    """A line of somebody else's, every character visible."""
    return shown(line(text))


def valued(value: Any, text: str) -> str:
    """A value, of which `text` shows every character, so that nothing else reads the same: the one rule for all of Slack.

    Texts that could be taken for something else (nothing, numbers, yes and no, lists, what is quoted, what begins or ends with a space) stand
    in quotation marks. Line breaks are marked, so that no second line looks like another argument.
    """
    if not isinstance(value, str):
        return text
    marked = text.replace(_RETURN, f"⟨U+{ord(_RETURN):04X}⟩").replace("\n", f" {_RETURN}\n   ")
    return f'"{marked}"' if _AMBIGUOUS.match(value) or value != value.strip() else marked


def named(text: str, most: int = 80) -> str:
    """A name (of a tool, an agent, a person) that neither links nor mentions."""
    return broken(defanged(text, most))


def person(text: str) -> str:
    """The name of an account of ours: every character shown, nobody mentioned by it."""
    return broken(cut(spelled(text), 80))


def date(moment: datetime) -> str:
    """In the reader's own zone; what cannot show that reads UTC."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}}, {{time}}|{moment.astimezone(UTC):%d %b %H:%M} UTC>"


def link(url: str, label: str) -> str:
    """A link of ours: the address never comes from elsewhere."""
    return f"<{url}|{safe(label)}>"


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def cut_inside(text: str, most: int) -> str:
    """Both ends of it: names that are long often differ at the end only."""
    end = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - end]}…{text[-end:]}"
