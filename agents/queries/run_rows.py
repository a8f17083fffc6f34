"""Runs as lists show them, and one run with its pauses, effects and picture."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.db.models.fields import BooleanField
from django.db.models.functions import Now

from agents.errors import UnknownRun
from agents.models import AgentVersion, Effect, Pause, Run
from agents.queries import unpicked
from agents.queries.effects import EffectRow, effect_rows
from agents.states import UNFINISHED, EffectState, RunState
from approvals.queries.stops import runs_asking
from audit.queries import events
from audit.sentences import say

MOST_NOT_ASKED = 200
PAGE = 50
MOST_SEARCHED = 10_000  # runs looked through for words at once: there may be millions
# What matches a run in words: its agent, the beginning of its id or of its trace, its thread, where it stands, what it was asked.
_SAYS = """(agents_run.agent_id ILIKE %s OR agents_run.id::text LIKE %s OR agents_run.trace LIKE %s OR agents_run.thread ILIKE %s
    OR agents_run.nodes::text ILIKE %s OR agents_run.input::text ILIKE %s)"""


@dataclass(frozen=True)
class RunRow:
    """A run as lists show it."""

    id: str
    agent: str
    state: str
    nodes: list[str]
    started_by: str
    door: str
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None
    error: str
    input: Any
    thread: str = ""
    hold: str = ""  # "pause" or "step": an operator's
    held_by: str = ""
    held_why: str = ""


@dataclass(frozen=True)
class PauseRow:
    """A pause as the run's page shows it."""

    interrupt_id: str
    node: str
    dialect: str
    state: str
    refusal: dict[str, Any] | None
    actions: list[str]
    created_at: datetime
    task: str = ""  # of the outermost graph, that asked
    place: str = ""  # the node that asked, "outer:node" of a graph inside


@dataclass(frozen=True)
class RunDetail:
    """One run with everything of this room; spans and events come from `audit.queries`."""

    row: RunRow
    agent_title: str
    version: int
    model: str
    trace: str
    thread: str
    fence: int
    output: Any
    pauses: list[PauseRow]
    effects: list[EffectRow]
    drawing: dict[str, Any]
    here: bool = True  # its graph is driven by our workers
    compensate_on: tuple[str, ...] = ()
    parent: str = ""  # the run it was forked from, at this checkpoint of that one
    parent_checkpoint: str = ""
    forks: tuple[str, ...] = ()  # the newest of those forked from it
    driven_s: float = 0.0  # how long workers have driven it, of limit_s; 0: no limit
    limit_s: int = 0


@dataclass(frozen=True)
class Runs:
    """One page of runs; `next` is the following page's cursor, empty on the last. `cut`: older runs were not looked through for words."""

    rows: list[RunRow]
    next: str = ""
    cut: bool = False


def saying(words: str) -> RawSQL:
    """The condition that a run matches these words."""
    anywhere, begins = f"%{_literal(words)}%", f"{_literal(words.lower())}%"
    return RawSQL(_SAYS, [anywhere, begins, begins, anywhere, anywhere, anywhere], output_field=BooleanField())  # noqa: S611  words are parameters


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def runs(*, agent: str = "", state: str = "", q: str = "", cursor: str = "", limit: int = PAGE) -> Runs:
    """Runs, newest first.

    Args:
        state: a run state, or "live" for everything unfinished.
        q: words, looked for in so many runs at a time (`MOST_SEARCHED`); the next page looks through those before them.
    """
    rows = Run.objects.select_related("started_by")
    if agent:
        rows = rows.filter(agent=agent)
    if state == "live":
        rows = rows.filter(state__in=UNFINISHED)
    elif state in set(RunState):
        rows = rows.filter(state=state)
    if position := _position(cursor):
        at, pk = position
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk))
    rows = rows.order_by("-created_at", "-pk")
    found = list((rows.filter(saying(q), pk__in=rows.values("pk")[:MOST_SEARCHED]) if q else rows)[: limit + 1])
    last, cut = found[limit - 1] if len(found) > limit else None, False
    if q and last is None:
        last = next(iter(rows[MOST_SEARCHED - 1 : MOST_SEARCHED]), None)
        cut = last is not None
    return Runs([_run(r) for r in found[:limit]], f"{last.created_at.isoformat()}~{last.pk}" if last else "", cut)


def stopped_runs(*, scope: str, target: str, most: int) -> list[RunRow]:
    """Unfinished runs that a halt of this scope stops, or that ask for what it freezes, the newest first."""
    rows = Run.objects.select_related("started_by").filter(state__in=UNFINISHED)
    if scope in {"agent", "version"}:
        rows = rows.filter(agent=target.rpartition("@")[0] if scope == "version" else target)
    elif scope in {"tool", "customer", "run"}:
        rows = rows.filter(pk__in=[target] if scope == "run" else runs_asking(scope, target))
    return [_run(r) for r in rows.order_by("-created_at", "-pk")[:most]]


def run_row(run_id: Any) -> RunRow | None:
    """One run as lists show it."""
    found = Run.objects.select_related("started_by").filter(pk=run_id).first()
    return _run(found) if found else None


