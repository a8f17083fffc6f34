"""All tables up to the last migration it replaces, made in one go: step by step takes several times as long.

Triggers are in the models' options and installed at the end (`AddTrigger` for each would render every model anew). A database made by some of the
migrations it replaces goes on with those: they stay.
"""

import uuid

import django.contrib.auth.models
import django.contrib.auth.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models

import approvals.models.people
import approvals.states

TABLES = [
    migrations.CreateModel(
        name="Notification",
        fields=[
            ("id", models.BigAutoField(primary_key=True, serialize=False)),
            ("channel", models.TextField(default="live")),
            ("topic", models.TextField()),
            ("recipient", models.TextField(blank=True)),
            ("object", models.TextField()),
            ("object_id", models.TextField()),
            ("version", models.IntegerField(default=0)),
            ("kind", models.TextField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("sent_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [
                models.Index(
                    condition=models.Q(("sent_at", None), models.Q(("channel", "live"), _negated=True)),
                    fields=["id"],
                    name="notification_owed",
                ),
                models.Index(fields=["created_at"], name="notification_by_age"),
                models.Index(
                    condition=models.Q(("channel", "desk"), ("sent_at", None)), fields=["recipient", "-id"], name="notification_unread"
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="told",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition="WHEN (NEW.\"channel\" = 'live')",
                        func="\n                PERFORM pg_notify('countersign_live', json_build_object(\n                    'id', NEW.id, 'topic', NEW.topic, 'object', NEW.object, 'object_id', NEW.object_id,\n                    'version', NEW.version, 'kind', NEW.kind)::text);\n                RETURN NULL;\n                ",
                        hash="282343bd34d50ad7c2011a97452626007577c759",
                        operation="INSERT",
                        pgid="pgtrigger_told_a8382",
                        table="approvals_notification",
                        when="AFTER",
                    ),
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="SlackHeard",
        fields=[
            ("key", models.CharField(max_length=80, primary_key=True, serialize=False)),
            ("answer", models.JSONField(null=True)),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("todo", models.JSONField(null=True)),
        ],
        options={
            "indexes": [
                models.Index(fields=["at"], name="slack_heard_old"),
                models.Index(condition=models.Q(("todo__isnull", False)), fields=["at"], name="slack_heard_todo"),
            ],
        },
    ),
    migrations.CreateModel(
        name="User",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("password", models.CharField(max_length=128, verbose_name="password")),
            ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
            (
                "is_superuser",
                models.BooleanField(
                    default=False,
                    help_text="Designates that this user has all permissions without explicitly assigning them.",
                    verbose_name="superuser status",
                ),
            ),
            (
                "username",
                models.CharField(
                    error_messages={"unique": "A user with that username already exists."},
                    help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                    max_length=150,
                    unique=True,
                    validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                    verbose_name="username",
                ),
            ),
            ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
            ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
            ("email", models.EmailField(blank=True, max_length=254, verbose_name="email address")),
            (
                "is_staff",
                models.BooleanField(
                    default=False, help_text="Designates whether the user can log into this admin site.", verbose_name="staff status"
                ),
            ),
            (
                "is_active",
                models.BooleanField(
                    default=True,
                    help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                    verbose_name="active",
                ),
            ),
            ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
            ("kind", models.CharField(choices=[("human", "Human"), ("agent", "Agent")], default="human", max_length=10)),
            ("person", models.CharField(db_index=True, default=approvals.models.people.new_person, max_length=64)),
            (
                "groups",
                models.ManyToManyField(
                    blank=True,
                    help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                    related_name="user_set",
                    related_query_name="user",
                    to="auth.group",
                    verbose_name="groups",
                ),
            ),
            (
                "user_permissions",
                models.ManyToManyField(
                    blank=True,
                    help_text="Specific permissions for this user.",
                    related_name="user_set",
                    related_query_name="user",
                    to="auth.permission",
                    verbose_name="user permissions",
                ),
            ),
        ],
        options={
            "verbose_name": "user",
            "verbose_name_plural": "users",
            "abstract": False,
            "swappable": "AUTH_USER_MODEL",
            "constraints": [models.CheckConstraint(condition=models.Q(("kind__in", ["human", "agent"])), name="user_kind_known")],
        },
        managers=[
            ("objects", django.contrib.auth.models.UserManager()),
        ],
    ),
    migrations.CreateModel(
        name="DrillPlan",
        fields=[
            ("group", models.CharField(max_length=150, primary_key=True, serialize=False)),
            ("active", models.BooleanField(default=False)),
            ("every", models.IntegerField()),
            ("per_day", models.IntegerField()),
            ("kinds", models.JSONField(default=list)),
            ("gap", models.IntegerField()),
            ("since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("not_before", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("changed_by_name", models.TextField()),
            ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "constraints": [
                models.CheckConstraint(condition=models.Q(("every__gte", 5), ("every__lte", 1000)), name="drill_rate_bounded"),
                models.CheckConstraint(condition=models.Q(("per_day__gte", 1), ("per_day__lte", 20)), name="drill_per_day_bounded"),
            ],
        },
    ),
    migrations.CreateModel(
        name="SlackGuess",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("team", models.TextField()),
            ("slack_user", models.TextField()),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "indexes": [models.Index(fields=["at"], name="slack_guess_lately")],
        },
    ),
    migrations.CreateModel(
        name="Looked",
        fields=[
            ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
            ("xid", models.BigIntegerField()),
            ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="looked_once")],
        },
    ),
    migrations.CreateModel(
        name="Shared",
        fields=[
            ("key", models.TextField(primary_key=True, serialize=False)),
            ("value", models.TextField()),
            ("expires_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [models.Index(fields=["expires_at"], name="shared_over")],
        },
    ),
    migrations.CreateModel(
        name="HaltRule",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "kind",
                models.CharField(
                    choices=[
                        ("failed_calls", "Failed Calls"),
                        ("failed_runs", "Failed Runs"),
                        ("tokens", "Tokens"),
                        ("rejected_run", "Rejected Run"),
                        ("rejected_agent", "Rejected Agent"),
                    ],
                    max_length=16,
                ),
            ),
            ("agent", models.TextField(blank=True)),
            ("active", models.BooleanField()),
            ("most", models.BigIntegerField()),
            ("share", models.SmallIntegerField(default=0)),
            ("window_s", models.IntegerField()),
            ("reason", models.TextField()),
            ("by_name", models.TextField()),
            ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("kind", "agent"), name="halt_rule_one_each"),
                models.CheckConstraint(
                    condition=models.Q(("most__gte", 1), ("share__gte", 0), ("share__lte", 100), ("window_s__gte", 1)),
                    name="halt_rule_possible",
                ),
                models.CheckConstraint(condition=models.Q(("reason", ""), _negated=True), name="halt_rule_says_why"),
            ],
        },
    ),
    migrations.CreateModel(
        name="AlertBreach",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("rule", models.CharField(max_length=24)),
            ("key", models.TextField(blank=True)),
            ("since", models.DateTimeField()),
            ("well_since", models.DateTimeField(null=True)),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("rule", "key"), name="alert_breach_one_each")],
        },
    ),
    migrations.CreateModel(
        name="AlertRule",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=24, unique=True)),
            ("active", models.BooleanField()),
            ("most", models.BigIntegerField()),
            ("for_s", models.IntegerField()),
            ("again_s", models.IntegerField()),
            ("mail", models.BooleanField()),
            ("slack", models.TextField(blank=True)),
            ("webhook", models.BooleanField()),
            ("reason", models.TextField()),
            ("by_name", models.TextField()),
            ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("again_s__gte", 0), ("for_s__gte", 0), ("most__gte", 1), models.Q(("reason", ""), _negated=True)),
                    name="alert_rule_possible",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Alert",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("rule", models.CharField(max_length=24)),
            ("key", models.TextField(blank=True)),
            ("about", models.TextField(blank=True)),
            ("opened_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("value", models.BigIntegerField()),
            ("most", models.BigIntegerField()),
            ("last", models.BigIntegerField()),
            ("worst", models.BigIntegerField()),
            ("told", models.IntegerField(default=1)),
            ("told_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("acked_at", models.DateTimeField(null=True)),
            ("acked_by_name", models.TextField(blank=True)),
            ("ack_note", models.TextField(blank=True)),
            ("closed_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [models.Index(condition=models.Q(("closed_at__isnull", False)), fields=["-id"], name="alert_closed")],
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("closed_at", None)), fields=("rule", "key"), name="alert_one_per_breach"),
                models.CheckConstraint(condition=models.Q(("worst__gte", models.F("value"))), name="alert_worst_is_no_less"),
                models.CheckConstraint(
                    condition=models.Q(("acked_at", None), models.Q(("acked_by_name", ""), _negated=True), _connector="XOR"),
                    name="alert_acked_by_somebody",
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="opened_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."about" IS DISTINCT FROM (NEW."about") OR OLD."key" IS DISTINCT FROM (NEW."key") OR OLD."most" IS DISTINCT FROM (NEW."most") OR OLD."opened_at" IS DISTINCT FROM (NEW."opened_at") OR OLD."rule" IS DISTINCT FROM (NEW."rule") OR OLD."value" IS DISTINCT FROM (NEW."value"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="917d3ccb351bc250748ba6da3b758b35bd90d316",
                        operation="UPDATE",
                        pgid="pgtrigger_opened_is_fixed_d304e",
                        table="approvals_alert",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="closed_is_final",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."closed_at" IS NOT NULL)',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="d2a2d8b74c216d8672ac0dfa8c765887a28d3363",
                        operation="UPDATE",
                        pgid="pgtrigger_closed_is_final_e0c31",
                        table="approvals_alert",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="acked_stays",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."acked_at" IS NOT NULL AND OLD."acked_at" IS DISTINCT FROM (NEW."acked_at"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="98dec67537ac5312298f53ecfb873371cc52b9c4",
                        operation="UPDATE",
                        pgid="pgtrigger_acked_stays_199c6",
                        table="approvals_alert",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="57b02f507207840a3e3e45cd1abbc50e1504daa2",
                        operation="DELETE",
                        pgid="pgtrigger_kept_ddf37",
                        table="approvals_alert",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Absence",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("note", models.TextField(blank=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("until", models.DateTimeField(null=True)),
            ("ended_at", models.DateTimeField(null=True)),
            ("delegate", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("ended_at", None)), fields=["delegate"], name="absence_delegate"),
                models.Index(condition=models.Q(("ended_at", None), ("until__isnull", False)), fields=["until"], name="absence_due"),
            ],
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("ended_at", None)), fields=("user",), name="absence_one_at_a_time"),
                models.CheckConstraint(condition=models.Q(("user", models.F("delegate")), _negated=True), name="absence_left_to_another"),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="said_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."delegate_id" IS DISTINCT FROM (NEW."delegate_id") OR OLD."note" IS DISTINCT FROM (NEW."note") OR OLD."until" IS DISTINCT FROM (NEW."until") OR OLD."user_id" IS DISTINCT FROM (NEW."user_id"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="60760b5417c0566b84acf62da850a66bcad213b2",
                        operation="UPDATE",
                        pgid="pgtrigger_said_is_fixed_6766d",
                        table="approvals_absence",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="ended_is_final",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."ended_at" IS NOT NULL)',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="097c345728a557f88209882e824c8ed3566a7ca5",
                        operation="UPDATE",
                        pgid="pgtrigger_ended_is_final_c79f8",
                        table="approvals_absence",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="a564fdf3c2f7b7220df0d06955faa6ca024590c1",
                        operation="DELETE",
                        pgid="pgtrigger_kept_04eeb",
                        table="approvals_absence",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Action",
        fields=[
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("tenant", models.TextField()),
            ("kind", models.CharField(choices=[("tool", "Tool"), ("question", "Question")], max_length=10)),
            ("agent", models.TextField()),
            ("run", models.TextField(blank=True)),
            ("thread", models.TextField()),
            ("checkpoint_ns", models.TextField(blank=True)),
            ("interrupt_id", models.TextField()),
            ("index", models.IntegerField(default=0)),
            ("tool", models.TextField()),
            ("summary", models.TextField()),
            ("environment", models.TextField(blank=True)),
            (
                "state",
                models.CharField(
                    choices=[
                        (approvals.states.ActionState["PENDING"], approvals.states.ActionState["PENDING"]),
                        (approvals.states.ActionState["APPROVED"], approvals.states.ActionState["APPROVED"]),
                        (approvals.states.ActionState["REJECTED"], approvals.states.ActionState["REJECTED"]),
                        (approvals.states.ActionState["ANSWERED"], approvals.states.ActionState["ANSWERED"]),
                        (approvals.states.ActionState["EXPIRED"], approvals.states.ActionState["EXPIRED"]),
                        (approvals.states.ActionState["SUPERSEDED"], approvals.states.ActionState["SUPERSEDED"]),
                        (approvals.states.ActionState["CANCELLED"], approvals.states.ActionState["CANCELLED"]),
                    ],
                    default=approvals.states.ActionState["PENDING"],
                    max_length=12,
                ),
            ),
            ("version", models.IntegerField(default=1)),
            ("digest", models.CharField(max_length=64)),
            ("proposal_digest", models.CharField(max_length=64)),
            ("level", models.CharField(max_length=10)),
            ("score", models.IntegerField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("expires_at", models.DateTimeField()),
            ("claim_by", models.DateTimeField(null=True)),
            ("claimed_at", models.DateTimeField(null=True)),
            ("hold_until", models.DateTimeField(null=True)),
            ("call_sha256", models.CharField(blank=True, db_default="", default="", max_length=64)),
            ("follows", models.UUIDField(null=True)),
            ("resolved_at", models.DateTimeField(null=True)),
            ("resolution", models.JSONField(default=dict)),
            ("settled_at", models.DateTimeField(null=True)),
            ("outcome", models.JSONField(null=True)),
            ("stage", models.SmallIntegerField(db_default=1, default=1)),
            ("stages", models.SmallIntegerField(db_default=1, default=1)),
            ("turn", models.TextField(db_default="", default="")),
            ("passed", models.SmallIntegerField(db_default=0, default=0)),
            ("next_at", models.DateTimeField(null=True)),
            ("extended_s", models.IntegerField(db_default=0, default=0)),
            ("reserved_until", models.DateTimeField(null=True)),
            (
                "owner",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            (
                "requested_by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            (
                "reserved_by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            (
                "reserved_for",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            ("drill", models.BooleanField(db_default=False, default=False)),
            ("agent_version", models.TextField(blank=True, db_default="", default="")),
            ("customer", models.TextField(blank=True, db_default="", default="")),
            ("moved_by", models.JSONField(db_default=models.Value([], models.JSONField()), default=list)),
            ("apart", models.JSONField(null=True)),
            ("delegates", models.JSONField(null=True)),
            ("unheard", models.TextField(blank=True, db_default="", default="")),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("state", "PENDING")), fields=["expires_at", "id"], name="action_pending_due"),
                models.Index(condition=models.Q(("state", "PENDING")), fields=["-created_at", "-id"], name="action_pending_new"),
                models.Index(condition=models.Q(("resolved_at__isnull", False)), fields=["-resolved_at", "-id"], name="action_decided"),
                models.Index(fields=["run", "created_at"], name="action_by_run"),
                models.Index(fields=["agent", "tool", "-resolved_at"], name="action_by_tool"),
                models.Index(condition=models.Q(("next_at__isnull", False), ("state", "PENDING")), fields=["next_at"], name="action_next"),
                models.Index(condition=models.Q(("reserved_until__isnull", False)), fields=["reserved_until"], name="action_reserved"),
                models.Index(condition=models.Q(("claimed_at", None), ("state", "APPROVED")), fields=["claim_by"], name="action_unclaimed"),
                models.Index(condition=models.Q(("claim_by", None), ("state", "EXPIRED")), fields=["resolved_at"], name="action_expired"),
                models.Index(condition=models.Q(("outcome__status", "failed")), fields=["settled_at"], name="action_failed"),
                models.Index(condition=models.Q(("state", "REJECTED")), fields=["resolved_at"], name="action_rejected"),
                models.Index(
                    condition=models.Q(("run", "")),
                    fields=["thread", "interrupt_id"],
                    name="action_by_key",
                    opclasses=["text_ops", "text_pattern_ops"],
                ),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("reserved_by", None), ("reserved_for", None), ("reserved_until", None)),
                        models.Q(("reserved_by__isnull", False), ("reserved_until__isnull", False)),
                        _connector="OR",
                    ),
                    name="action_reserved_by_somebody",
                ),
                models.CheckConstraint(condition=models.Q(("extended_s__gte", 0)), name="action_never_shortened"),
                models.UniqueConstraint(fields=("thread", "checkpoint_ns", "interrupt_id", "index"), name="action_asked_once"),
                models.CheckConstraint(
                    condition=models.Q(
                        ("state__in", ["PENDING", "APPROVED", "REJECTED", "ANSWERED", "EXPIRED", "SUPERSEDED", "CANCELLED"])
                    ),
                    name="action_state_known",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("state", approvals.states.ActionState["PENDING"]), ("resolved_at__isnull", False), _connector="XOR"
                    ),
                    name="action_resolved_has_a_time",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("settled_at__isnull", True),
                        models.Q(models.Q(("state", approvals.states.ActionState["PENDING"]), _negated=True), ("outcome__isnull", False)),
                        _connector="OR",
                    ),
                    name="action_settled_has_an_outcome",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("drill", False),
                        models.Q(
                            ("claim_by", None),
                            ("claimed_at", None),
                            ("hold_until", None),
                            ("kind", "tool"),
                            ("state__in", ["PENDING", "CANCELLED", "EXPIRED"]),
                        ),
                        _connector="OR",
                    ),
                    name="action_test_never_runs",
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="state_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{APPROVED:CANCELLED,APPROVED:EXPIRED,APPROVED:PENDING,APPROVED:SUPERSEDED,PENDING:ANSWERED,PENDING:APPROVED,PENDING:CANCELLED,PENDING:EXPIRED,PENDING:REJECTED,PENDING:SUPERSEDED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="f9844ed1128bf26c450bad6e1b5f8f8e872436e9",
                        operation="UPDATE",
                        pgid="pgtrigger_state_steps_0e488",
                        table="approvals_action",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="resolved_stays",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."resolved_at" IS NOT NULL AND OLD."state" = (NEW."state") AND (OLD."resolution" IS DISTINCT FROM (NEW."resolution") OR OLD."resolved_at" IS DISTINCT FROM (NEW."resolved_at")))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="49446d5f3ebe536af733160accdc0ddf9a35b510",
                        operation="UPDATE",
                        pgid="pgtrigger_resolved_stays_c7518",
                        table="approvals_action",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="settled_is_final",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."settled_at" IS NOT NULL AND (OLD."outcome" IS DISTINCT FROM (NEW."outcome") OR OLD."state" IS DISTINCT FROM (NEW."state") OR OLD."settled_at" IS DISTINCT FROM (NEW."settled_at")))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="bcb49b36512f23f69d45c03b21945de30f956eae",
                        operation="UPDATE",
                        pgid="pgtrigger_settled_is_final_8b69f",
                        table="approvals_action",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="d22d4e8dfb942d3eff19ea771c81723ec342927f",
                        operation="DELETE",
                        pgid="pgtrigger_kept_0f4b5",
                        table="approvals_action",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="asked_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."agent" IS DISTINCT FROM (NEW."agent") OR OLD."agent_version" IS DISTINCT FROM (NEW."agent_version") OR OLD."drill" IS DISTINCT FROM (NEW."drill") OR OLD."interrupt_id" IS DISTINCT FROM (NEW."interrupt_id") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."owner_id" IS DISTINCT FROM (NEW."owner_id") OR OLD."requested_by_id" IS DISTINCT FROM (NEW."requested_by_id") OR OLD."run" IS DISTINCT FROM (NEW."run") OR OLD."tenant" IS DISTINCT FROM (NEW."tenant") OR OLD."thread" IS DISTINCT FROM (NEW."thread") OR OLD."tool" IS DISTINCT FROM (NEW."tool"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="ef1ca39783d9cfef2555fb6fb1d726667d83236c",
                        operation="UPDATE",
                        pgid="pgtrigger_asked_is_fixed_64e52",
                        table="approvals_action",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Backtest",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "state",
                models.CharField(
                    choices=[
                        (approvals.states.BacktestState["WANTED"], approvals.states.BacktestState["WANTED"]),
                        (approvals.states.BacktestState["RUNNING"], approvals.states.BacktestState["RUNNING"]),
                        (approvals.states.BacktestState["DONE"], approvals.states.BacktestState["DONE"]),
                        (approvals.states.BacktestState["FAILED"], approvals.states.BacktestState["FAILED"]),
                    ],
                    default=approvals.states.BacktestState["WANTED"],
                    max_length=10,
                ),
            ),
            ("source", models.TextField()),
            ("sha256", models.CharField(max_length=64)),
            ("last", models.IntegerField()),
            ("since", models.DateTimeField(null=True)),
            ("total", models.IntegerField(default=0)),
            ("done", models.IntegerField(default=0)),
            ("position", models.BigIntegerField(null=True)),
            ("tally", models.JSONField(default=dict)),
            ("error", models.TextField(blank=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("wanted_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("state__in", ["WANTED", "RUNNING"])), fields=["changed_at"], name="backtest_unfinished"),
                models.Index(fields=["created_at"], name="backtest_by_age"),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["WANTED", "RUNNING", "DONE", "FAILED"])), name="backtest_state_known"
                )
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="backtest_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{RUNNING:DONE,RUNNING:FAILED,WANTED:FAILED,WANTED:RUNNING}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="c20a8c77cd1f8ba719df41d2fbb8ecabd04784f8",
                        operation="UPDATE",
                        pgid="pgtrigger_backtest_steps_1045b",
                        table="approvals_backtest",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."last" IS DISTINCT FROM (NEW."last") OR OLD."sha256" IS DISTINCT FROM (NEW."sha256") OR OLD."since" IS DISTINCT FROM (NEW."since") OR OLD."source" IS DISTINCT FROM (NEW."source") OR OLD."wanted_by_id" IS DISTINCT FROM (NEW."wanted_by_id"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="390bff7881d6ae4d67fdc80e1b8c8eb91dcff4b1",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_7ebbc",
                        table="approvals_backtest",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Delivery",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("key", models.TextField()),
            ("channel", models.CharField(choices=[("email", "Email"), ("push", "Push")], max_length=10)),
            ("device", models.BigIntegerField(default=0)),
            ("kind", models.TextField()),
            ("action", models.TextField(blank=True)),
            ("version", models.IntegerField(default=0)),
            ("level", models.CharField(blank=True, max_length=10)),
            (
                "state",
                models.CharField(
                    choices=[
                        (approvals.states.DeliveryState["WAITING"], approvals.states.DeliveryState["WAITING"]),
                        (approvals.states.DeliveryState["SENDING"], approvals.states.DeliveryState["SENDING"]),
                        (approvals.states.DeliveryState["SENT"], approvals.states.DeliveryState["SENT"]),
                        (approvals.states.DeliveryState["FAILED"], approvals.states.DeliveryState["FAILED"]),
                        (approvals.states.DeliveryState["UNSURE"], approvals.states.DeliveryState["UNSURE"]),
                        (approvals.states.DeliveryState["SKIPPED"], approvals.states.DeliveryState["SKIPPED"]),
                    ],
                    default=approvals.states.DeliveryState["WAITING"],
                    max_length=10,
                ),
            ),
            ("attempts", models.IntegerField(default=0)),
            ("next_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("error", models.TextField(blank=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("state", "WAITING")), fields=["channel", "next_at"], name="delivery_due"),
                models.Index(condition=models.Q(("state", "SENDING")), fields=["changed_at"], name="delivery_sending"),
                models.Index(condition=models.Q(("state__in", ["FAILED", "UNSURE"])), fields=["-id"], name="delivery_failed"),
                models.Index(condition=models.Q(("state", "SENT")), fields=["user", "channel", "-changed_at"], name="delivery_sent"),
                models.Index(fields=["user", "-id"], name="delivery_of"),
                models.Index(fields=["created_at"], name="delivery_by_age"),
            ],
            "constraints": [
                models.UniqueConstraint(fields=("key", "user", "channel", "device"), name="delivery_once"),
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["WAITING", "SENDING", "SENT", "FAILED", "UNSURE", "SKIPPED"])),
                    name="delivery_state_known",
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="delivery_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{FAILED:WAITING,SENDING:FAILED,SENDING:SENT,SENDING:UNSURE,SENDING:WAITING,UNSURE:WAITING,WAITING:SENDING,WAITING:SKIPPED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="cf0957762641eb534fc70c64ad0dd5f4cd706e95",
                        operation="UPDATE",
                        pgid="pgtrigger_delivery_steps_aa033",
                        table="approvals_delivery",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="owed_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."key" IS DISTINCT FROM (NEW."key") OR OLD."user_id" IS DISTINCT FROM (NEW."user_id"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="81b50391186812dc3c039b6d860acb5ee976463e",
                        operation="UPDATE",
                        pgid="pgtrigger_owed_is_fixed_1b52c",
                        table="approvals_delivery",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Device",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("endpoint", models.TextField(unique=True)),
            ("p256dh", models.TextField()),
            ("auth", models.TextField()),
            ("name", models.TextField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("told_at", models.DateTimeField(null=True)),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
        ],
    ),
    migrations.CreateModel(
        name="Halt",
        fields=[
            ("id", models.BigAutoField(primary_key=True, serialize=False)),
            (
                "scope",
                models.CharField(
                    choices=[
                        ("everything", "Everything"),
                        ("agent", "Agent"),
                        ("version", "Version"),
                        ("tool", "Tool"),
                        ("customer", "Customer"),
                        ("run", "Run"),
                    ],
                    max_length=12,
                ),
            ),
            ("target", models.TextField(blank=True)),
            ("reason", models.TextField()),
            ("by_name", models.TextField()),
            ("door", models.TextField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("released_at", models.DateTimeField(null=True)),
            ("released_by_name", models.TextField(blank=True)),
            ("release_reason", models.TextField(blank=True)),
            (
                "by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            ("rule", models.CharField(blank=True, db_default="", default="", max_length=16)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("released_at", None)), fields=("scope", "target"), name="halt_one_active"),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("scope", "everything"), ("target", "")),
                        models.Q(models.Q(("scope", "everything"), _negated=True), models.Q(("target", ""), _negated=True)),
                        _connector="OR",
                    ),
                    name="halt_target_fits",
                ),
                models.CheckConstraint(
                    condition=models.Q(("released_at", None), models.Q(("release_reason", ""), _negated=True), _connector="OR"),
                    name="halt_release_says_why",
                ),
                models.CheckConstraint(condition=models.Q(("rule", ""), ("by", None), _connector="OR"), name="halt_by_rule_is_nobodys"),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="released_is_final",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."released_at" IS NOT NULL)',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="1fc7ccdcb4c7a27a51d057b31372c275a9a7965e",
                        operation="UPDATE",
                        pgid="pgtrigger_released_is_final_a9f67",
                        table="approvals_halt",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="72138c3f05c08c034cc19d31bb8b1a33920354e8",
                        operation="DELETE",
                        pgid="pgtrigger_kept_4ed6f",
                        table="approvals_halt",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="order_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."by_name" IS DISTINCT FROM (NEW."by_name") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."rule" IS DISTINCT FROM (NEW."rule") OR OLD."scope" IS DISTINCT FROM (NEW."scope") OR OLD."target" IS DISTINCT FROM (NEW."target"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="8c7c82cddc8683a1d633eed5eaf9df6a36a9ab47",
                        operation="UPDATE",
                        pgid="pgtrigger_order_is_fixed_16af1",
                        table="approvals_halt",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="LoginLink",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("token_sha256", models.CharField(max_length=64, unique=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("expires_at", models.DateTimeField()),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
        ],
    ),
    migrations.CreateModel(
        name="PolicyVersion",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "state",
                models.CharField(
                    choices=[
                        (approvals.states.PolicyState["PROPOSED"], approvals.states.PolicyState["PROPOSED"]),
                        (approvals.states.PolicyState["PUBLISHED"], approvals.states.PolicyState["PUBLISHED"]),
                        (approvals.states.PolicyState["WITHDRAWN"], approvals.states.PolicyState["WITHDRAWN"]),
                    ],
                    default=approvals.states.PolicyState["PROPOSED"],
                    max_length=10,
                ),
            ),
            ("number", models.IntegerField(null=True)),
            ("source", models.TextField()),
            ("sha256", models.CharField(db_index=True, max_length=64)),
            ("base", models.IntegerField(default=0)),
            ("diff", models.TextField(blank=True)),
            ("loosens", models.JSONField(default=list)),
            ("warnings", models.JSONField(default=list)),
            ("justification", models.TextField()),
            ("proposed_name", models.TextField()),
            ("door", models.TextField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("closed_name", models.TextField(blank=True)),
            ("closed_at", models.DateTimeField(null=True)),
            ("note", models.TextField(blank=True)),
            (
                "closed_by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            (
                "proposed_by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
        ],
        options={
            "indexes": [models.Index(condition=models.Q(("state", "PROPOSED")), fields=["id"], name="policy_proposed")],
            "constraints": [
                models.UniqueConstraint(fields=("number",), name="policy_one_per_number"),
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["PROPOSED", "PUBLISHED", "WITHDRAWN"])), name="policy_state_known"
                ),
                models.CheckConstraint(
                    condition=models.Q(("state", approvals.states.PolicyState["PUBLISHED"]), ("number", None), _connector="XOR"),
                    name="policy_published_has_a_number",
                ),
                models.CheckConstraint(
                    condition=models.Q(("state", approvals.states.PolicyState["PROPOSED"]), ("closed_at__isnull", False), _connector="XOR"),
                    name="policy_closed_has_a_time",
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="policy_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{PROPOSED:PUBLISHED,PROPOSED:WITHDRAWN}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="222f0d06948046a66e68eaea19c9c936adc28ea9",
                        operation="UPDATE",
                        pgid="pgtrigger_policy_steps_bf78a",
                        table="approvals_policyversion",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."base" IS DISTINCT FROM (NEW."base") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."diff" IS DISTINCT FROM (NEW."diff") OR OLD."door" IS DISTINCT FROM (NEW."door") OR OLD."justification" IS DISTINCT FROM (NEW."justification") OR OLD."loosens" IS DISTINCT FROM (NEW."loosens") OR OLD."proposed_by_id" IS DISTINCT FROM (NEW."proposed_by_id") OR OLD."proposed_name" IS DISTINCT FROM (NEW."proposed_name") OR OLD."sha256" IS DISTINCT FROM (NEW."sha256") OR OLD."source" IS DISTINCT FROM (NEW."source") OR OLD."warnings" IS DISTINCT FROM (NEW."warnings"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="1b254ed29bc1584dde9f50ae3002824b3574648f",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_0a842",
                        table="approvals_policyversion",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="closed_is_final",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition="WHEN (OLD.\"state\" IS DISTINCT FROM 'PROPOSED')",
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="44a50732d7abb1ca232e4e6f4664d57735fe4d4d",
                        operation="UPDATE",
                        pgid="pgtrigger_closed_is_final_3c596",
                        table="approvals_policyversion",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="e38fc41700d5ceaf0863d1fc3a10e5d66e0741cc",
                        operation="DELETE",
                        pgid="pgtrigger_kept_a8f22",
                        table="approvals_policyversion",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Preference",
        fields=[
            (
                "user",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.CASCADE,
                    primary_key=True,
                    related_name="+",
                    serialize=False,
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            ("choices", models.JSONField(default=dict)),
            ("views", models.JSONField(default=list)),
            ("viewing", models.TextField(blank=True)),
            ("viewing_at", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [
                models.Index(
                    condition=models.Q(("viewing", ""), _negated=True), fields=["viewing", "viewing_at"], name="preference_viewing"
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="SignIn",
        fields=[
            ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ("session_key", models.CharField(max_length=40)),
            ("device", models.TextField(blank=True)),
            ("proof", models.TextField()),
            ("proved_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("ended_at", models.DateTimeField(null=True)),
            ("ended_by", models.TextField(blank=True)),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="sign_ins", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("ended_at", None)), fields=["user", "-seen_at"], name="sign_in_open"),
                models.Index(condition=models.Q(("ended_at", None)), fields=["session_key"], name="sign_in_by_session"),
            ],
        },
    ),
    migrations.CreateModel(
        name="SlackCode",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("sha256", models.CharField(max_length=64, unique=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("used_at", models.DateTimeField(null=True)),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "indexes": [models.Index(fields=["created_at"], name="slack_code_old")],
        },
    ),
    migrations.CreateModel(
        name="SlackPerson",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("enterprise", models.TextField(blank=True)),
            ("team", models.TextField()),
            ("slack_user", models.TextField()),
            ("linked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("checked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("unlinked_at", models.DateTimeField(null=True)),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "indexes": [models.Index(condition=models.Q(("unlinked_at", None)), fields=["user"], name="slack_person_of")],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("unlinked_at", None)), fields=("enterprise", "team", "slack_user"), name="slack_person_once"
                )
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="linked_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."enterprise" IS DISTINCT FROM (NEW."enterprise") OR OLD."linked_at" IS DISTINCT FROM (NEW."linked_at") OR OLD."slack_user" IS DISTINCT FROM (NEW."slack_user") OR OLD."team" IS DISTINCT FROM (NEW."team") OR OLD."user_id" IS DISTINCT FROM (NEW."user_id"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="f51f3870aa8ede88f59ffc7c8b4cb009f075deab",
                        operation="UPDATE",
                        pgid="pgtrigger_linked_is_fixed_147fb",
                        table="approvals_slackperson",
                        when="BEFORE",
                    ),
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="SlackTeam",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("team", models.TextField()),
            ("enterprise", models.TextField(blank=True)),
            ("name", models.TextField()),
            ("app", models.TextField(blank=True)),
            ("bot_user", models.TextField()),
            ("token", models.TextField()),
            ("refresh_token", models.TextField(blank=True)),
            ("token_until", models.DateTimeField(null=True)),
            ("refreshing_until", models.DateTimeField(null=True)),
            ("scopes", models.TextField(blank=True)),
            ("installed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("removed_at", models.DateTimeField(null=True)),
            ("next_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("failures", models.IntegerField(default=0)),
            ("error", models.TextField(blank=True)),
            (
                "installed_by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            ("api", models.TextField(blank=True)),
            ("not_renewed", models.TextField(blank=True, db_default="")),
        ],
        options={
            "constraints": [models.UniqueConstraint(condition=models.Q(("removed_at", None)), fields=("team",), name="slack_team_once")],
        },
    ),
    migrations.CreateModel(
        name="ApiKey",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.TextField()),
            ("start", models.CharField(max_length=16)),
            ("secret_sha256", models.CharField(max_length=64, unique=True)),
            ("scopes", models.JSONField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("expires_at", models.DateTimeField(null=True)),
            ("revoked_at", models.DateTimeField(null=True)),
            ("revoked_by", models.TextField(blank=True)),
            (
                "created_by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="api_keys", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "indexes": [models.Index(fields=["user", "-id"], name="key_by_user")],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("revoked_at", None), models.Q(("revoked_by", ""), _negated=True), _connector="OR"),
                    name="key_revoked_by_somebody",
                )
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at") OR OLD."scopes" IS DISTINCT FROM (NEW."scopes") OR OLD."secret_sha256" IS DISTINCT FROM (NEW."secret_sha256") OR OLD."user_id" IS DISTINCT FROM (NEW."user_id"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="6a61766ac1ec55abf77b51bab8cac1cdf83e63a1",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_ef125",
                        table="approvals_apikey",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="28cb37520ea2b499c5b15781f473fc582209f2d7",
                        operation="DELETE",
                        pgid="pgtrigger_kept_646f0",
                        table="approvals_apikey",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Endpoint",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("agent", models.TextField(blank=True)),
            ("url", models.TextField()),
            ("about", models.TextField(blank=True)),
            ("kinds", models.JSONField(default=list)),
            ("secret", models.TextField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("off_at", models.DateTimeField(null=True)),
            ("off_why", models.TextField(blank=True)),
            (
                "created_by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            ("on_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("alone_until", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [models.Index(condition=models.Q(("off_at", None)), fields=["agent"], name="endpoint_on")],
        },
    ),
    migrations.CreateModel(
        name="Switch",
        fields=[
            ("id", models.BigAutoField(primary_key=True, serialize=False)),
            ("scope", models.CharField(choices=[("agent", "Agent"), ("tool", "Tool")], max_length=8)),
            ("target", models.TextField()),
            ("setting", models.CharField(choices=[("ask", "Ask"), ("deny", "Deny")], max_length=8)),
            ("reason", models.TextField()),
            ("by_name", models.TextField()),
            ("door", models.TextField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("until", models.DateTimeField(null=True)),
            ("ended_at", models.DateTimeField(null=True)),
            ("ended_by_name", models.TextField(blank=True)),
            ("end_reason", models.TextField(blank=True)),
            ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("ended_at", None)), fields=("scope", "target"), name="switch_one_each"),
                models.CheckConstraint(
                    condition=models.Q(models.Q(("target", ""), _negated=True), models.Q(("reason", ""), _negated=True)),
                    name="switch_says_what_and_why",
                ),
                models.CheckConstraint(
                    condition=models.Q(("scope__in", ["agent", "tool"]), ("setting__in", ["ask", "deny"])), name="switch_known"
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="set_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."by_id" IS DISTINCT FROM (NEW."by_id") OR OLD."by_name" IS DISTINCT FROM (NEW."by_name") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."scope" IS DISTINCT FROM (NEW."scope") OR OLD."setting" IS DISTINCT FROM (NEW."setting") OR OLD."target" IS DISTINCT FROM (NEW."target") OR OLD."until" IS DISTINCT FROM (NEW."until"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="757b7b05137867760b280ed5c8b72ad63631cf4b",
                        operation="UPDATE",
                        pgid="pgtrigger_set_is_fixed_91b5c",
                        table="approvals_switch",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="ended_is_final",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."ended_at" IS NOT NULL)',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="751c94bc0ef460383f7b70833ea3941b58d0b99e",
                        operation="UPDATE",
                        pgid="pgtrigger_ended_is_final_c6b87",
                        table="approvals_switch",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="ca1e706ebbcff88837149285ab7a570da15beb65",
                        operation="DELETE",
                        pgid="pgtrigger_kept_90d96",
                        table="approvals_switch",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Ask",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("version", models.IntegerField()),
            ("question", models.TextField()),
            ("door", models.TextField()),
            (
                "state",
                models.CharField(
                    choices=[
                        (approvals.states.AskState["WANTED"], approvals.states.AskState["WANTED"]),
                        (approvals.states.AskState["ANSWERED"], approvals.states.AskState["ANSWERED"]),
                        (approvals.states.AskState["FAILED"], approvals.states.AskState["FAILED"]),
                    ],
                    default=approvals.states.AskState["WANTED"],
                    max_length=10,
                ),
            ),
            ("answer", models.TextField(blank=True)),
            ("attempts", models.IntegerField(default=0)),
            ("taken_until", models.DateTimeField(null=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("done_at", models.DateTimeField(null=True)),
            ("action", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="asks", to="approvals.action")),
            ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("state", "WANTED")), fields=("action",), name="ask_one_at_a_time"),
                models.CheckConstraint(condition=models.Q(("state__in", ["WANTED", "ANSWERED", "FAILED"])), name="ask_state_known"),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="ask_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{WANTED:ANSWERED,WANTED:FAILED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="4d627061dad3b48e0da01cfc31d27e8aeee154b3",
                        operation="UPDATE",
                        pgid="pgtrigger_ask_steps_12f4a",
                        table="approvals_ask",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="asked_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."action_id" IS DISTINCT FROM (NEW."action_id") OR OLD."by_id" IS DISTINCT FROM (NEW."by_id") OR OLD."door" IS DISTINCT FROM (NEW."door") OR OLD."question" IS DISTINCT FROM (NEW."question") OR OLD."version" IS DISTINCT FROM (NEW."version"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="3a52983bb3015a5ebcc29e025e703951860ce85b",
                        operation="UPDATE",
                        pgid="pgtrigger_asked_is_fixed_0f773",
                        table="approvals_ask",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="3d36fc3726961ad2c00874fffd46c69de66fe407",
                        operation="DELETE",
                        pgid="pgtrigger_kept_12244",
                        table="approvals_ask",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Challenge",
        fields=[
            ("nonce", models.CharField(max_length=32, primary_key=True, serialize=False)),
            ("action", models.UUIDField()),
            ("digest", models.CharField(max_length=64)),
            ("verdict", models.CharField(max_length=10)),
            ("rp_id", models.TextField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("used_at", models.DateTimeField(null=True)),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("sign_in", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="approvals.signin")),
        ],
        options={
            "indexes": [models.Index(fields=["created_at"], name="challenge_old")],
        },
    ),
    migrations.CreateModel(
        name="Comment",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("text", models.TextField()),
            ("door", models.TextField()),
            ("key", models.TextField(blank=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("action", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="comments", to="approvals.action")),
            ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "constraints": [models.UniqueConstraint(condition=models.Q(("key", ""), _negated=True), fields=("key",), name="comment_once")],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="5ab2ec50e8d86ef36153ed20f977c168ee75f4ba",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_1e66e",
                        table="approvals_comment",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="fd30121e85eeefb3bbc8b2d0bbaaa319bad0bc94",
                        operation="DELETE",
                        pgid="pgtrigger_kept_27065",
                        table="approvals_comment",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Edit",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("version", models.IntegerField()),
            ("args", models.BinaryField()),
            ("door", models.TextField()),
            ("reason", models.TextField(blank=True)),
            (
                "state",
                models.CharField(
                    choices=[
                        (approvals.states.EditState["WANTED"], approvals.states.EditState["WANTED"]),
                        (approvals.states.EditState["APPLIED"], approvals.states.EditState["APPLIED"]),
                        (approvals.states.EditState["REFUSED"], approvals.states.EditState["REFUSED"]),
                    ],
                    default=approvals.states.EditState["WANTED"],
                    max_length=10,
                ),
            ),
            ("errors", models.JSONField(default=dict)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("done_at", models.DateTimeField(null=True)),
            ("action", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="edits", to="approvals.action")),
            ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ("attempts", models.IntegerField(default=0)),
            ("taken_until", models.DateTimeField(null=True)),
        ],
        options={
            "indexes": [models.Index(condition=models.Q(("state", "APPLIED")), fields=["done_at"], name="edit_applied")],
            "constraints": [
                models.UniqueConstraint(condition=models.Q(("state", "WANTED")), fields=("action",), name="edit_one_at_a_time")
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="edit_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{WANTED:APPLIED,WANTED:REFUSED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="44b6a1f509617dcd8675ddbae8aeb455742e40cc",
                        operation="UPDATE",
                        pgid="pgtrigger_edit_steps_e2054",
                        table="approvals_edit",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="2ae06192eb15ca02fe2f9d1897171a24ca1dc464",
                        operation="DELETE",
                        pgid="pgtrigger_kept_e6cf0",
                        table="approvals_edit",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Grant",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("agent", models.TextField()),
            ("tool", models.TextField()),
            ("tool_schema_sha256", models.CharField(blank=True, max_length=64)),
            ("environment", models.TextField(blank=True)),
            ("run", models.TextField(blank=True)),
            ("args_sha256", models.CharField(blank=True, max_length=64)),
            ("level", models.CharField(max_length=10)),
            ("max_uses", models.IntegerField()),
            ("figure", models.TextField(blank=True)),
            ("max_each", models.BigIntegerField(null=True)),
            ("max_total", models.BigIntegerField(null=True)),
            ("until", models.DateTimeField()),
            ("uses", models.IntegerField(db_default=0, default=0)),
            ("total", models.BigIntegerField(db_default=0, default=0)),
            ("reason", models.TextField()),
            ("need", models.JSONField(default=list)),
            ("policy", models.TextField()),
            ("backtest", models.JSONField(default=dict)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("last_used_at", models.DateTimeField(null=True)),
            ("revoked_at", models.DateTimeField(null=True)),
            ("revoked_by_name", models.TextField(blank=True, default="")),
            ("revoke_reason", models.TextField(blank=True, default="")),
            ("like", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="approvals.action")),
            ("also", models.JSONField(db_default={}, default=dict)),
            ("declared_sha256", models.CharField(blank=True, db_default="", default="", max_length=64)),
        ],
        options={
            "indexes": [models.Index(condition=models.Q(("revoked_at", None)), fields=["agent", "tool", "until"], name="grant_standing")],
            "constraints": [
                models.CheckConstraint(condition=models.Q(("level__in", ["medium", "high"])), name="grant_never_critical"),
                models.CheckConstraint(
                    condition=models.Q(("max_uses__gte", 1), ("uses__gte", 0), ("uses__lte", models.F("max_uses"))),
                    name="grant_uses_bounded",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("max_total", None), models.Q(("total__gte", 0), ("total__lte", models.F("max_total"))), _connector="OR"
                    ),
                    name="grant_total_bounded",
                ),
                models.CheckConstraint(
                    condition=models.Q(("figure", ""), ("max_total__isnull", False), _connector="XOR"), name="grant_figure_has_a_total"
                ),
                models.CheckConstraint(
                    condition=models.Q(("args_sha256", ""), models.Q(("run", ""), _negated=True), _connector="OR"),
                    name="grant_same_call_in_one_run",
                ),
                models.CheckConstraint(condition=models.Q(("until__gt", models.F("created_at"))), name="grant_ends_after_it_began"),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="only_counts_up",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."uses" > (NEW."uses") OR OLD."total" > (NEW."total"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="74411f46e9721701ed1d4531720a85d0d446af52",
                        operation="UPDATE",
                        pgid="pgtrigger_only_counts_up_74195",
                        table="approvals_grant",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="revoked_is_final",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."revoked_at" IS NOT NULL)',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="5c27e37cf71ad7118268d8bb6f14899957bc3b8f",
                        operation="UPDATE",
                        pgid="pgtrigger_revoked_is_final_cf65e",
                        table="approvals_grant",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="0ca64654e59e5311c7c05ed58dff709ca85df463",
                        operation="DELETE",
                        pgid="pgtrigger_kept_287d0",
                        table="approvals_grant",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."agent" IS DISTINCT FROM (NEW."agent") OR OLD."also" IS DISTINCT FROM (NEW."also") OR OLD."args_sha256" IS DISTINCT FROM (NEW."args_sha256") OR OLD."backtest" IS DISTINCT FROM (NEW."backtest") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."declared_sha256" IS DISTINCT FROM (NEW."declared_sha256") OR OLD."environment" IS DISTINCT FROM (NEW."environment") OR OLD."figure" IS DISTINCT FROM (NEW."figure") OR OLD."level" IS DISTINCT FROM (NEW."level") OR OLD."like_id" IS DISTINCT FROM (NEW."like_id") OR OLD."max_each" IS DISTINCT FROM (NEW."max_each") OR OLD."max_total" IS DISTINCT FROM (NEW."max_total") OR OLD."max_uses" IS DISTINCT FROM (NEW."max_uses") OR OLD."need" IS DISTINCT FROM (NEW."need") OR OLD."policy" IS DISTINCT FROM (NEW."policy") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."run" IS DISTINCT FROM (NEW."run") OR OLD."tool" IS DISTINCT FROM (NEW."tool") OR OLD."tool_schema_sha256" IS DISTINCT FROM (NEW."tool_schema_sha256") OR OLD."until" IS DISTINCT FROM (NEW."until"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="cd9aaa1d23dc92f6e0639a50d43f0fcb149d5c74",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_8d311",
                        table="approvals_grant",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Requirement",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("version", models.IntegerField()),
            ("envelope", models.BinaryField()),
            ("digest", models.CharField(max_length=64)),
            ("policy", models.TextField()),
            ("level", models.CharField(max_length=10)),
            ("score", models.IntegerField()),
            ("factors", models.JSONField()),
            ("preview", models.JSONField(default=dict)),
            ("rationale", models.TextField(blank=True)),
            ("evidence", models.JSONField(default=list)),
            ("why", models.TextField(default="proposed")),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("action", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="requirements", to="approvals.action")),
            (
                "edited_by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("action", "version"), name="requirement_one_per_version")],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="2b11725610339c0483ffa015dc49c591690076a6",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_8bb6b",
                        table="approvals_requirement",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="fb0cb1f78dc1a9cb04202471b71cee9a89e853ab",
                        operation="DELETE",
                        pgid="pgtrigger_kept_56821",
                        table="approvals_requirement",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="SlackChannel",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.TextField()),
            ("channel", models.TextField(blank=True)),
            ("post_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("update_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("error", models.TextField(blank=True)),
            ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="channels", to="approvals.slackteam")),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("team", "name"), name="slack_channel_once")],
        },
    ),
    migrations.CreateModel(
        name="Snooze",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("until", models.DateTimeField()),
            ("action", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="snoozes", to="approvals.action")),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "indexes": [models.Index(fields=["until"], name="snooze_due")],
            "constraints": [models.UniqueConstraint(fields=("user", "action"), name="snooze_once_per_person")],
        },
    ),
    migrations.CreateModel(
        name="Viewed",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("version", models.IntegerField()),
            ("digest", models.CharField(max_length=64)),
            ("part", models.CharField(max_length=20)),
            ("person", models.TextField()),
            ("door", models.TextField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            (
                "action",
                models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="approvals.action"),
            ),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("action", "version", "person", "part"), name="viewed_once")],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="8f46530ebf52c0d08d102eaa2d881e0d795fdc6a",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_82842",
                        table="approvals_viewed",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="648419c39fdd79e6cc0117968c256b46ced5b631",
                        operation="DELETE",
                        pgid="pgtrigger_kept_8b399",
                        table="approvals_viewed",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Drill",
        fields=[
            (
                "action",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name="+", serialize=False, to="approvals.action"
                ),
            ),
            ("group", models.TextField()),
            ("kind", models.TextField()),
            ("wrong", models.JSONField()),
            ("based_on", models.UUIDField()),
            (
                "state",
                models.CharField(
                    choices=[
                        (approvals.states.DrillState["OPEN"], approvals.states.DrillState["OPEN"]),
                        (approvals.states.DrillState["CAUGHT"], approvals.states.DrillState["CAUGHT"]),
                        (approvals.states.DrillState["MISSED"], approvals.states.DrillState["MISSED"]),
                        (approvals.states.DrillState["EXPIRED"], approvals.states.DrillState["EXPIRED"]),
                        (approvals.states.DrillState["WITHDRAWN"], approvals.states.DrillState["WITHDRAWN"]),
                    ],
                    default=approvals.states.DrillState["OPEN"],
                    max_length=10,
                ),
            ),
            ("verdict", models.TextField(blank=True)),
            ("person", models.TextField(blank=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("ended_at", models.DateTimeField(null=True)),
            (
                "by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("ended_at__isnull", False)), fields=["-ended_at"], name="drill_ended"),
                models.Index(fields=["group", "-created_at"], name="drill_of_group"),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["OPEN", "CAUGHT", "MISSED", "EXPIRED", "WITHDRAWN"])), name="drill_state_known"
                ),
                models.CheckConstraint(
                    condition=models.Q(("state", approvals.states.DrillState["OPEN"]), ("ended_at__isnull", False), _connector="XOR"),
                    name="drill_ended_has_a_time",
                ),
                models.UniqueConstraint(condition=models.Q(("state", "OPEN")), fields=("group",), name="drill_one_at_a_time"),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="drill_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{OPEN:CAUGHT,OPEN:EXPIRED,OPEN:MISSED,OPEN:WITHDRAWN}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="05229c14eda2ed272c5ffe0d15578d2e2db25da2",
                        operation="UPDATE",
                        pgid="pgtrigger_drill_steps_09ffb",
                        table="approvals_drill",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."action_id" IS DISTINCT FROM (NEW."action_id") OR OLD."based_on" IS DISTINCT FROM (NEW."based_on") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."group" IS DISTINCT FROM (NEW."group") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."wrong" IS DISTINCT FROM (NEW."wrong"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="be7494d77393c1facf00933e1dc5c13f7c3edf0f",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_ab2f1",
                        table="approvals_drill",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="c2460e4e99b13404d33c9c1c25eaecea7a306356",
                        operation="DELETE",
                        pgid="pgtrigger_kept_b26c4",
                        table="approvals_drill",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="ApiUse",
        fields=[
            (
                "key",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.CASCADE,
                    primary_key=True,
                    related_name="use",
                    serialize=False,
                    to="approvals.apikey",
                ),
            ),
            ("minute", models.DateTimeField()),
            ("calls", models.IntegerField()),
        ],
    ),
    migrations.CreateModel(
        name="OutsideClaim",
        fields=[
            (
                "action",
                models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT,
                    primary_key=True,
                    related_name="outside_claim",
                    serialize=False,
                    to="approvals.action",
                ),
            ),
            ("claim_key", models.TextField(blank=True)),
            ("digest", models.CharField(max_length=64)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("api_key", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="approvals.apikey")),
        ],
        options={
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="75cbdbbb6d47e5e26f96836bff9b8394bd718e77",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_505f2",
                        table="approvals_outsideclaim",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="196ddc4742be35684bd691e27eae95844cd228a1",
                        operation="DELETE",
                        pgid="pgtrigger_kept_73569",
                        table="approvals_outsideclaim",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Post",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("message", models.TextField()),
            ("round", models.IntegerField(default=1)),
            ("kind", models.TextField()),
            ("about", models.TextField(blank=True)),
            ("body", models.TextField()),
            (
                "state",
                models.CharField(
                    choices=[
                        (approvals.states.DeliveryState["WAITING"], approvals.states.DeliveryState["WAITING"]),
                        (approvals.states.DeliveryState["SENDING"], approvals.states.DeliveryState["SENDING"]),
                        (approvals.states.DeliveryState["SENT"], approvals.states.DeliveryState["SENT"]),
                        (approvals.states.DeliveryState["FAILED"], approvals.states.DeliveryState["FAILED"]),
                        (approvals.states.DeliveryState["UNSURE"], approvals.states.DeliveryState["UNSURE"]),
                        (approvals.states.DeliveryState["SKIPPED"], approvals.states.DeliveryState["SKIPPED"]),
                    ],
                    default=approvals.states.DeliveryState["WAITING"],
                    max_length=10,
                ),
            ),
            ("attempts", models.IntegerField(default=0)),
            ("next_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("status", models.IntegerField(null=True)),
            ("error", models.TextField(blank=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("endpoint", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="posts", to="approvals.endpoint")),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("state", "SENDING")), fields=["changed_at"], name="post_sending"),
                models.Index(fields=["endpoint", "-id"], name="post_of"),
                models.Index(fields=["created_at"], name="post_by_age"),
                models.Index(condition=models.Q(("state", "WAITING")), fields=["endpoint", "next_at", "id"], name="post_next"),
                models.Index(condition=models.Q(("attempts__gt", 0), ("state", "WAITING")), fields=["endpoint"], name="post_tried"),
            ],
            "constraints": [
                models.UniqueConstraint(fields=("endpoint", "message", "round"), name="post_once"),
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["WAITING", "SENDING", "SENT", "FAILED", "UNSURE", "SKIPPED"])),
                    name="post_state_known",
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="post_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{FAILED:WAITING,SENDING:FAILED,SENDING:SENT,SENDING:UNSURE,SENDING:WAITING,UNSURE:WAITING,WAITING:SENDING,WAITING:SKIPPED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="9e9b8e3840fa8554d4fc19d0940c979a39e37cb3",
                        operation="UPDATE",
                        pgid="pgtrigger_post_steps_3719a",
                        table="approvals_post",
                        when="BEFORE",
                    ),
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Opinion",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("version", models.IntegerField()),
            ("model", models.TextField()),
            ("waits", models.BooleanField(default=False)),
            ("until", models.DateTimeField()),
            (
                "state",
                models.CharField(
                    choices=[
                        (approvals.states.OpinionState["WANTED"], approvals.states.OpinionState["WANTED"]),
                        (approvals.states.OpinionState["GIVEN"], approvals.states.OpinionState["GIVEN"]),
                        (approvals.states.OpinionState["FAILED"], approvals.states.OpinionState["FAILED"]),
                    ],
                    default=approvals.states.OpinionState["WANTED"],
                    max_length=10,
                ),
            ),
            ("concern", models.CharField(blank=True, db_default="", default="", max_length=10)),
            ("words", models.TextField(blank=True, db_default="", default="")),
            ("error", models.TextField(blank=True, db_default="", default="")),
            ("points", models.IntegerField(db_default=0, default=0)),
            ("effect", models.CharField(blank=True, db_default="", default="", max_length=10)),
            ("prompt_sha256", models.CharField(blank=True, db_default="", default="", max_length=64)),
            ("attempts", models.IntegerField(db_default=0, default=0)),
            ("taken_until", models.DateTimeField(null=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("done_at", models.DateTimeField(null=True)),
            ("action", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="opinions", to="approvals.action")),
        ],
        options={
            "indexes": [models.Index(condition=models.Q(("state", "WANTED")), fields=["until"], name="opinion_wanted")],
            "constraints": [
                models.UniqueConstraint(fields=("action", "version"), name="opinion_one_per_version"),
                models.CheckConstraint(condition=models.Q(("state__in", ["WANTED", "GIVEN", "FAILED"])), name="opinion_state_known"),
                models.CheckConstraint(condition=models.Q(("points__gte", 0)), name="opinion_never_lowers"),
                models.CheckConstraint(
                    condition=models.Q(("concern__in", ["", "none", "doubtful", "dangerous"])), name="opinion_concern_known"
                ),
                models.CheckConstraint(
                    condition=models.Q(("state", approvals.states.OpinionState["WANTED"]), ("done_at__isnull", False), _connector="XOR"),
                    name="opinion_done_has_a_time",
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="opinion_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{WANTED:FAILED,WANTED:GIVEN}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="452004a971a98372b68634e0a9dc5fa79e3292bd",
                        operation="UPDATE",
                        pgid="pgtrigger_opinion_steps_eaffa",
                        table="approvals_opinion",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="opinion_given_stays",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition="WHEN (NOT (OLD.\"state\" = 'WANTED'))",
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="87589ba37469f3a11f31a6ce3ca0f91d8ba24822",
                        operation="UPDATE",
                        pgid="pgtrigger_opinion_given_stays_93f10",
                        table="approvals_opinion",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."action_id" IS DISTINCT FROM (NEW."action_id") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."model" IS DISTINCT FROM (NEW."model") OR OLD."until" IS DISTINCT FROM (NEW."until") OR OLD."version" IS DISTINCT FROM (NEW."version") OR OLD."waits" IS DISTINCT FROM (NEW."waits"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="31d532aea34a50b30b17eea529ed880391e38542",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_ec234",
                        table="approvals_opinion",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="ec2bb600f042aac9216050a1deaf709523b82e12",
                        operation="DELETE",
                        pgid="pgtrigger_kept_de701",
                        table="approvals_opinion",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="SlackPause",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("method", models.TextField()),
            ("until", models.DateTimeField()),
            ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="pauses", to="approvals.slackteam")),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("team", "method"), name="slack_pause_once")],
        },
    ),
    migrations.CreateModel(
        name="Release",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("scope", models.CharField(choices=[("run", "Run"), ("agent", "Agent"), ("all", "All")], max_length=8)),
            ("target", models.TextField(blank=True)),
            ("reason", models.TextField()),
            ("by_name", models.TextField()),
            ("door", models.TextField()),
            ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("confirmed_by_name", models.TextField(blank=True)),
            ("confirmed_at", models.DateTimeField(null=True)),
            ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            (
                "confirmed_by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            ("halt", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="releases", to="approvals.halt")),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("confirmed_at__isnull", False)), fields=("halt", "scope", "target"), name="release_once"
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("scope", "all"), ("target", "")),
                        models.Q(models.Q(("scope", "all"), _negated=True), models.Q(("target", ""), _negated=True)),
                        _connector="OR",
                    ),
                    name="release_target_fits",
                ),
                models.CheckConstraint(condition=models.Q(("reason", ""), _negated=True), name="release_says_why"),
                models.CheckConstraint(
                    condition=models.Q(("confirmed_at", None), ("confirmed_by__isnull", False), _connector="OR"),
                    name="release_confirmed_by_somebody",
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="asked_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."asked_at" IS DISTINCT FROM (NEW."asked_at") OR OLD."by_id" IS DISTINCT FROM (NEW."by_id") OR OLD."by_name" IS DISTINCT FROM (NEW."by_name") OR OLD."halt_id" IS DISTINCT FROM (NEW."halt_id") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."scope" IS DISTINCT FROM (NEW."scope") OR OLD."target" IS DISTINCT FROM (NEW."target"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="1012aacd0885e5eeefb703bebfcc369dcc83b0d2",
                        operation="UPDATE",
                        pgid="pgtrigger_asked_is_fixed_5b917",
                        table="approvals_release",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="confirmed_is_final",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."confirmed_at" IS NOT NULL)',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="144224baf149be2deb793e8e1481ecfd1d7ce1b6",
                        operation="UPDATE",
                        pgid="pgtrigger_confirmed_is_final_a3d51",
                        table="approvals_release",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="168b0683c4226326dcabe9a8033abdb017588fd4",
                        operation="DELETE",
                        pgid="pgtrigger_kept_21b17",
                        table="approvals_release",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Decision",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("version", models.IntegerField()),
            ("digest", models.CharField(max_length=64)),
            (
                "verdict",
                models.CharField(
                    choices=[
                        (approvals.states.Verdict["APPROVE"], approvals.states.Verdict["APPROVE"]),
                        (approvals.states.Verdict["REJECT"], approvals.states.Verdict["REJECT"]),
                        (approvals.states.Verdict["RESPOND"], approvals.states.Verdict["RESPOND"]),
                        (approvals.states.Verdict["TAKE_OVER"], approvals.states.Verdict["TAKE_OVER"]),
                    ],
                    max_length=10,
                ),
            ),
            ("by_name", models.TextField()),
            ("person", models.TextField()),
            ("groups", models.JSONField(default=list)),
            ("reason", models.TextField(blank=True)),
            ("response", models.TextField(blank=True)),
            ("door", models.TextField()),
            ("nonce", models.CharField(max_length=32)),
            ("details", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
            ("idempotency_key", models.TextField(blank=True)),
            ("looked_ms", models.IntegerField(null=True)),
            ("saw_all", models.BooleanField(null=True)),
            ("viewed", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
            ("proof", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
            ("stage", models.SmallIntegerField(db_default=1, default=1)),
            ("instead_of_person", models.TextField(db_default="", default="")),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("action", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="approvals.action")),
            (
                "by",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            (
                "instead_of",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
            ),
            (
                "grant",
                models.ForeignKey(
                    db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="approvals.grant"
                ),
            ),
            ("nth", models.SmallIntegerField(db_default=0, default=0)),
            ("turn", models.TextField(db_default="", default="")),
        ],
        options={
            "indexes": [
                models.Index(fields=["person", "-created_at"], name="decision_by_person"),
                models.Index(condition=models.Q(("grant__isnull", False)), fields=["grant", "-id"], name="decision_by_grant"),
                models.Index(condition=models.Q(("by__isnull", False)), fields=["created_at"], name="decision_by_people"),
            ],
            "constraints": [
                models.UniqueConstraint(fields=("nonce",), name="decision_nonce_once"),
                models.CheckConstraint(
                    condition=models.Q(("verdict__in", ["approve", "reject", "respond", "take_over"])), name="decision_verdict_known"
                ),
                models.UniqueConstraint(fields=("action", "version", "person", "nth"), name="decision_one_at_a_time"),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="8a7338baf18ab2baf436f1cbeb7267b9a2f10751",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_73e4c",
                        table="approvals_decision",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="20678edb1d01b7bf02b6431c5a873820fec8fafc",
                        operation="DELETE",
                        pgid="pgtrigger_kept_7e215",
                        table="approvals_decision",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="GrantGiver",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.TextField()),
            ("person", models.TextField()),
            ("groups", models.JSONField(default=list)),
            ("door", models.TextField()),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("grant", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="givers", to="approvals.grant")),
            ("user", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("grant", "person"), name="grant_one_per_person")],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="frozen",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="3d9e30bf27e9b1e6d88505cdb9d2a533d342ebfa",
                        operation="UPDATE",
                        pgid="pgtrigger_frozen_ff5eb",
                        table="approvals_grantgiver",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="kept",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                        hash="1ea4325bce52218fa8b3ef2efcde2f4f53514f1f",
                        operation="DELETE",
                        pgid="pgtrigger_kept_17081",
                        table="approvals_grantgiver",
                        when="BEFORE",
                    ),
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="SlackMessage",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            (
                "kind",
                models.CharField(
                    choices=[("card", "Card"), ("reply", "Reply"), ("note", "Note"), ("old", "Old"), ("whisper", "Whisper")], max_length=10
                ),
            ),
            ("key", models.TextField()),
            ("body", models.JSONField(default=dict)),
            ("ts", models.TextField(blank=True)),
            ("shown", models.CharField(blank=True, max_length=64)),
            ("version", models.IntegerField(default=0)),
            ("told", models.BigIntegerField(default=0)),
            (
                "state",
                models.CharField(
                    choices=[
                        (approvals.states.SlackState["WAITING"], approvals.states.SlackState["WAITING"]),
                        (approvals.states.SlackState["SENDING"], approvals.states.SlackState["SENDING"]),
                        (approvals.states.SlackState["SENT"], approvals.states.SlackState["SENT"]),
                        (approvals.states.SlackState["FAILED"], approvals.states.SlackState["FAILED"]),
                        (approvals.states.SlackState["SKIPPED"], approvals.states.SlackState["SKIPPED"]),
                    ],
                    default=approvals.states.SlackState["WAITING"],
                    max_length=10,
                ),
            ),
            ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("attempts", models.IntegerField(default=0)),
            ("lost", models.BooleanField(default=False)),
            ("error", models.TextField(blank=True)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("checked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("action", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="approvals.action")),
            (
                "card",
                models.ForeignKey(
                    null=True, on_delete=django.db.models.deletion.CASCADE, related_name="replies", to="approvals.slackmessage"
                ),
            ),
            (
                "channel",
                models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="messages", to="approvals.slackchannel"),
            ),
            (
                "comment",
                models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="approvals.comment"),
            ),
        ],
        options={
            "indexes": [
                models.Index(condition=models.Q(("state", "WAITING")), fields=["due_at"], name="slack_message_due"),
                models.Index(condition=models.Q(("state", "SENDING")), fields=["changed_at"], name="slack_message_sending"),
                models.Index(fields=["action", "kind"], name="slack_message_of"),
                models.Index(condition=models.Q(("kind", "card"), ("state", "SENT")), fields=["checked_at"], name="slack_message_kept"),
                models.Index(condition=models.Q(("ts", ""), _negated=True), fields=["channel", "ts"], name="slack_message_at"),
                models.Index(condition=models.Q(("state", "FAILED")), fields=["-id"], name="slack_message_failed"),
            ],
            "constraints": [
                models.UniqueConstraint(fields=("channel", "key"), name="slack_message_once"),
                models.CheckConstraint(
                    condition=models.Q(("state__in", ["WAITING", "SENDING", "SENT", "FAILED", "SKIPPED"])), name="slack_message_state_known"
                ),
                models.CheckConstraint(
                    condition=models.Q(models.Q(("kind", "card"), _negated=True), ("action__isnull", False), _connector="OR"),
                    name="slack_card_of_an_action",
                ),
            ],
            "triggers": [
                pgtrigger.compiler.Trigger(
                    name="slack_steps",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        declare="DECLARE _is_valid_transition BOOLEAN;",
                        func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{FAILED:WAITING,SENDING:FAILED,SENDING:SENT,SENDING:SKIPPED,SENDING:WAITING,SENT:WAITING,SKIPPED:WAITING,WAITING:SENDING,WAITING:SKIPPED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                        hash="d1ab4f14c43225d4e30d3eaed64c504017c9ed92",
                        operation="UPDATE",
                        pgid="pgtrigger_slack_steps_d691a",
                        table="approvals_slackmessage",
                        when="BEFORE",
                    ),
                ),
                pgtrigger.compiler.Trigger(
                    name="owed_is_fixed",
                    sql=pgtrigger.compiler.UpsertTriggerSql(
                        condition='WHEN (OLD."action_id" IS DISTINCT FROM (NEW."action_id") OR OLD."card_id" IS DISTINCT FROM (NEW."card_id") OR OLD."channel_id" IS DISTINCT FROM (NEW."channel_id") OR OLD."key" IS DISTINCT FROM (NEW."key") OR OLD."kind" IS DISTINCT FROM (NEW."kind"))',
                        func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                        hash="53c85a5599358629d043e4b3e86bab72f1212d1c",
                        operation="UPDATE",
                        pgid="pgtrigger_owed_is_fixed_869b2",
                        table="approvals_slackmessage",
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
        ("approvals", "0001_tables"),
        ("approvals", "0002_policy_versions"),
        ("approvals", "0003_preferences"),
        ("approvals", "0004_grants"),
        ("approvals", "0005_asks_holds_and_repeats"),
        ("approvals", "0006_reaching_people"),
        ("approvals", "0007_step_up"),
        ("approvals", "0008_time_and_turns"),
        ("approvals", "0009_settled_stays"),
        ("approvals", "0010_slack"),
        ("approvals", "0011_who_opened_what"),
        ("approvals", "0012_a_nonce_once"),
        ("approvals", "0013_test_actions"),
        ("approvals", "0014_slack_installs_and_guesses"),
        ("approvals", "0015_api_keys"),
        ("approvals", "0016_webhooks"),
        ("approvals", "0017_opinions"),
        ("approvals", "0018_counted_together"),
        ("approvals", "0019_slack_copies_and_presses"),
        ("approvals", "0020_slack_pauses"),
        ("approvals", "0021_halts_by_more_scopes"),
        ("approvals", "0022_switches_of_operators"),
        ("approvals", "0023_grants_bind_whole_declarations"),
        ("approvals", "0024_halts_by_rules"),
        ("approvals", "0025_what_people_approved"),
        ("approvals", "0026_alerts"),
        ("approvals", "0027_webhook_on_at"),
        ("approvals", "0028_slack_cards_count_their_news"),
        ("approvals", "0029_why_a_slack_token_was_not_renewed"),
        ("approvals", "0030_action_by_key"),
        ("approvals", "0031_edits_are_tried_so_often"),
        ("approvals", "0032_who_decides_again"),
        ("approvals", "0033_who_moved_a_place"),
        ("approvals", "0034_who_may_stand_in"),
        ("approvals", "0035_left_alone_and_unheard"),
        ("approvals", "0036_what_is_next"),
    ]

    dependencies = [("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        *TABLES,
        migrations.RunSQL(
            [trigger.install_sql for table in TABLES for trigger in table.options.get("triggers", [])],
            migrations.RunSQL.noop,  # they go with their tables
        ),
        # Counted with every request: not worth a write to the log of PostgreSQL.
        migrations.RunSQL("ALTER TABLE approvals_apiuse SET UNLOGGED", migrations.RunSQL.noop),
        migrations.RunSQL(
            "CREATE INDEX action_by_people ON approvals_action (agent, tool, resolved_at) "
            "WHERE state = 'APPROVED' AND NOT drill AND (resolution->>'door') NOT IN ('worker', 'grant')",
            migrations.RunSQL.noop,
        ),
    ]
