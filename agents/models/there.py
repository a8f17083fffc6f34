"""Agents on Agent Servers: where they are, where their runs stand, answers on their way (docs/adr/0037)."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agents.models.guards import kept, known, steps
from agents.models.runs import Pause, Run
from agents.states import HANDOVER_TRANSITIONS, HandoverState


class Server(models.Model):
    """A LangGraph Agent Server whose agents ask here. `look_at` is the queue: due rows are looked at."""

    url = models.TextField(unique=True)
    headers = models.TextField(blank=True)  # JSON, sealed: keys of others
    hook = models.TextField()  # sealed: the secret in the address by which it may hint at news
    tells = models.BooleanField(default=False)  # the runs we resume there are given that address
    version = models.TextField(blank=True)  # as it said when it was last reached
    look_at = models.DateTimeField(db_default=Now())
    reached_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)  # that failed since
    error = models.TextField(blank=True)
    note = models.TextField(blank=True, default="", db_default="")  # what is wrong there although it was reached
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["look_at"], name="server_due")]

    def __str__(self) -> str:
        return self.url


class Thread(models.Model):
    """Where a run of such an agent stands: a thread there. `look_at` is set while the run goes on there and nobody here follows it."""

    run = models.OneToOneField(Run, primary_key=True, on_delete=models.PROTECT, related_name="there")
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="+")
    thread = models.TextField()
    look_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)  # the run was cancelled, and nothing of it runs there any more

    class Meta:
        indexes = [
            models.Index(fields=["server", "thread"], name="thread_there"),
            models.Index(fields=["look_at"], name="thread_parked", condition=Q(look_at__isnull=False)),
        ]
        triggers = [kept()]

    def __str__(self) -> str:
        return self.thread


class Handover(models.Model):
    """One answer on its way to a server, at most one per pause: the row is there before anything is sent."""

    pause = models.OneToOneField(Pause, primary_key=True, on_delete=models.PROTECT, related_name="handover")
    state = models.CharField(max_length=12, default=HandoverState.SENDING, choices=[(s, s) for s in HandoverState])
    there = models.TextField(blank=True)  # the run it began there
    why = models.TextField(blank=True)
    sent_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            known("state", HandoverState, "handover_state_known"),
            models.CheckConstraint(condition=~Q(state=HandoverState.TAKEN) | ~Q(there=""), name="handover_taken_by_a_run"),
        ]
        triggers = [pgtrigger.FSM(name="handover_steps", field="state", transitions=steps(HANDOVER_TRANSITIONS)), kept()]

    def __str__(self) -> str:
        return f"{self.pause_id} {self.state}"
