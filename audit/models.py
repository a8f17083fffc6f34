"""Tables of the audit room: the append-only event log, and the spans of what agents thought and did.

Imported by `audit.log`, `audit.traces` and `audit.queries` only. Rows name things of other rooms by
text, never by foreign key: deleting a thing must not erase its past.
"""

from typing import Any

import pgtrigger
from django.db import models
from django.db.models.functions import Now


class XidField(models.BigIntegerField):  # type: ignore[type-arg]
    """PostgreSQL's 64-bit transaction id, filled in by the database, for a sealer that must not skip late commits."""

    def db_type(self, connection: Any) -> str:
        return "xid8"

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return value if hasattr(value, "resolve_expression") else str(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int:
        return int(value)


class Event(models.Model):
    """One leaf: `body` is the RFC 8785 truth, the other columns are copies of it to search by.

    `leaf` = SHA-256(0x00 || body), the RFC 6962 leaf hash. `body` holds the previous leaf of its stream,
    so one object's story is a chain by itself. The table refuses UPDATE, DELETE and TRUNCATE.
    """

    id = models.BigAutoField(primary_key=True)
    xid = XidField(db_default=models.Func(function="pg_current_xact_id"), editable=False)
    at = models.DateTimeField()
    tenant = models.TextField()
    stream = models.TextField()
    seq = models.IntegerField()
    kind = models.TextField()
    actor_kind = models.TextField()
    actor_id = models.TextField()
    actor_name = models.TextField()
    door = models.TextField()
    agent = models.TextField(blank=True)
    run = models.TextField(blank=True)
    action = models.TextField(blank=True)
    digest = models.TextField(blank=True)
    policy = models.TextField(blank=True)
    body = models.BinaryField()
    leaf = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "seq"], name="event_stream_is_a_line")]
        indexes = [
            models.Index(fields=["run", "id"], name="event_by_run", condition=~models.Q(run="")),
            models.Index(fields=["action", "id"], name="event_by_action", condition=~models.Q(action="")),
            models.Index(fields=["actor_id", "id"], name="event_by_actor"),
            models.Index(fields=["kind", "id"], name="event_by_kind"),
            models.Index(fields=["agent", "id"], name="event_by_agent"),
            models.Index(fields=["at", "id"], name="event_by_time"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="never_emptied",
                operation=pgtrigger.Truncate,
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                func="RAISE EXCEPTION 'audit_event is append-only: it cannot be emptied';",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"

    @property
    def leaf_hex(self) -> str:
        return bytes(self.leaf).hex()


class Span(models.Model):
    """What one step, model call or tool call took in and gave back, in full. No part of the log: it may be changed, and taken out, by whoever has the database; nothing here does."""

    id = models.BigAutoField(primary_key=True)
    trace = models.TextField()
    run = models.TextField()
    kind = models.TextField()  # node | model | tool
    name = models.TextField()
    key = models.TextField()  # unique within the run, so that a step told twice is one row
    parent = models.TextField(blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    status = models.TextField(default="running")  # running | done | failed | paused | halted
    input = models.JSONField(default=dict)
    output = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    attributes = models.JSONField(default=dict)
    written_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="span_told_once")]
        indexes = [
            models.Index(fields=["run", "started_at"], name="span_by_run"),
            models.Index(fields=["-started_at"], name="span_of_models", condition=models.Q(kind="model")),  # what a day spent
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
