"""What PostgreSQL itself refuses, whoever asks: bad steps, changed history, deletions. Every guard has its attempt."""

import uuid
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from agents.models import AgentVersion, Effect, Pause, Run
from agents.states import EFFECT_TRANSITIONS, PAUSE_TRANSITIONS, RUN_TRANSITIONS
from approvals import operations
from approvals.models import Action, Decision, Edit, Halt, PolicyVersion, Requirement, User
from approvals.states import ACTION_TRANSITIONS, EDIT_TRANSITIONS
from audit.models import Event, Span
from tests import factories
from tests.factories import call, decide, work
from tests.fakes import as_intruder

pytestmark = pytest.mark.usefixtures("agents")


def refused(change) -> str:
    """What PostgreSQL says to a change it does not make."""
    with pytest.raises(DatabaseError) as error, transaction.atomic():
        change()
    return str(error.value)


def forbidden(transitions):
    return [(str(a), str(b)) for a in transitions for b in transitions if a != b and b not in transitions[a]]


def put_in(table: str, state: str) -> None:
    """Put all rows in a state, with whatever else its checks ask for, behind the triggers' back."""
    more = {
        "approvals_action": ", resolved_at = CASE WHEN %s = 'PENDING' THEN NULL ELSE now() END",
        "agents_run": ", lease_until = CASE WHEN %s = 'RUNNING' THEN now() END",
        "agents_effect": ", claimed_at = CASE WHEN %s = 'READY' THEN NULL ELSE now() END",
    }.get(table, ", id = id")
    with as_intruder(table) as cursor:
        cursor.execute(f"UPDATE {table} SET state = %s{more}", [state, state] if "%s" in more else [state])


STEPS = [
    (Action, "approvals_action", ACTION_TRANSITIONS, {"resolved_at": Now()}),
    (Edit, "approvals_edit", EDIT_TRANSITIONS, {}),
    (Run, "agents_run", RUN_TRANSITIONS, {"lease_until": Now()}),
    (Pause, "agents_pause", PAUSE_TRANSITIONS, {}),
    (Effect, "agents_effect", EFFECT_TRANSITIONS, {"claimed_at": Now()}),
]


@pytest.fixture
def rows(cast, world):
    """One row of everything."""
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    Effect.objects.create(action_id=action.pk, run=run, tool="append", digest=action.digest, by_agent=True)
    operations.request_edit(action.pk, by=cast.second, seen_digest=action.digest, args={"label": "x"}, door="web")
    operations.halt(scope="everything", reason="why", by=cast.operator, door="web")
    Decision.objects.create(action=action, version=1, digest="0" * 64, verdict="approve", by_name="x", person="x", door="web", nonce="")


@pytest.mark.parametrize(("model", "table", "transitions", "more"), STEPS)
def test_no_other_step_is_taken(rows, model, table, transitions, more):
    for before, after in forbidden(transitions):
        put_in(table, before)
        said = refused(lambda after=after: model.objects.update(state=after, **more))
        assert "Invalid transition" in said or "check constraint" in said, (before, after, said)


@pytest.mark.parametrize(("model", "table", "transitions", "more"), STEPS)
def test_every_allowed_step_is_taken(rows, model, table, transitions, more):
    for before, targets in transitions.items():
        for after in targets:
            put_in(table, before)
            values = {"resolved_at": None} if (model, str(after)) == (Action, "PENDING") else more
            model.objects.update(state=after, **values)
            assert set(model.objects.values_list("state", flat=True)) == {str(after)}, f"{before} -> {after}"


@pytest.mark.parametrize("more", [{"by_agent": False}, {"begun_at": Now()}, {"told_at": Now()}])
def test_a_claim_that_may_have_been_used_is_not_undone(rows, more):
    put_in("agents_effect", "CLAIMED")
    Effect.objects.update(**more)
    assert "Cannot update" in refused(lambda: Effect.objects.update(state="READY", claimed_at=None))


@pytest.mark.parametrize("model", [Action, Run, Pause, Effect])
def test_a_state_nobody_knows_is_refused(rows, model):
    put = {"approvals_action": "resolved_at = now(), ", "agents_effect": "claimed_at = now(), "}.get(model._meta.db_table, "")
    with as_intruder(model._meta.db_table) as cursor:
        said = refused(lambda: cursor.execute(f"UPDATE {model._meta.db_table} SET {put}state = 'SOMETHING'"))
    assert "state_known" in said


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (Requirement, {"envelope": b"x"}),
        (Requirement, {"digest": "0" * 64}),
        (Requirement, {"preview": {"a": 1}}),
        (Requirement, {"why": "because"}),
        (Decision, {"verdict": "reject"}),
        (Decision, {"reason": "other words"}),
        (Decision, {"by_name": "somebody"}),
        (PolicyVersion, {"source": "nothing: asked"}),
        (AgentVersion, {"tools": []}),
        (Action, {"tool": "pay"}),
        (Action, {"agent": "row"}),
        (Action, {"run": ""}),
        (Action, {"thread": "x"}),
        (Action, {"interrupt_id": "x"}),
        (Action, {"tenant": "x"}),
        (Action, {"kind": "question"}),
        (Effect, {"tool": "pay"}),
        (Effect, {"digest": "0" * 64}),
        (Effect, {"action_id": uuid.uuid4()}),
        (Run, {"fence": -1}),
        (Halt, {"reason": "another"}),
        (Halt, {"scope": "agent", "target": "calls"}),
        (Halt, {"by_name": "another"}),
        (Event, {"kind": "nothing.happened"}),
        (Event, {"body": b"{}"}),
        (Event, {"leaf": b""}),
    ],
)
def test_what_is_fixed_is_not_changed(rows, model, change):
    assert "Cannot update" in refused(lambda: model.objects.update(**change)).replace("Cannot update or delete", "Cannot update")


