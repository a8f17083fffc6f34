"""All tables up to the last migration it replaces, made in one go: step by step takes several times as long.

Triggers are in the models' options and installed at the end (`AddTrigger` for each would render every model anew). A database made by some of the
migrations it replaces goes on with those: they stay.
"""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models

import agents.states

TABLES = [
    migrations.CreateModel(
        name="Server",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("url", models.TextField(unique=True)),
            ("headers", models.TextField(blank=True)),
            ("hook", models.TextField()),
            ("tells", models.BooleanField(default=False)),
            ("version", models.TextField(blank=True)),
            ("look_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("reached_at", models.DateTimeField(null=True)),
            ("tries", models.IntegerField(default=0)),
            ("error", models.TextField(blank=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("note", models.TextField(blank=True, db_default="", default="")),
        ],
        options={
            "indexes": [models.Index(fields=["look_at"], name="server_due")],
        },
    ),
    migrations.CreateModel(
        name="Budget",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("scope", models.CharField(max_length=8)),
            ("target", models.TextField()),
            ("tokens", models.BigIntegerField(null=True)),
            ("micros", models.BigIntegerField(null=True)),
            ("day", models.DateField()),
            ("spent_tokens", models.BigIntegerField(db_default=0, default=0)),
            ("spent_micros", models.BigIntegerField(db_default=0, default=0)),
            ("reason", models.TextField()),
            ("by_name", models.TextField()),
            ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("scope", "target"), name="budget_one_each"),
                models.CheckConstraint(
                    condition=models.Q(("scope__in", ["agent", "customer"]), models.Q(("target", ""), _negated=True)),
                    name="budget_is_of_something",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("tokens", None), ("tokens__gte", 0), _connector="OR"),
                        models.Q(("micros", None), ("micros__gte", 0), _connector="OR"),
                    ),
                    name="budget_is_an_amount",
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="f1d8c3afa025469a64df5d66519a6d0616e6a92c",
                        operation="DELETE",
                        pgid="pgtrigger_kept_5bce3",
                        table="agents_budget",
                        when="BEFORE",
                    ),
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Agent",
        fields=[
            ("slug", models.SlugField(max_length=60, primary_key=True, serialize=False)),
            ("title", models.TextField()),
            ("description", models.TextField(blank=True)),
            ("project", models.TextField()),
            ("environment", models.TextField(default="production")),
            ("enabled", models.BooleanField(default=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            (
                "owner",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("assistant", models.TextField(db_default="", default="")),
            (
                "server",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="agents", to="agents.server"),
            ),
            ("graph", models.TextField(db_default="", default="")),
            ("hazards", models.JSONField(db_default=[], default=list)),
            ("run_budget_by", models.TextField(blank=True, db_default="", default="")),
            ("run_micros", models.BigIntegerField(null=True)),
            ("run_tokens", models.BigIntegerField(null=True)),
            ("code_driven", models.CharField(db_default="", default="", max_length=64)),
            ("code_imported", models.CharField(db_default="", default="", max_length=64)),
            ("run_seconds", models.IntegerField(null=True)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("server__isnull", False)), fields=("server", "assistant"), name="agent_assistant_once"
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("server", None), models.Q(("project", ""), models.Q(("assistant", ""), _negated=True)), _connector="OR"
                    ),
                    name="agent_here_or_there",
                ),
                models.UniqueConstraint(
                    condition=models.Q(("project", ""), _negated=True), fields=("project", "graph"), name="agent_graph_once"
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="AgentVersion",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("number", models.IntegerField()),
            ("sha256", models.CharField(max_length=64)),
            ("drawing", models.JSONField()),
            ("tools", models.JSONField()),
            ("input_schema", models.JSONField()),
            ("sample_inputs", models.JSONField(default=list)),
            ("model", models.TextField()),
            ("policy", models.TextField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("agent", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="agents.agent")),
            ("compensate_on", models.JSONField(db_default=[], default=list)),
            ("budget", models.JSONField(db_default={}, default=dict)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("agent", "number"), name="agent_version_number"),
                models.UniqueConstraint(fields=("agent", "sha256"), name="agent_version_once"),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="10eb87c28868f4eb10789d71f61b4a87248c8f01",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_26deb",
                        table="agents_agentversion",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="17bfc5d04ffae5150a381086afd2a29c655d2d30",
                        operation="DELETE",
                        pgid="pgtrigger_kept_11921",
                        table="agents_agentversion",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Run",
        fields=[
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("thread", models.TextField(unique=True)),
            ("trace", models.TextField()),
            (
                "state",
                models.CharField(
                    choices=[
                        (agents.states.RunState["CREATED"], agents.states.RunState["CREATED"]),
                        (agents.states.RunState["RUNNING"], agents.states.RunState["RUNNING"]),
                        (agents.states.RunState["WAITING"], agents.states.RunState["WAITING"]),
                        (agents.states.RunState["READY"], agents.states.RunState["READY"]),
                        (agents.states.RunState["HALTED"], agents.states.RunState["HALTED"]),
                        (agents.states.RunState["PAUSED"], agents.states.RunState["PAUSED"]),
                        (agents.states.RunState["SUCCEEDED"], agents.states.RunState["SUCCEEDED"]),
                        (agents.states.RunState["PARTIAL"], agents.states.RunState["PARTIAL"]),
                        (agents.states.RunState["FAILED"], agents.states.RunState["FAILED"]),
                        (agents.states.RunState["CANCELLED"], agents.states.RunState["CANCELLED"]),
                    ],
                    default=agents.states.RunState["CREATED"],
                    max_length=12,
                ),
            ),
            ("input", models.JSONField()),
            ("output", models.JSONField(null=True)),
            ("error", models.TextField(blank=True)),
            ("nodes", models.JSONField(default=list)),
            ("door", models.TextField()),
            ("idempotency_key", models.TextField(null=True)),
            ("fence", models.BigIntegerField(default=0)),
            ("lease_until", models.DateTimeField(null=True)),
            ("attempts", models.IntegerField(default=0)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("finished_at", models.DateTimeField(null=True)),
            ("agent", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="agents.agent")),
            (
                "started_by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            ("version", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agents.agentversion")),
            ("held_by", models.TextField(blank=True, db_default="", default="")),
            ("held_why", models.TextField(blank=True, db_default="", default="")),
            (
                "hold",
                models.CharField(
                    blank=True,
                    choices=[
                        (agents.states.Hold["NONE"], agents.states.Hold["NONE"]),
                        (agents.states.Hold["PAUSE"], agents.states.Hold["PAUSE"]),
                        (agents.states.Hold["STEP"], agents.states.Hold["STEP"]),
                        (agents.states.Hold["BUDGET"], agents.states.Hold["BUDGET"]),
                    ],
                    db_default="",
                    default=agents.states.Hold["NONE"],
                    max_length=8,
                ),
            ),
            ("to_change", models.BooleanField(db_default=False, default=False)),
            ("parent", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="forks", to="agents.run")),
            ("parent_checkpoint", models.TextField(blank=True, db_default="", default="")),
            ("budget_micros", models.BigIntegerField(null=True)),
            ("budget_tokens", models.BigIntegerField(null=True)),
            ("customer", models.TextField(blank=True, db_default="", default="")),
            ("needs_micros", models.BigIntegerField(db_default=0, default=0)),
            ("spent_micros", models.BigIntegerField(db_default=0, default=0)),
            ("spent_tokens", models.BigIntegerField(db_default=0, default=0)),
            ("unpriced", models.IntegerField(db_default=0, default=0)),
            ("driven_ms", models.BigIntegerField(db_default=0, default=0)),
            ("limit_s", models.IntegerField(db_default=0, default=0)),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("state__in", ["CREATED", "READY"])), fields=["changed_at"], name="run_work"),
                models.Index(condition=models.Q(("state", "RUNNING")), fields=["lease_until"], name="run_leases"),
                models.Index(fields=["-created_at", "-id"], name="run_newest"),
                models.Index(fields=["state", "-created_at"], name="run_by_state"),
                models.Index(
                    condition=models.Q(("state__in", ("CREATED", "HALTED", "PAUSED", "READY", "RUNNING", "WAITING"))),
                    fields=["-created_at", "-id"],
                    name="run_live",
                ),
                models.Index(condition=models.Q(("state", "FAILED")), fields=["finished_at"], name="run_failed"),
                models.Index(condition=models.Q(("hold", "budget"), ("state", "PAUSED")), fields=["changed_at"], name="run_over_budget"),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("state", agents.states.RunState["RUNNING"]), _negated=True),
                        ("lease_until__isnull", False),
                        _connector="OR",
                    ),
                    name="run_running_has_a_lease",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        (
                            "state__in",
                            ["CREATED", "RUNNING", "WAITING", "READY", "HALTED", "PAUSED", "SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"],
                        )
                    ),
                    name="run_state_known",
                ),
                models.UniqueConstraint(fields=("agent", "started_by", "idempotency_key"), name="run_started_once_each"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("parent", None), ("parent_checkpoint", "")),
                        models.Q(("parent__isnull", False), models.Q(("parent_checkpoint", ""), _negated=True)),
                        _connector="OR",
                    ),
                    name="run_forked_at_a_checkpoint",
                ),
                models.CheckConstraint(condition=models.Q(("hold__in", ["", "pause", "step", "budget"])), name="run_hold_known"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("budget_tokens", None), ("budget_tokens__gte", 0), _connector="OR"),
                        models.Q(("budget_micros", None), ("budget_micros__gte", 0), _connector="OR"),
                    ),
                    name="run_budget_is_an_amount",
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="fence_only_rises",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (NEW."fence" < (OLD."fence"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="9dc637db206e67c3d22de21785619e65a295eff6",
                        operation="UPDATE",
                        pgid="pgtrigger_fence_only_rises_367c8",
                        table="agents_run",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="7534a2f32f2995b61a4ef17e7fb99aac2d5c987b",
                        operation="DELETE",
                        pgid="pgtrigger_kept_063a0",
                        table="agents_run",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="run_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{CREATED:CANCELLED,CREATED:PAUSED,CREATED:RUNNING,FAILED:CANCELLED,FAILED:READY,HALTED:CANCELLED,HALTED:READY,PAUSED:CANCELLED,PAUSED:READY,READY:CANCELLED,READY:PAUSED,READY:RUNNING,RUNNING:CANCELLED,RUNNING:FAILED,RUNNING:HALTED,RUNNING:PARTIAL,RUNNING:PAUSED,RUNNING:READY,RUNNING:SUCCEEDED,RUNNING:WAITING,WAITING:CANCELLED,WAITING:FAILED,WAITING:PAUSED,WAITING:READY}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="6a46b28fcafb08c6d7affdca95bbf9c40c25700f",
                        operation="UPDATE",
                        pgid="pgtrigger_run_steps_bdb3a",
                        table="agents_run",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="asked_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."agent_id" IS DISTINCT FROM (NEW."agent_id") OR OLD."input" IS DISTINCT FROM (NEW."input") OR OLD."parent_id" IS DISTINCT FROM (NEW."parent_id") OR OLD."parent_checkpoint" IS DISTINCT FROM (NEW."parent_checkpoint") OR OLD."started_by_id" IS DISTINCT FROM (NEW."started_by_id") OR OLD."thread" IS DISTINCT FROM (NEW."thread"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="3601cd32d5cfa6cc78b7766e8078c908ea558a74",
                        operation="UPDATE",
                        pgid="pgtrigger_asked_is_fixed_24468",
                        table="agents_run",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Effect",
        fields=[
            ("action_id", models.UUIDField(primary_key=True, serialize=False)),
            ("tool", models.TextField()),
            ("digest", models.CharField(max_length=64)),
            (
                "state",
                models.CharField(
                    choices=[
                        (agents.states.EffectState["READY"], agents.states.EffectState["READY"]),
                        (agents.states.EffectState["CLAIMED"], agents.states.EffectState["CLAIMED"]),
                        (agents.states.EffectState["DONE"], agents.states.EffectState["DONE"]),
                        (agents.states.EffectState["FAILED"], agents.states.EffectState["FAILED"]),
                        (agents.states.EffectState["UNKNOWN"], agents.states.EffectState["UNKNOWN"]),
                        (agents.states.EffectState["COMPENSATED"], agents.states.EffectState["COMPENSATED"]),
                    ],
                    default=agents.states.EffectState["READY"],
                    max_length=12,
                ),
            ),
            ("idempotent", models.BooleanField(default=False)),
            ("fence", models.BigIntegerField(default=0)),
            ("attempts", models.IntegerField(default=0)),
            ("lease_until", models.DateTimeField(null=True)),
            ("hold_until", models.DateTimeField(null=True)),
            ("result", models.JSONField(null=True)),
            ("result_sha256", models.CharField(blank=True, max_length=64)),
            ("error", models.TextField(blank=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("claimed_at", models.DateTimeField(null=True)),
            ("finished_at", models.DateTimeField(null=True)),
            ("run", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="effects", to="agents.run")),
            ("begun_at", models.DateTimeField(null=True)),
            ("by_agent", models.BooleanField(db_default=False, default=False)),
            ("call_id", models.TextField(db_default="", default="")),
            ("told_at", models.DateTimeField(null=True)),
            ("micros", models.BigIntegerField(db_default=0, default=0)),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("state", "READY")), fields=["created_at"], name="effect_work"),
                models.Index(condition=models.Q(("state", "CLAIMED")), fields=["lease_until"], name="effect_leases"),
                models.Index(condition=models.Q(("state", "UNKNOWN")), fields=["claimed_at"], name="effect_unknown"),
                models.Index(condition=models.Q(("by_agent", True)), fields=["run"], name="effect_by_agent"),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["READY", "CLAIMED", "DONE", "FAILED", "UNKNOWN", "COMPENSATED"])),
                    name="effect_state_known",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("state__in", [agents.states.EffectState["READY"], agents.states.EffectState["FAILED"]]),
                        ("claimed_at__isnull", False),
                        _connector="OR",
                    ),
                    name="effect_claimed_has_a_time",
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="effect_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."action_id" IS DISTINCT FROM (NEW."action_id") OR OLD."digest" IS DISTINCT FROM (NEW."digest") OR OLD."run_id" IS DISTINCT FROM (NEW."run_id") OR OLD."tool" IS DISTINCT FROM (NEW."tool"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="a0434c34ea6f66239e4f6b953b1a75b276e22cfa",
                        operation="UPDATE",
                        pgid="pgtrigger_effect_is_fixed_097b4",
                        table="agents_effect",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="done_is_final",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."state" IN (\'DONE\', \'FAILED\') AND (OLD."result" IS DISTINCT FROM (NEW."result") OR OLD."result_sha256" IS DISTINCT FROM (NEW."result_sha256")))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="0db3dab5e9c2d37acde57da06c0dd12ff8596b0d",
                        operation="UPDATE",
                        pgid="pgtrigger_done_is_final_9cb3a",
                        table="agents_effect",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="begun_is_kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."claimed_at" IS NOT NULL)',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="5569ff5f36fc127150a6826a26eedbbda92ae230",
                        operation="DELETE",
                        pgid="pgtrigger_begun_is_kept_43642",
                        table="agents_effect",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="fence_only_rises",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (NEW."fence" < (OLD."fence"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="4ef080ebd678d6925bb917d767975b03b44d2432",
                        operation="UPDATE",
                        pgid="pgtrigger_fence_only_rises_40248",
                        table="agents_effect",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="effect_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{CLAIMED:DONE,CLAIMED:FAILED,CLAIMED:READY,CLAIMED:UNKNOWN,DONE:COMPENSATED,READY:CLAIMED,READY:FAILED,UNKNOWN:DONE,UNKNOWN:FAILED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="c64ce520b1deaec54007c25ad1fc1a7ed17d1fb0",
                        operation="UPDATE",
                        pgid="pgtrigger_effect_steps_046dd",
                        table="agents_effect",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="begun_is_not_undone",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (NEW."state" = \'READY\' AND OLD."state" = \'CLAIMED\' AND (NOT OLD."by_agent" OR OLD."begun_at" IS NOT NULL OR OLD."told_at" IS NOT NULL))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="3814aedd585b5c580b3589ac0c7b7b709aa78325",
                        operation="UPDATE",
                        pgid="pgtrigger_begun_is_not_undone_676b5",
                        table="agents_effect",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Pause",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("thread", models.TextField()),
            ("checkpoint_ns", models.TextField(blank=True)),
            ("interrupt_id", models.TextField()),
            ("node", models.TextField(blank=True)),
            ("dialect", models.TextField()),
            ("raw", models.JSONField()),
            ("proposal_digest", models.CharField(max_length=64)),
            (
                "state",
                models.CharField(
                    choices=[
                        (agents.states.PauseState["OPEN"], agents.states.PauseState["OPEN"]),
                        (agents.states.PauseState["ANSWERED"], agents.states.PauseState["ANSWERED"]),
                        (agents.states.PauseState["ORPHANED"], agents.states.PauseState["ORPHANED"]),
                        (agents.states.PauseState["SUPERSEDED"], agents.states.PauseState["SUPERSEDED"]),
                    ],
                    default=agents.states.PauseState["OPEN"],
                    max_length=12,
                ),
            ),
            ("refusal", models.JSONField(null=True)),
            ("actions", models.JSONField(default=list)),
            ("again", models.BooleanField(db_default=False, default=False)),
            ("asked", models.IntegerField(default=1)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("closed_at", models.DateTimeField(null=True)),
            ("run", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="pauses", to="agents.run")),
            ("answer", models.JSONField(null=True)),
            ("asked_by", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
            ("place", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
            ("record", models.JSONField(null=True)),
        ],
        options={
            "indexes": [models.Index(condition=models.Q(("state", "OPEN")), fields=["run", "id"], name="pause_open")],
            "constraints": [
                models.UniqueConstraint(fields=("thread", "checkpoint_ns", "interrupt_id"), name="pause_asked_once"),
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["OPEN", "ANSWERED", "ORPHANED", "SUPERSEDED"])), name="pause_state_known"
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="pause_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{OPEN:ANSWERED,OPEN:ORPHANED,OPEN:SUPERSEDED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="d05f2f97a3686422d6c3601452cd7393f6b5dd09",
                        operation="UPDATE",
                        pgid="pgtrigger_pause_steps_84920",
                        table="agents_pause",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="7bb6d7ce11a96e7edfa5118e407ef78ce1feefff",
                        operation="DELETE",
                        pgid="pgtrigger_kept_321fc",
                        table="agents_pause",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Rating",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("said_by", models.TextField(blank=True)),
            ("useful", models.BooleanField()),
            ("words", models.TextField(blank=True)),
            ("said_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("run", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="ratings", to="agents.run")),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("run", "by", "said_by"), name="rating_once_each")],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="2d5269b97d9c8d2a81fc814dcbfcf42907e0e833",
                        operation="DELETE",
                        pgid="pgtrigger_kept_31964",
                        table="agents_rating",
                        when="BEFORE",
                    ),
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Thread",
        fields=[
            (
                "run",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name="there", serialize=False, to="agents.run"
                ),
            ),
            ("thread", models.TextField()),
            ("look_at", models.DateTimeField(null=True)),
            ("stopped_at", models.DateTimeField(null=True)),
            ("server", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agents.server")),
        ],
        options={
            "indexes": [
                models.Index(fields=["server", "thread"], name="thread_there"),
                models.Index(condition=models.Q(("look_at__isnull", False)), fields=["look_at"], name="thread_parked"),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="35b8a0745140df23792ebc5c6a6b5cab45b05ea8",
                        operation="DELETE",
                        pgid="pgtrigger_kept_291d6",
                        table="agents_thread",
                        when="BEFORE",
                    ),
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Piece",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("key", models.TextField()),
            ("result", models.JSONField(null=True)),
            ("begun_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("done_at", models.DateTimeField(null=True)),
            ("run", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="pieces", to="agents.run")),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("run", "key"), name="piece_once")],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="done_is_final",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."done_at" IS NOT NULL)',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                        hash="dbf72e062344fcb32bb7b5e931452bc8a06b9b10",
                        operation="UPDATE OR DELETE",
                        pgid="pgtrigger_done_is_final_a89c8",
                        table="agents_piece",
                        when="BEFORE",
                    ),
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="CompensationOrder",
        fields=[
            (
                "run",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT,
                    primary_key=True,
                    related_name="compensation_order",
                    serialize=False,
                    to="agents.run",
                ),
            ),
            (
                "why",
                models.CharField(
                    choices=[("ordered", "Ordered"), ("cancelled", "Cancelled"), ("failed", "Failed"), ("rejected", "Rejected")],
                    max_length=10,
                ),
            ),
            ("reason", models.TextField(blank=True)),
            ("by_name", models.TextField()),
            ("door", models.TextField()),
            ("ordered_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("ended_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [models.Index(condition=models.Q(("ended_at", None)), fields=["ordered_at"], name="compensation_work")],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="order_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."by_name" IS DISTINCT FROM (NEW."by_name") OR OLD."door" IS DISTINCT FROM (NEW."door") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."run_id" IS DISTINCT FROM (NEW."run_id") OR OLD."why" IS DISTINCT FROM (NEW."why"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="10a4a043d1188dae4792db9bb7eedb6404e5099b",
                        operation="UPDATE",
                        pgid="pgtrigger_order_is_fixed_37e3b",
                        table="agents_compensationorder",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="fd7ecbce6b6ef61e485639212b862685c51bf40e",
                        operation="DELETE",
                        pgid="pgtrigger_kept_249d0",
                        table="agents_compensationorder",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Override",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "kind",
                models.CharField(
                    choices=[
                        (agents.states.OverrideKind["EDIT"], agents.states.OverrideKind["EDIT"]),
                        (agents.states.OverrideKind["REWIND"], agents.states.OverrideKind["REWIND"]),
                        (agents.states.OverrideKind["SKIP"], agents.states.OverrideKind["SKIP"]),
                        (agents.states.OverrideKind["FORK"], agents.states.OverrideKind["FORK"]),
                        (agents.states.OverrideKind["ANSWER"], agents.states.OverrideKind["ANSWER"]),
                    ],
                    max_length=8,
                ),
            ),
            (
                "state",
                models.CharField(
                    choices=[
                        (agents.states.OverrideState["ASKED"], agents.states.OverrideState["ASKED"]),
                        (agents.states.OverrideState["ORDERED"], agents.states.OverrideState["ORDERED"]),
                        (agents.states.OverrideState["DONE"], agents.states.OverrideState["DONE"]),
                        (agents.states.OverrideState["REFUSED"], agents.states.OverrideState["REFUSED"]),
                        (agents.states.OverrideState["DROPPED"], agents.states.OverrideState["DROPPED"]),
                    ],
                    default=agents.states.OverrideState["ORDERED"],
                    max_length=12,
                ),
            ),
            ("checkpoint", models.TextField()),
            ("head", models.TextField()),
            ("node", models.TextField(blank=True)),
            ("values", models.JSONField(default=dict)),
            ("before", models.JSONField(default=dict)),
            ("reason", models.TextField()),
            ("error", models.TextField(blank=True)),
            ("made", models.TextField(blank=True)),
            ("by_name", models.TextField()),
            ("confirmed_by_name", models.TextField(blank=True)),
            ("door", models.TextField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("closed_at", models.DateTimeField(null=True)),
            ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("run", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="overrides", to="agents.run")),
            ("confirmed_why", models.TextField(blank=True, db_default="", default="")),
            ("stay", models.BooleanField(db_default=False, default=False)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["ASKED", "ORDERED", "DONE", "REFUSED", "DROPPED"])), name="override_state_known"
                ),
                models.UniqueConstraint(condition=models.Q(("state", "ORDERED")), fields=("run",), name="override_one_at_a_time"),
                models.CheckConstraint(
                    condition=models.Q(("kind__in", ["edit", "rewind", "skip", "fork", "answer"])), name="override_kind_known"
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="override_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{ASKED:DROPPED,ASKED:ORDERED,ORDERED:DONE,ORDERED:DROPPED,ORDERED:REFUSED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="7d14f9a05917687f26fb5b6c9799cf58fef9a904",
                        operation="UPDATE",
                        pgid="pgtrigger_override_steps_ac7ba",
                        table="agents_override",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="4cae8f08e14abaf45657cfcd78dacdcb6cb58857",
                        operation="DELETE",
                        pgid="pgtrigger_kept_1837f",
                        table="agents_override",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="order_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."before" IS DISTINCT FROM (NEW."before") OR OLD."by_id" IS DISTINCT FROM (NEW."by_id") OR OLD."checkpoint" IS DISTINCT FROM (NEW."checkpoint") OR OLD."head" IS DISTINCT FROM (NEW."head") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."node" IS DISTINCT FROM (NEW."node") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."run_id" IS DISTINCT FROM (NEW."run_id") OR OLD."stay" IS DISTINCT FROM (NEW."stay") OR OLD."values" IS DISTINCT FROM (NEW."values"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="83e9e9ee744c56c961ec0a9f17ef50c4c183e2a4",
                        operation="UPDATE",
                        pgid="pgtrigger_order_is_fixed_141fb",
                        table="agents_override",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Trial",
        fields=[
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            (
                "kind",
                models.CharField(
                    choices=[
                        (agents.states.TrialKind["REPLAY"], agents.states.TrialKind["REPLAY"]),
                        (agents.states.TrialKind["FORK"], agents.states.TrialKind["FORK"]),
                    ],
                    max_length=8,
                ),
            ),
            ("wanted", models.JSONField(default=dict)),
            ("by_name", models.TextField()),
            ("door", models.TextField()),
            ("ordered_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("tries", models.IntegerField(default=0)),
            ("fence", models.BigIntegerField(default=0)),
            ("lease_until", models.DateTimeField(null=True)),
            ("ended_at", models.DateTimeField(null=True)),
            ("result", models.JSONField(null=True)),
            ("error", models.TextField(blank=True)),
            ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("run", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="trials", to="agents.run")),
        ],
        options={
            "indexes": [models.Index(condition=models.Q(("ended_at", None)), fields=["ordered_at"], name="trial_work")],
            "constraints": [
                models.CheckConstraint(condition=models.Q(("kind__in", ["replay", "fork"])), name="trial_kind_known"),
                models.UniqueConstraint(condition=models.Q(("ended_at", None)), fields=("run",), name="trial_one_at_a_time"),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="ended_is_final",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."ended_at" IS NOT NULL)',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="a97b4f66687993b5b6bc2ce79a11ce9bb057442e",
                        operation="UPDATE",
                        pgid="pgtrigger_ended_is_final_aeeb1",
                        table="agents_trial",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="order_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."by_id" IS DISTINCT FROM (NEW."by_id") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."ordered_at" IS DISTINCT FROM (NEW."ordered_at") OR OLD."run_id" IS DISTINCT FROM (NEW."run_id") OR OLD."wanted" IS DISTINCT FROM (NEW."wanted"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="8d19c5175b92090bfc9836ecc2466a5e0a423182",
                        operation="UPDATE",
                        pgid="pgtrigger_order_is_fixed_f110b",
                        table="agents_trial",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="0e3f5f7efebd3877e77b2ca2f72a90ac5025d62c",
                        operation="DELETE",
                        pgid="pgtrigger_kept_57421",
                        table="agents_trial",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Handover",
        fields=[
            (
                "pause",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT,
                    primary_key=True,
                    related_name="handover",
                    serialize=False,
                    to="agents.pause",
                ),
            ),
            (
                "state",
                models.CharField(
                    choices=[
                        (agents.states.HandoverState["SENDING"], agents.states.HandoverState["SENDING"]),
                        (agents.states.HandoverState["TAKEN"], agents.states.HandoverState["TAKEN"]),
                        (agents.states.HandoverState["REFUSED"], agents.states.HandoverState["REFUSED"]),
                        (agents.states.HandoverState["LOST"], agents.states.HandoverState["LOST"]),
                        (agents.states.HandoverState["ANEW"], agents.states.HandoverState["ANEW"]),
                    ],
                    default=agents.states.HandoverState["SENDING"],
                    max_length=12,
                ),
            ),
            ("there", models.TextField(blank=True)),
            ("why", models.TextField(blank=True)),
            ("sent_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("state", agents.states.HandoverState["TAKEN"]), _negated=True),
                        models.Q(("there", ""), _negated=True),
                        _connector="OR",
                    ),
                    name="handover_taken_by_a_run",
                ),
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["SENDING", "TAKEN", "REFUSED", "LOST", "ANEW"])), name="handover_state_known"
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="6805737befda249f2656e1ac28a26a292c32dc4c",
                        operation="DELETE",
                        pgid="pgtrigger_kept_a93ab",
                        table="agents_handover",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="handover_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{ANEW:SENDING,LOST:ANEW,REFUSED:ANEW,REFUSED:SENDING,SENDING:LOST,SENDING:REFUSED,SENDING:TAKEN,TAKEN:ANEW}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="12835547cf0b5df34b965e0ebeebac3cebc8804e",
                        operation="UPDATE",
                        pgid="pgtrigger_handover_steps_711e5",
                        table="agents_handover",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Compensation",
        fields=[
            (
                "effect",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT,
                    primary_key=True,
                    related_name="compensation",
                    serialize=False,
                    to="agents.effect",
                ),
            ),
            ("place", models.IntegerField()),
            ("tool", models.TextField()),
            ("contact", models.TextField(blank=True)),
            (
                "state",
                models.CharField(
                    choices=[
                        (agents.states.CompensationState["OWED"], agents.states.CompensationState["OWED"]),
                        (agents.states.CompensationState["CLAIMED"], agents.states.CompensationState["CLAIMED"]),
                        (agents.states.CompensationState["DONE"], agents.states.CompensationState["DONE"]),
                        (agents.states.CompensationState["FAILED"], agents.states.CompensationState["FAILED"]),
                    ],
                    default=agents.states.CompensationState["OWED"],
                    max_length=12,
                ),
            ),
            ("fence", models.BigIntegerField(default=0)),
            ("attempts", models.IntegerField(default=0)),
            ("lease_until", models.DateTimeField(null=True)),
            ("not_before", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("result", models.JSONField(null=True)),
            ("error", models.TextField(blank=True)),
            ("said_by", models.TextField(blank=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("claimed_at", models.DateTimeField(null=True)),
            ("finished_at", models.DateTimeField(null=True)),
            ("run", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="compensations", to="agents.run")),
        ],
        options={
            "indexes": [models.Index(condition=models.Q(("state", "FAILED")), fields=["created_at"], name="compensation_failed")],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["OWED", "CLAIMED", "DONE", "FAILED"])), name="compensation_state_known"
                ),
                models.UniqueConstraint(fields=("run", "place"), name="compensation_turn_once"),
                models.UniqueConstraint(condition=models.Q(("state", "CLAIMED")), fields=("run",), name="compensation_one_at_a_time"),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="compensation_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{CLAIMED:DONE,CLAIMED:FAILED,CLAIMED:OWED,FAILED:DONE,FAILED:OWED,OWED:CLAIMED,OWED:FAILED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="1c29c2ee1a12fb7ebc080532eda6fe6c5f8c7430",
                        operation="UPDATE",
                        pgid="pgtrigger_compensation_steps_9190b",
                        table="agents_compensation",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="compensation_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."effect_id" IS DISTINCT FROM (NEW."effect_id") OR OLD."run_id" IS DISTINCT FROM (NEW."run_id") OR OLD."tool" IS DISTINCT FROM (NEW."tool"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="c11b8e05d39eca12af1fbf0d217322bd544eb852",
                        operation="UPDATE",
                        pgid="pgtrigger_compensation_is_fixed_4dc0e",
                        table="agents_compensation",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="571f5405749e7c00ff85a0a6a7af80f63c3884fc",
                        operation="DELETE",
                        pgid="pgtrigger_kept_9d5f5",
                        table="agents_compensation",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="OutcomeCheck",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("by_name", models.TextField()),
            ("door", models.TextField()),
            ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("tries", models.IntegerField(default=0)),
            ("answer", models.CharField(blank=True, max_length=10)),
            ("error", models.TextField(blank=True)),
            ("answered_at", models.DateTimeField(null=True)),
            ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("effect", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="checks", to="agents.effect")),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("answered_at", None)), fields=("effect",), name="outcome_asked_once_at_a_time"),
                models.CheckConstraint(
                    condition=models.Q(("answer__in", ["", "done", "not_done", "unknown"])), name="outcome_answer_known"
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="answer_is_final",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."answered_at" IS NOT NULL)',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="ec5ac2f2c75a5333a06a8442efc56a4595ffdd36",
                        operation="UPDATE",
                        pgid="pgtrigger_answer_is_final_3874a",
                        table="agents_outcomecheck",
                        when="BEFORE",
                    ),
                )
            ],
        },
    ),
]


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("agents", "0001_tables"),
        ("agents", "0002_relations"),
        ("agents", "0003_what_a_run_was_asked"),
        ("agents", "0005_holds_and_asking_again"),
        ("agents", "0006_done_stays"),
        ("agents", "0007_dialects_of_others"),
        ("agents", "0008_ratings"),
        ("agents", "0009_agent_servers"),
        ("agents", "0010_pieces"),
        ("agents", "0011_graphs_by_their_own_names"),
        ("agents", "0012_hazards_of_projects"),
        ("agents", "0013_compensations"),
        ("agents", "0014_what_is_live"),
        ("agents", "0015_pauses"),
        ("agents", "0016_overrides"),
        ("agents", "0017_asking_what_became"),
        ("agents", "0018_failed_runs"),
        ("agents", "0019_a_key_per_person"),
        ("agents", "0020_told_by_hand"),
        ("agents", "0021_forks_for_real"),
        ("agents", "0022_operators_answers"),
        ("agents", "0023_effect_fence_only_rises"),
        ("agents", "0024_budgets"),
        ("agents", "0025_code_as_imported"),
        ("agents", "0026_trials"),
        ("agents", "0027_answers_anew"),
        ("agents", "0028_what_two_people_order"),
        ("agents", "0029_leave_that_was_not_used"),
        ("agents", "0030_how_long_runs_are_driven"),
    ]

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        *TABLES,
        migrations.AddField(
            "agent",
            "current",
            models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agents.agentversion"),
        ),
        migrations.RunSQL(
            [trigger.install_sql for table in TABLES for trigger in table.options.get("triggers", [])],
            migrations.RunSQL.noop,  # they go with their tables
        ),
    ]
