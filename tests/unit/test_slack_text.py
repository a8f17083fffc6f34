"""Values in Slack: whatever differs in kind or in content reads differently, by one rule."""

import itertools
from typing import Any

import pytest

from approvals.render.arguments import line_of
from approvals.slack.text import as_read, mentioned, shown, spelled, valued
from approvals.slack.threads import changed

ALIKE: list[Any] = [
    None, "null", "None", "NULL", True, "true", "True", "yes", False, "false", 0, "0", 1, "1", 1.0, "1.0", "1,000", "٣", "1e5", "-1", "", " ", '""', '"', '"1"', [],
    "[]", {}, "{}", "a", " a", "a ", "a\nb", "a ⏎\n   b", "a ⏎", "a\n", "x\namount\n1", "nan", "Infinity", "(not there)", "a\r\nb",
]  # fmt: skip


def said(value) -> str:
    return valued(value, shown(line_of("what", value).value))


def test_no_two_values_read_alike():
    found = {repr(value): said(value) for value in ALIKE}
    alike = [(a, b) for (a, x), (b, y) in itertools.combinations(found.items(), 2) if x == y]
    assert alike == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"), ("null", '"null"'), (12, "12"), ("12", '"12"'), ("", '""'), (True, "true"), ("true", '"true"'), ("plain words", "plain words"),
        ("A-1001", "A-1001"), ("two\nlines", "two ⏎\n   lines"), ("1 Main St", "1 Main St"),
    ],
)  # fmt: skip
def test_what_could_be_taken_for_something_else_stands_in_quotation_marks(value, expected):
    assert said(value) == expected


def test_a_second_line_never_looks_like_another_argument():
    """A field is its name, a line feed, its value: every further line says that it belongs to the one before."""
    for row in said("ok\namount_cents\n1").split("\n")[:-1]:
        assert row.endswith("⏎")


def test_the_same_rule_in_what_an_edit_changes():
    lines, hidden = changed({"a": None, "b": 1, "c": True}, {"a": "null", "b": "1", "c": "true"}, None)
    assert (lines, hidden) == (['a: null → "null"', 'b: 1 → "1"', 'c: true → "true"'], 0)
    assert spelled("x") == "x"


def test_what_differs_at_the_end_of_a_long_text_is_shown():
    before, after = "Dear customer, " + "x" * 500 + " account DE11", "Dear customer, " + "x" * 500 + " account DE99"
    (line,), hidden = changed({"note": before}, {"note": after}, None)
    assert "DE11 → " in line and line.endswith("DE99") and len(line) < 500 and hidden == 0
    (line,), _ = changed({"note": "a" + "b" * 400}, {"note": "c" + "b" * 400}, None)
    assert line.startswith("note: ab") and "→ cb" in line


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("hello <https://example.com|example> <@U0JORGE>", "hello example (https://example.com) @U0JORGE"),
        ("<@U1|jorge> in <#C1|general>, <!here>", "@jorge in #general, @here"),
        ("<https://good.example|https://good.example>", "https://good.example"),
        ("<https://evil.example|https://good.example>", "https://good.example (https://evil.example)"),
        ("<mailto:a@b.example|a@b.example> &lt;b&gt; 1 &lt; 2", "a@b.example <b> 1 < 2"),
        ("<!subteam^S1|@ops> <!date^1^x|then> <>", "@ops then <>"),
        ("<!channel> <!everyone|everyone> <!here|here> <#C0RISK|>", "@channel @everyone @here #C0RISK"),
        ("<@U0MEI> and <@U0MEI|mei>, not <@U0OTHER|>", "@rita and @rita, not @U0OTHER"),
    ],
)
def test_what_somebody_wrote_is_read_as_it_stood_there(written, read):
    assert as_read(written, {"U0MEI": "rita"}) == read


def test_who_is_spoken_to_is_known_by_mentions_alone():
    assert mentioned("<@U0MEI> <@U1|x> <#C1> <!here> &lt;@U2&gt; @U3") == {"U0MEI", "U1"}
