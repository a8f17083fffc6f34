"""Who may decide what, written down once more and apart from the product: nothing of it is imported here.

An attempt is dealt as role x group x level x door x state x verdict; `expected` says what must come of it. In the order in which the
product asks, so that each refusal names one rule.
"""

import random
from dataclasses import dataclass, replace

LEVELS = ("low", "medium", "high", "critical")
STATES = ("pending", "approved", "rejected", "expired", "cancelled", "halted", "changed", "superseded", "edited", "voted")
WHO = (
    "reviewer", "second", "operator", "auditor", "admin", "outsider", "locked", "requester", "owner", "twin", "agent", "finance", "left",
    "newcomer", "editor",
)  # fmt: skip
PROOFS = ("fresh", "stale", "none", "ended", "somebody else's")
VERDICTS = ("approve", "reject", "respond", "take_over", "edit", "undo")
# Which of these a door has. A grant stands by: it is given, then a like call is proposed; from the command line nothing is decided.
DOORS = {
    "web": VERDICTS, "session": VERDICTS[:-1], "token": VERDICTS[:-1], "key": VERDICTS[:-1], "slack": ("approve", "reject", "respond", "edit"),
    "bulk": ("approve", "reject"), "cli": ("reserve",), "grant": ("approve",),
}  # fmt: skip
OPERATION = "operation"
DECIDED_BY = {"medium": ("reviewer",), "high": ("reviewer",), "critical": ("reviewer", "second")}
SETTLED = {"approved", "rejected", "cancelled"}
# Whom the policy that ships excludes; whoever is one person with the requester is the requester.
EXCLUDED = ("requester", "owner", "twin")
SIGNED_OUT = "signed out"


@dataclass(frozen=True)
class Attempt:
    who: str
    level: str
    state: str
    proof: str
    verdict: str
    typed: bool
    reason: bool
    door: str = OPERATION


def expected(a: Attempt) -> str:
    """ "" when it counts; "replayed"; else the code and a word of the sentence that must refuse it."""
    return {"slack": _slack, "bulk": _bulk, "grant": _grant, "cli": _reserve, "key": _key, "token": _token}.get(a.door, _signed_in)(a)


def _entitled(a: Attempt) -> str:
    """The account, the group, and who is too close to it."""
    if a.who in {"locked", "left"}:
        return "not_allowed:locked"
    if a.who == "agent":
        return "not_allowed:only people decide"
    if a.level == "low" and a.verdict in {"edit", "undo"}:
        return "not_allowed:policy alone decides it"
    if a.level == "low":
        return "already_decided:Already"
    if a.who in {"operator", "auditor", "admin", "outsider", "finance"}:
        return "not_allowed:you are not in that group"
    if a.who in EXCLUDED:
        return "not_allowed:somebody else has to decide it"
    if a.who == "editor" and a.state in {"superseded", "edited"} and a.verdict not in {"reject", "edit", "undo", "reserve"}:
        return "not_allowed:You edited this"
    return ""


def _operation(a: Attempt) -> str:
    if refused := _entitled(a):
        return refused
    if a.verdict == "undo":
        return "" if a.state == "approved" or (a.state, a.who) == ("voted", "second") else "already_decided:no approval to undo"
    return _state(a) or _words(a) or _ladder(a)


def _state(a: Attempt) -> str:
    """What was said already, and whether it is (still) what was seen."""
    if a.who in DECIDED_BY[a.level] and (a.state, a.verdict) in {("approved", "approve"), ("rejected", "reject")}:
        return _again(a) if a.state == "approved" or a.who == "reviewer" else "already_decided:Already"
    if a.state in SETTLED:
        return "already_decided:Already"
    by_state = {
        "expired": "expired:has passed",
        "halted": "halted:halted",
        "changed": "stale:changed since",
        "superseded": "stale:changed since",
    }
    if a.state in by_state:
        return by_state[a.state]
    if (a.state, a.who) == ("voted", "second") and a.verdict != "edit":
        return _again(a) if a.verdict == "approve" else "already_decided:You have decided"
    return ""


def _again(a: Attempt) -> str:
    """What was decided before had a reason: the same again is the same, in other words it is not."""
    return "replayed" if a.reason else "already_decided:You have decided this already"


def _words(a: Attempt) -> str:
    if a.reason:
        return ""
    if a.verdict in {"respond", "take_over"}:
        return "bad_request:needs words" if a.verdict == "respond" else "bad_request:Say what you did"
    asked = {"approve": {"critical"}, "reject": {"medium", "high", "critical"}, "edit": {"high", "critical"}}[a.verdict]
    return "bad_request:Say why" if a.level in asked else ""


def _ladder(a: Attempt) -> str:
    """At high and critical a yes is given by somebody who opened all of it, types the name of what is critical, and was there just now."""
    if a.verdict not in {"approve", "take_over"} or a.level == "medium":
        return ""
    if a.verdict == "approve" and not opened(a):
        return "not_viewed:the arguments, to their end"
    if a.level == "critical" and not a.typed:
        return "bad_request:not its name"
    return "" if a.proof == "fresh" else "step_up:"


