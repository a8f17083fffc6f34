"""How a question that brings the schema of its answer is put before people."""

import pytest

from agents.dialects import Quirks, Said, Unanswerable, answer, no_yes, read
from agents.dialects.asking import as_asked
from agents.dialects.record import Record

FORM = {
    "type": "object",
    "required": ["boxes"],
    "properties": {
        "boxes": {"type": "integer", "title": "Boxes", "description": "How many\nto send", "minimum": 1, "maximum": 9},
        "mail": {"type": "string", "format": "email", "default": "a@example.com"},
        "size": {"type": "string", "enum": ["s", "l"], "enumNames": ["Small", "Large"]},
        "colour": {"oneOf": [{"const": "r", "title": "Red"}, {"const": "g"}]},
        "extras": {"type": "array", "items": {"type": "string", "enum": ["bow", "card"]}},
        "odd": True,
    },
}


def asked(value, schema=None):
    return as_asked(value, read(value, schema))


def test_each_field_of_a_form_is_a_question_in_words():
    shown = asked({"mode": "form", "message": "What shall I send?", "requestedSchema": FORM, "elicitationId": "e1"})
    assert shown == {
        "message": "What shall I send?",
        "elicitationId": "e1",
        "questions": {
            "boxes": "Boxes · How many to send · a whole number · at least 1 · at most 9 · has to be answered",
            "mail": "text · as email · a@example.com unless said otherwise · may be left out",
            "size": "one of: s (Small), l (Large) · may be left out",
            "colour": "one of: r (Red), g · may be left out",
            "extras": "any of: bow, card · may be left out",
            "odd": "a value of its own form · may be left out",
        },
    }


def test_so_is_a_schema_among_the_keys_of_ag_ui_and_nothing_else_is_touched():
    own = {
        "reason": "input_required",
        "message": "How many?",
        "response_schema": {"type": "object", "properties": {"n": {"type": "integer"}}},
    }
    assert asked(own)["questions"] == {"n": "a whole number · may be left out"}
    for value in ("What?", {"message": "What?"}, {**own, "questions": 1}, {**own, "response_schema": {"type": "integer"}}):
        assert asked(value) == value


YES = {"type": "object", "properties": {"approved": {"type": "boolean"}}, "required": ["approved"], "additionalProperties": False}


def test_ag_ui_is_read_in_its_own_spelling_and_in_pythons():
    keys = {"reason": "tool_call", "message": "Send it?", "toolCallId": "t1", "responseSchema": YES, "expiresAt": "2030-01-01T00:00:00Z"}
    python = {
        "reason": "tool_call",
        "message": "Send it?",
        "tool_call_id": "t1",
        "response_schema": YES,
        "expires_at": "2030-01-01T00:00:00Z",
    }
    assert read(keys) == read(python) == Record("agui", question="Send it?", schema=YES, expires_at="2030-01-01T00:00:00Z")
    assert asked(keys)["questions"] == {"approved": "yes or no · has to be answered"} and "responseSchema" not in asked(keys)
    assert read({**python, "responseSchema": {"type": "integer"}}).schema == {"type": "integer"}
    assert read({"reason": "confirmation", "toolCallId": "t1"}).dialect == "agui" and read({"reason": "x"}).dialect == "raw"
    assert read({"message": "x", "responseSchema": False}).schema == {"not": {}}


def test_ag_ui_is_answered_with_the_payload_itself_and_a_no_stands_in_it():
    record = read({"reason": "tool_call", "toolCallId": "t1", "responseSchema": YES})
    said = lambda **more: answer(record, [Said(**more)], Quirks())  # noqa: E731
    assert said(kind="respond", message='{"approved": true}', more={"json": True}) == {"approved": True}
    told = said(kind="reject", message="too much")
    assert told == {"approved": False} and not no_yes(told)
    for status in ("expired", "cancelled", "invalid"):
        with pytest.raises(Unanswerable):
            said(kind="reject", status=status, message="why")


def test_an_elicitation_of_mcp_needs_no_mode_but_never_has_another():
    form = {"message": "How many?", "requestedSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}}
    record = read(form)
    assert record.dialect == read({**form, "mode": "form"}).dialect == "mcp_form" and read({**form, "mode": "url"}).dialect == "raw"
    assert answer(record, [Said("respond", message='{"n": 3}', more={"json": True})], Quirks()) == {"action": "accept", "content": {"n": 3}}
    assert answer(record, [Said("reject")], Quirks()) == {"action": "decline"}


def test_so_is_a_schema_that_came_beside_the_question():
    flag = {"type": "object", "properties": {"now": {"type": "boolean", "default": False}}}
    questions = {"now": "yes or no · no unless said otherwise · may be left out"}
    assert asked("Send it?", flag) == {"message": "Send it?", "questions": questions}
    assert asked({"message": "Send it?", "to": "ada"}, flag) == {"message": "Send it?", "to": "ada", "questions": questions}
    assert asked("Send it?", {"type": "boolean"}) == "Send it?"
