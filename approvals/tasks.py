"""Celery's door into the approvals room: ticks of the sweeper. Each makes its calls and returns."""

from celery import shared_task

from approvals import operations


@shared_task(ignore_result=True)
def sweep() -> None:
    """End what the database's clock says is over."""
    operations.expire_due()


@shared_task(ignore_result=True)
def tidy() -> None:
    """Forget catch-up rows nobody can ask for any more."""
    operations.prune()
