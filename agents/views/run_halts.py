"""What a run's page says of a halt: asked for, or come true, and at which step; never more than is so."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from agents.queries import EffectRow, RunRow
from agents.views.states import took
from approvals.queries import Stop
from audit.languages import number


def halted_words(stop: Stop, row: RunRow, effects: Sequence[EffectRow], *, steps: int) -> str:
    """Where a covered run stands. A call that has begun is named with its age: it cannot be interrupted.

    Args:
        steps: how many steps of its graph it has entered.
    """
    said = {"who": stop.by, "why": stop.reason, "n": number(steps), "nodes": ", ".join(row.nodes) or "-"}
    if row.state == "HALTED":
        words = _("Halted by %(who)s: %(why)s. It stopped after step %(n)s, before %(nodes)s.") % said
    elif row.state == "RUNNING":
        words = _("Halt requested by %(who)s: %(why)s. It is in step %(n)s, %(nodes)s, and stops when that is over.") % said
    else:
        words = _("Halted by %(who)s: %(why)s. It stands at step %(n)s, %(nodes)s.") % said
    begun = [f"{e.tool} ({took(e.claimed_at, datetime.now(UTC))})" for e in effects if e.state == "CLAIMED" and e.claimed_at]
    if begun:
        words += " " + _("Begun and not to be interrupted: %(calls)s.") % {"calls": ", ".join(begun)}
    return words
