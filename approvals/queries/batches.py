"""Which waiting actions of a list were asked in one turn of a model and are alike: a list nests these under one header.

A turn is not written down anywhere: what one stretch of a run asks is opened in one transaction, so that it comes within a moment. What is
alike is said by `queries.bulk`, so that the header never offers what the page behind it would leave out.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby

from approvals.queries.bulk import LEVELS, MOST, Member, alone, members, unlike
from approvals.queries.inbox import InboxRow
from approvals.states import ActionState

APART = timedelta(seconds=2)  # more than that between two of them: asked in another turn


def batches(rows: Sequence[InboxRow]) -> dict[str, str]:
    """The batch of each action that is in one, named by its first action."""
    turns = list(_turns(rows))
    read = members([row.id for turn in turns for row in turn]) if turns else {}
    return {m.id: alike[0].id for turn in turns for alike in _alike([read[row.id] for row in turn if row.id in read]) for m in alike}


def _turns(rows: Sequence[InboxRow]) -> Iterator[list[InboxRow]]:
    """Two or more of one run and tool that were asked at once, by what a list knows of them."""
    able = [r for r in rows if r.run and r.kind == "tool" and r.level in LEVELS and r.state == ActionState.PENDING]
    for _, same in groupby(sorted(able, key=lambda row: (*_asker(row), row.created_at, row.id)), _asker):
        turn: list[InboxRow] = []
        for row in same:
            if turn and (row.created_at - turn[-1].created_at > APART or len(turn) == MOST):
                yield from [turn] if len(turn) > 1 else []
                turn = []
            turn.append(row)
        yield from [turn] if len(turn) > 1 else []


def _asker(row: InboxRow) -> tuple[str, ...]:
    return row.run, row.agent, row.tool


def _alike(turn: Sequence[Member]) -> Iterator[list[Member]]:
    """Those of a turn that may be decided together."""
    left = [m for m in turn if not alone(m)]
    while left:
        same = [m for m in left if not unlike(left[0], m)]
        left = [m for m in left if m not in same]
        if len(same) > 1:
            yield same
