"""Rows in the states tests need, reached by the real operations only."""

import itertools
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents import operations as agents
from agents.models import Effect, Run
from agents.states import EffectState, RunState
from approvals import operations as approvals
from approvals import queries
from approvals.errors import ApprovalError
from approvals.models import Action, Edit, User
from approvals.operations import Proposal, Released, people, sign_ins
from approvals.operations.deciding import Decided
from approvals.operations.step_up import Proof
from approvals.queries import viewing
from audit.actors import SYSTEM
from tests import snapshots

PROJECT = Path(__file__).parent / "agents_for_tests" / "langgraph.json"
SHAPES = Path(__file__).parent / "agents_for_tests" / "shapes" / "langgraph.json"
LATER = Path(__file__).parent / "agents_for_tests" / "later" / "langgraph.json"
OTHERS = Path(__file__).parent / "agents_for_tests" / "others" / "langgraph.json"
SAGA = Path(__file__).parent / "agents_for_tests" / "saga" / "langgraph.json"
LOOPS = Path(__file__).parent / "agents_for_tests" / "loops" / "langgraph.json"
PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)

# What a proposal must be like to be scored at a level by the policy that ships.
LEVELS: dict[str, dict[str, Any]] = {
    "low": {"tool_class": "read"},
    "medium": {"tool_class": "write"},
    "high": {"tool_class": "money", "figures": {"amount_cents": 20_000}},
    "critical": {"tool_class": "money", "figures": {"amount_cents": 200_000}},
}


@dataclass(frozen=True)
class Cast:
    """The people of every story."""

    reviewer: User
    second: User
    operator: User
    auditor: User
    admin: User
    outsider: User  # no role at all
    locked: User  # was a reviewer once


# Who is who, and their role.
CAST = {
    "reviewer": ("rita", "reviewers"),
    "second": ("sam", "reviewers"),
    "operator": ("olga", "operators"),
    "auditor": ("aldo", "auditors"),
    "admin": ("ada", "admins"),
    "outsider": ("otto", ""),
    "locked": ("lena", "reviewers"),
}


def cast() -> Cast:
    snapshots.once("cast", _engage)
    found = {user.username: user for user in User.objects.filter(username__in=[name for name, _ in CAST.values()])}
    return Cast(**{part: found[name] for part, (name, _) in CAST.items()})


def _engage() -> None:
    for name, role in CAST.values():
        people.ensure_person(username=name, name=f"{name.title()} Test", roles=[role] if role else [])
    people.deactivate(username="lena", by=SYSTEM, reason="left")


def another_reviewer(**more: Any) -> User:
    user = people.ensure_person(username=f"reviewer-{next(_numbers)}", roles=["reviewers"])
    User.objects.filter(pk=user.pk).update(**more)
    user.refresh_from_db()
    return user


def proposal(level: str = "medium", **more: Any) -> Proposal:
    """What an agent outside of any run might propose."""
    values: dict[str, Any] = {
        "agent": "somebody",
        "thread": f"thread-{next(_numbers)}",
        "interrupt_id": "interrupt",
        "tool": "do_it",
        "args": {"what": "this"},
        "summary": "Do this",
        "names": ("this",),
        "proposal_digest": "0" * 64,
        "environment": "demo",
        **LEVELS[level],
    }
    return Proposal(**{**values, **more})


def action(level: str = "medium", **more: Any) -> Action:
    """A proposed action, waiting for people (or passed by policy, when low)."""
    return approvals.open_action(proposal(level, **more))


def decide(target: Action, by: User, verdict: str = "approve", **more: Any) -> Decided:
    """Decide what is stored now, as somebody who looks at it now."""
    seen = Action.objects.get(pk=target.pk).digest
    words = {"reason": "because", "response": "an answer" if verdict == "respond" else ""}
    known = {"proof": proof(target, by)} if target.level in {"high", "critical"} and "proof" not in more else {}
    if target.level in {"high", "critical"} and verdict in {"approve", "respond"}:
        read_all(target, by)
    return approvals.decide(target.pk, by=by, verdict=verdict, door="web", **{"seen_digest": seen, **words, **known, **more})


