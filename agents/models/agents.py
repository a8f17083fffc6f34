"""Agents and their immutable versions."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agents.models.guards import kept


class Agent(models.Model):
    """A registered graph and its settings; `user` is the account it acts as, `owner` the person who answers for it."""

    slug = models.SlugField(primary_key=True, max_length=60)
    title = models.TextField()
    description = models.TextField(blank=True)
    project = models.TextField()  # the langgraph.json it came from
    graph = models.TextField(default="", db_default="")  # its name there; ours is another where it was imported with a prefix
    environment = models.TextField(default="production")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    current = models.ForeignKey("AgentVersion", null=True, on_delete=models.PROTECT, related_name="+")
    enabled = models.BooleanField(default=True)
    # What each of its runs may spend from when it begins, where operators say otherwise than its version does; NULL and `run_budget_by` set: no limit.
    run_tokens = models.BigIntegerField(null=True)
    run_micros = models.BigIntegerField(null=True)
    run_seconds = models.IntegerField(null=True)  # how long each may be driven; NULL: as the setting says, 0: no limit
    run_budget_by = models.TextField(blank=True, default="", db_default="")
    hazards = models.JSONField(default=list, db_default=[])  # of its project, when last imported: [{"at": "file.py:12", "why"}]
    # Fingerprints of its project's code: as it was imported, and as a worker has driven it since, where that is something else.
    code_imported = models.CharField(max_length=64, default="", db_default="")
    code_driven = models.CharField(max_length=64, default="", db_default="")
    # Of an agent that runs on an Agent Server: which, and the assistant's id there.
    server = models.ForeignKey("Server", null=True, on_delete=models.PROTECT, related_name="agents")
    assistant = models.TextField(default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "assistant"], name="agent_assistant_once", condition=Q(server__isnull=False)),
            models.UniqueConstraint(fields=["project", "graph"], name="agent_graph_once", condition=~Q(project="")),
            models.CheckConstraint(condition=Q(server=None) | (Q(project="") & ~Q(assistant="")), name="agent_here_or_there"),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def code(self) -> tuple[str, str, int]:
        """What a worker loads it by: project, graph and version."""
        return self.project, self.graph, self.current_id or 0


class AgentVersion(models.Model):
    """The immutable set of graph, tools, model and policy that runs were made with."""

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="versions")
    number = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    drawing = models.JSONField()  # {"nodes": [{"id", "name"}], "edges": [{"source", "target", "conditional"}]}
    tools = models.JSONField()
    input_schema = models.JSONField()
    sample_inputs = models.JSONField(default=list)
    model = models.TextField()
    policy = models.TextField()
    compensate_on = models.JSONField(default=list, db_default=[])  # ends of a run after which what it did is reversed (graphs.spec)
    budget = models.JSONField(
        default=dict, db_default={}
    )  # what each run may spend, as its developer says: {"tokens", "micros", "seconds"}
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent", "number"], name="agent_version_number"),
            models.UniqueConstraint(fields=["agent", "sha256"], name="agent_version_once"),
        ]
        triggers = [
            pgtrigger.Protect(name="frozen", operation=pgtrigger.Update, condition=pgtrigger.AnyChange()),
            kept(),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} v{self.number}"
