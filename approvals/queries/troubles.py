"""What automatic halts count of this room: calls that failed, proposals that were rejected in a row. Each led by a small index of its own.

Test actions count nowhere. Rejections count whoever said no, policy included; a row of them is over when a person says yes to anything, or
when something above low passes.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

SLOWEST = timedelta(hours=1)  # a call that began later after its approval is not looked for when all are counted

# Looking something up changes nothing, and fails for a slip of whoever started the run: that must not stop an agent, which only operators may.
_LOOKED = "(a.level = 'low' AND a.resolution ->> 'door' = 'worker' AND a.agent || ' ' || a.tool = ANY(%(reads)s))"
_FAILED = f"""
SELECT a.agent, count(*) FROM approvals_action a WHERE (a.outcome -> 'status') = '"failed"'::jsonb AND a.settled_at > %(since)s
    AND NOT a.drill AND (%(target)s = '' OR a.agent = %(target)s) AND NOT {_LOOKED} GROUP BY a.agent HAVING count(*) >= %(least)s
"""  # noqa: S608  words of ours only
_ENDED = f"""
SELECT count(*) FROM approvals_action a WHERE a.agent = %(target)s AND a.resolved_at > %(earlier)s AND a.settled_at > %(since)s
    AND a.outcome ->> 'status' IN ('done', 'failed') AND NOT a.drill AND NOT {_LOOKED}
"""  # noqa: S608  words of ours only
_REJECTED = """
SELECT a.{column}, count(*) FROM approvals_action a WHERE a.state = 'REJECTED' AND a.resolved_at > %(since)s AND NOT a.drill
    AND a.{column} <> '' AND (%(target)s = '' OR a.{column} = %(target)s)
    AND NOT EXISTS (SELECT 1 FROM approvals_action b WHERE b.{column} = a.{column} AND b.state IN ('APPROVED', 'ANSWERED')
        AND b.resolved_at > a.resolved_at AND (b.level <> 'low' OR b.resolution ->> 'door' <> 'worker'))
GROUP BY a.{column} HAVING count(*) >= %(least)s
"""


@dataclass(frozen=True)
class Tally:
    """What was counted of one agent or run: `n`, of `of` in all (0: nobody asks how many there were)."""

    target: str
    n: int
    of: int = 0


def failed_calls(since: datetime, least: int, target: str = "", *, reads: Collection[tuple[str, str]] = ()) -> list[Tally]:
    """Agents with at least so many failed calls since then. `reads`: agents with their tools that only look something up."""
    named = [f"{agent} {tool}" for agent, tool in reads]
    found = _rows(_FAILED, since, least, target, reads=named)
    return [Tally(agent, n, max(n, _ended(agent, since, named))) for agent, n in found]


def rejected(column: str, since: datetime, least: int, target: str = "") -> list[Tally]:
    """Runs ("run") or agents ("agent") with at least so many rejections in a row since then."""
    return [Tally(name, n) for name, n in _rows(_REJECTED.format(column={"run": "run", "agent": "agent"}[column]), since, least, target)]


def _ended(agent: str, since: datetime, reads: list[str]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_ENDED, {"target": agent, "since": since, "earlier": since - SLOWEST, "reads": reads})
        n: int = cursor.fetchone()[0]
    return n


def _rows(statement: str, since: datetime, least: int, target: str, **more: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"since": since, "least": least, "target": target, **more})
        found: list[Any] = cursor.fetchall()
    return found