def run_detail(run_id: Any) -> RunDetail:
    """One run for its page. Raises UnknownRun."""
    try:
        found = Run.objects.select_related("agent", "version", "started_by").get(pk=UUID(str(run_id)))
    except (Run.DoesNotExist, ValueError):
        raise UnknownRun(say("There is no such run; it may have been cleared, or the link is not complete")) from None
    return RunDetail(
        row=_run(found),
        agent_title=found.agent.title,
        version=found.version.number,
        model=found.version.model,
        trace=found.trace,
        thread=found.thread,
        fence=found.fence,
        output=found.output,
        drawing=found.version.drawing,
        here=bool(found.agent.project),
        compensate_on=tuple(found.version.compensate_on),
        parent=str(found.parent_id or ""),
        parent_checkpoint=found.parent_checkpoint,
        driven_s=_driven_s(found),
        limit_s=found.limit_s,
        forks=tuple(map(str, Run.objects.filter(parent=found).order_by("-created_at").values_list("pk", flat=True)[:10])),
        pauses=[_pause(p) for p in Pause.objects.filter(run=found).order_by("pk")],
        effects=effect_rows(list(Effect.objects.filter(run=found).order_by("created_at"))),
    )


def _driven_s(run: Run) -> float:
    """Of one that moves with what its worker drives now."""
    now = (datetime.now(UTC) - run.changed_at).total_seconds() if run.state == RunState.RUNNING else 0.0
    return run.driven_ms / 1000 + max(0.0, now)


def not_asked(run_id: str) -> list[PauseRow]:
    """Calls that an agent was about to make and that nobody could be asked about, as the refused pauses they never became."""
    found: dict[str, PauseRow] = {}
    for event in reversed(events(run=run_id, kind="run.not_asked", limit=MOST_NOT_ASKED).rows):  # a node that runs again says it again
        refusal = {"status": "invalid", "reason": f"{event.data.get('tool')}: {event.data.get('why')}"}
        found.setdefault(str(event.data), PauseRow(f"n{event.id}", "", "countersign_call", "ANSWERED", refusal, [], event.at))
    return list(found.values())


def stoppable_tools(run_id: str) -> frozenset[str]:
    """The tools of a run's version that run in a process of their own, which a halt ends."""
    tools = Run.objects.filter(pk=run_id).values_list("version__tools", flat=True).first()
    return frozenset(t["name"] for t in tools or () if t.get("own_process"))


def version_digests(run_id: str) -> dict[str, str]:
    """SHA-256 of every version of a run's agent, by the name that checkpoints have of it."""
    rows = AgentVersion.objects.filter(agent__runs__pk=UUID(run_id)).values_list("agent_id", "number", "sha256").distinct()
    return {f"{agent}@{number}": sha256 for agent, number, sha256 in rows}


def live_counts(*, agent: str = "", run: str = "", version: str = "") -> dict[str, int]:
    """What a halt of this scope would stop: {"running": runs moving now, "live": unfinished runs}."""
    rows = Run.objects.filter(state__in=UNFINISHED)
    if agent:
        rows = rows.filter(agent=agent)
    if run:
        rows = rows.filter(pk=run)
    if version:  # new code drives old runs, too: those of the agent while this is the one in force
        slug, _at, number = version.rpartition("@")
        rows = (
            rows.filter(agent=slug, agent__current__number=int(number))
            if number.isascii() and number.isdecimal() and len(number) < 10
            else rows.none()
        )
    return {"running": rows.filter(state=RunState.RUNNING).count(), "live": rows.count()}


def overdue(*, seconds: int = 30) -> dict[str, int]:
    """Rows nobody has taken for so long: what `doctor` and the health strip warn of."""
    late = timedelta(seconds=seconds)
    long_ago = Now() - late
    return {
        "runs": unpicked.runs(unmoved_for=late).count(),
        "effects": unpicked.effects(old=late).exclude(hold_until__gt=long_ago).count(),
        "leases": Run.objects.filter(state=RunState.RUNNING, lease_until__lte=long_ago).count(),
        "unknown": Effect.objects.filter(state=EffectState.UNKNOWN).count(),
    }


def _run(r: Run) -> RunRow:
    by = r.started_by.get_username() if r.started_by else ""
    return RunRow(
        str(r.pk), r.agent_id, r.state, r.nodes, by, r.door, r.created_at, r.changed_at, r.finished_at, r.error, r.input,
        r.thread, r.hold, r.held_by, r.held_why,
    )  # fmt: skip


def _pause(p: Pause) -> PauseRow:
    calls, whys = (p.record or {}).get("calls") or (), (p.record or {}).get("refusals") or ()
    refused = "\n".join(f"{call.get('tool')}: {why}" for call, why in zip(calls, whys, strict=False) if why)
    refusal = p.refusal or ({"status": "invalid", "reason": refused} if refused else None)
    around = [str(part).partition(":")[0] for part in p.place.get("ns", ())]
    place = ":".join([*around, str(p.place.get("node") or p.node)])
    return PauseRow(p.interrupt_id, p.node, p.dialect, p.state, refusal, p.actions, p.created_at, str(p.place.get("task", "")), place)


def _position(cursor: str) -> tuple[datetime, str] | None:
    at, _, pk = cursor.partition("~")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, str(UUID(pk))) if moment.tzinfo else None
    except ValueError:
        return None


def run_id(text: str) -> str:
    """A run's or action's id as typed by a person. Raises UnknownRun when it is none."""
    try:
        return str(UUID(text))
    except ValueError:
        raise UnknownRun(
            say("%(text)s is not an id; copy it whole from: .venv/bin/python manage.py runs list", text=repr(text[:60]))
        ) from None
