"""What a leaf keeps of a value agrees with the value, however it is kept, and with no other."""

import json

import pytest

from audit import canonical, leaves

ODD = [
    {"n": 2**60, "f": 1e300, "small": 5e-324, "zero": -0.0, "text": "\u2028é😀", "deep": [[[{"a": None}]]]},
    {"w": 1e21, "v": 123456789012345680.0, "i": -(2**53), "b": True},
    {"long": "x" * 60_000, "nul": "a\x00b", "half": "\ud800"},
    ["x", 1, 1.5, None, False, [], {}],
    {"a" * 9_000: 1},
]


def nested(levels: int) -> list:
    made: list = [1]
    for _ in range(levels):
        made = [made]
    return made


@pytest.mark.parametrize("value", [*ODD, nested(60)])
def test_what_a_leaf_keeps_agrees(value):
    logged = json.loads(canonical.dumps({"v": canonical.storable(value, limit=leaves.LIMIT)}))["v"]
    assert leaves.agrees(logged, value)


@pytest.mark.parametrize(
    ("logged", "held"),
    [
        ("r", "forged"), ({"a": 1}, {"a": 2}), ({"a": 1}, {}), ({}, {"a": 1}), ([1], [1, 2]), (1, True), (True, 1), ("1", 2), (None, ""), ("", None),
        ({"a": 1}, [1]), ("x" * 8_000 + "… [9,000 characters in all]", "x" * 8_001), ({"status": "failed"}, {"status": "done"}),
    ],
)  # fmt: skip
def test_another_value_does_not(logged, held):
    assert not leaves.agrees(logged, held)


def test_of_what_was_too_much_for_a_leaf_only_that_is_known():
    assert leaves.agrees({"cut": "…", "characters": 9, "sha256": "ab"}, {"any": "thing"})
