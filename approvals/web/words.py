"""Small words that many pages share: names of levels."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

LEVELS = {"low": _("Low"), "medium": _("Medium"), "high": _("High"), "critical": _("Critical")}


def level_name(level: str) -> str:
    """A level as a heading or a badge says it."""
    return str(LEVELS.get(level) or level.capitalize())
