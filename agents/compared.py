"""Two runs side by side, aligned by node and visit: what their steps gave, what they asked for, how it was decided and what came of it.

Reads only, beside `agents.queries`. What differs in any two runs (ids of runs, actions and messages; times) is no difference; times are shown.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents import budgeted, queries
from agents.graphs.unpacked import neutral
from agents.queries import EffectRow, RunDetail
from approvals import queries as approvals_queries
from approvals.queries import InboxRow
from audit.queries import SpanRow
from audit.queries import spans as spans_of

MOST = 2_000  # spans of each run that are compared
PARTS = ("args", "level", "decision", "outcome", "result", "output", "status")  # in the order in which they are shown


@dataclass(frozen=True)
class Visit:
    """One entry into a node, or one call it asked for; `parts` is what is compared of it."""

    title: str
    parts: Mapping[str, Any]
    took_ms: float | None = None
    action: str = ""


@dataclass(frozen=True)
class Row:
    """What stands at one place of both runs: the nth visit of a node, or the nth call asked for there."""

    node: str
    visit: int
    call: bool
    left: Visit | None
    right: Visit | None

    @property
    def differing(self) -> tuple[str, ...]:
        """The parts that differ; empty when both are the same, or only one run has it."""
        if self.left is None or self.right is None:
            return ()
        return tuple(part for part in PARTS if self.left.parts.get(part) != self.right.parts.get(part))

    @property
    def same(self) -> bool:
        return self.left is not None and self.right is not None and not self.differing


@dataclass(frozen=True)
class Totals:
    """What a run came to in all. `asked`: how many calls waited for people."""

    state: str
    took_s: float | None
    model_calls: int
    tokens: int
    asked: int
    micros: int = 0


@dataclass(frozen=True)
class Compared:
    """Every place of both runs, in the order of the first."""

    left: Totals
    right: Totals
    rows: tuple[Row, ...] = field(default_factory=tuple)

    @property
    def differing(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.same)


def compare_runs(left: RunDetail, right: RunDetail) -> Compared:
    """Align two runs by node and visit."""
    sides = [_Side(left), _Side(right)]
    places = list(dict.fromkeys(place for side in sides for place in side.visits))
    rows = tuple(Row(*place, *(side.visits.get(place) for side in sides)) for place in places)
    return Compared(sides[0].totals, sides[1].totals, rows)


class _Side:
    """One run as places and what stands there."""

    def __init__(self, run: RunDetail) -> None:
        spans = spans_of(run.row.id, limit=MOST)
        actions = approvals_queries.run_actions(run.row.id)
        self._names = {run.row.id: "this run", **{action.id: f"action {n}" for n, action in enumerate(actions, start=1)}}
        effects = {effect.action_id: effect for effect in run.effects}
        nodes = {action: pause.node for pause in run.pauses for action in pause.actions}
        found = [*self._steps(spans), *self._calls(actions, effects, nodes)]
        self.visits = {place: visit for _, place, visit in sorted(found, key=lambda one: one[0])}
        self.totals = _totals(run, spans, actions)

    def _steps(self, spans: Sequence[SpanRow]) -> Iterator[tuple[Any, tuple[str, int, bool], Visit]]:
        counted: Counter[str] = Counter()
        for span in spans:
            if span.kind != "node" or span.status == "paused":  # one that stopped to ask is entered again with the answer
                continue
            counted[span.name] += 1
            took = (span.ended_at - span.started_at).total_seconds() * 1_000 if span.ended_at else None
            parts = {"output": self._neutral(span.output), "status": span.status}
            yield span.started_at, (span.name, counted[span.name], False), Visit(span.name, parts, took)

    def _calls(
        self, actions: Sequence[InboxRow], effects: Mapping[str, EffectRow], nodes: Mapping[str, str]
    ) -> Iterator[tuple[Any, tuple[str, int, bool], Visit]]:
        counted: Counter[str] = Counter()
        for action in actions:
            node = nodes.get(action.id, "")
            counted[node] += 1
            effect, shown = effects.get(action.id), approvals_queries.shown(action.id)
            parts = {
                "args": self._neutral(shown.args if shown else None),
                "level": f"{action.level} {action.score}",
                "decision": action.state,
                "outcome": effect.state if effect else "",
                "result": self._neutral(effect.result if effect else None),
            }
            took = (
                (effect.finished_at - effect.claimed_at).total_seconds() * 1_000
                if effect and effect.finished_at and effect.claimed_at
                else None
            )
            yield action.created_at, (node or action.tool, counted[node], True), Visit(action.tool, parts, took, action.id)

    def _neutral(self, value: Any) -> Any:
        """Without ids that are new in every run; what names an action of this run names it by its number."""
        text = json.dumps(neutral(value), ensure_ascii=False, default=str)
        for name, number in self._names.items():
            text = text.replace(name, number)
        return json.loads(text)


def _totals(run: RunDetail, spans: Sequence[SpanRow], actions: Sequence[InboxRow]) -> Totals:
    models = [span for span in spans if span.kind == "model"]
    tokens = sum(int((span.attributes.get("usage") or {}).get("total_tokens") or 0) for span in models)
    took = (run.row.finished_at - run.row.created_at).total_seconds() if run.row.finished_at else None
    against = budgeted.of_runs([run.row.id]).get(run.row.id)
    micros = against.micros if against else 0  # as the run's page says it, with what calls cost
    return Totals(run.row.state, took, len(models), tokens, sum(action.level != "low" for action in actions), micros)


def both(left: Any, right: Any) -> tuple[RunDetail, RunDetail]:
    """The two runs by their ids. Raises UnknownRun."""
    return queries.run_detail(left), queries.run_detail(right)
