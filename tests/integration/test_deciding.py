"""T2: who may say what on which version, and what the verdicts come to."""

import uuid

import pytest

from approvals import operations
from approvals.errors import AlreadyDecided, BadRequest, Conflict, Expired, NotAllowed, NotFound, Stale
from approvals.models import Action, Decision, User
from approvals.operations import people
from approvals.operations.verdicts import Also
from approvals.permissions import ROLES
from audit import queries as log
from audit.actors import SYSTEM
from tests import factories
from tests.factories import another_reviewer, decide
from tests.fakes import clock_moved

LEVELS = ["medium", "high", "critical"]


def state(action: Action) -> str:
    return Action.objects.get(pk=action.pk).state


@pytest.mark.parametrize(
    ("level", "verdicts", "came_to"),
    [
        ("medium", ["approve"], "APPROVED"),
        ("medium", ["reject"], "REJECTED"),
        ("medium", ["respond"], "ANSWERED"),
        ("high", ["approve"], "APPROVED"),
        ("critical", ["approve"], "PENDING"),
        ("critical", ["approve", "approve"], "APPROVED"),
        ("critical", ["approve", "reject"], "REJECTED"),
        ("critical", ["reject"], "REJECTED"),
    ],
)
def test_what_verdicts_come_to(cast, level, verdicts, came_to):
    action = factories.action(level)
    for person, verdict in zip([cast.reviewer, cast.second], verdicts, strict=False):
        decide(action, person, verdict)
    assert state(action) == came_to


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("role", [*ROLES, None])
def test_only_reviewers_decide(cast, level, role):
    person = people.ensure_person(username="somebody", roles=[role] if role else [])
    action = factories.action(level)
    if role == "reviewers":
        assert decide(action, person).decision.person == person.person
    else:
        with pytest.raises(NotAllowed):
            decide(action, person)
        assert not Decision.objects.exists()


@pytest.mark.parametrize("level", ["medium", "high", "critical"])
@pytest.mark.parametrize("part", ["requested_by", "owner"])
def test_who_asked_for_it_or_owns_the_agent_decides_no_call(cast, level, part):
    action = factories.action(level, **{part: cast.reviewer})
    with pytest.raises(NotAllowed, match="somebody else"):
        decide(action, cast.reviewer)


def test_who_started_the_run_may_answer_what_it_asks(cast):
    action = factories.action(kind="question", tool="ask_human", args={"question": "?"}, requested_by=cast.reviewer)
    assert decide(action, cast.reviewer, "respond", response="yes").resolved
    higher = factories.action(kind="question", tool="ask_human", args={"question": "?"}, requested_by=cast.reviewer, at_least="high")
    with pytest.raises(NotAllowed, match="somebody else"):
        decide(higher, cast.reviewer, "respond", response="yes")


def test_two_accounts_of_one_human_are_one_person(cast):
    twin = another_reviewer(person=cast.reviewer.person)
    with pytest.raises(NotAllowed):
        decide(factories.action("high", requested_by=cast.reviewer), twin)
    critical = factories.action("critical")
    decide(critical, cast.reviewer)
    decide(critical, twin)
    assert (state(critical), Decision.objects.filter(action=critical).count()) == ("PENDING", 1)


def test_locked_accounts_and_agents_never_decide(cast):
    for nobody in (cast.locked, people.ensure_agent_user(slug="robot"), User(pk=987654, username="ghost")):
        with pytest.raises(NotAllowed):
            decide(factories.action(), nobody)


def test_a_session_older_than_the_lock_decides_nothing(cast):
    remembered = User.objects.get(pk=cast.reviewer.pk)
    people.deactivate(username="rita", by=SYSTEM)
    with pytest.raises(NotAllowed, match="locked"):
        decide(factories.action(), remembered)


def test_an_approver_locked_before_the_second_approval_does_not_count(cast):
    action = factories.action("critical")
    decide(action, cast.reviewer)
    people.deactivate(username="rita", by=SYSTEM)
    assert not decide(action, cast.second).resolved
    assert decide(action, another_reviewer()).resolved


def test_a_loser_is_told_who_was_first(cast):
    action = factories.action()
    decide(action, cast.reviewer, "reject")
    with pytest.raises(AlreadyDecided, match="Already rejected by rita, web"):
        decide(action, cast.second)


def test_the_same_decision_again_is_the_same_decision(cast):
    action = factories.action()
    first = decide(action, cast.reviewer)
    again = [decide(action, cast.reviewer) for _ in range(3)]
    assert {d.decision.pk for d in again} == {first.decision.pk}
    assert all(d.replayed and d.resolved for d in again)
    assert Decision.objects.count() == 1
    assert [e.kind for e in log.timeline(action=str(action.pk))].count("decision.recorded") == 1


def test_the_same_key_again_is_the_same_decision(cast):
    action = factories.action("critical")
    first = decide(action, cast.reviewer, idempotency_key="click-1")
    assert decide(action, cast.reviewer, idempotency_key="click-1").decision == first.decision
    with pytest.raises(AlreadyDecided, match="You have decided"):
        decide(action, cast.reviewer, "reject", idempotency_key="click-2")


