"""What a run's page says of a halt: asked for, or come true, and at which step; never more than is so."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from agents.queries import EffectRow, RunRow
from agents.views.states import took
from approvals.queries import Stop
from audit.languages import number


def halted_words(stop: Stop, row: RunRow, effects: Sequence[EffectRow], *, steps: int, alone: Collection[str]) -> str:
    """Where a covered run stands. A call that has begun is named with its age: only one in a process of its own is stopped.

    Args:
        steps: how many steps of its graph it has entered.
        alone: the tools that run in processes of their own.
    """
    said = {"who": stop.by, "why": stop.reason, "n": number(steps), "nodes": ", ".join(row.nodes) or "-"}
    if row.state == "HALTED":
        words = _("Halted by %(who)s: %(why)s. It stopped after step %(n)s, before %(nodes)s.") % said
    elif row.state == "RUNNING":
        words = _("Halt requested by %(who)s: %(why)s. It is in step %(n)s, %(nodes)s, and stops when that is over.") % said
    else:
        words = _("Halted by %(who)s: %(why)s. It stands at step %(n)s, %(nodes)s.") % said
    begun = [e for e in effects if e.state == "CLAIMED"]
    if stopped := _calls(e for e in begun if e.tool in alone):
        words += " " + _("Begun, and being stopped: %(calls)s.") % {"calls": stopped}
    if others := _calls(e for e in begun if e.tool not in alone):
        words += " " + _("Begun and not to be interrupted: %(calls)s.") % {"calls": others}
    return words


def _calls(effects: Iterable[EffectRow]) -> str:
    return ", ".join(f"{e.tool} ({took(e.claimed_at, datetime.now(UTC))})" for e in effects if e.claimed_at)
