"""A call against the last one like it: by how much a number differs, what came and went in a list, where two texts part."""

import pytest

from approvals.render.since import compare


def only(before, after):
    found = compare(before, after)
    (one,) = found.differences
    return one


@pytest.mark.parametrize(
    ("before", "after", "note"),
    [
        (1200, 12000, "+10,800, 10 times as much"),
        (100, 150, "+50, +50 %"),
        (100, 50, "-50, -50 %"),
        (0, 5, "+5"),
        (-5, 5, "+10"),
        (1, 1.5, "+0.5, +50 %"),
        (5, "5", "it was a number and is a text"),
        (True, 1, "it was yes or no and is a number"),
        (None, "x", "it was nothing and is a text"),
        ({"a": 1}, [1], ""),
        (True, False, ""),
        ("harriet@mail.example", "harriet@rnail.example", "“m” became “rn”"),
        ("T-1004", "T-1014", "“0” became “1”"),
        ("send it", "send it now", "“ now” more"),
        ("send it now", "send it", "“ now” less"),
        ("completely", "different", ""),
        ("a\nb", "a\nc", ""),
        ("x" * 300, "x" * 299 + "y", ""),
        ([1, 2], [2, 1], "the same items in another order"),
        ([1, 2], [2, 3, 4], "2 items more and 1 item gone"),
        ([], ["a"], "1 item more"),
    ],
)
def test_values_differ_by_what_they_are(before, after, note):
    found = compare({"v": before}, {"v": after}).differences
    assert {d.note for d in found if d.path == "v"} <= {note, "no longer there", "not there before"}
    if not isinstance(before, dict):
        assert [d.note for d in found] == [note]


def test_what_is_the_same_is_counted_and_what_came_or_went_is_named():
    found = compare({"a": 1, "b": {"c": [1, {"d": 2}], "e": "x"}, "gone": 1}, {"new": None, "a": 1, "b": {"c": [1, {"d": 2}], "e": "y"}})
    assert [(d.path, d.note) for d in found.differences] == [("new", "not there before"), ("b.e", ""), ("gone", "no longer there")]
    assert found.same == 2


def test_lines_are_compared_where_there_are_some():
    one = only({"sql": "SELECT 1\nFROM a\nWHERE b"}, {"sql": "SELECT 1\nFROM a"})
    assert [row.kind for row in one.diff][-1] == "gone"


def test_long_lists_say_how_many_more_and_every_character_is_shown():
    one = only({"v": []}, {"v": ["a\u202eb", *map(str, range(9))]})
    assert one.after is not None and one.after.chips == 1 and one.before is None
    assert "(+5)" in "".join(part.text for part in one.after.head)


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, {"": {"": ""}}, {"a.b": 1, "a": {"b": 2}}])
def test_anything_can_be_compared_with_anything(value):
    for other in (None, 3, "x", [1], {"a": {"b": 3}}):
        compare(value, other)
        compare(other, value)
    assert compare(value, value).differences == ()


def test_two_paths_never_name_the_same_place():
    assert len(compare({}, {"a.b": 1, "a": {"b": 2}}).differences) == 3
