"""The demo: a cast of people, the projects in `examples/`, and some history made by really running them.

Knows no example by name: it walks `examples/*/` for `seed.py`, `langgraph.json` and `*.jsonl` files of inputs.
"""

import importlib.util
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from agents import operations, queries
from agents.errors import AgentError
from agents.operations import waking
from approvals import operations as approvals
from approvals import queries as approvals_queries
from approvals.errors import ApprovalError
from approvals.ladder import LINK
from approvals.models.people import User
from approvals.operations import people, sign_ins
from approvals.operations.step_up import Proof
from approvals.queries import viewing
from audit import canonical

log = structlog.get_logger("config.demo")


@dataclass(frozen=True)
class Persona:
    """One of the people the demo signs in as."""

    label: str
    username: str
    name: str
    roles: tuple[str, ...]


CAST = (
    Persona("reviewer", "m.chen", "Mei Chen", ("reviewers",)),
    Persona("second reviewer", "j.ruiz", "Jorge Ruiz", ("reviewers",)),
    Persona("operator", "o.hart", "Olive Hart", ("operators",)),
    Persona("auditor", "a.weiss", "Anton Weiss", ("auditors",)),
    Persona("admin", "s.adeyemi", "Sade Adeyemi", ("admins",)),
    Persona("second admin", "k.lind", "Karin Lind", ("admins",)),
)
STARTER, OWNER = "o.hart", "s.adeyemi"
HISTORY_RUNS, WAITING_RUNS = 10, 2  # per example, as far as its inputs reach
_sign_ins: dict[int, str] = {}
REASONS = ("wrong target", "too broad", "missing context", "not now")


def ensure_cast() -> dict[str, User]:
    """The demo's people, by username."""
    return {
        p.username: people.ensure_person(username=p.username, name=p.name, email=f"{p.username}@countersign.example", roles=list(p.roles))
        for p in CAST
    }


def register_all() -> list[str]:
    """Register every project of the settings; returns the agents' slugs. An unusable project is said, not fatal."""
    slugs = []
    for project in settings.AGENT_PATHS:
        try:
            slugs += [a.slug for a in operations.register_project(Path(project), owner_username=OWNER, gone=True)]
        except AgentError as error:
            log.error("project_not_registered", project=project, error=error.message)
    return slugs


def seed_worlds() -> None:
    """Call each example's own `seed(database_url, var_dir)`: shops, folders, whatever its tools act on."""
    for seed_file in sorted((settings.BASE_DIR / "examples").glob("*/seed.py"), key=lambda p: (p.parent.name != "shop", p.parent.name)):
        spec = importlib.util.spec_from_file_location(f"seed_{seed_file.parent.name}", seed_file)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.seed(settings.SHOP_DATABASE_URL, settings.VAR_DIR)


def make_history(cast: dict[str, User], say: Callable[[str], None]) -> None:
    """Run the demo agents for real: a history of decided actions, and a few left waiting for the reader."""
    reviewers = itertools.cycle([cast["m.chen"], cast["j.ruiz"]])
    verdicts = itertools.cycle(["approve", "approve", "approve", "approve", "reject"])
    for agent in queries.agents():
        inputs = list(itertools.islice(_inputs(agent.slug, agent.sample_inputs), HISTORY_RUNS + WAITING_RUNS))
        waiting = inputs[-WAITING_RUNS:] if len(inputs) > WAITING_RUNS else inputs
        for run_input in inputs:
            run_id = _start(agent.slug, run_input, cast[STARTER])
            if run_input not in waiting:
                _decide_all(run_id, reviewers, verdicts)
        say(f"  {agent.slug}: {len(inputs)} runs, {len(waiting)} left waiting")


def _start(slug: str, run_input: Any, by: User) -> str:
    with waking.held() as wakes:
        run = operations.start_run(agent=slug, input=run_input, by=by, door="cli")
    _work(wakes)
    return str(run.pk)


def _decide_all(run_id: str, reviewers: Iterator[User], verdicts: Iterator[str]) -> None:
    for _ in range(20):
        waiting = [r for r in approvals_queries.inbox(sort="newest").rows if r.run == run_id]
        if not waiting:
            return
        for row in waiting:
            verdict = next(verdicts)
            _decide(row.id, row.digest, verdict, reviewers)


def _decide(action_id: str, digest: str, verdict: str, reviewers: Iterator[User]) -> None:
    """Let as many people decide as the requirement asks for."""
    with waking.held() as wakes:
        for number in range(2):
            reason = REASONS[hash(digest) % len(REASONS)] if verdict == "reject" else "matches the request"
            by = next(reviewers)
            try:
                _read(action_id, digest, by)
                done = approvals.decide(
                    action_id, by=by, verdict=verdict, seen_digest=digest, reason=reason, proof=_proof(action_id, by), door="web"
                )
            except ApprovalError as error:
                log.warning("demo_decision_refused", error=error.message, number=number)
                continue
            if done.resolved:
                break
    _work(wakes)


def _read(action_id: str, digest: str, by: User) -> None:
    """The history was made by people who read what they approved."""
    if parts := viewing.to_open(action_id):
        approvals.open_parts(action_id, by=by, seen_digest=digest, parts=[part.name for part in parts], door="web")


def _proof(action_id: str, by: User) -> Proof:
    """The history was made by people who were there; what they type at critical is what the page would ask."""
    if by.pk not in _sign_ins:
        _sign_ins[by.pk] = sign_ins.begin(user=by, session_key="", device="the demo's history", proof=LINK, door="cli")
    shown = approvals_queries.shown(action_id)
    return Proof(_sign_ins[by.pk], shown.confirm if shown else "")


def _work(wakes: list[waking.Wake]) -> None:
    """Be the worker, here and now."""
    from agents.tasks import _do

    while wakes:
        with waking.held() as more:
            _do(wakes.pop(0), go_on=False)
        wakes += more


def _inputs(slug: str, samples: list[Any]) -> Iterator[Any]:
    for file in sorted((settings.BASE_DIR / "examples" / slug).glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield canonical.parse(line)
        return
    yield from samples
