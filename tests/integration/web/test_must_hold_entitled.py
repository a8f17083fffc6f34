"""Must hold: of 5,000 generated attempts none by somebody not entitled decides, and each refusal names the rule it fell to.

Role x group x level x door x state x verdict, dealt by a seeded generator against what the rules say (`entitled.oracle`), which is
written apart from the product. What the rules permit must succeed. Each attempt is undone, so that all meet the same world.
"""

from collections import Counter

import pytest
from django.db import transaction

from approvals import operations as approvals
from approvals.errors import ApprovalError
from approvals.models import Action, Decision, Edit
from approvals.operations.step_up import Proof
from approvals.operations.verdicts import NOTHING, Also
from approvals.slack import later
from audit.models import Event
from tests.integration.slack.conftest import hands, installed, slack, world  # noqa: F401  (fixtures; `world` is Slack's)
from tests.integration.web.entitled.doors import Came, Doors, reason, typed
from tests.integration.web.entitled.oracle import DOORS, OPERATION, SIGNED_OUT, Attempt, dealt, expected
from tests.integration.web.entitled.world import OTHER_ARGS, World, held_and_told

ATTEMPTS, AT_DOORS, PARTS = 5_000, 1_024, 4  # in parts, so that several workers share them
OUT = {302, 401, 403}  # to where one signs in, or nobody, or not with that


def decided(everybody: World, a: Attempt) -> object:
    """The bare operation."""
    action, by, decide = everybody.action(a), everybody.people[a.who], approvals.decide
    if a.verdict == "undo":
        return approvals.undo(action.pk, by=by, door="api")
    if a.verdict == "edit":
        return approvals.request_edit(action.pk, by=by, seen_digest=everybody.digest(a), args=OTHER_ARGS, reason=reason(a), door="api")
    also = Also(done=True) if a.verdict == "take_over" else NOTHING
    words = reason(a) if a.verdict in {"respond", "take_over"} else ""
    return decide(
        action.pk, by=by, verdict=a.verdict, seen_digest=everybody.digest(a), reason=reason(a), response=words, also=also,
        proof=Proof(everybody.sign_in(a), typed(a)), door="web",
    )  # fmt: skip


def outcome(everybody: World, a: Attempt) -> Came:
    try:
        with transaction.atomic():
            done = decided(everybody, a)
            transaction.set_rollback(True)
    except ApprovalError as refused:
        return Came(False, f"{refused.code}:{refused.message}")
    again = bool(getattr(done, "replayed", False))
    return Came(not again, "replayed" if again else "")


def fits(came: Came, wanted: str, door: str) -> bool:
    """A page gives no code, but a sentence; at an API both."""
    code, _, words = wanted.partition(":")
    if not wanted:
        return came.made
    if came.made:
        return False
    if wanted == SIGNED_OUT:
        return came.status in OUT
    if code == "replayed":
        return door not in {OPERATION} or came.said == "replayed"
    if door in {OPERATION, "session", "token", "key", "grant"} and not came.said.startswith(f"{code}:"):
        return False
    if door == "web" and code == "already_decided":  # the receipt, whose words are another test's
        return came.status == 409
    return words.lower() in came.said.lower()


def written() -> tuple[object, ...]:
    return (
        Decision.objects.count(),
        Edit.objects.count(),
        Event.objects.count(),
        list(Action.objects.order_by("pk").values_list("pk", "version", "state")),
    )


@pytest.fixture
def everybody(policy, cast):
    held_and_told(policy)
    return World(cast)


@pytest.fixture
def doors(everybody, installed, hands, monkeypatch):  # noqa: F811
    """Of what Slack is told afterwards only the private sentences are sent: the cards stay as they are."""
    monkeypatch.setattr(later, "do", lambda job, **_: job() if job.__qualname__.startswith(("whisper", "OldCopy")) else None)
    return Doors(everybody, installed, hands)


@pytest.mark.parametrize("part", range(PARTS))
def test_nobody_who_is_not_entitled_decides_and_the_refusal_names_the_rule(everybody, doors, part):
    before = written()
    for a in dealt(ATTEMPTS, AT_DOORS)[part::PARTS]:
        came, wanted = outcome(everybody, a) if a.door == OPERATION else doors.try_it(a), expected(a)
        assert fits(came, wanted, a.door), (a, wanted, came.made, came.status, came.said[:3_000])
    assert written() == before


def test_every_rule_is_met_and_somebody_comes_through_each_door():
    made = dealt(ATTEMPTS, AT_DOORS)
    met = Counter((a.door, expected(a).partition(":")[0]) for a in made)
    assert len(made) == ATTEMPTS and len(set(made)) > ATTEMPTS * 0.6
    for door in DOORS:
        assert sum(a.door == door for a in made) == AT_DOORS // len(DOORS)
        assert (met[door, ""] > 15 or door == "key") and met[door, "not_allowed"] > 15, (door, met)
    rules = {"", "replayed", "not_allowed", "already_decided", "expired", "halted", "stale", "bad_request", "step_up", "not_viewed"}
    assert all(met[OPERATION, rule] > 15 for rule in rules), met
    assert {(a.verdict, a.state) for a in made if not expected(a)} >= {
        *((v, s) for v in ("approve", "reject", "respond", "take_over", "edit") for s in ("pending", "edited")), ("undo", "approved"), ("undo", "voted"),
    }  # fmt: skip
