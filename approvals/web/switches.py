"""Operators' switches in words, for the console and the pages of agents and actions. Presenters; no request, no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.queries.switches import SwitchRow


@dataclass(frozen=True)
class SwitchLine:
    """One switch. `until` None: until somebody ends it."""

    words: str
    reason: str
    by: str
    at: datetime
    until: datetime | None
    denies: bool
    url: str


def switch_line(row: SwitchRow) -> SwitchLine:
    said = {"name": row.target}
    words = {
        ("agent", "deny"): _("The agent %(name)s is switched off: what it proposes is refused, and nothing of it begins"),
        ("tool", "deny"): _("The tool %(name)s is switched off: proposals are refused, and no call of it begins"),
        ("agent", "ask"): _("People are asked about every call of the agent %(name)s"),
        ("tool", "ask"): _("People are asked about every call of the tool %(name)s"),
    }[row.scope, row.setting]
    url = f"{reverse('switches')}?{urlencode({row.scope: row.target})}"
    return SwitchLine(words % said, row.reason, row.by, row.at, row.until, row.setting == "deny", url)
