"""The author's one line, made of arguments only."""

import pytest

from agents.tools.summaries import LIMIT, summarize

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
    assert summarize("say {a}", args) == "say one two {b}"


def test_a_line_has_an_end():
    assert len(summarize("{long} " * 20, ARGS)) == LIMIT
