"""Stop orders and their releases. Read inside the claim statement: after a halt commits, nothing new starts."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.models.actions import kept


class Halt(models.Model):
    """One stop order; active until released. The id is its epoch: later orders have higher ones."""

    class Scope(models.TextChoices):
        EVERYTHING = "everything"
        AGENT = "agent"
        VERSION = "version"  # of an agent, as "refunds@3"
        TOOL = "tool"
        CUSTOMER = "customer"
        RUN = "run"

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=12, choices=Scope.choices)
    target = models.TextField(blank=True)
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    by_name = models.TextField()
    door = models.TextField()
    rule = models.CharField(max_length=16, blank=True, default="", db_default="")  # which rule gave it; "" for people's orders
    created_at = models.DateTimeField(db_default=Now())
    released_at = models.DateTimeField(null=True)
    released_by_name = models.TextField(blank=True)
    release_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "target"], condition=Q(released_at=None), name="halt_one_active"),
            models.CheckConstraint(
                condition=Q(scope="everything", target="") | ~Q(scope="everything") & ~Q(target=""), name="halt_target_fits"
            ),
            models.CheckConstraint(condition=Q(released_at=None) | ~Q(release_reason=""), name="halt_release_says_why"),
            models.CheckConstraint(condition=Q(rule="") | Q(by=None), name="halt_by_rule_is_nobodys"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="order_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("scope", "target", "reason", "by_name", "created_at", "rule"),
            ),
            pgtrigger.Protect(name="released_is_final", operation=pgtrigger.Update, condition=pgtrigger.Q(old__released_at__isnull=False)),
            kept(),
        ]

    def __str__(self) -> str:
        return f"halt {self.scope} {self.target}"


class HaltRule(models.Model):
    """When Countersign halts by itself, where people have said otherwise than the settings; `agent` "" speaks of every agent without a row of its own.

    `most` is how many are still let pass less one: so many halt. `share`, in percent, has to be reached as well; 0 asks for none.
    """

    class Kind(models.TextChoices):
        FAILED_CALLS = "failed_calls"
        FAILED_RUNS = "failed_runs"
        TOKENS = "tokens"
        REJECTED_RUN = "rejected_run"
        REJECTED_AGENT = "rejected_agent"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    agent = models.TextField(blank=True)
    active = models.BooleanField()
    most = models.BigIntegerField()
    share = models.SmallIntegerField(default=0)
    window_s = models.IntegerField()
    reason = models.TextField()
    by_name = models.TextField()
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "agent"], name="halt_rule_one_each"),
            models.CheckConstraint(condition=Q(most__gte=1, share__gte=0, share__lte=100, window_s__gte=1), name="halt_rule_possible"),
            models.CheckConstraint(condition=~Q(reason=""), name="halt_rule_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.agent}"


class Release(models.Model):
    """One step of lifting an order: a run or an agent goes on while the order stands for the rest, or all of it does.

    It counts from `confirmed_at`. Where a second person is needed, it waits for them until then (see `operations.releasing`).
    """

    class Scope(models.TextChoices):
        RUN = "run"
        AGENT = "agent"
        ALL = "all"

    halt = models.ForeignKey(Halt, on_delete=models.PROTECT, related_name="releases")
    scope = models.CharField(max_length=8, choices=Scope.choices)
    target = models.TextField(blank=True)
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_name = models.TextField()
    door = models.TextField()
    asked_at = models.DateTimeField(db_default=Now())
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_by_name = models.TextField(blank=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["halt", "scope", "target"], condition=Q(confirmed_at__isnull=False), name="release_once"),
            models.CheckConstraint(condition=Q(scope="all", target="") | ~Q(scope="all") & ~Q(target=""), name="release_target_fits"),
            models.CheckConstraint(condition=~Q(reason=""), name="release_says_why"),
            models.CheckConstraint(condition=Q(confirmed_at=None) | Q(confirmed_by__isnull=False), name="release_confirmed_by_somebody"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="asked_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("halt", "scope", "target", "reason", "by", "by_name", "asked_at"),
            ),
            pgtrigger.Protect(
                name="confirmed_is_final", operation=pgtrigger.Update, condition=pgtrigger.Q(old__confirmed_at__isnull=False)
            ),
            kept(),
        ]

    def __str__(self) -> str:
        return f"release {self.scope} {self.target} of {self.halt_id}"
