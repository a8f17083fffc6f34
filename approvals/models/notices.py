"""What is owed to readers: a row written with the change, so that nobody has to have been listening."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Notification(models.Model):
    """A message owed. Channel "live" is the browser's catch-up table; rows with an empty `sent_at` are still owed
    (of "live" ones: what no card in Slack has heard of, where there is a Slack; see `operations.slack_following`).

    Channel "desk" holds what one person is told about an action (`recipient` is their user id, `kind` says what): it is shown on
    their inbox until they have read it, which is its `sent_at`.
    """

    id = models.BigAutoField(primary_key=True)
    channel = models.TextField(default="live")
    topic = models.TextField()
    recipient = models.TextField(blank=True)
    object = models.TextField()
    object_id = models.TextField()
    version = models.IntegerField(default=0)
    kind = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="notification_owed", condition=Q(sent_at=None) & ~Q(channel="live")),
            models.Index(fields=["created_at"], name="notification_by_age"),
            models.Index(fields=["recipient", "-id"], name="notification_unread", condition=Q(channel="desk", sent_at=None)),
        ]
        triggers = [
            # Heard if and only if the row commits; the listener is `approvals.live.listener`.
            pgtrigger.Trigger(
                name="told",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                condition=pgtrigger.Q(new__channel="live"),
                func="""
                PERFORM pg_notify('countersign_live', json_build_object(
                    'id', NEW.id, 'topic', NEW.topic, 'object', NEW.object, 'object_id', NEW.object_id,
                    'version', NEW.version, 'kind', NEW.kind)::text);
                RETURN NULL;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"
