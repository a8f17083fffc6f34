"""Celery's door into the approvals room: ticks of the sweeper. Each makes its calls and returns."""

from celery import shared_task

from approvals import operations
from approvals.operations import backtests
from approvals.queries.policies import unfinished_backtests


@shared_task(ignore_result=True)
def sweep() -> None:
    """End what the database's clock says is over."""
    operations.expire_due()
    for backtest_id in unfinished_backtests(quiet_s=5):
        backtest.delay(backtest_id)


@shared_task(ignore_result=True)
def tidy() -> None:
    """Forget catch-up rows nobody can ask for any more."""
    operations.prune()
    backtests.forget_old()


@shared_task(ignore_result=True)
def backtest(backtest_id: int) -> None:
    """Try a draft on past actions for one stretch; the rest is a task of its own, behind what came meanwhile."""
    if backtests.advance(backtest_id):
        backtests.wake(backtest_id)
