"""Alerts of the console's figures: the rules people have set, what is over its limit now, and what was told."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from approvals.models.actions import kept


class AlertRule(models.Model):
    """From which figure on operators are told, and where; a rule without a row is as it ships (`queries.alerts.RULES`)."""

    name = models.CharField(max_length=24, unique=True)
    active = models.BooleanField()
    most = models.BigIntegerField()
    for_s = models.IntegerField()  # it has to be so for that long
    again_s = models.IntegerField()  # told again so long after, until somebody acknowledges it; 0: never
    mail = models.BooleanField()
    slack = models.TextField(blank=True)  # a channel; "": not there
    webhook = models.BooleanField()
    reason = models.TextField()
    by_name = models.TextField()
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(most__gte=1, for_s__gte=0, again_s__gte=0) & ~Q(reason=""), name="alert_rule_possible")
        ]

    def __str__(self) -> str:
        return self.name


class AlertBreach(models.Model):
    """A figure that is over its limit, since when; `well_since` once it was found below, until it has stayed there for a while."""

    rule = models.CharField(max_length=24)
    key = models.TextField(blank=True)
    since = models.DateTimeField()
    well_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "key"], name="alert_breach_one_each")]

    def __str__(self) -> str:
        return f"{self.rule} {self.key}"


class Alert(models.Model):
    """One breach that was told. `key` names what it is about where a rule has several (a halt's number); open until `closed_at`."""

    rule = models.CharField(max_length=24)
    key = models.TextField(blank=True)
    about = models.TextField(blank=True)
    opened_at = models.DateTimeField(db_default=Now())
    value = models.BigIntegerField()  # when it was opened; `last` as of the last look, `worst` of all
    most = models.BigIntegerField()
    last = models.BigIntegerField()
    worst = models.BigIntegerField()
    told = models.IntegerField(default=1)
    told_at = models.DateTimeField(db_default=Now())
    acked_at = models.DateTimeField(null=True)
    acked_by_name = models.TextField(blank=True)
    ack_note = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "key"], condition=Q(closed_at=None), name="alert_one_per_breach"),
            models.CheckConstraint(condition=Q(worst__gte=F("value")), name="alert_worst_is_no_less"),
            models.CheckConstraint(condition=Q(acked_at=None) ^ ~Q(acked_by_name=""), name="alert_acked_by_somebody"),
        ]
        indexes = [models.Index(fields=["-id"], name="alert_closed", condition=Q(closed_at__isnull=False))]
        triggers = [
            pgtrigger.Protect(
                name="opened_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("rule", "key", "about", "opened_at", "value", "most"),
            ),
            pgtrigger.Protect(name="closed_is_final", operation=pgtrigger.Update, condition=pgtrigger.Q(old__closed_at__isnull=False)),
            pgtrigger.Protect(
                name="acked_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__acked_at__isnull=False) & pgtrigger.Q(old__acked_at__df=pgtrigger.F("new__acked_at")),
            ),
            kept(),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.key} {self.pk}"
