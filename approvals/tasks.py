"""Celery's door into the approvals room: ticks of the sweeper. Each makes its calls and returns."""

import functools
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from celery import Task, shared_task
from django.conf import settings

from approvals import operations
from approvals.aside import Aside
from approvals.notify import alerts, mail, push, words
from approvals.notify.choices import EMAIL, PUSH
from approvals.notify.errors import NotSent
from approvals.operations import (
    absences,
    backtests,
    delivering,
    moments,
    opining,
    outside,
    pacing,
    posting,
    reaching,
    recounting,
    reserving,
    slack_heard,
    slack_owing,
    slack_people,
    slack_queue,
    snoozing,
    webhooks,
)
from approvals.operations.delivering import Parcel
from approvals.queries.policies import unfinished_backtests
from approvals.slack import approving, keeping, noting, sending


@shared_task(ignore_result=True)
def sweep() -> None:
    """End what the database's clock says is over."""
    operations.expire_due()
    if moments.anything_due():
        moments.pass_due()
        reserving.let_go()
        snoozing.wake_due()
        absences.end_due()
        opining.end_due()
    for backtest_id in unfinished_backtests(quiet_s=5):
        backtest.delay(backtest_id)


@shared_task(ignore_result=True)
def tidy() -> None:
    """Forget catch-up rows nobody can ask for any more."""
    operations.prune()
    recounting.recount()
    outside.give_up()
    backtests.forget_old()
    delivering.forget_old()
    slack_heard.forget_old()
    slack_people.forget_guesses()
    slack_queue.forget_old()
    webhooks.forget_old()


@shared_task(ignore_result=True)
def backtest(backtest_id: int) -> None:
    """Try a draft on past actions for one stretch; the rest is a task of its own, behind what came meanwhile."""
    if backtests.advance(backtest_id):
        backtests.wake(backtest_id)


STRETCH_S = 5.0  # then the next kind gets its turn; the next tick goes on
DIGESTS_EVERY_S = 30.0
HASTE_EVERY_S = 10.0
_morning = _slack_morning = _pace = 0.0


def aside(work: Callable[[], object]) -> Task[[], None]:
    """A tick that waits for machines of others. In a worker it is done in a thread of its own (see `approvals.aside`); called directly, at once."""
    thread = Aside(work.__name__, work)

    @shared_task(bind=True, ignore_result=True, name=f"approvals.tasks.{work.__name__}")
    @functools.wraps(work)
    def tick(self: Task[[], None]) -> None:
        work() if self.request.called_directly else thread.wake()

    return tick


@aside
def reach() -> None:
    """Tell people what waits for them: make deliveries of notices, then send what is due, for one stretch."""
    global _morning, _pace
    delivering.take_over()
    if time.monotonic() >= _pace:
        _pace = time.monotonic() + HASTE_EVERY_S
        pacing.sound_alarms()
    if time.monotonic() >= _morning:
        _morning = time.monotonic() + DIGESTS_EVERY_S
        reaching.digests()
    reaching.spread()
    until = time.monotonic() + STRETCH_S
    for channel in (EMAIL, PUSH):
        while time.monotonic() < until and (parcel := delivering.claim(channel)):
            delivering.record(parcel, _failure(parcel))


@aside
def tell_programs() -> None:
    """Owe endpoints what has happened, then post what is due, for one stretch."""
    posting.post_due(seconds=STRETCH_S)


@aside
def slack() -> None:
    """Decide presses that were left over, then post and update what is due, for one stretch."""
    global _slack_morning
    if time.monotonic() >= _slack_morning:
        _slack_morning = time.monotonic() + DIGESTS_EVERY_S
        noting.owe_digests()
    approving.sweep()
    sending.tick(waits=True)


@aside
def slack_sweep() -> None:
    """Whether cards still stand as they were posted, and people are still members."""
    if slack_owing.installed():
        keeping.sweep()
        keeping.people()


def _failure(parcel: Parcel) -> NotSent | None:
    """Send one parcel; what went wrong, if it did."""
    try:
        _send(parcel)
    except NotSent as failure:
        return failure
    return None


def _send(parcel: Parcel) -> None:
    site = settings.PUBLIC_URL.rstrip("/")
    if parcel.target:
        return push.send(parcel.target, words.push(parcel.items, parcel.total), seconds=parcel.seconds, level=parcel.level)
    if parcel.kind == "digest":
        message = words.digest(parcel.items, parcel.total, site=site, zone=parcel.zone)
    elif parcel.alert:
        message = alerts.mail(parcel.alert, site=site)
    elif parcel.kind == "trial":
        message = words.trial(site=site)
    else:
        message = words.mail(parcel.items, total=parcel.total, waiting=parcel.waiting, site=site, zone=parcel.zone)
    host = urlsplit(site).hostname or "countersign"
    mail.send(to=parcel.to, subject=message.subject, body=message.body, message_id=f"<delivery-{parcel.first}@{host}>")
    return None