def opened(a: Attempt) -> bool:
    return a.who in {"reviewer", "second"}


def _signed_in(a: Attempt) -> str:
    """A session: the page's, and that of a program with its cookie. The bare operation asks for none."""
    if a.door == OPERATION:
        return _operation(a)
    if a.who in {"locked", "left"} or a.proof not in {"fresh", "stale"}:
        return SIGNED_OUT
    if a.who == "agent":
        return "not_allowed:no role"
    return _no_role(a) or _operation(a)


def _no_role(a: Attempt) -> str:
    return "not_allowed:no role" if a.who in {"outsider", "finance"} else ""


def _key(a: Attempt) -> str:
    return "not_allowed:agents propose"


def _token(a: Attempt) -> str:
    """It shows who wrote it, and not that they are there: never enough where the ladder asks for that."""
    if a.who in {"left", "locked"}:
        return SIGNED_OUT
    if a.who == "agent":
        return "not_allowed:agents propose"
    found = _no_role(a) or _operation(replace(a, proof="none"))
    return "step_up:decide it on the page" if found.startswith("not_viewed") else found


def _slack(a: Attempt) -> str:
    """A card's button, or the view somebody had open. Its `why` is looked for in all that this person was shown."""
    if a.who == "agent":
        return "not_allowed:not linked"
    if a.who in {"locked", "left"}:
        return "not_allowed:locked"
    if refused := _no_role(a):  # as on the page: nothing of an action is shown to them
        return refused
    waits = a.level != "low" and a.state not in SETTLED
    if waits and a.state in {"changed", "superseded"}:
        return "stale:changed since"
    if not waits and a.verdict != "approve":
        return "already_decided:"  # the receipt
    if waits and a.level != "medium":
        return "not_allowed:on the "  # the page, the web
    found = _operation(replace(a, reason=a.reason and a.verdict != "approve", typed=False, proof="none"))
    return "already_decided:" if found == "replayed" else found


def _bulk(a: Attempt) -> str:
    if a.who in {"locked", "left"} or a.proof not in {"fresh", "stale"}:
        return SIGNED_OUT
    if a.who == "agent" or _no_role(a):
        return "not_allowed:no role"
    if a.verdict == "reject" and not a.reason:
        return "bad_request:Say why"
    if a.level in {"high", "critical"} and a.state not in {"changed", "superseded"}:
        return "not_allowed:decided one by one"
    return _operation(replace(a, typed=False))


def _reserve(a: Attempt) -> str:
    """The command line decides nothing; it says "I am on it", which is for those who could."""
    if a.state in SETTLED or a.level == "low":
        return "conflict:already"
    return "expired:has passed" if a.state == "expired" else _entitled(a)


def _grant(a: Attempt) -> str:
    """Whether this person may give a grant for calls like it."""
    if a.who in {"locked", "left", "agent"}:
        return _entitled(a)
    if a.level in {"low", "critical"}:
        return "bad_request:no grant ever" if a.level == "critical" else "bad_request:nothing to grant"
    if a.who not in {"reviewer", "second", "requester", "owner", "twin", "newcomer", "editor"}:
        return "not_allowed:you are not in that group"
    if a.who == "owner":
        return "not_allowed:somebody else has to decide it"
    if not a.reason:
        return "bad_request:Say why"
    if a.level == "medium":
        return ""
    return "step_up:" if a.proof != "fresh" else "" if opened(a) else "not_viewed:the arguments, to their end"


def one_person(a: str, b: str) -> bool:
    return a == b or {a, b} == {"requester", "twin"}


def dealt(count: int, doors: int) -> list[Attempt]:
    """`doors` of them go through the doors, as many through each. Many are close to being right, so that the last rules are met as often as
    the first."""
    deal = random.Random(31)
    made = [_one(deal, list(DOORS)[n % len(DOORS)] if n < doors else OPERATION) for n in range(count)]
    deal.shuffle(made)
    return made


def _one(deal: random.Random, door: str) -> Attempt:
    bare = door == OPERATION
    near = deal.random() < (0.2 if bare else 0.45)
    mostly = ("medium", "high") if door == "grant" else ("medium",) * 4
    level = deal.choice((*LEVELS[1:] * 4, "low") if bare else (*mostly * (1 + near), "high", "critical", "low"))
    # Of the excluded the owner may not give a grant either; the requester may, for what others ask.
    who = deal.choice(("reviewer", "second", "newcomer", "editor", *(EXCLUDED if door == "grant" else ())) if near else WHO)
    verdict = deal.choice(DOORS.get(door, VERDICTS))
    states = (
        ("approved", "voted")[: 1 + (level == "critical")]
        if verdict == "undo"
        else ("pending", "edited", *(("approved", "rejected") if bare else ()))
    )
    state = deal.choice(states if near else STATES if level == "critical" else STATES[:-1])
    # A session that is none tells little of the rules behind it: fewer of them.
    proof = deal.choice(PROOFS if bare else ("fresh",) * 6 + ("stale",) * 2 + PROOFS)
    typed, reason = deal.random() < 0.7, deal.random() < 0.8
    return Attempt(who, level, "approved" if level == "low" else state, proof, verdict, typed, reason, door)
