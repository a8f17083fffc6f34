"""An approval that may still be taken back: nothing is claimed before the hold ends by the database's clock, and undo asks again."""

import time

import pytest

from agents import operations as agents
from agents.models import Effect, Run
from agents.operations.recovering import recover
from approvals import operations
from approvals.errors import AlreadyDecided, BadRequest, Conflict, Held, NotAllowed, Stale, Tampered
from approvals.models import Action, Decision
from approvals.policy.risk import Facts, assess
from approvals.policy.rules import load
from audit import queries as log
from tests import factories
from tests.factories import call, decide, lines, work
from tests.fakes import as_intruder, clock_moved, policy_text, together

pytestmark = pytest.mark.usefixtures("agents")


@pytest.fixture
def held(policy):
    """Medium is held for a minute, critical too."""

    def hold(data):
        for level in ("medium", "critical"):
            data["requirements"][level]["hold_s"] = 60

    policy.write_text(policy_text(hold))


def waiting(cast, world, **more) -> tuple[Run, Action]:
    return factories.waiting(cast.reviewer, call(**more), world=world)


@pytest.mark.usefixtures("held")
def test_nothing_is_claimed_before_the_hold_ends(cast, world, woken):
    _, action = waiting(cast, world)
    woken.clear()
    done = decide(action, cast.second).action
    resolved_at = Action.objects.get(pk=action.pk).resolved_at
    assert done.hold_until and resolved_at and (done.hold_until - resolved_at).total_seconds() == 60
    assert agents.execute(action.pk) is None
    assert not [w for w in woken if w.id == str(action.pk)] and recover().effects == []
    with pytest.raises(Held):
        operations.claim(action.pk, digest=action.digest)
    with clock_moved(seconds=58):
        assert agents.execute(action.pk) is None
    assert lines(world) == []
    with clock_moved(seconds=61):
        Effect.objects.update(created_at=Effect.objects.get().created_at)
        assert recover().effects == [str(action.pk)]  # the sweeper wakes a worker when it is over
        assert agents.execute(action.pk) == "DONE"
    assert len(lines(world)) == 1


@pytest.mark.usefixtures("held")
def test_taking_an_approval_back_wins_no_time(cast, world):
    _, action = waiting(cast, world)
    before = action.expires_at
    for moved in (20, 40):
        with clock_moved(minutes=moved / 2):
            decide(action, cast.second)
            operations.undo(action.pk, by=cast.second, door="web")
            assert Action.objects.get(pk=action.pk).expires_at == before


@pytest.mark.usefixtures("held")
def test_undo_asks_again_and_nothing_of_the_approval_is_left(cast, world):
    run, action = waiting(cast, world)
    old = decide(action, cast.second, idempotency_key="click").action
    again = operations.undo(action.pk, by=cast.second, reason="wrong order", door="web")
    fresh = Action.objects.get(pk=action.pk)
    assert (fresh.state, fresh.version, fresh.hold_until, fresh.resolved_at, fresh.claim_by) == ("PENDING", 2, None, None, None)
    assert not Effect.objects.exists() and again.digest != old.digest
    events = [e for e in log.timeline(action=str(action.pk)) if e.kind.endswith(("undone", "reopened"))]
    assert [(e.kind, e.actor, e.data["why"]) for e in events] == [("action.undone", "sam", "sam took their own approval back: wrong order")]
    for key in ("click", ""):
        with pytest.raises(Stale):  # the request that approved, sent again, approves nothing
            decide(action, cast.second, seen_digest=old.digest, idempotency_key=key)
    decide(fresh, cast.second)
    with clock_moved(seconds=61):
        assert agents.execute(action.pk) == "DONE"
    assert (len(lines(world)), Decision.objects.filter(verdict="approve").count()) == (1, 2)
    work()
    assert Run.objects.get(pk=run.pk).state == "SUCCEEDED"


@pytest.mark.usefixtures("held")
def test_whoever_may_decide_may_stop_it_and_the_first_approval_falls_too(cast):
    action = factories.action("critical")
    for person in (cast.reviewer, cast.second):
        decide(action, person)
    third = factories.another_reviewer()
    for other in (cast.operator, cast.auditor, cast.outsider, cast.locked):
        with pytest.raises(NotAllowed):
            operations.undo(action.pk, by=other, door="web")
    operations.undo(action.pk, by=third, door="web")
    assert not decide(action, cast.reviewer).resolved
    assert decide(action, third).resolved


@pytest.mark.usefixtures("held")
def test_too_late_is_too_late(cast, world):
    _, action = waiting(cast, world)
    with pytest.raises(AlreadyDecided):
        operations.undo(action.pk, by=cast.second, door="web")
    decide(action, cast.second)
    with pytest.raises(BadRequest):
        operations.undo(action.pk, by=cast.second, reason="\x00", door="web")
    with clock_moved(seconds=61), pytest.raises(Conflict, match="too late"):
        operations.undo(action.pk, by=cast.second, door="web")


def test_what_is_not_held_cannot_be_undone(cast):
    action = factories.approved(cast.reviewer)
    with pytest.raises(Conflict, match="not held"):
        operations.undo(action.pk, by=cast.reviewer, door="web")


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("change", ["hold_until = NULL", "hold_until = now()", "hold_until = NULL, claim_by = claim_by - interval '60 s'"])
def test_a_hold_shortened_in_the_database_is_tampering(cast, world, change):
    _, action = waiting(cast, world)
    decide(action, cast.second)
    with as_intruder("approvals_action") as cursor:
        cursor.execute(f"UPDATE approvals_action SET {change}")
    with pytest.raises(Tampered):
        operations.claim(action.pk, digest=action.digest)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("held")
def test_undo_and_claim_at_the_same_moment_have_one_winner(cast, world):
    for wait in (0, 0.01, 0.02, 0.03, 0.04, 0.06):
        _, action = waiting(cast, world)
        decide(action, cast.second)
        with as_intruder("approvals_action") as cursor:  # the hold ends in a moment
            ends = "clock_timestamp() + interval '30 ms'"
            cursor.execute(
                f"UPDATE approvals_action SET resolved_at = {ends} - interval '60 s', hold_until = {ends} WHERE id = %s", [action.pk]
            )
            cursor.execute(
                "UPDATE approvals_action SET hold_until = resolved_at + interval '60 s',"
                " claim_by = resolved_at + interval '960 s' WHERE id = %s",
                [action.pk],
            )

        def take_back(action=action, wait=wait):
            time.sleep(wait)
            operations.undo(action.pk, by=cast.reviewer, door="web")

        def run_it(action=action):
            while Action.objects.filter(pk=action.pk, state="APPROVED", claimed_at=None).exists():
                agents.execute(action.pk)

        before = len(lines(world))
        together([take_back, run_it])
        ran, state = len(lines(world)) - before, Action.objects.get(pk=action.pk).state
        assert (ran, state) in {(1, "APPROVED"), (0, "PENDING")}


def test_the_policy_that_ships_holds_what_cannot_be_undone(settings):
    policy = load(settings.BASE_DIR / "approvals" / "policy" / "policy.yaml").data
    found = {
        (str(a.level), reversible): a.requirement.hold_s
        for cents in (100, 20_000, 200_000)
        for reversible in (True, False)
        for a in [
            assess(
                policy,
                Facts("pay", "money", reversible=reversible, figures={"amount_cents": cents}, untrusted_text=("to",), environment="demo"),
            )
        ]
    }
    assert found == {
        ("medium", True): 0, ("medium", False): 0, ("high", True): 0, ("high", False): 10, ("critical", True): 0, ("critical", False): 30,
    }  # fmt: skip
