"""A tool's preview is shown whole, whatever its shape."""

import pytest

from approvals.render.parts import PREVIEW_ROWS, parts
from approvals.render.preview import ROWS, preview_of


def texts(row):
    return [cell.head[0].text if cell.head else "" for cell, _ in row.cells]


def test_before_and_after_stand_under_each_other_with_the_difference_marked():
    shown = preview_of({"summary": "One", "details": {"columns": ["id", "n"], "before": [["a", 1]], "after": [["a", 2]]}})
    assert [(row.side, texts(row)) for row in shown.rows] == [("before", ["a", "1"]), ("after", ["a", "2"])]
    assert [changed for _, changed in shown.rows[1].cells] == [False, True]


def test_deleted_rows_have_no_after():
    shown = preview_of({"summary": "One", "details": {"columns": ["id"], "before": [["a"], ["b"]], "after": []}})
    assert [row.side for row in shown.rows] == ["before", "before"]


def test_a_list_of_things_is_a_table_and_the_rest_are_lines():
    files = [{"path": f"f{i}", "bytes": i} for i in range(ROWS + 5)]
    shown = preview_of({"summary": "", "details": {"files": files, "directory": "/srv/x", "warnings": ["careful"]}})
    assert [texts(row)[0] for row in shown.rows] == [f"f{i}" for i in range(ROWS)]
    assert [texts(row)[0] for row in shown.more_rows] == [f"f{i}" for i in range(ROWS, ROWS + 5)]
    assert [line.path.head[0].text for line in shown.lines] == ["directory"]
    assert shown.warnings[0].head[0].text == "careful"


def test_no_preview_is_none():
    assert preview_of({}) is None
    assert preview_of({"summary": "", "facts": {}, "details": {}}) is None


def test_odd_shapes_are_lines():
    shown = preview_of({"summary": "", "details": {"columns": "x", "before": 1}})
    assert [line.path.head[0].text for line in shown.lines] == ["columns", "before"]
    assert preview_of({"summary": "", "details": ["a", "b"]}).lines


@pytest.mark.parametrize("details", [
    {"files": [{"path": f"f{i}"} for i in range(200)]},
    {"columns": ["path"], "before": [], "after": [[f"f{i}"] for i in range(200)]},
    {"columns": ["path"], "before": [[f"f{i}"] for i in range(ROWS + 1)], "after": [["x"]]},
    [{"path": f"f{i}"} for i in range(ROWS + 1)],
])  # fmt: skip
def test_no_row_is_left_out_and_the_rest_has_to_be_opened(details):
    preview = {"summary": "Restores", "details": details}
    shown = preview_of(preview)
    drawn = [texts(row)[0] for row in (*shown.rows, *shown.more_rows)]
    rows = details if isinstance(details, list) else details.get("files") or [*details["before"], *details["after"]]
    assert sorted(drawn) == sorted(r["path"] if isinstance(r, dict) else r[0] for r in rows)
    assert PREVIEW_ROWS in {part.name for part in parts({"id": 1}, preview)}


def test_a_preview_that_fits_folds_nothing():
    assert len(parts({"id": 1}, {"summary": "s", "details": {"files": [{"path": f"f{i}"} for i in range(ROWS)]}})) == 1
