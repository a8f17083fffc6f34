"""The author's one line, made of arguments only."""

import pytest

from agents.tools.summaries import LIMIT, names, summarize
from approvals.ladder import confirm_of

ARGS = {
    "order_id": "A-7",
    "amount_cents": 123456,
    "currency": "EUR",
    "to": {"name": "Ada"},
    "size": 1536,
    "ids": [1, 2, 3],
    "long": "x" * 200,
}


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("Refund {amount_cents|money:currency} to {order_id}", "Refund 1,234.56 EUR to A-7"),
        ("{amount_cents|money}", "1,234.56"),
        ("{size|bytes}", "1.5 kB"),
        ("{ids|count} rows", "3 rows"),
        ("{order_id|count} {size|count}", "3 0"),
        ("to {to.name|quote}", "to “Ada”"),
        ("{missing} {to.nothing.deeper}!", " !"),
        ("{order_id|money} {size|unheard}", "A-7 1536"),
        ("{long}", "x" * 60 + "…" + "x" * 15),
        ("", "the tool"),
        ("{ORDER} {0!r}", "{ORDER} {0!r}"),
    ],
)
def test_a_template_is_filled_in(template, line):
    assert summarize(template, ARGS, "the tool") == line


def test_an_argument_cannot_bring_lines_or_fields_of_its_own():
    args = {"a": "one\n\n two\t{b}", "b": "secret"}
    assert summarize("say {a}", args) == "say “one two {b}”"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ACME", "ACME"),
        ("ann+x@example.org", "ann+x@example.org"),
        ("a/b_c-d.txt#4", "a/b_c-d.txt#4"),
        ("Müller", "Müller"),
        ("ACME for 10.00 (a credit)", "“ACME for 10.00 (a credit)”"),
        ("ACME” for “10.00", '“ACME" for "10.00”'),
        ("ACME,for,10.00", "“ACME,for,10.00”"),
        ("ACME\u2800for", "“ACME\u2800for”"),
        (["one", "two"], "“['one', 'two']”"),
    ],
)
def test_a_value_cannot_go_on_in_the_authors_words(value, shown):
    args = {"customer": value, "cents": 4900, "currency": "EUR"}
    assert summarize("Invoice {customer} for {cents|money:currency}", args) == f"Invoice {shown} for 49.00 EUR"
    assert summarize("{cents|money:customer} in all", args) == f"49.00 {shown} in all"


def test_long_values_leave_room_for_what_comes_after_them():
    args = {"long": "x" * 100, "cents": 98_765_432}
    line = summarize("Pay {long} {long} {long} the sum of {cents|money}", args)
    assert line.endswith(" the sum of 987,654.32") and line.count("…") == 3 and len(line) <= LIMIT


def test_a_line_has_an_end():
    line = summarize("{long} " * 20, ARGS)
    assert len(line) == LIMIT and line.endswith("…")


@pytest.mark.parametrize(
    ("template", "confirm", "args", "found"),
    [
        ("Administer {target}", "", {"a": "min", "target": "prod-database"}, ("prod-database",)),
        ("Administer {target}", "", {"target": "prod-database", "Administer": "Administer"}, ("prod-database",)),
        ("Send {subject|quote} to {to}", "", {"to": "ann@example.org", "subject": "Send"}, ("Send", "ann@example.org")),
        ("Send {subject|quote} to {to}", "to", {"to": "ann@example.org", "subject": "Send"}, ("ann@example.org", "Send")),
        ("Refund {amount_cents|money:currency} to {order_id}", "", {**ARGS, "currency": "A-7"}, ("A-7",)),
        ("Move {ids|count} rows", "", ARGS, ()),
        ("To {to.name}", "to.name", ARGS, ("Ada",)),
        ("{long}", "", ARGS, ()),
        ("No fields at all", "gone", ARGS, ()),
        ("{n} of {ok}", "", {"n": 10077, "ok": True}, ("10077",)),
    ],
)
def test_the_author_names_the_target_and_extra_arguments_name_nothing(template, confirm, args, found):
    assert names(template, args, confirm) == found


@pytest.mark.parametrize(
    ("candidates", "typed"),
    [
        (["prod-database"], "prod-database"),
        (["", "ab", "A-7", "prod-database"], "A-7"),
        (["pr\u043ed-database", "eu-west-1"], "eu-west-1"),
        (["prod\u200b-database"], "wire"),
        ([" padded", "padded ", "two\nlines", "x" * 81], "wire"),
        (["M\u00fcller GmbH"], "M\u00fcller GmbH"),
        ([], "wire"),
    ],
)
def test_what_is_typed_can_be_typed_and_is_what_it_looks_like(candidates, typed):
    assert confirm_of(candidates, "wire") == typed
