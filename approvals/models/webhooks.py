"""Where programs want to be told of what happens, and what was sent there."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.states import DELIVERY_TRANSITIONS, DeliveryState, steps


class Endpoint(models.Model):
    """One address. `agent` "" hears of everything; `kinds` [] of every kind. Its secret lies here sealed: it signs, so it cannot be a hash."""

    agent = models.TextField(blank=True)
    url = models.TextField()
    about = models.TextField(blank=True)
    kinds = models.JSONField(default=list)
    secret = models.TextField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    on_at = models.DateTimeField(db_default=Now())  # what was logged before is not posted there
    off_at = models.DateTimeField(null=True)
    off_why = models.TextField(blank=True)
    alone_until = models.DateTimeField(null=True)  # its server asked to be left alone

    class Meta:
        indexes = [models.Index(fields=["agent"], name="endpoint_on", condition=Q(off_at=None))]

    def __str__(self) -> str:
        return self.url


class Post(models.Model):
    """One message to one endpoint. `message` is its Standard Webhooks id: the same in every try, and in a later `round` that somebody asked for."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="posts")
    message = models.TextField()
    round = models.IntegerField(default=1)
    kind = models.TextField()
    about = models.TextField(blank=True)  # the action, run or halt
    body = models.TextField()
    state = models.CharField(max_length=10, default=DeliveryState.WAITING, choices=[(s, s) for s in DeliveryState])
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())
    status = models.IntegerField(null=True)  # the last answer's
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "message", "round"], name="post_once"),
            models.CheckConstraint(condition=Q(state__in=[str(s) for s in DeliveryState]), name="post_state_known"),
        ]
        indexes = [
            # What is due to one endpoint, and whether it has failed it: asked anew for each message, of however many that wait.
            models.Index(fields=["endpoint", "next_at", "id"], name="post_next", condition=Q(state="WAITING")),
            models.Index(fields=["endpoint"], name="post_tried", condition=Q(state="WAITING", attempts__gt=0)),
            models.Index(fields=["changed_at"], name="post_sending", condition=Q(state="SENDING")),
            models.Index(fields=["endpoint", "-id"], name="post_of"),
            models.Index(fields=["created_at"], name="post_by_age"),
        ]
        triggers = [pgtrigger.FSM(name="post_steps", field="state", transitions=steps(DELIVERY_TRANSITIONS))]

    def __str__(self) -> str:
        return f"{self.kind} to {self.endpoint_id}"


class Looked(models.Model):
    """How far the log was looked through for endpoints: every event of a transaction before this one (one row)."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    xid = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="looked_once")]

    def __str__(self) -> str:
        return f"before {self.xid}"
