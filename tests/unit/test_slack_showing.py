"""A tool's preview in Slack: every value of its table under the name of its column, and as it is when that would not say the same."""

import pytest

from approvals.slack.showing import _by_column

ROW = {"columns": ["paid", "left"], "before": [[5, 5]], "after": [[5, 0]], "customer": "K"}


def test_a_row_before_and_after_reads_by_column():
    assert _by_column(ROW) == {"before": {"paid": 5, "left": 5}, "after": {"paid": 5, "left": 0}, "customer": "K"}
    two = _by_column({**ROW, "after": [[5, 0], [6, 1]]})
    assert two["after"] == [{"paid": 5, "left": 0}, {"paid": 6, "left": 1}] and "columns" not in two


@pytest.mark.parametrize(
    "odd",
    [
        {**ROW, "columns": ["paid", "paid"]}, {**ROW, "columns": ["paid"]}, {**ROW, "columns": [1, 2]}, {**ROW, "after": [[5]]}, {**ROW, "after": "x"},
        {**ROW, "before": [], "after": []}, {"columns": ["a"]}, {"text": "x"}, ["x"], "x", None,
    ],
)  # fmt: skip
def test_whatever_is_no_such_table_stays_as_it_is(odd):
    assert _by_column(odd) == odd
