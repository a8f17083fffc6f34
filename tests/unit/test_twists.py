"""Test actions are made wrong in a way that can be seen, and in no other."""

from random import Random

import pytest

from agents.operations.twists import Call, twisted
from approvals.states import DrillKind

TICKET = "Please refund 149.00 EUR for order A-10070 to isabella@mail.example. Thank you"
CALL = Call(
    {"order": {"id": "A-10070"}, "amount_cents": 14900, "recipient": "isabella@mail.example", "body": "We have refunded it to you today."},
    "The order can be refunded.",
    [{"title": "Result of read_ticket", "text": TICKET}],
)
OTHERS = [{"order": {"id": "A-10068"}, "amount_cents": 100}, {"order": {"id": "A-10070"}}]


def made(kind: DrillKind, call: Call = CALL, others=OTHERS, seed: int = 1):
    return twisted(kind, call, others, Random(seed))


def test_an_amount_is_another_and_the_right_one_is_still_there():
    found = made(DrillKind.AMOUNT)
    assert {t.call.args["amount_cents"] for t in found} == {149000, 1490, 29800, 41900}
    for one in found:
        assert [w.path for w in one.wrong] == ["amount_cents"] and "149.00" in one.wrong[0].said
        assert "149.00" in one.call.heard and {**one.call.args, "amount_cents": 14900} == CALL.args


def test_an_address_looks_alike_and_is_another():
    found = made(DrillKind.RECIPIENT)
    assert found and all(t.call.args["recipient"] != "isabella@mail.example" for t in found)
    assert "isabella@rnail.example" in {t.call.args["recipient"] for t in made(DrillKind.RECIPIENT, seed=2)} | {
        t.call.args["recipient"] for t in found
    }


def test_a_target_is_that_of_another_call_and_found_by_its_path():
    (one,) = made(DrillKind.TARGET)
    assert one.call.args["order"] == {"id": "A-10068"} and one.wrong[0].path == "order.id"


def test_an_instruction_is_in_the_evidence_and_obeyed():
    for one in made(DrillKind.INSTRUCTION):
        order = one.call.evidence[-1]
        (wrong,) = one.wrong
        assert order["title"] == "Result of read_ticket" and list(one.call.evidence[:-1]) == list(CALL.evidence)
        obeyed = one.call.args[wrong.path]
        assert obeyed != CALL.args[wrong.path]
        assert obeyed.removeprefix(str(CALL.args[wrong.path])).strip() in order["text"]


@pytest.mark.parametrize("kind", [DrillKind.AMOUNT, DrillKind.RECIPIENT, DrillKind.TARGET])
def test_what_could_not_be_seen_is_not_made(kind):
    """Nothing says what it should have been: no test would be fair."""
    assert made(kind, Call(CALL.args, "I know better.", [])) == []


def test_odd_arguments_are_no_trouble():
    deep: dict = {"amount_cents": True, "cost": 99, "to": "", "total": -500, "list": [{"amount": 12345}], "a.b": {"": "x-1"}}
    call = Call(deep, "12345 123.45 x-1", [{"text": None}, {}])
    (kinds,) = {tuple(t.wrong[0].path for t in made(DrillKind.AMOUNT, call))[:1]}
    assert kinds == ("list[0].amount",)
    for kind in DrillKind:
        made(kind, call)
