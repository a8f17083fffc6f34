"""What differs between two versions, path by path."""

from approvals.render.changes import changes, with_before


def told(before, after):
    return [(c.path, c.before.head[0].text, c.after.head[0].text) for c in changes(before, after)]


def test_only_what_differs_is_told():
    assert told({"a": 1, "b": "x"}, {"a": 2, "b": "x"}) == [("a", "1", "2")]


def test_added_and_removed_paths_are_told():
    assert told({"a": [1, 2]}, {"a": [1]}) == [("a[1]", "2", "(not there)")]
    assert told({"a": [1]}, {"a": [1, 2]}) == [("a[1]", "(not there)", "2")]


def test_a_text_and_a_number_that_look_alike_differ():
    assert len(changes({"a": "1"}, {"a": 1})) == 1
    assert len(changes({"a": True}, {"a": 1})) == 1


def test_keys_with_points_do_not_hide_a_change():
    assert [c.path for c in changes({"a.b": 1, "a": {"b": 1}}, {"a.b": 2, "a": {"b": 1}})] == ['["a.b"]']


def test_lines_carry_what_stood_before_and_what_was_taken_away():
    lines = with_before({"a": 2, "b": 1}, {"a": 1, "b": 1, "gone": "x"})
    assert [(line.path.head[0].text, line.before is not None) for line in lines] == [("a", True), ("b", False), ("gone", True)]
    assert lines[-1].kind == "taken away"


def test_no_version_before_means_no_marks():
    assert all(line.before is None for line in with_before({"a": 1}, None))
