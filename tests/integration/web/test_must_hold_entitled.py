"""Must hold: of 5,000 generated attempts none by somebody not entitled decides, and each refusal names the rule it fell to.

Role x group x level x door x state, dealt by a seeded generator against what the rules say, written down here once more and apart
from the product. Each attempt is undone, so that all meet the same world.
"""

import random
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from approvals import operations as approvals
from approvals.errors import ApprovalError
from approvals.models import Action, Decision, SignIn, User
from approvals.operations import halts, people, sign_ins
from approvals.operations.step_up import Proof
from approvals.states import ActionState
from audit.actors import SYSTEM
from audit.models import Event
from tests import factories
from tests.fakes import clock_moved

ATTEMPTS, PARTS = 5_000, 4  # in parts, so that several workers share them
LEVELS = ("medium", "high", "critical")
STATES = ("pending", "approved", "rejected", "expired", "cancelled", "halted", "changed", "voted")
WHO = (
    "reviewer", "second", "operator", "auditor", "admin", "outsider", "locked", "requester", "owner", "twin", "agent", "finance", "left",
    "newcomer",
)  # fmt: skip
PROOFS = ("fresh", "stale", "none", "ended", "somebody else's")
VERDICTS = ("approve", "reject")


@dataclass(frozen=True)
class Attempt:
    who: str
    level: str
    state: str
    proof: str
    verdict: str
    typed: bool
    reason: bool


# Who decided what is decided already: to say the same again is no second decision.
DECIDED_BY = {
    **{(level, state): ("reviewer",) for level in LEVELS for state in ("approved", "rejected")}, ("critical", "approved"): ("reviewer", "second"),
}  # fmt: skip


def expected(a: Attempt) -> str:
    """ "" when it counts; else the code and a word of the sentence that must refuse it. In the order in which the product asks."""
    if a.who in {"locked", "left"}:
        return "not_allowed:locked"
    if a.who == "agent":
        return "not_allowed:only people decide"
    if a.who in {"operator", "auditor", "admin", "outsider", "finance"}:
        return "not_allowed:you are not in that group"
    if a.who in {"requester", "owner", "twin"} and a.level != "medium":
        return "not_allowed:somebody else has to decide it"
    if a.who in DECIDED_BY.get((a.level, a.state), ()) and a.verdict == {"approved": "approve", "rejected": "reject"}[a.state]:
        return "replayed"
    if a.state in {"approved", "rejected", "cancelled"}:
        return "already_decided:Already"
    by_state = {"expired": "expired:has passed", "halted": "halted:halted", "changed": "stale:changed since"}
    if a.state in by_state:
        return by_state[a.state]
    if a.state == "voted" and a.who == "second":
        return "already_decided:You have decided" if a.verdict == "reject" else "replayed"
    if not a.reason and (a.level == "critical" or a.verdict == "reject"):
        return "bad_request:Say why"
    if a.verdict == "reject" or a.level == "medium":
        return ""
    if a.who == "newcomer":
        return "not_viewed:the arguments, to their end"
    if a.level == "critical" and not a.typed:
        return "bad_request:not its name"
    return "" if a.proof == "fresh" else "step_up:"


def dealt(count: int) -> list[Attempt]:
    """A fifth of them close to being right, so that the last rules are met as often as the first."""
    deal = random.Random(31)
    made = []
    for _ in range(count):
        near, level = deal.random() < 0.2, deal.choice(LEVELS)
        who = deal.choice(("reviewer", "second", "newcomer")) if near else deal.choice(WHO)
        state = "pending" if near else deal.choice(STATES if level == "critical" else STATES[:-1])
        verdict = deal.choice(VERDICTS)
        made.append(Attempt(who, level, state, deal.choice(PROOFS), verdict, deal.random() < 0.7, deal.random() < 0.8))
    return made