def read_all(target: Action, by: User) -> None:
    """Open every part of what is stored now, as a page tells it."""
    with suppress(ApprovalError):  # what is in the way, the decision itself is to say
        names, digest = [part.name for part in viewing.to_open(target.pk)], Action.objects.get(pk=target.pk).digest
        approvals.open_parts(target.pk, by=by, seen_digest=digest, parts=names, door="web")


def signed_in(by: User, proof: str = "password", **more: Any) -> str:
    """The id of a sign-in of just now."""
    return sign_ins.begin(user=by, session_key="", device="a test", proof=proof, **more)


def proof(target: Action, by: User, **more: Any) -> Proof:
    """What a door would know of somebody who has just signed in and types what is asked."""
    shown = queries.shown(target.pk)
    typed = shown.confirm if shown else ""
    return Proof(**{"sign_in": signed_in(by), "typed": typed, **more})


def approved(by: User, level: str = "medium", **more: Any) -> Action:
    return decide(action(level, **more), by).action


def register(path: Path = PROJECT) -> None:
    snapshots.once(f"{path}", lambda: agents.register_project(path))


def call(tool: str = "append", extra: dict[str, Any] | None = None, **args: Any) -> dict[str, Any]:
    """One call of a run's input."""
    values = args or ({"label": "a line"} if tool not in {"look", "read_much", "read_deep"} else {})
    return {"tool": tool, "args": values, **({"extra": extra} if extra else {})}


def run(by: User, *calls: dict[str, Any], agent: str = "calls", **more: Any) -> Run:
    """A started run that no worker has seen."""
    return agents.start_run(agent=agent, input={"calls": list(calls), **more}, by=by, door="web")


def planned(by: User, world: str, *turns: list[Any], agent: str = "batched", **more: Any) -> Run:
    """A started run of an agent that nobody wrote for us, which says these turns."""
    plan = {"world": world, "turns": list(turns), **more}
    message = {"role": "user", "content": json.dumps(plan)}
    return agents.start_run(agent=agent, input={"messages": [message]}, by=by, door="web")


def asked(of: Run) -> list[Action]:
    """What a run waits for people with, oldest first."""
    return list(Action.objects.filter(run=str(of.pk), state="PENDING").order_by("created_at"))


def work(*, rounds: int = 60) -> None:
    """Be the worker until nothing is left to do: runs, effects, edits, each by its own operation."""
    for _ in range(rounds):
        runs = list(Run.objects.filter(state__in=[RunState.CREATED, RunState.READY]).values_list("pk", flat=True))
        effects = list(Effect.objects.filter(state=EffectState.READY).values_list("pk", flat=True))
        edits = list(Edit.objects.filter(state="WANTED").values_list("pk", flat=True))
        moved = [agents.advance_run(pk).state for pk in runs] + [agents.execute(pk) for pk in effects]
        for pk in edits:
            agents.check_edit(pk)
        if not edits and not any(moved) and not Effect.objects.filter(pk__in=effects, state=EffectState.FAILED).exists():
            return
    raise AssertionError("the work never ends")


def waiting(by: User, *calls: dict[str, Any], **more: Any) -> tuple[Run, Action]:
    """A run that waits for people, and its first question."""
    started = run(by, *calls, **more)
    work()
    started.refresh_from_db()
    return started, asked(started)[0]


def to_the_end(run: Run, by: User) -> Run:
    """Approve whatever it asks, until it has ended."""
    while waits := asked(run):
        for action in waits:
            decide(action, by)
        work()
    run.refresh_from_db()
    return run


def lines(world: str) -> list[str]:
    """What the outside world has seen: "key label" per call."""
    path = Path(world)
    return path.read_text().splitlines() if path.exists() else []


def release(order: Any, people: Any, *, scope: str = "all", target: str = "", reason: str = "it was nothing") -> Released:
    """An order lifted by an operator, and confirmed by an administrator where it takes two."""
    asked: dict[str, Any] = {"scope": scope, "target": target, "reason": reason, "door": "web"}
    number = getattr(order, "pk", None) or order.id
    done = approvals.release(number, by=people.operator, **asked)
    return approvals.release(number, by=people.admin, **asked) if done.waits else done
