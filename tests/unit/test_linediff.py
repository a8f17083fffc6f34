"""A difference by lines: true whatever the two texts are, small where little changed, quick at every size an argument can have."""

import random
import time

import pytest

from approvals.render.changes import changes, with_before
from approvals.render.linediff import DiffRow, apart, line_diff
from approvals.render.linematch import matches

FILE = [f"    x{i} = compute({i}, 'abc')" for i in range(5_000)]


def text(row: DiffRow) -> str:
    return "".join(part.label or part.text for part in row.text.head)


def changed(before: list[str], after: list[str]) -> list[tuple[str, str]]:
    return [(row.kind, text(row)) for row in line_diff("\n".join(before), "\n".join(after)) if row.kind in {"gone", "new"}]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_said_to_be_the_same_is_and_stands_in_order(seed):
    chance = random.Random(seed)
    for _ in range(400):
        letters = "abcdefgh"[: chance.choice([1, 2, 8])]
        old, new = (chance.choices(letters, k=chance.randrange(15)) for _ in range(2))
        a = c = 0
        for block in matches(old, new):
            assert block.size and block.old >= a and block.new >= c
            a, c = block.old + block.size, block.new + block.size
            assert old[block.old : a] == new[block.new : c]
        assert a <= len(old) and c <= len(new)


def test_all_rows_together_are_both_texts():
    before, after = FILE[:300], [*FILE[:50], "more", *FILE[60:200], *FILE[210:300]]
    rows = [row for row in line_diff("\n".join(before), "\n".join(after)) if row.kind != "gap"]
    kept = sum(row.count for row in line_diff("\n".join(before), "\n".join(after)))
    assert kept + sum(row.kind != "new" for row in rows) == 300 and kept + sum(row.kind != "gone" for row in rows) == 281


@pytest.mark.parametrize("size", [500, 600, 1_400, 2_999, 5_000])
@pytest.mark.parametrize(("put", "seen"), [("\r", "⟨U+000D⟩"), ("\u200b", "⟨U+200B⟩"), ("\t", "⟨U+0009⟩"), (" ", "⟨U+0020⟩"), ("!", "!")])
def test_one_line_of_a_long_file_is_found_with_what_does_not_show_itself(size, put, seen):
    at = size // 2
    after = [*FILE[:at], FILE[at] + put, *FILE[at + 1 : size]]
    assert changed(FILE[:size], after) == [("gone", FILE[at]), ("new", FILE[at] + seen)]
    rows = line_diff("\n".join(FILE[:size]), "\n".join(after))
    assert [row.kind for row in rows] == ["gap", "same", "same", "same", "gone", "new", "same", "same", "same", "gap"]


@pytest.mark.parametrize("old", [["x"] * 5_000, ["x", "y"] * 2_500, ["{", "  1,", "},"] * 1_700], ids=["alike", "two", "three"])
def test_lines_that_are_repeated_thousands_of_times_are_compared_as_well(old):
    new = [*old[:10], "q", *old[11:2_000], *old[2_001:4_000], "r", *old[4_000:]]
    found = changed(old, new)
    assert len(found) <= 6 and {("new", "q"), ("new", "r")} <= set(found)


def test_lines_that_were_moved_go_and_come():
    moved = [*FILE[:100], *FILE[110:4_000], *FILE[100:110], *FILE[4_000:]]
    assert len(changed(FILE, moved)) == 20


def test_what_is_too_different_is_said_to_be():
    before, after = "\n".join(FILE), "\n".join(line + "!" for line in FILE)
    assert line_diff(before, after) == () and apart(before, after) and not apart("one", "two")
    (change,) = changes({"content": before}, {"content": after})
    (shown,) = with_before({"content": after}, {"content": before})
    assert change.apart and shown.apart and change.before.hidden and not shown.diff


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (FILE, [line + "!" if i in {10, 2_500, 4_990} else line for i, line in enumerate(FILE)]),
        (["x", "y"] * 65_000, ["q", *["x", "y"] * 64_999, "r"]),
        (random.Random(1).choices("abc", k=131_000), random.Random(2).choices("abc", k=131_000)),
    ],
    ids=["few changes", "most lines", "nothing in common"],
)
def test_no_two_texts_keep_the_reader_waiting(old, new):
    before, after = "\n".join(old), "\n".join(new)
    began = time.process_time()
    line_diff(before, after)
    assert time.process_time() - began < 2  # measured 0.03 to 0.4 s; without a limit some take hours
