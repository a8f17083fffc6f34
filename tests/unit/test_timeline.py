"""Bars on a line of time: order and length are kept, long waiting is folded and said, nothing leaves the line."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.views.timeline import LEAST, TICKS, Stretch, lay_out

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def stretch(begin: float, end: float | None, *, waits: bool = False) -> Stretch:
    return Stretch(after(begin), None if end is None else after(end), waits)


def test_nothing_is_nothing():
    assert lay_out([], now=NOON).bars == ()


def test_work_is_drawn_true_to_scale():
    chart = lay_out([stretch(0, 4), stretch(1, 2), stretch(2, 4)], now=after(9))
    assert [(b.x, b.width) for b in chart.bars] == [(0, 100), (25, 25), (50, 50)]
    assert chart.folds == () and [t.after.total_seconds() for t in chart.ticks] == pytest.approx([0, 0.8, 1.6, 2.4, 3.2])


def test_hours_of_waiting_do_not_hide_seconds_of_work():
    chart = lay_out([stretch(0, 2), stretch(2, 7_200, waits=True), stretch(7_200, 7_204)], now=after(9_000))
    first, wait, last = chart.bars
    assert first.width > 10 and last.width == pytest.approx(2 * first.width, abs=0.02)
    assert wait.width == 50
    (fold,) = chart.folds
    assert fold.length == timedelta(seconds=7_198) and (fold.x, fold.width) == (wait.x, wait.width)
    assert chart.ticks[TICKS - 1].after > timedelta(hours=1)


def test_many_waits_share_what_is_left_of_the_line():
    rows = [part for n in range(5) for part in (stretch(n * 100, n * 100 + 1), stretch(n * 100 + 1, n * 100 + 100, waits=True))]
    chart = lay_out(rows, now=NOON)
    assert len(chart.folds) == 5 and sum(b.width for b in chart.bars[::2]) == pytest.approx(50, abs=0.1)


def test_only_waiting_is_drawn_as_it_was():
    assert lay_out([stretch(0, 900, waits=True)], now=NOON).folds == ()


def test_a_wait_beside_work_is_not_folded():
    assert lay_out([stretch(0, 100), stretch(10, 90, waits=True)], now=NOON).folds == ()


def test_what_goes_on_reaches_to_now():
    done, going = lay_out([stretch(0, 5), stretch(5, None)], now=after(10)).bars
    assert (going.x, going.width, going.open, done.open) == (50, 50, True, False)


def test_what_took_no_time_can_be_seen_at_the_very_end_too():
    bars = lay_out([stretch(0, 100), stretch(100, 100), stretch(0, 0)], now=NOON).bars
    assert bars[1].width == LEAST and bars[1].x + bars[1].width <= 100 and bars[2].x == 0


def test_a_clock_that_went_back_breaks_nothing():
    chart = lay_out([stretch(5, 3), stretch(9, None)], now=after(0))
    assert all(b.x >= 0 and b.x + b.width <= 100 for b in chart.bars)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6), st.booleans()), min_size=1, max_size=30))
def test_order_is_kept_and_nothing_leaves_the_line(rows):
    stretches = [stretch(a, max(a, b), waits=waits) for a, b, waits in rows]
    chart = lay_out(stretches, now=after(1e6))
    assert all(b.x >= 0 and b.x + b.width <= 100.01 for b in chart.bars)
    by_begin = [bar.x for _, bar in sorted(zip(stretches, chart.bars, strict=True), key=lambda pair: pair[0].begin)]
    assert all(a <= b + LEAST + 0.01 for a, b in pairwise(by_begin))
    assert all(a.at <= b.at for a, b in pairwise(chart.ticks))
