"""An answer in Slack means what it means on the page: no is false, a number a number, and a schema has its fields."""

import json

import pytest

from approvals.models import Decision, SlackHeard
from approvals.slack import approving, quick
from tests import factories
from tests.integration.slack.test_slack_cards import tick
from tests.integration.slack.test_slack_review import boxes, open_at, radio, submit, text

pytestmark = [pytest.mark.usefixtures("routed", "agents"), pytest.mark.django_db]
SCHEMA = {
    "type": "object", "required": ["cents", "kind"],
    "properties": {"cents": {"type": "integer", "minimum": 1}, "kind": {"enum": ["a", "b"]}, "on": {"type": "boolean"}},
}  # fmt: skip


def asked(schema=None, **more):
    """A question whose card stands in the channel."""
    made = factories.action(kind="question", args={"question": "Shall I?"}, answer_schema=schema, **more)
    tick()
    return made


def answered() -> tuple[str, dict]:
    found = Decision.objects.get()
    return found.response, found.details


@pytest.mark.parametrize(
    ("given", "typed", "kept"),
    [
        ("no", "", ("false", {"json": True})), ("yes", "", ("true", {"json": True})), ("json", "42", ("42", {"json": True})),
        ("words", "no", ("no", {})),
    ],
)  # fmt: skip
def test_no_is_no_and_not_a_text(hands, world, given, typed, kept):
    asked()
    kinds = [block["block_id"] for block in open_at(hands, world, "respond").view["blocks"] if block["type"] == "input"]
    assert kinds == ["choice", "given", "words"]
    submit(hands, "respond", given=radio(given), words=text(typed))
    assert answered() == kept


def test_what_contradicts_itself_or_is_no_json_stands_beside_the_field(hands, world):
    asked()
    open_at(hands, world, "respond")
    assert "yes or no" in submit(hands, "respond", given=radio("no"), words=text("but only today")).body["errors"]["words"]
    assert "JSON" in submit(hands, "respond", given=radio("json"), words=text("{")).body["errors"]["words"]
    assert submit(hands, "respond", given=radio("words"), words=text(" ")).body["errors"]["words"] and not Decision.objects.exists()


def test_a_schema_has_its_fields_with_errors_beside_them(hands, world):
    asked(SCHEMA)
    view = open_at(hands, world, "respond").view
    kinds = {b["block_id"]: b["element"]["type"] for b in view["blocks"] if b.get("block_id", "").startswith("answer:")}
    assert kinds == {"answer:cents": "number_input", "answer:kind": "radio_buttons", "answer:on": "checkboxes"}
    said = {"answer:cents": text("0"), "answer:kind": radio("b"), "answer:on": boxes("true")}
    assert "At least 1." in submit(hands, "respond", **said).body["errors"]["answer:cents"] and not Decision.objects.exists()
    submit(hands, "respond", **{**said, "answer:cents": text("42")})
    response, details = answered()
    assert json.loads(response) == {"cents": 42, "kind": "b", "on": True} and details == {"json": True}


def test_several_are_ticked_by_their_titles_and_the_constants_are_sent(hands, world):
    tiers = [{"const": f"p{n},", "title": f"Tier {n}"} for n in range(12)]
    parts = {
        "some": {"type": "array", "items": {"anyOf": tiers[:3]}},
        "more": {"type": "array", "items": {"anyOf": tiers}},
        "one": {"oneOf": tiers},
    }
    asked({"type": "object", "required": ["some"], "properties": parts})
    view = open_at(hands, world, "respond").view
    fields = {b["block_id"]: b["element"] for b in view["blocks"] if b.get("block_id", "").startswith("answer:")}
    kinds = {name.removeprefix("answer:"): one["type"] for name, one in fields.items()}
    assert kinds == {"some": "checkboxes", "more": "multi_static_select", "one": "static_select"}
    assert fields["answer:some"]["options"][1] == {"text": {"type": "plain_text", "text": "Tier 1 (p1,)", "emoji": False}, "value": "1"}
    submit(hands, "respond", **{"answer:some": boxes("0", "2"), "answer:more": boxes(), "answer:one": radio("p11,")})
    assert json.loads(answered()[0]) == {"some": ["p0,", "p2,"], "one": "p11,"}


def test_yes_or_no_by_schema_is_chosen_and_a_string_is_typed(hands, world):
    asked({"type": "boolean"})
    open_at(hands, world, "respond")
    submit(hands, "respond", **{"answer:answer": radio("false")})
    assert answered() == ("false", {"json": True})


def test_a_schema_that_fits_no_inputs_is_answered_in_json(hands, world):
    asked({"type": "string", "enum": ["c0", "x" * 160]})
    view = open_at(hands, world, "respond").view
    (field,) = [b for b in view["blocks"] if b.get("block_id") == "words"]
    assert "enum" in field["hint"]["text"]
    assert "fit" in submit(hands, "respond", words=text('"c1"')).body["errors"]["words"]
    submit(hands, "respond", words=text('"c0"'))
    assert answered() == ('"c0"', {"json": True})


def test_an_answer_that_is_kept_means_the_same_afterwards(hands, world, monkeypatch):
    asked()
    open_at(hands, world, "respond")
    with monkeypatch.context() as slow:
        slow.setattr(quick, "tried", lambda *_, **__: quick.Ended.HELD)
        slow.setattr(approving, "_soon", lambda *_: None)
        submit(hands, "respond", given=radio("no"), words=text(""))
    key = SlackHeard.objects.get(todo__isnull=False).pk.removeprefix("d:")
    assert not Decision.objects.exists() and approving.finish(key) and answered() == ("false", {"json": True})


def test_what_answers_a_tool_instead_stays_in_words(hands, world, cast, tmp_path):
    factories.waiting(cast.operator, factories.call(label="a line"), world=str(tmp_path / "world"))
    tick()
    open_at(hands, world, "respond")
    submit(hands, "respond", words=text("no"))
    assert answered() == ("no", {})