@pytest.mark.parametrize("key", ["", "click-1"])
@pytest.mark.parametrize(
    ("verdict", "first", "then"),
    [
        ("reject", {"reason": "A"}, {"reason": "B"}),
        ("reject", {"reason": "A"}, {"reason": "A", "also": Also(stop_run=True)}),
        ("take_over", {"response": "did it", "also": Also(done=True)}, {"response": "did it", "also": Also(done=False)}),
        ("respond", {"response": "transfer to A"}, {"response": "transfer to B"}),
    ],
)
def test_the_same_verdict_in_other_words_is_not_a_repetition(cast, key, verdict, first, then):
    more = {"kind": "question", "tool": "ask_human"} if verdict == "respond" else {}
    action = factories.action(run=str(uuid.uuid4()), **more)
    recorded = decide(action, cast.reviewer, verdict, idempotency_key=key, **first)
    with pytest.raises(AlreadyDecided, match="other words or with other choices"):
        decide(action, cast.reviewer, verdict, idempotency_key=key, **then)
    assert decide(action, cast.reviewer, verdict, idempotency_key=key, **first).replayed
    kept = Decision.objects.get()
    assert (kept.pk, kept.reason, kept.response, kept.details) == (
        recorded.decision.pk, recorded.decision.reason, recorded.decision.response, recorded.decision.details,
    )  # fmt: skip


def test_the_same_key_with_another_verdict_is_a_conflict(cast):
    action = factories.action("critical")
    decide(action, cast.reviewer, idempotency_key="k")
    with pytest.raises(Conflict, match="approve before"):
        decide(action, cast.reviewer, "reject", idempotency_key="k")


def test_a_vote_that_counts_again_is_looked_at_when_somebody_repeats_theirs(cast):
    action = factories.action("critical")
    decide(action, cast.reviewer)
    User.objects.filter(pk=cast.reviewer.pk).update(is_active=False)
    assert not decide(action, cast.second).resolved
    User.objects.filter(pk=cast.reviewer.pk).update(is_active=True)
    again = decide(action, cast.second)
    assert again.resolved and again.replayed
    assert Action.objects.get(pk=action.pk).state == "APPROVED"


@pytest.mark.parametrize("seen", ["", "0" * 64, "ä", "\ud800", "\x00", "x" * 100_000])
def test_what_was_not_seen_is_not_decided(cast, seen):
    action = factories.action()
    with pytest.raises(Stale):
        decide(action, cast.reviewer, seen_digest=seen)
    assert not Decision.objects.exists()


def test_a_digest_counts_by_all_its_characters(cast):
    action = factories.action()
    with pytest.raises(Stale):
        decide(action, cast.reviewer, seen_digest=action.digest[:12])
    with pytest.raises(Stale):
        decide(action, cast.reviewer, seen_digest=action.digest.upper() if action.digest != action.digest.upper() else "")


@pytest.mark.parametrize(
    ("verdict", "more"),
    [
        ("", {}),
        ("APPROVE", {}),
        ("take over", {}),
        ("approve\x00", {}),
        ("reject", {"reason": ""}),
        ("reject", {"reason": " \n\t"}),
        ("reject", {"reason": "x" * 2_001}),
        ("reject", {"reason": "nul\x00"}),
        ("reject", {"reason": "\ud800"}),
        ("approve", {"reason": "\udfff"}),
        ("respond", {"response": ""}),
        ("respond", {"response": "  "}),
        ("respond", {"response": "x" * 20_001}),
        ("respond", {"response": "\x00"}),
        ("approve", {"idempotency_key": "\x00"}),
        ("approve", {"idempotency_key": "\ud800"}),
    ],
)
def test_a_verdict_that_cannot_be_kept_is_refused_and_nothing_is_written(cast, verdict, more):
    action = factories.action()
    with pytest.raises(BadRequest):
        decide(action, cast.reviewer, verdict, **more)
    assert (state(action), Decision.objects.count()) == ("PENDING", 0)


def test_critical_asks_for_a_reason_to_approve_too(cast):
    with pytest.raises(BadRequest, match="Say why"):
        decide(factories.action("critical"), cast.reviewer, reason="")


@pytest.mark.parametrize("unknown", [uuid.uuid4(), "not an id", "", "\x00", "\ud800", 17, None])
def test_an_unknown_id_is_not_found(cast, unknown):
    with pytest.raises(NotFound):
        operations.decide(unknown, by=cast.reviewer, verdict="approve", seen_digest="", door="web")
    with pytest.raises(NotFound):
        operations.request_edit(unknown, by=cast.reviewer, seen_digest="", args={}, door="web")


def test_a_question_is_answered_never_approved(cast):
    action = factories.action(kind="question", tool="ask_human", args={"question": "?"})
    with pytest.raises(BadRequest, match="question"):
        decide(action, cast.reviewer)
    assert decide(action, cast.reviewer, "respond", response="42").action.resolution["response"] == "42"


def test_what_policy_decided_nobody_decides_again(cast):
    with pytest.raises(AlreadyDecided):
        decide(factories.action("low"), cast.reviewer)


def test_after_the_deadline_nothing_is_decided(cast):
    action = factories.action()
    with clock_moved(minutes=31):
        with pytest.raises(Expired):
            decide(action, cast.reviewer)
        assert not Decision.objects.exists()
