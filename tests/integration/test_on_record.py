"""Rows of decisions that nobody gave: the claim looks for their leaves, and for the proofs their level asks."""

from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from agents.queries.on_record import calls_on_record, requesters_on_record, runs_on_record
from approvals import operations
from approvals.errors import Tampered
from approvals.models import Action, Decision
from approvals.operations.claiming import Reopened
from approvals.queries.endings import endings_on_record
from approvals.queries.erased import actions_still_there, sayings_still_there
from approvals.queries.outcomes import Misstated, outcomes_on_record
from approvals.queries.policies_on_record import policies_on_record
from approvals.queries.records import Unrecorded, decisions_on_record
from approvals.states import ActionState
from audit import log, queries
from audit.actors import SYSTEM
from tests import factories
from tests.authenticator import SoftKey
from tests.factories import decide
from tests.fakes import as_intruder, together, with_rules
from tests.integration.test_step_up import signed

APPROVE = """
UPDATE approvals_action SET state = 'APPROVED', resolved_at = now(), claim_by = now() + interval '900 s', resolution = '{"by": "rita"}'
WHERE id = %s
"""


def forge(action, *people, nonce=""):
    """What somebody can do who has only the application's own account at the database."""
    for who in people:
        Decision.objects.create(
            action=action, version=1, digest=action.digest, verdict="approve", by=who, by_name=who.username, person=who.person,
            groups=["reviewers"], door="web", nonce=nonce or f"{who.pk:032}",
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(APPROVE, [action.pk])


@pytest.mark.parametrize("level", ["medium", "critical"])
def test_decisions_written_by_hand_approve_nothing(cast, level):
    action = factories.action(level)
    forge(action, cast.reviewer, cast.second)
    with pytest.raises(Tampered, match="by hand"):
        operations.claim(action.pk, digest=action.digest)


def test_a_vote_cannot_borrow_the_leaf_of_another(cast):
    action = factories.action("critical")
    real = decide(action, cast.reviewer).decision
    with pytest.raises(IntegrityError, match="decision_nonce_once"), transaction.atomic():
        forge(action, cast.second, nonce=real.nonce)


@pytest.mark.parametrize("change", ["by_id = {second}", "by_id = NULL", "verdict = 'approve'"])
def test_the_leaf_is_one_of_this_hand_and_this_verdict(cast, change):
    """Whoever switches the guards off as well finds that the log says otherwise."""
    action = factories.action()
    decide(action, cast.reviewer, "reject" if "verdict" in change else "approve", reason="r")
    with as_intruder("approvals_decision") as cursor:
        cursor.execute(f"UPDATE approvals_decision SET {change.format(second=cast.second.pk)}")
    if "verdict" in change:
        with as_intruder("approvals_action") as cursor:
            cursor.execute(APPROVE, [action.pk])
            cursor.execute("UPDATE approvals_action SET settled_at = NULL, outcome = NULL")
    assert isinstance(next(decisions_on_record()), Unrecorded)
    with pytest.raises(Tampered, match="by hand"):
        operations.claim(action.pk, digest=action.digest)


def test_the_audit_names_a_decision_that_is_not_in_the_log(cast):
    factories.approved(cast.reviewer)
    assert list(decisions_on_record()) == [1]
    action = factories.action()
    forge(action, cast.second)
    [found] = decisions_on_record()
    assert (found.action, found.by) == (str(action.pk), cast.second.username)


def test_a_proof_added_afterwards_is_none(cast):
    action = factories.approved(cast.reviewer, "high")
    with as_intruder("approvals_decision") as cursor:
        cursor.execute('UPDATE approvals_decision SET proof = \'{"by": "passkey"}\'')
    with pytest.raises(Tampered, match="by hand"):
        operations.claim(action.pk, digest=action.digest)


def test_a_signature_counts_for_what_it_signs(cast):
    action = factories.action("critical")
    key = SoftKey().enrol(cast.second)
    decide(action, cast.second, proof=signed(action, cast.second, key))
    decide(action, factories.another_reviewer())
    assert operations.claim(action.pk, digest=action.digest)


def test_who_proved_less_than_is_asked_today_is_asked_again(cast, settings):
    action = factories.action("critical")
    for who in (cast.reviewer, cast.second):
        decide(action, who)
    settings.CRITICAL = "passkey"
    with pytest.raises(Reopened, match="prove more"):
        operations.claim(action.pk, digest=action.digest)
    assert Action.objects.get(pk=action.pk).state == "PENDING"


@pytest.mark.parametrize(
    "change",
    ["reason = 'forged'", "response = 'forged'", "door = 'slack'", "details = '{{\"stop_run\": true}}'", "instead_of_id = {second}"],
)
def test_the_audit_names_a_decision_that_says_other_words_than_the_log(cast, change):
    decide(factories.action(), cast.reviewer, "reject", reason="r")
    assert list(decisions_on_record()) == [1]
    with as_intruder("approvals_decision") as cursor:
        cursor.execute(f"UPDATE approvals_decision SET {change.format(second=cast.second.pk)}")
    (found,) = decisions_on_record()
    assert isinstance(found, Unrecorded) and found.changed


@pytest.mark.usefixtures("agents")
@pytest.mark.parametrize(
    ("table", "change", "left"),
    [
        ("approvals_action", """outcome = '{"status": "done"}'""", "something else came of it"),
        ("approvals_action", "state = 'REJECTED'", "something else came of it"),
        ("agents_effect", "state = 'FAILED'", "another state than the log"),
        ("agents_effect", "result = '{}'", "Its call says something else"),
        ("agents_effect", "state = 'UNKNOWN'", "another state than the log"),
        ("agents_effect", "state = 'READY'", "another state than the log"),
        ("agents_effect", "state = 'COMPENSATED'", "another state than the log"),
    ],
)
def test_the_audit_names_an_action_or_a_call_that_ended_otherwise(cast, world, table, change, left):
    _run, action = factories.waiting(cast.reviewer, factories.call(), world=world)
    decide(action, cast.second)
    factories.work()
    assert (list(outcomes_on_record()), list(calls_on_record())) == ([1], [1])
    with as_intruder(table) as cursor:
        cursor.execute(f"UPDATE {table} SET {change}")
    (found,) = calls_on_record() if table == "agents_effect" else outcomes_on_record()
    assert isinstance(found, Misstated) and (found.action, left in found.why) == (str(action.pk), True)


@pytest.mark.usefixtures("agents")
@pytest.mark.parametrize(
    ("table", "change", "checked", "left"),
    [
        ("agents_effect", "DELETE FROM agents_effect", calls_on_record, "its call, and its row is gone"),
        ("agents_run", "UPDATE agents_run SET state = 'FAILED'", runs_on_record, "does not say that it ended so"),
        ("agents_run", "UPDATE agents_run SET started_by_id = {other}", runs_on_record, "somebody else started it"),
        (
            "approvals_action",
            "UPDATE approvals_action SET requested_by_id = {other}",
            requesters_on_record,
            "somebody else than started its run",
        ),
        ("agents_effect", "UPDATE agents_effect SET tool = 'other'", requesters_on_record, "another run or tool"),
        ("approvals_decision", "DELETE FROM approvals_decision", sayings_still_there, "a decision of jorge, and its row is gone"),
        ("approvals_decision", "UPDATE approvals_decision SET by_name = 'olive'", sayings_still_there, "names somebody else"),
        ("approvals_action", "UPDATE approvals_action SET settled_at = NULL", sayings_still_there, "what came of it"),
        ("approvals_requirement", "DELETE FROM approvals_requirement", actions_still_there, "in version 1 of it is gone"),
        ("approvals_decision", "UPDATE approvals_decision SET version = 2", actions_still_there, "in version 2 of it is gone"),
        ("audit_event", "DELETE FROM audit_event WHERE stream LIKE 'run:%'", runs_on_record, "tells nothing of it"),
        ("audit_event", "DELETE FROM audit_event WHERE stream LIKE 'action:%'", actions_still_there, "tells nothing of it"),
    ],
)
def test_the_audit_names_what_the_log_tells_of_and_the_tables_do_not(cast, world, table, change, checked, left):
    run, action = factories.waiting(cast.reviewer, factories.call(), world=world)
    decide(action, cast.second)
    factories.work()
    call_command("audit", "verify")
    with as_intruder(table) as cursor:
        cursor.execute(change.replace("{other}", str(cast.admin.pk)))
    *_, found = checked()
    assert isinstance(found, Misstated) and left.replace("jorge", cast.second.username) in found.why
    assert found.action in {str(action.pk), str(run.pk)}
    with pytest.raises(SystemExit):
        call_command("audit", "verify")


def test_the_audit_names_a_decision_of_the_policy_that_bears_a_persons_name(cast):
    factories.action("low")
    call_command("audit", "verify")
    with as_intruder("approvals_decision") as cursor:
        cursor.execute("UPDATE approvals_decision SET by_name = 'jorge'")
    *_, found = sayings_still_there()
    assert isinstance(found, Misstated) and "names somebody else" in found.why


@pytest.mark.parametrize("verdict", ["approve", "reject", "withdrawn", "expired", "low"])
@pytest.mark.parametrize(
    "change",
    [
        """resolution = resolution || '{"by": "k.lind"}'""",
        """resolution = resolution || '{"reason": "I checked it with the customer"}'""",
        """resolution = resolution || '{"door": "slack"}'""",
        "resolved_at = resolved_at - interval '3 hours'",
        "state = CASE state WHEN 'APPROVED' THEN 'REJECTED' ELSE 'APPROVED' END, claim_by = now()",
    ],
)
def test_the_audit_names_an_end_that_bears_another_name_or_other_words_than_the_log(cast, verdict, change):
    """The page said so: approved by somebody who had not seen it."""
    action = factories.action("low" if verdict == "low" else "medium")
    if verdict in {"approve", "reject"}:
        decide(action, cast.reviewer, verdict)
    elif verdict != "low":
        state = ActionState.EXPIRED if verdict == "expired" else ActionState.CANCELLED
        operations.close(action.pk, state, reason="no longer", by=cast.operator.actor, door="web")
    assert list(endings_on_record()) == [1]
    with as_intruder("approvals_action") as cursor:
        cursor.execute(f"UPDATE approvals_action SET {change}")
    (found,) = endings_on_record()
    assert isinstance(found, Misstated) and found.action == str(action.pk)
    with pytest.raises(SystemExit):
        call_command("audit", "verify")


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ("UPDATE approvals_policyversion SET source = source || '# mine'", "another text"),
        ("UPDATE approvals_policyversion SET closed_name = 'olive' WHERE number = 2", "by somebody else"),
        ("UPDATE approvals_policyversion SET justification = 'asked to' WHERE number = 2", "or why"),
        ("UPDATE approvals_policyversion SET number = 9 WHERE number = 2", "does not say"),
        ("DELETE FROM approvals_policyversion WHERE number = 2", "its row is gone"),
    ],
)
def test_the_audit_names_a_policy_that_is_not_the_one_that_was_published(policy, change, left):
    policy.write_text(with_rules("- {name: a, deny: x}\n"))
    assert list(policies_on_record()) == [2]
    call_command("audit", "verify")
    with as_intruder("approvals_policyversion") as cursor:
        cursor.execute(change)
    *_, found = policies_on_record()
    assert isinstance(found, Misstated) and left in found.why
    with pytest.raises(SystemExit):
        call_command("audit", "verify")


