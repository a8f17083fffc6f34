"""Sentences in the reader's language: what `audit.sentences` says in English is told by the doors.

Belongs here: `told`, `number`, and what the numbers of a page look like. Imports Django's translation and nothing of the rooms. Only doors
(views, presenters, templates, mails) may import it: what is told in German must never be stored (docs/adr/0020).
"""

import re
from functools import lru_cache
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import get_language, gettext, ngettext

from audit.sentences import Frozen, Sentence, filled

SOURCE = "en"
_SEVERAL = re.compile(r"(, |; )")


def number(value: float) -> str:
    """A number as the reader writes it: 12,040 or 12.040."""
    return number_format(value, force_grouping=True)


def decimal(value: float, places: int = 1) -> str:
    """The same with decimal places."""
    return number_format(value, places, force_grouping=True)


def told(text: str) -> str:
    """A sentence in the language of whoever reads. Plain text is looked for among the kept sentences; what is none of them stays as it is."""
    language = get_language() or SOURCE
    if language == SOURCE:
        return str(text)
    if isinstance(text, Sentence):
        return _told(text.msgid, text.plural, text.params)
    return _kept(text, language)


def _told(msgid: str, plural: str, params: dict[str, Any]) -> str:
    form = ngettext(msgid, plural, params["n"]) if plural else gettext(msgid)
    return filled(form, params, word=_word, number=number)


def _word(value: Any) -> str:
    return told(value) if isinstance(value, Sentence) else str(value)


def _each(text: str, language: str) -> str:
    return "".join(part if i % 2 else _kept(part, language) for i, part in enumerate(_SEVERAL.split(text)))


@lru_cache(maxsize=4096)
def _kept(text: str, language: str) -> str:
    """One of the sentences that rows keep, found by its template: the one with the most words of its own."""
    for one in sorted(Frozen.every, key=lambda one: -one.literal):
        if (params := one.found_in(text)) is not None:
            parts = {name: _each(str(params[name]), language) for name in one.parts & params.keys()}
            return _told(one.msgid, one.plural, {**params, **parts})
    return text
