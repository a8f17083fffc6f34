"""A draft tried on past actions: wanted by a person, done in stretches by a worker, each of which says how far it is."""

import time
from datetime import timedelta

import structlog
from celery import current_app
from django.db import OperationalError, transaction
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import BadRequest, InvalidPolicy
from approvals.models import Backtest, User
from approvals.operations import kept, policies
from approvals.operations.notices import Hint, tell
from approvals.policy.replay import Replay, Tally
from approvals.policy.rules import BadPolicy, Policy, parse
from approvals.queries import past
from approvals.queries.policies import policy_of
from approvals.states import BacktestState
from audit.sentences import say

logger = structlog.get_logger("approvals.backtests")
MOST = 50_000
STEP = 250
STRETCH_S = 1.5  # a worker is not kept longer at a time: runs come first
TASK = "approvals.tasks.backtest"


@transaction.atomic
def want(source: str, *, by: User, last: int = 0, days: int = 0) -> Backtest:
    """Ask a worker to try a draft on the last so many actions, or on those of the last days (30 at most, 50,000 at most).

    Raises:
        NotAllowed, BadRequest: not an administrator; neither `last` nor `days`. InvalidPolicy: the text cannot be read.
    """
    who = permissions.standing(by)
    permissions.check_edit_policy(who)
    if not (last or days) > 0:
        raise BadRequest(say("Say how many actions, or that of a month, the draft is to be tried on"))
    draft = readable(source)
    since = past.month_ago() if days else None
    row = Backtest.objects.create(source=source, sha256=draft.sha256, wanted_by=who.user, last=min(last or MOST, MOST), since=since)
    transaction.on_commit(lambda: wake(row.pk), robust=True)
    return row


def advance(backtest_id: int) -> bool:
    """Do one stretch. True when there is more to do; False when it is finished, failed, gone, or in somebody else's hands."""
    try:
        with transaction.atomic():
            row = Backtest.objects.select_for_update(skip_locked=True).filter(pk=backtest_id, state__in=["WANTED", "RUNNING"]).first()
            return row is not None and _stretch(row)
    except OperationalError:
        raise  # the database is away: the sweeper tries again
    except Exception as error:  # whatever it is, it would happen again: said, not tried for ever
        logger.exception("backtest_failed", row=backtest_id)
        _fail(backtest_id, kept.NOT_FINISHED(error=f"{type(error).__name__}: {str(error)[:300]}"))
        return False


def replay(draft: Policy) -> Replay:
    """A draft beside the policy in force."""
    current = policies.in_force()
    return Replay(draft.data, current.data, current.sha256, policy_of)


def readable(source: str) -> Policy:
    """A draft that can be tried. Raises InvalidPolicy."""
    try:
        return parse(source)
    except BadPolicy as error:
        raise InvalidPolicy(
            [(p.line, say("%(where)s: %(why)s", where=p.where, why=p.why) if p.where else p.why) for p in error.problems]
        ) from error


def wake(backtest_id: int) -> None:
    """Tell a worker; what nobody was told of, the sweeper finds."""
    try:
        current_app.send_task(TASK, args=[backtest_id], retry=False, ignore_result=True)
    except Exception as error:  # whatever the broker's client raises, the row is committed and will be found
        logger.warning("broker_unreachable", task=TASK, row=backtest_id, error=str(error))


def forget_old(*, limit: int = 500) -> int:
    """Back-tests older than a week go. Returns how many."""
    old = Backtest.objects.filter(created_at__lt=Now() - timedelta(days=7)).order_by("pk").values_list("pk", flat=True)[:limit]
    count, _ = Backtest.objects.filter(pk__in=list(old)).delete()
    return count


def _stretch(row: Backtest) -> bool:
    if row.state == BacktestState.WANTED:
        row.total = past.past_total(last=row.last, since=row.since)
    trial, tally, until = replay(readable(row.source)), Tally.from_json(row.tally), time.monotonic() + STRETCH_S
    more = True
    while more and time.monotonic() < until:
        found = past.past(position=row.position, since=row.since, limit=min(STEP, row.last - row.done))
        for case in found.cases:
            trial.add(tally, case)
        row.done += found.looked_at
        row.position = found.position
        more = found.position is not None and row.done < row.last
    row.tally = tally.as_json()
    _save(row, BacktestState.RUNNING)
    if not more:
        _save(row, BacktestState.DONE)
    return more


@transaction.atomic
def _fail(backtest_id: int, error: str) -> None:
    if row := Backtest.objects.select_for_update().filter(pk=backtest_id, state__in=["WANTED", "RUNNING"]).first():
        _save(row, BacktestState.FAILED, error=error)


def _save(row: Backtest, state: BacktestState, *, error: str = "") -> None:
    Backtest.objects.filter(pk=row.pk).update(
        state=state, total=row.total, done=row.done, position=row.position, tally=row.tally, error=error, changed_at=Now()
    )
    tell(Hint("policies", "backtest", str(row.pk), f"backtest.{state.lower()}", row.done))
