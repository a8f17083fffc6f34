"""Tags that draw what the product is made of: revealed text, icons, the risk meter, hash chips, times.

Belongs here: escaping and small markup. Values come finished from presenters; nothing here asks the database, and text written
by an agent reaches a page only through `reveal`. May import `approvals.render.reveal`; nothing imports this but templates.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import lucide
from django import template
from django.contrib.humanize.templatetags.humanize import NaturalTimeFormatter
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from approvals.render.reveal import Revealed, Segment, written_out
from approvals.render.reveal import line as reveal_line
from approvals.render.reveal import reveal as reveal_text
from approvals.web.words import level_name
from audit import languages

register = template.Library()

LEVELS = {"low": 1, "medium": 2, "high": 3, "critical": 4}
# "2 days" in the case that "ago" and "in" ask for, where a language has cases.
PAST, FUTURE = NaturalTimeFormatter.past_substrings, NaturalTimeFormatter.future_substrings


@register.filter
def reveal(value: object) -> SafeString:
    """Any text an agent, a tool or a stranger may have written, inside a line of ours, every character visible."""
    shown = value if isinstance(value, Revealed) else reveal_line("" if value is None else str(value))
    if shown.said:
        return format_html("{}", languages.told(shown.said))
    return _isolated(shown, drawn(shown.head + shown.middle + shown.tail))


@register.filter
def paragraph(value: object) -> SafeString:
    """The same for text of several lines, such as a person's reason: line feeds break the line."""
    shown = reveal_text(str(value), whole=True)
    return _isolated(shown, drawn(shown.head))


@register.filter
def named(value: object) -> str:
    """The same where no markup can stand (a page's title, an attribute): chips are written out, and what is marked is named behind."""
    return written_out(reveal_line(str(value)))


@register.simple_tag
def part(value: Revealed, name: str) -> SafeString:
    """The `head`, `middle` or `tail` of a revealed value, its direction kept to itself."""
    pieces: tuple[Segment, ...] = getattr(value, name)
    return _isolated(value, drawn(pieces))


def _isolated(shown: Revealed, inner: SafeString) -> SafeString:
    return format_html('<bdi dir="{}">{}</bdi>', shown.way, inner) if shown.way else format_html("<bdi>{}</bdi>", inner)


def drawn(value: tuple[Segment, ...]) -> SafeString:
    """Escaped HTML for segments. The only place where a chip becomes markup."""
    return format_html_join("", "{}", ((_piece(part),) for part in value))


def _piece(part: Segment) -> SafeString:
    if part.way:
        return format_html('<bdi dir="{}">{}</bdi>', part.way, _piece(replace(part, way="")))
    if part.kind == "chip":
        broken = mark_safe("<br>") if "\n" in part.text else ""
        return format_html('<mark class="chip-char" title="{}">{}</mark>{}', languages.told(part.title), part.label, broken)
    if part.kind == "odd":
        return format_html('<mark class="odd-char" title="{}">{}</mark>', languages.told(part.title), part.text)
    if part.css:
        return format_html('<span class="{}">{}</span>', part.css, part.text)
    return format_html("{}", part.text)


@register.filter
def told(sentence: object) -> str:
    """A sentence of the rooms, or one that rows keep, in the reader's language."""
    return languages.told(sentence if isinstance(sentence, str) else str(sentence))


@register.simple_tag
def icon(name: str, size: int = 16, label: str = "") -> SafeString:
    """An icon out of the lucide wheel. Decoration by default; with a label it is an image with that name."""
    return _icon(str(name), size, str(label))


@lru_cache(maxsize=512)
def _icon(name: str, size: int, label: str) -> SafeString:
    manners = {"role": "img", "aria-label": label} if label else {"aria-hidden": "true"}
    svg = lucide._render_icon(name, size, **{"class": "icon", "focusable": "false", **manners})
    return mark_safe(svg)  # noqa: S308 - out of the lucide wheel, name and size are the template's


@register.simple_tag
def meter(level: str, score: int | None = None) -> SafeString:
    """The risk meter: four bars, the word, the score. Reads in greyscale and aloud."""
    return format_html(
        '<span class="meter meter-{}"><svg class="meter-bars" width="22" height="12" aria-hidden="true">{}</svg>'
        '<span class="meter-word">{}</span>{}</span>',
        level,
        _bars(LEVELS.get(level, 0)),
        level_name(level),
        format_html('<span class="meter-score">{}</span>', score) if score is not None else "",
    )


@lru_cache(maxsize=8)
def _bars(filled: int) -> SafeString:
    return format_html_join(
        "",
        '<rect class="{}" x="{}" y="0.5" width="4" height="11" rx="1"/>',
        (("on" if i < filled else "off", i * 6) for i in range(4)),
    )


@register.simple_tag
def hashchip(digest: str, label: str = "") -> SafeString:
    """First four and last two characters of a digest, the whole of it in the title and on copy."""
    if not digest:
        return mark_safe("")
    ends = {"first": digest[:4], "last": digest[-2:]}
    return format_html(
        '<button type="button" class="hash" data-copy="{0}" title="{0}" aria-label="{1}, {2}"><span aria-hidden="true">{3}…{4}</span></button>',
        digest,
        label or _("Copy this hash"),
        _("%(first)s to %(last)s") % ends,
        ends["first"],
        ends["last"],
    )


@register.simple_tag
def when(moment: datetime | None, mode: str = "ago") -> SafeString:
    """A moment. `ago` and `left` tick in the browser; `clock` and `utc` stand still. The title always has UTC in full."""
    if moment is None:
        return mark_safe('<span class="quiet">&ndash;</span>')
    utc = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-time="{}" title="{}">{}</time>',
        utc.isoformat(timespec="seconds"),
        mode,
        f"{utc:%Y-%m-%d %H:%M:%S} UTC",
        _words(moment, mode),
    )


def _words(moment: datetime, mode: str) -> str:
    """What stands there until the browser ticks, and for good where no script runs."""
    if mode == "utc":
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if mode == "clock":
        return f"{localtime(moment):%H:%M:%S}"
    now = datetime.now(UTC)
    if moment <= now:
        return _("%(time)s ago") % {"time": timesince(moment, now, time_strings=PAST, depth=1)}
    if mode == "left":
        return timesince(now, moment, depth=1)
    return _("in %(time)s") % {"time": timesince(now, moment, time_strings=FUTURE, depth=1)}


@register.filter
def initials(name: str) -> str:
    """Two letters for an avatar."""
    parts = [part for part in str(name).replace(".", " ").replace("_", " ").replace("-", " ").split() if part]
    return "".join(part[0] for part in parts[:2]).upper() or "?"


@register.filter
def bar(value: Any, full: Any = 100) -> int:
    """A figure as a whole number of percent, for the width attribute of an SVG bar."""
    try:
        return max(0, min(100, round(100 * abs(float(value)) / float(full))))
    except (TypeError, ValueError, ZeroDivisionError):
        return 0
