"""What stands in what, which entries a page holds, and what a text finds; from rows alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from agents.queries import EffectRow, PauseRow
from agents.views.run_entries import Entry, entries_of, matching, window
from agents.views.run_rows import tree_of
from approvals.queries import InboxRow
from audit.spans import SpanLine

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def line(pk: int, kind: str, name: str, begin: float, end: float | None, **more: Any) -> SpanLine:
    told = {"status": "done", "parent": "", "key": f"{kind}:t{pk}:1" if kind == "node" else f"{kind}:{pk}", "action": "", **more}
    return SpanLine(id=pk, kind=kind, name=name, started_at=at(begin), ended_at=None if end is None else at(end), **told)


def action(pk: str, begin: float, end: float | None, by: str = "rita") -> InboxRow:
    said = {"by": by} if end is not None else {}
    return InboxRow(
        id=pk, kind="call", agent="a", run="r", tool="refund", summary="Refund Ada", environment="demo", state="APPROVED" if said else "PENDING",
        version=1, digest="", level="medium", score=30, requested_by="", created_at=at(begin), expires_at=at(999), resolution=said,
        resolved_at=None if end is None else at(end), settled_at=None, outcome=None, claimed_at=None,
    )  # fmt: skip


def effect(action_id: str, state: str, begin: float, end: float | None = None) -> EffectRow:
    return EffectRow(action_id, "r", "refund", state, 1, None, "", at(begin), at(begin), None if end is None else at(end))


def pause(node: str, *actions: str, **more: Any) -> PauseRow:
    return PauseRow("i1", node, "countersign", "OPEN", more.get("refusal"), list(actions), at(more.get("begin", 2)))


def by_key(found: list[Entry]) -> dict[str, Entry]:
    return {entry.key: entry for entry in found}


LINES = [
    line(1, "node", "plan", 0, 2),
    line(2, "model", "gpt", 0.5, 1),
    line(3, "node", "propose", 2, 3, status="paused"),
    line(4, "tool", "refund", 60, 61, action="A"),
    line(5, "node", "propose", 62, 63),
]


def told(**more: Any) -> list[Entry]:
    values: dict[str, Any] = {
        "lines": LINES,
        "actions": [action("A", 3, 60)],
        "effects": {},
        "pauses": [pause("propose", "A")],
        "asks": [],
        "moments": [],
    }
    return entries_of(**{**values, **more})


def test_a_model_call_stands_in_its_node_and_a_call_in_its_question():
    found = by_key(told())
    assert {key: entry.parent for key, entry in found.items()} == {"s1": "", "s2": "s1", "s3": "", "aA": "s3", "s4": "aA", "s5": ""}
    assert found["aA"].kind == "human" and found["aA"].until == at(60)


def test_a_span_that_names_its_node_stands_there_whatever_the_times_say():
    lines = [line(1, "node", "left", 0, 9), line(2, "node", "right", 0, 9), line(3, "model", "gpt", 1, 2, parent="left:t1")]
    lines.append(line(4, "node", "inner", 1, 2, parent="right:t2"))
    found = by_key(told(lines=lines, actions=[], pauses=[]))
    assert (found["s3"].parent, found["s4"].parent) == ("s1", "s2")


def test_a_node_that_ran_again_holds_what_was_asked_the_second_time():
    lines = [line(1, "node", "loop", 0, 1), line(2, "node", "loop", 10, 11, key="node:t1:2")]
    lines.append(line(3, "model", "gpt", 10.5, 10.6, parent="loop:t1"))
    assert by_key(told(lines=lines, actions=[], pauses=[]))["s3"].parent == "s2"


def test_what_ran_out_had_waited_for_people():
    gone = replace(action("A", 3, 1_803, by="Countersign"), state="EXPIRED")
    found = by_key(told(actions=[gone]))["aA"]
    assert (found.kind, found.waits, found.aside) == ("human", True, False)


def test_what_policy_passed_is_told_with_its_call():
    found = by_key(told(actions=[action("A", 3, 3, by="policy v1")]))
    assert (found["aA"].kind, found["aA"].aside, found["s4"].parent) == ("policy", True, "s3")


def test_a_call_that_runs_now_is_there_before_its_span():
    found = by_key(told(lines=LINES[:3], effects={"A": effect("A", "CLAIMED", 60)}))
    assert (found["eA"].kind, found["eA"].until, found["eA"].parent) == ("tool", None, "aA")


def test_a_call_nobody_heard_the_end_of_does_not_go_on_for_ever():
    assert by_key(told(lines=LINES[:3], effects={"A": effect("A", "UNKNOWN", 60)}))["eA"].until == at(60)


def test_a_halt_lasts_until_the_run_goes_on():
    moments = [("run.started", at(0)), ("run.halted", at(5)), ("run.rated", at(6)), ("run.ready", at(9)), ("run.paused", at(20))]
    held = [e for e in told(moments=moments) if e.kind == "held"]
    assert [(e.name, e.at, e.until) for e in held] == [("HALTED", at(5), at(9)), ("PAUSED", at(20), None)]


def test_pages_begin_where_the_run_is():
    every = [SimpleNamespace(key=n) for n in range(450)]
    shown = [window(every, start, live=live, size=200) for start, live in ((None, True), (None, False), (200, True), (9_999, False))]  # type: ignore[arg-type]
    assert [(w.start, w.end, w.total) for w in shown] == [(250, 450, 450), (0, 200, 450), (200, 400, 450), (250, 450, 450)]
    assert window([], 7, live=True).entries == ()


def test_a_question_and_its_call_are_found_together():
    assert [e.key for e in matching(told(), "refund ada", set())] == ["aA", "s4"]
    assert [e.key for e in matching(told(), "zzz", {4})] == ["aA", "s4"]
    assert [e.key for e in matching(told(), "zzz", {2})] == ["s2"]


def test_a_tree_shows_what_its_entries_stand_in_though_that_is_on_another_page():
    every = by_key(told())
    (propose,) = tree_of([every["s4"]], every, "00000000-0000-0000-0000-000000000001", {}, at(99))
    (asked,) = propose.inside
    assert (propose.key, propose.before, asked.key, asked.inside[0].key, asked.inside[0].before) == ("s3", True, "aA", "s4", False)
    assert propose.count == 2


def test_parents_that_go_round_end():
    one = Entry("s1", "node", "a", "done", at(0), at(1), LINES[0], "s2")
    two = Entry("s2", "node", "b", "done", at(0), at(1), LINES[0], "s1")
    assert tree_of([one, two], {"s1": one, "s2": two}, "00000000-0000-0000-0000-000000000001", {}, at(9)) == ()


def test_of_branches_side_by_side_each_question_stands_in_its_own():
    lines = [line(n, "node", "work", 2 + n / 100, 3, status="paused") for n in (1, 2, 3)]
    lines += [line(4, "node", "inner", 5, 6, status="paused"), line(5, "node", "ask", 5.1, 5.2, status="paused", parent="inner:t4")]
    pauses = [replace(pause("work", f"A{n}", begin=4), task=f"t{n}", place="work") for n in (1, 2, 3)]
    pauses.append(replace(pause("inner", "A4", begin=7), task="t4", place="inner:ask"))
    found = by_key(told(lines=lines, actions=[*(action(f"A{n}", 4, 60) for n in (1, 2, 3)), action("A4", 7, 60)], pauses=pauses))
    assert [found[f"aA{n}"].parent for n in (1, 2, 3, 4)] == ["s1", "s2", "s3", "s5"]
