"""Values that an operator puts into a state, held against the types its author wrote down."""

from typing import Any, Literal, TypedDict

import pytest

from agents.graphs.declared import unlike


class Row(TypedDict):
    n: int


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (int, 1, ""),
        (int, 1.5, "Input should be a valid integer"),
        (int, True, "Input should be a valid integer"),
        (float, 1, ""),
        (list[dict], [{"a": 1}], ""),
        (list[dict], [{"a": 1}, "b"], "Input should be a valid dictionary at 1"),
        (dict[str, int], {"a": "b"}, "Input should be a valid integer at a"),
        (str | None, None, ""),
        (str | None, 3, "Input should be a valid string"),
        (Any, object(), ""),
        (Row, {"n": "not looked at"}, ""),
        (list[Row], [{"n": "nor this"}], ""),
        (Literal["a"], "b", ""),
        (list, ["anything"], ""),
    ],
)
def test_only_what_certainly_is_otherwise_is_refused(kind, value, why):
    found = unlike(kind, value)
    assert found.startswith(why) if why else not found
