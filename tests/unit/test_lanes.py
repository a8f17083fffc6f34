"""Lanes of a run, a part of its time, and a line of time that is cut: from rows alone."""

import uuid
from datetime import timedelta

import pytest

from agents.views.lanes import MOST, Lane, lanes_of, strips_of
from agents.views.ranges import Range, inside, range_of
from agents.views.run_entries import entries_of
from agents.views.run_rows import overview_of, timeline_of
from agents.views.timeline import Stretch, lay_out
from tests.unit.test_run_entries import NOON, action, at, line, pause, told


def lanes(*lines, **more):
    found = entries_of(list(lines), more.get("actions", []), {}, more.get("pauses", []), [], [])
    return found, {e.name: lane for e in found for key, lane in lanes_of(found, at(100)).items() if key == e.key}


def test_what_follows_shares_a_lane_and_what_runs_beside_it_opens_one():
    _, found = lanes(
        line(1, "node", "plan", 0, 2), line(2, "node", "left", 2, 6), line(3, "node", "right", 3, 9), line(4, "node", "end", 9, 10)
    )
    assert found == {"plan": Lane("", 1), "left": Lane("", 1), "right": Lane("", 2), "end": Lane("", 1)}


def test_a_graph_inside_has_lanes_of_its_own_named_by_its_node():
    outer = line(1, "node", "research", 0, 9, key="node:T1:1")
    first, second = (line(n, "node", name, 1, 5, parent="research:T1") for n, name in ((2, "read"), (3, "write")))
    _, found = lanes(outer, first, second)
    assert found == {"research": Lane("", 1), "read": Lane("research", 1), "write": Lane("research", 2)}


def test_what_happens_in_a_step_is_in_its_lane():
    _, found = lanes(
        line(1, "node", "plan", 0, 9), line(2, "node", "propose", 1, 3, status="paused"), line(3, "model", "gpt", 1.5, 2, parent="propose:t2"),
        actions=[action("A", 3, 60)], pauses=[pause("propose", "A")],
    )  # fmt: skip
    assert found["gpt"] == found["refund"] == Lane("", 2)


def test_of_many_lanes_a_dozen_is_drawn_and_the_rest_is_counted():
    found = entries_of([line(n, "node", f"n{n}", 0, 9) for n in range(1, 31)], [], {}, [], [], [])
    drawn = strips_of(found, lanes_of(found, NOON), at(9))
    assert (len(drawn.strips), drawn.more, drawn.strips[0].steps) == (MOST, 30 - MOST, 1)


def test_two_thousand_steps_become_a_few_hundred_bars_and_more_are_said_to_be_left_out():
    found = entries_of([line(n, "node", "step", n, n + 0.9) for n in range(1, 2_400)], [], {}, [], [], [])
    drawn = strips_of(found, lanes_of(found, at(2_400)), at(2_400))
    assert (len(drawn.strips), drawn.cut) == (1, True) and sum(len(strip.work) for strip in drawn.strips) <= 700


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, Range()),
        ({"t0": "1.5", "t1": "4"}, Range(1.5, 4)),
        ({"t0": "4", "t1": "1.5"}, Range(1.5, 4)),
        ({"t0": "1,5"}, Range(1.5, None)),
        ({"t1": "4"}, Range(None, 4)),
        ({"t0": "0", "t1": "4"}, Range(0, 4)),
        *(({"t0": odd}, Range()) for odd in ("-1", "nan", "inf", "1e9", "x", "\u0661", "9" * 40, "")),
        ({"t0": "2", "t1": "2"}, Range()),
    ],
)
def test_an_address_asks_for_a_part_or_for_all(said, wanted):
    assert range_of(said) == wanted
    assert range_of(range_of(said).query) == wanted


def test_what_reaches_into_a_part_is_in_it_and_what_goes_on_too():
    found = told(lines=[line(1, "node", "a", 0, 2), line(2, "node", "b", 2, 20), line(3, "node", "c", 30, None)], actions=[], pauses=[])
    names = lambda begin, end: [e.name for e in inside(found, Range(begin, end).of(NOON, at(50)), at(50))]  # noqa: E731
    assert (names(1, 3), names(5, 6), names(25, 29), names(40, None), names(None, 1)) == (["a", "b"], ["b"], [], ["c"], ["a"])


def test_bars_are_cut_at_the_edges_of_the_part():
    rows = [Stretch(at(0), at(10)), Stretch(at(4), at(6)), Stretch(at(5), None)]
    chart = lay_out(rows, now=at(20), within=(at(4), at(8)))
    assert [(bar.x, bar.width, bar.open) for bar in chart.bars] == [(0, 100, False), (0, 50, False), (25, 75, False)]
    assert lay_out(rows, now=at(20), within=(at(4), at(20))).bars[2].open
    assert lay_out(rows, now=at(20), within=(at(90), at(95))).bars  # nothing of it is there: it breaks nothing


def test_the_axis_counts_from_the_beginning_of_the_run_and_the_part_is_marked_on_all_of_it():
    found = told(lines=[line(1, "node", "a", 0, 50), line(2, "node", "b", 50, 100)], actions=[], pauses=[])
    within = Range(50, 100).of(NOON, at(100))
    lane = lanes_of(found, at(100))
    drawn = timeline_of(inside(found, within, at(100)), str(uuid.UUID(int=7)), {}, at(100), origin=NOON, within=within, lanes=lane)
    assert drawn.ticks[0].word.startswith("50")
    whole = overview_of(found, lane, at(100), origin=NOON, within=within)
    assert (whole.x, whole.width, whole.strips[0].name, drawn.rows[0].lane) == ("50%", "50%", "main line", "")
    assert whole.scale.split()[-1] == "100:100.000"
    assert timedelta(seconds=float(whole.scale.split()[0].split(":")[1])) == timedelta(0)