@pytest.mark.django_db(transaction=True)
def test_what_ends_while_the_audit_reads_is_no_contradiction(cast):
    """It read the log first and the rows afterwards, and named a call that had ended in between."""
    with queries.one_moment():
        before = len(list(queries.of_kinds("action.opened")))
        together([factories.action])
        assert len(list(queries.of_kinds("action.opened"))) == before
    assert len(list(queries.of_kinds("action.opened"))) == before + 1


@pytest.mark.parametrize(("of", "checked"), [("action", actions_still_there), ("run", runs_on_record)])
def test_the_audit_names_an_action_or_a_run_that_is_gone(db, of, checked):
    """As after a deletion by whoever owns the database: the log tells of it still."""
    gone = str(uuid4())
    with transaction.atomic():
        log.append(log.Entry(f"{of}:{gone}", f"{of}.opened", SYSTEM, "web"))
    (found,) = checked()
    assert isinstance(found, Misstated) and (found.action, "row is gone" in found.why) == (gone, True)


@pytest.mark.parametrize(
    "result",
    [
        {"n": 2**60, "f": 1e300, "small": 5e-324, "z": -0.0, "t": "\u2028é😀", "deep": [[[{"a": None}]]]},
        {"n": 2**63 - 1},
        {"big": "x" * 60_000},
        {"w": 1e21, "v": 123456789012345680.0},
    ],
)
def test_odd_values_of_an_outcome_are_the_same_in_the_log(cast, result):
    action = factories.approved(cast.reviewer)
    operations.claim(action.pk, digest=action.digest)
    operations.settle(action.pk, {"status": "done", "result": result})
    assert list(outcomes_on_record()) == [1]