@pytest.mark.parametrize("model", [Action, Requirement, Decision, Edit, PolicyVersion, Run, Pause, AgentVersion, Halt, Event])
def test_what_happened_is_not_deleted(rows, model):
    assert "Cannot" in refused(lambda: model.objects.all()._raw_delete("default"))


@pytest.mark.parametrize(
    "sql", ["TRUNCATE audit_event", "TRUNCATE audit_event CASCADE", "DELETE FROM audit_event", "UPDATE audit_event SET kind = ''"]
)
def test_the_log_is_not_emptied(rows, sql):
    with connection.cursor() as cursor:
        said = refused(lambda: cursor.execute(sql))
    assert "append-only" in said or "Cannot update or delete" in said


def test_a_settled_fact_never_changes(cast, world):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    work()
    mine = Action.objects.filter(pk=action.pk)
    assert refused(lambda: mine.update(outcome={"status": "failed"}))
    assert refused(lambda: mine.update(state="CANCELLED"))
    assert refused(lambda: mine.update(outcome=None, settled_at=None))


def test_what_has_begun_is_not_taken_back(cast, world):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    agents_effect = Effect.objects.filter(pk=action.pk)
    agents_effect.update(state="CLAIMED", claimed_at=Now())
    assert refused(lambda: agents_effect._raw_delete("default"))


def test_a_released_halt_stays_released(cast):
    order = operations.halt(scope="everything", reason="why", by=cast.operator, door="web")
    assert refused(lambda: Halt.objects.update(released_at=Now()))  # without a reason
    factories.release(order, cast)
    assert refused(lambda: Halt.objects.update(released_at=None))


@pytest.mark.parametrize(
    ("model", "change", "name"),
    [
        (Action, {"resolved_at": Now()}, "action_resolved_has_a_time"),
        (Action, {"settled_at": Now()}, "action_settled_has_an_outcome"),
        (Halt, {"released_at": Now()}, "halt_release_says_why"),
        (User, {"kind": "robot"}, "user_kind_known"),
    ],
)
def test_rows_are_whole(rows, model, change, name):
    assert name in refused(lambda: model.objects.update(**change))


@pytest.mark.parametrize(
    "copy", ["action", "requirement", "decision", "edit", "pause", "run", "halt", "effect", "event", "span", "policy", "version"]
)
def test_what_is_once_is_once(rows, cast, copy):
    models: dict[str, Any] = {
        "action": Action, "requirement": Requirement, "decision": Decision, "edit": Edit, "pause": Pause, "run": Run, "halt": Halt,
        "effect": Effect, "event": Event, "span": Span, "policy": PolicyVersion, "version": AgentVersion,
    }  # fmt: skip
    row = models[copy].objects.first()
    if copy in {"action", "run", "effect"}:
        row.pk = uuid.uuid4() if copy != "effect" else row.pk
    else:
        row.pk = None
    assert "unique" in refused(lambda: row.save(force_insert=True))


def test_a_running_run_has_a_lease(rows):
    Run.objects.update(state="READY")
    assert "run_running_has_a_lease" in refused(lambda: Run.objects.update(state="RUNNING", lease_until=None))


def test_a_claimed_effect_has_a_time(rows):
    assert "effect_claimed_has_a_time" in refused(lambda: Effect.objects.update(state="CLAIMED"))


@pytest.mark.parametrize(("scope", "target"), [("everything", "calls"), ("agent", ""), ("run", "")])
def test_an_order_names_what_it_stops(rows, scope, target):
    said = refused(lambda: Halt.objects.create(scope=scope, target=target, reason="r", by_name="x", door="web"))
    assert "halt_target_fits" in said


def test_a_verdict_nobody_knows_is_refused(rows):
    decision = Decision.objects.get()
    decision.pk, decision.person, decision.verdict = None, "y", "maybe"
    assert "decision_verdict_known" in refused(lambda: decision.save(force_insert=True))


def test_a_key_is_one_run_per_agent_and_person(rows):
    run = Run.objects.get()
    made = [
        Run(
            agent=run.agent,
            version=run.version,
            started_by=run.started_by,
            thread=f"t{n}",
            trace="t",
            input={},
            door="web",
            idempotency_key="k",
        )
        for n in range(2)
    ]
    made[0].save()
    assert "run_started_once" in refused(made[1].save)
