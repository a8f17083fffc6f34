"""What was sent to whom, or is still to be: one row per person, channel and notice; and the browsers people asked to be called on."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.states import DELIVERY_TRANSITIONS, DeliveryState, steps


class Device(models.Model):
    """A browser that takes Web Push: where its push service is, and the keys only it can read with."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    endpoint = models.TextField(unique=True)
    p256dh = models.TextField()
    auth = models.TextField()
    name = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    told_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} of {self.user_id}"


class Delivery(models.Model):
    """One message owed to one person through one channel. The row is the queue: whoever sets SENDING sends.

    `key` names the notice ("notice:<id>", "digest:<day>"): the same notice never makes a second row for a person, channel and device.
    """

    class Channel(models.TextChoices):
        EMAIL = "email"
        PUSH = "push"

    key = models.TextField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    device = models.BigIntegerField(default=0)  # 0: the channel has one address only
    kind = models.TextField()  # what happened to the action, or "digest"
    action = models.TextField(blank=True)
    version = models.IntegerField(default=0)
    level = models.CharField(max_length=10, blank=True)
    state = models.CharField(max_length=10, default=DeliveryState.WAITING, choices=[(s, s) for s in DeliveryState])
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())
    error = models.TextField(blank=True)  # the last failure, or why it was not sent
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "user", "channel", "device"], name="delivery_once"),
            models.CheckConstraint(condition=Q(state__in=[str(s) for s in DeliveryState]), name="delivery_state_known"),
        ]
        indexes = [
            models.Index(fields=["channel", "next_at"], name="delivery_due", condition=Q(state="WAITING")),
            models.Index(fields=["changed_at"], name="delivery_sending", condition=Q(state="SENDING")),
            models.Index(fields=["-id"], name="delivery_failed", condition=Q(state__in=["FAILED", "UNSURE"])),
            models.Index(fields=["user", "channel", "-changed_at"], name="delivery_sent", condition=Q(state="SENT")),
            models.Index(fields=["user", "-id"], name="delivery_of"),
            models.Index(fields=["created_at"], name="delivery_by_age"),
        ]
        triggers = [
            pgtrigger.FSM(name="delivery_steps", field="state", transitions=steps(DELIVERY_TRANSITIONS)),
            pgtrigger.Protect(
                name="owed_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__key__df=pgtrigger.F("new__key")) | pgtrigger.Q(old__user__df=pgtrigger.F("new__user")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.key} to {self.user_id}"
