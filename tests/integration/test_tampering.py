"""Somebody who owns the database changes what was approved: it is not executed, and it is said."""

import json

import pytest
from django.db import transaction

from agents import operations as agents
from agents.models import Effect
from approvals import envelopes, operations, queries
from approvals.errors import ApprovalError, Stale, Tampered
from approvals.models import Action, Requirement
from audit import queries as log
from tests import factories
from tests.factories import call, decide, work
from tests.fakes import as_intruder, clock_moved

pytestmark = pytest.mark.usefixtures("agents")

ACTION, REQUIREMENT = "approvals_action", "approvals_requirement"
CHANGES = [
    (ACTION, "digest = repeat('0', 64)"),
    (ACTION, "version = 2"),
    (ACTION, "tool = 'pay'"),
    (ACTION, "agent = 'row'"),
    (ACTION, "kind = 'question'"),
    (ACTION, "summary = 'Something harmless'"),
    (ACTION, "level = 'low'"),
    (ACTION, "score = score - 1"),
    (ACTION, "tenant = 'another'"),
    (ACTION, "thread = 'another'"),
    (ACTION, "expires_at = expires_at + interval '1 day'"),
    (REQUIREMENT, "digest = repeat('0', 64)"),
    (REQUIREMENT, "preview = '{}'"),
    (REQUIREMENT, "envelope = ''"),
    (REQUIREMENT, "envelope = 'no json'"),
    (REQUIREMENT, "envelope = '[1]'"),
    (REQUIREMENT, "envelope = '{}'"),
    (REQUIREMENT, "envelope = convert_to(replace(convert_from(envelope, 'utf8'), 'a line', 'a lie!'), 'utf8')"),
    (REQUIREMENT, "envelope = set_byte(envelope, length(envelope) / 2, (get_byte(envelope, length(envelope) / 2) + 1) % 256)"),
    (REQUIREMENT, "version = 7"),
]
# What the tool is handed beside its arguments.
HANDED = [("agents_run", """input = jsonb_set(input, '{world}', '"/tmp/elsewhere"')"""), ("agents_effect", "tool = 'append_again'")]


def change(table: str, column: str) -> None:
    with as_intruder(table) as cursor:
        cursor.execute(f"UPDATE {table} SET {column}")
        assert cursor.rowcount == 1


@pytest.mark.parametrize(("table", "column"), [*CHANGES, *HANDED])
def test_what_was_changed_after_the_approval_is_not_executed_and_said(cast, world, table, column):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    change(table, column)
    work()
    run.refresh_from_db()
    assert (factories.lines(world), Effect.objects.get().state) == ([], "FAILED")
    assert (run.state, run.output["told"][0]["status"]) == ("SUCCEEDED", "failed")
    assert "action.tampered" in [e.kind for e in log.timeline(action=str(action.pk))]


@pytest.mark.parametrize(("table", "column"), CHANGES)
def test_what_was_changed_before_the_decision_is_not_decided(cast, world, table, column):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    seen = action.digest
    change(table, column)
    with pytest.raises((Tampered, Stale)):
        decide(action, cast.second, seen_digest=seen)
    assert Action.objects.get(pk=action.pk).state == "PENDING"


@pytest.mark.parametrize(("table", "column"), CHANGES)
def test_the_page_says_so_too(cast, world, table, column):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    change(table, column)
    try:
        assert queries.action_detail(action.pk, reader=cast.reviewer).tampered
    except Tampered as refused:
        assert "somebody changed the database" in refused.message


def test_a_state_set_to_approved_by_hand_executes_nothing(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    with as_intruder(ACTION) as cursor:
        cursor.execute(f"UPDATE {ACTION} SET state = 'APPROVED', resolved_at = now(), claim_by = now() + interval '1 hour'")
    Effect.objects.create(action_id=action.pk, run=run, tool="append", digest=action.digest)
    assert agents.execute(action.pk) is None
    assert (factories.lines(world), Action.objects.get(pk=action.pk).state) == ([], "PENDING")


def test_an_approval_moved_to_another_version_does_not_count(cast, world):
    _run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    with as_intruder("approvals_decision") as cursor:
        cursor.execute("UPDATE approvals_decision SET digest = repeat('1', 64)")
    assert agents.execute(action.pk) is None
    assert Action.objects.get(pk=action.pk).state == "PENDING"


def test_a_tampered_approval_keeps_no_halt_and_no_deadline(cast, world):
    order = operations.halt(scope="everything", reason="stop", by=cast.operator, door="web")
    factories.release(order, cast)
    bad, good = factories.approved(cast.reviewer), factories.approved(cast.reviewer)
    order = operations.halt(scope="everything", reason="stop", by=cast.operator, door="web")
    with as_intruder(ACTION) as cursor:
        cursor.execute(f"UPDATE {ACTION} SET version = 9 WHERE id = %s", [bad.pk])
    factories.release(order, cast)
    assert Action.objects.get(pk=good.pk).state == "PENDING"
    with clock_moved(minutes=60):
        assert operations.expire_due() == 2, "the tampered one ends too"


def test_nothing_in_an_envelope_is_without_its_digest(cast):
    """Every single byte counts."""
    action = factories.action(args={"a": 1})
    requirement = Requirement.objects.get(action=action)
    raw = bytes(requirement.envelope)
    assert json.loads(raw)["args"] == {"a": 1}
    for place in range(0, len(raw), 7):
        requirement.envelope = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(Tampered):
            envelopes.opened(action, requirement)


def test_no_byte_of_an_envelope_breaks_a_page_instead_of_being_said(cast, world):
    """Wherever it was changed, also in the name of a field: the page says so, and nobody decides it."""
    _, action = factories.waiting(cast.operator, call(), world=world)
    seen, length = action.digest, len(bytes(Requirement.objects.get(action=action).envelope))
    for place in range(0, length, 9):
        with transaction.atomic():
            change(REQUIREMENT, f"envelope = set_byte(envelope, {place}, (get_byte(envelope, {place}) + 1) % 256)")
            with pytest.raises(ApprovalError):
                decide(action, cast.second, seen_digest=seen)
            try:
                assert queries.action_detail(action.pk, reader=cast.reviewer).tampered
            except Tampered as refused:
                assert "somebody changed the database" in refused.message
            transaction.set_rollback(True)
