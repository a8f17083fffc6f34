"""All tables as they stood before the first release, made in one go: what the migrations it replaces did step by step takes many times as long.

Triggers are in the models' options and installed at the end (`AddTrigger` for each would render every model anew).
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
        ],
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
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("state__in", ["CREATED", "READY"])), fields=["changed_at"], name="run_work"),
                models.Index(condition=models.Q(("state", "RUNNING")), fields=["lease_until"], name="run_leases"),
                models.Index(fields=["-created_at", "-id"], name="run_newest"),
                models.Index(fields=["state", "-created_at"], name="run_by_state"),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        ("state__in", ["CREATED", "RUNNING", "WAITING", "READY", "HALTED", "SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"])
                    ),
                    name="run_state_known",
                ),
                models.UniqueConstraint(fields=("agent", "idempotency_key"), name="run_started_once"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("state", agents.states.RunState["RUNNING"]), _negated=True),
                        ("lease_until__isnull", False),
                        _connector="OR",
                    ),
                    name="run_running_has_a_lease",
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="run_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{CREATED:CANCELLED,CREATED:RUNNING,FAILED:CANCELLED,FAILED:READY,HALTED:CANCELLED,HALTED:READY,READY:CANCELLED,READY:RUNNING,RUNNING:CANCELLED,RUNNING:FAILED,RUNNING:HALTED,RUNNING:PARTIAL,RUNNING:READY,RUNNING:SUCCEEDED,RUNNING:WAITING,WAITING:CANCELLED,WAITING:FAILED,WAITING:READY}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="aeaf2d1bf03ad2e70c9843a3fe3b5fec1697f20a",
                        operation="UPDATE",
                        pgid="pgtrigger_run_steps_bdb3a",
                        table="agents_run",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="asked_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."agent_id" IS DISTINCT FROM (NEW."agent_id") OR OLD."input" IS DISTINCT FROM (NEW."input") OR OLD."started_by_id" IS DISTINCT FROM (NEW."started_by_id") OR OLD."thread" IS DISTINCT FROM (NEW."thread"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="1950c0a266be5b0e53270f8867a23b19ccdd772c",
                        operation="UPDATE",
                        pgid="pgtrigger_asked_is_fixed_24468",
                        table="agents_run",
                        when="BEFORE",
                    ),
                ),
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
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("state", "READY")), fields=["created_at"], name="effect_work"),
                models.Index(condition=models.Q(("state", "CLAIMED")), fields=["lease_until"], name="effect_leases"),
                models.Index(condition=models.Q(("state", "UNKNOWN")), fields=["claimed_at"], name="effect_unknown"),
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
                    name="effect_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{CLAIMED:DONE,CLAIMED:FAILED,CLAIMED:UNKNOWN,DONE:COMPENSATED,READY:CLAIMED,READY:FAILED,UNKNOWN:DONE,UNKNOWN:FAILED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="817ee1f0878ef9759ad3cfb464c9a94410037e86",
                        operation="UPDATE",
                        pgid="pgtrigger_effect_steps_046dd",
                        table="agents_effect",
                        when="BEFORE",
                    ),
                ),
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
]


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("agents", "0001_tables"),
        ("agents", "0002_relations"),
        ("agents", "0003_what_a_run_was_asked"),
        ("agents", "0005_holds_and_asking_again"),
        ("agents", "0006_done_stays"),
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
