"""The schema that an answer is held against is the one that was asked with: its numbers, its depth and its length."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from agents import dialects
from agents.models import Pause, Run
from approvals.errors import BadRequest
from approvals.models import Action
from approvals.operations import Also
from approvals.queries import action_detail
from countersign.confirming import lines as lines_of_client
from tests import factories
from tests.factories import asked, decide, lines, work

BOXES = json.loads('{"box":' * 6 + '"tea"' + "}" * 6)


def form(depth: int = 0, **part: Any) -> dict[str, Any]:
    """A schema that asks for `n`, and for boxes in boxes."""
    inside: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        inside = {"type": "object", "properties": {"box": inside}}
    more = {"box": inside} if depth else {}
    return {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", **part}, **more}}


FORMS = [form(maximum=2**64 - 1), form(maximum=float(2**60)), form(depth=5), form(depth=14), form(default=2**63), form(minimum=-(2**63))]


def question(others, world, schema: Any) -> Run:
    note = Path(f"{world}.note")
    note.write_text(json.dumps(schema))
    run = factories.planned(others.reviewer, world, agent="asks_by_a_note", note=str(note))
    work()
    run.refresh_from_db()
    return run


@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize(("tool", "args"), [("post", {"number": 7}), ("pack", BOXES)])
def test_a_call_with_bounds_of_64_bits_or_with_objects_in_each_other_is_approved_and_rejected(others, world, tool, args, verdict):
    run = factories.planned(others.reviewer, world, [[tool, args]], agent="bounded")
    work()
    decide(asked(run)[0], others.second, verdict)
    work()
    run.refresh_from_db()
    assert (run.state, run.error) == ("SUCCEEDED", "")
    if tool == "post":
        assert lines(world) == (['post {"number": 7}'] if verdict == "approve" else [])


@pytest.mark.parametrize("schema", FORMS)
def test_a_question_with_such_a_schema_is_answered_through_its_form(others, world, client, schema):
    run = question(others, world, schema)
    (action,) = asked(run)
    assert action_detail(action.pk, reader=others.second).answer_schema == schema
    assert Pause.objects.get(run=run).record["schema"] == schema
    client.force_login(others.second)
    page = client.get(reverse("action-respond", args=[action.pk])).content.decode()
    assert 'name="arg-n"' in page
    sent = {"verdict": "respond", "arg-n": "12", "seen_digest": action.digest, "idempotency_key": "k"}
    assert client.post(reverse("action-decide", args=[action.pk]), sent).status_code in {200, 204, 302}
    work()
    run.refresh_from_db()
    assert (run.state, run.error, lines(world)) == ("SUCCEEDED", "", ['told {"told": {"n": 12}}'])


def test_what_is_too_much_for_such_a_bound_is_refused(others, world):
    (action,) = asked(question(others, world, form(exclusiveMaximum=2**53, minimum=-(2**63))))
    with pytest.raises(BadRequest, match="greater than or equal"):
        decide(action, others.second, "respond", response=json.dumps({"n": 2**53}))


@pytest.mark.parametrize("door", ["page", "json"])
@pytest.mark.parametrize("number", [2**53, 2**63 - 1, -(2**60) - 1])
def test_an_answer_of_64_bits_reaches_the_agent_to_the_digit(others, world, client, door, number):
    run = question(others, world, form())
    (action,) = asked(run)
    if door == "json":
        decide(action, others.second, "respond", response=json.dumps({"n": number}), also=Also(as_json=True))
    else:
        client.force_login(others.second)
        sent = {"verdict": "respond", "arg-n": str(number), "seen_digest": action.digest, "idempotency_key": "k"}
        assert client.post(reverse("action-decide", args=[action.pk]), sent).status_code in {200, 204, 302}
    work()
    run.refresh_from_db()
    assert (run.state, run.error, lines(world)) == ("SUCCEEDED", "", [f'told {{"told": {{"n": {number}}}}}'])


def test_an_answer_beyond_that_is_refused_in_a_sentence(others, world, client):
    (action,) = asked(question(others, world, form()))
    with pytest.raises(BadRequest, match=r"beyond 2\^63-1"):
        decide(action, others.second, "respond", response=json.dumps({"n": 2**63}), also=Also(as_json=True))
    client.force_login(others.second)
    sent = {"verdict": "respond", "arg-n": str(2**63), "seen_digest": action.digest, "idempotency_key": "k"}
    again = client.post(reverse("action-decide", args=[action.pk]), sent)
    assert again.status_code == 422 and "At most 2^63-1" in again.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asks", [{"question": "So much?", "cents": 2**64}, -(2**63) - 1])
def test_a_question_that_no_checkpoint_can_keep_ends_its_run_with_a_sentence(cast, agents, shapes, world, asks):
    note = Path(world).with_name("asked.json")
    note.write_text(json.dumps(asks))
    run = factories.run(cast.reviewer, agent="from_file", world=world, note=str(note))
    work()
    run.refresh_from_db()
    assert run.state == "FAILED" and "more than 64 bits" in run.error and "Traceback" not in run.error
    assert ("cents" in run.error) == isinstance(asks, dict) and not Action.objects.filter(run=str(run.pk)).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asks", ["[" * 300 + "]" * 300])
def test_a_question_nested_too_deep_ends_its_run_with_a_sentence(cast, agents, shapes, world, asks):
    note = Path(world).with_name("asked.json")
    note.write_text(asks)
    run = factories.run(cast.reviewer, agent="from_file", world=world, note=str(note))
    work()
    run.refresh_from_db()
    assert run.state == "FAILED" and "cannot keep this in a checkpoint" in run.error and "Traceback" not in run.error


def test_names_that_are_no_text_are_a_question_like_any():
    assert dialects.digest({(1, 2): "b", 1: "a", None: "\ud83d"}) == dialects.digest({(1, 2): "b", 1: "a", None: "\ud83d"})
    assert dialects.digest({(1, 2): "b"}) != dialects.digest({(1, 3): "b"})


def test_a_whole_number_written_with_a_point_is_one(others, world):
    (action,) = asked(question(others, world, form()))
    decide(action, others.second, "respond", response='{"n": 3.0}', also=Also(as_json=True))
    work()
    assert lines(world) == ['told {"told": {"n": 3}}']


@pytest.mark.django_db(transaction=True)
def test_a_form_of_mcp_with_such_a_bound_is_answered(cast, agents, shapes, world):
    note = Path(world).with_name("asked.json")
    note.write_text(json.dumps({"mode": "form", "message": "How many?", "requestedSchema": form(maximum=2**64 - 1, default=2**60)}))
    run = factories.run(cast.reviewer, agent="from_file", world=world, note=str(note))
    work()
    decide(asked(run)[0], cast.second, "respond", response='{"n": 3}')
    work()
    run.refresh_from_db()
    assert (run.state, run.output["told"]) == ("SUCCEEDED", [{"action": "accept", "content": {"n": 3}}])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("verdict", "response", "told"), [("respond", '{"approved": true}', True), ("reject", "", False)])
def test_a_question_in_ag_uis_own_spelling_is_told_in_it(cast, agents, shapes, world, verdict, response, told):
    only = {"type": "object", "properties": {"approved": {"type": "boolean"}}, "required": ["approved"], "additionalProperties": False}
    note = Path(world).with_name("asked.json")
    note.write_text(json.dumps({"reason": "tool_call", "message": "Send it?", "toolCallId": "t1", "responseSchema": only}))
    run = factories.run(cast.reviewer, agent="from_file", world=world, note=str(note))
    work()
    decide(asked(run)[0], cast.second, verdict, **({"response": response} if response else {}))
    work()
    run.refresh_from_db()
    assert (run.state, run.error, run.output["told"]) == ("SUCCEEDED", "", [{"approved": told}])


ROOM = {"type": "object", "properties": {"approved": {"type": "boolean"}}}


@pytest.mark.parametrize(("schema", "ends"), [(form(), True), ({"type": "nonsense"}, True), (ROOM, False)])
def test_that_rejecting_ends_the_run_is_said_before_where_the_agent_cannot_be_told_no(others, world, client, capsys, schema, ends):
    run = question(others, world, schema)
    (action,) = asked(run)
    client.force_login(others.second)
    sheet = client.get(reverse("action-reject", args=[action.pk]), headers={"HX-Request": "true"}).content.decode()
    assert ("word for word" in sheet, "rejecting ends its run" in sheet, "Reject and end the run" in sheet) == (not ends, ends, ends)
    found = client.get(f"/api/v1/actions/{action.pk}").json()
    assert (found["hears_reason"], found["rejecting_ends_run"]) == (not ends, ends)
    assert any("its run ends" in line for line in lines_of_client(found)) == ends, "the other command line says it, too"
    call_command("actions", "show", str(action.pk))
    assert ("rejecting ends its run" in capsys.readouterr().out) == ends
    decide(action, others.second, "reject")
    work()
    run.refresh_from_db()
    assert run.state == ("FAILED" if ends else "SUCCEEDED")


def test_a_schema_too_large_to_be_put_before_people_fails_its_run_at_once_and_says_so(others, world):
    run = question(others, world, {"enum": [f"choice {n}" for n in range(40_000)]})
    assert (run.state, Action.objects.filter(run=str(run.pk)).count()) == ("FAILED", 0)
    assert "nobody was asked" in run.error and "bytes" in run.error
