"""A tool's preview is shown whole, whatever its shape."""

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
    assert len(shown.rows) == ROWS and f"{ROWS + 5} rows of files" in shown.more
    assert [line.path.head[0].text for line in shown.lines] == ["directory"]
    assert shown.warnings[0].head[0].text == "careful"


def test_no_preview_is_none():
    assert preview_of({}) is None
    assert preview_of({"summary": "", "facts": {}, "details": {}}) is None


def test_odd_shapes_are_lines():
    shown = preview_of({"summary": "", "details": {"columns": "x", "before": 1}})
    assert [line.path.head[0].text for line in shown.lines] == ["columns", "before"]
    assert preview_of({"summary": "", "details": ["a", "b"]}).lines