class World:
    """Everybody, an action per level and state, and a sign-in of every kind for everybody."""

    def __init__(self, cast: factories.Cast) -> None:
        asker, owner = factories.another_reviewer(), factories.another_reviewer()
        self.people: dict[str, User] = {
            **{name: getattr(cast, name) for name in ("reviewer", "second", "operator", "auditor", "admin", "outsider", "locked")},
            "requester": asker, "owner": owner, "twin": factories.another_reviewer(person=asker.person),
            "agent": people.ensure_agent_user(slug="somebody"), "finance": people.ensure_person(username="fay", roles=[]),
            "left": factories.another_reviewer(), "newcomer": factories.another_reviewer(),
        }  # fmt: skip
        people.sync_groups(user=self.people["finance"], named={"finance"}, managed={"finance"})
        people.deactivate(username=self.people["left"].username, by=SYSTEM)
        self.signed_in = {name: factories.signed_in(user) for name, user in self.people.items()}
        self.stale = {name: factories.signed_in(user) for name, user in self.people.items()}
        self.ended = {name: factories.signed_in(user) for name, user in self.people.items()}
        self._age()
        self.actions = {(level, state): self._action(level, state, cast) for level in LEVELS for state in STATES}
        for action in self.actions.values():  # the newcomer opened nothing
            factories.read_all(action, cast.reviewer)
            factories.read_all(action, cast.second)
        # The order is given last: no other action of the agent could be decided while it holds.
        halts.halt(scope="agent", target="halted", reason="why", by=cast.operator, door="web")

    def _age(self) -> None:
        SignIn.objects.filter(pk__in=self.stale.values()).update(proved_at=Now() - timedelta(hours=2))
        for name, one in self.ended.items():
            sign_ins.left(one, user=self.people[name])

    def _action(self, level: str, state: str, cast: factories.Cast) -> Action:
        by = {"requested_by": self.people["requester"], "owner": self.people["owner"]}
        with clock_moved(hours=-3 if state == "expired" else 0):
            # A tool of its own: what was approved before lowers the score of what comes after.
            action = factories.action(level, agent="halted" if state == "halted" else "somebody", tool=f"do_{state}_{level}", **by)
        if state in {"approved", "rejected"}:
            for person in DECIDED_BY[level, state]:
                factories.decide(action, getattr(cast, person), {"approved": "approve", "rejected": "reject"}[state])
        if state == "cancelled":
            approvals.close(action.pk, ActionState.CANCELLED, reason="not needed", door="web")
        if state == "voted":
            factories.decide(action, cast.second)
        action.refresh_from_db()
        return action

    def attempt(self, a: Attempt) -> dict[str, Any]:
        action = self.actions[a.level, a.state]
        someone = "second" if a.who != "second" else "reviewer"
        sign_in = {
            "fresh": self.signed_in[a.who], "stale": self.stale[a.who], "none": "", "ended": self.ended[a.who],
            "somebody else's": self.signed_in[someone],
        }[a.proof]  # fmt: skip
        return {
            "by": self.people[a.who], "verdict": a.verdict, "seen_digest": "0" * 64 if a.state == "changed" else action.digest,
            "reason": "because" if a.reason else "", "proof": Proof(sign_in, "this" if a.typed else "that"), "door": "api",
        }  # fmt: skip


def outcome(world: World, a: Attempt) -> str:
    """What the operation says, everything undone afterwards. What must be refused needs no savepoints, which take half the time: it
    may write nothing, and that is counted at the end."""
    action, wanted = world.actions[a.level, a.state], expected(a)
    try:
        if wanted not in {"", "replayed"}:
            approvals.decide.__wrapped__(action.pk, **world.attempt(a))  # type: ignore[attr-defined]
            return ""
        with transaction.atomic():
            done = approvals.decide(action.pk, **world.attempt(a))
            transaction.set_rollback(True)
    except ApprovalError as refused:
        return f"{refused.code}:{refused.message}"
    return "replayed" if done.replayed else ""


def fits(said: str, wanted: str) -> bool:
    code, _, words = wanted.partition(":")
    return said == wanted if not words and code in {"", "replayed"} else said.startswith(f"{code}:") and words.lower() in said.lower()


def written() -> tuple[int, int]:
    return Decision.objects.count(), Event.objects.count()


@pytest.fixture
def world(cast):
    return World(cast)


@pytest.mark.parametrize("part", range(PARTS))
def test_nobody_who_is_not_entitled_decides_and_the_refusal_names_the_rule(world, part):
    before, met = written(), Counter[str]()
    for a in dealt(ATTEMPTS)[part::PARTS]:
        said, wanted = outcome(world, a), expected(a)
        assert fits(said, wanted), (a, said, wanted)
        met[wanted.partition(":")[0]] += 1
    assert written() == before
    assert {code for code, count in met.items() if count > 4} == {
        "", "replayed", "not_allowed", "already_decided", "expired", "halted", "stale", "bad_request", "step_up", "not_viewed",
    }  # fmt: skip


def test_the_page_says_the_same(world, as_):
    """A sample through the form: what the operation refuses, the web refuses, with its sentence on the page."""
    status = {
        "not_allowed": {403},
        "step_up": {422},
        "bad_request": {422},
        "not_viewed": {422},
        "already_decided": {409},
        "replayed": {200, 409},
        "": {200},
    }
    deal = random.Random(5)
    for a in deal.sample(dealt(ATTEMPTS), 30):
        if a.who in {"locked", "left", "agent"}:
            continue  # they have no session: test_doors_requests
        client, wanted = as_(world.people[a.who]), expected(a)
        sent = world.attempt(a)
        session = client.session
        session["sign_in"] = sent["proof"].sign_in or str(uuid.uuid4())
        session.save()
        form = {"verdict": a.verdict, "seen_digest": sent["seen_digest"], "reason": sent["reason"], "typed": sent["proof"].typed, "key": ""}
        before = Decision.objects.count()
        with transaction.atomic():
            answer = client.post(reverse("action-decide", args=[world.actions[a.level, a.state].pk]), form, HTTP_HX_REQUEST="true")
            made = Decision.objects.count() - before
            transaction.set_rollback(True)
        known = a.proof in {"fresh", "stale"}  # any other session is signed out before it reaches the form
        assert made == (wanted == "" and known), (a, wanted, answer.status_code)
        if known:
            assert answer.status_code in status.get(wanted.partition(":")[0], {409}), (a, wanted, answer.status_code)
