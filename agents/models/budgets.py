"""What an agent, or everything that is done for a customer, may spend on a day."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agents.models.guards import kept


class Budget(models.Model):
    """The limits, and what was counted against them on `day` (UTC): of another day, nothing is yet. NULL: no limit; both NULL: none is set.

    Rows are few and each is counted on by every model call under it: one short statement of its own, before and after the call.
    """

    scope = models.CharField(max_length=8)  # agent | customer
    target = models.TextField()
    tokens = models.BigIntegerField(null=True)
    micros = models.BigIntegerField(null=True)
    day = models.DateField()
    spent_tokens = models.BigIntegerField(default=0, db_default=0)
    spent_micros = models.BigIntegerField(default=0, db_default=0)
    reason = models.TextField()
    by_name = models.TextField()
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "target"], name="budget_one_each"),
            models.CheckConstraint(condition=Q(scope__in=["agent", "customer"]) & ~Q(target=""), name="budget_is_of_something"),
            models.CheckConstraint(
                condition=(Q(tokens=None) | Q(tokens__gte=0)) & (Q(micros=None) | Q(micros__gte=0)), name="budget_is_an_amount"
            ),
        ]
        triggers = [kept()]

    def __str__(self) -> str:
        return f"{self.scope} {self.target}"
