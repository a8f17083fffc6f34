"""Classes of a project's own in its state and its questions: through a pause they stay what they are."""

import json
from pathlib import Path

import pytest

from agents import history
from agents import operations as agents
from agents.models import Pause
from agents.operations.branching import Branch
from approvals.errors import ApprovalError
from audit import canonical
from tests import factories
from tests.factories import asked, decide, lines, work


def test_an_agent_finds_its_model_dataclass_and_enum_again_after_an_approved_call(others, world):
    run = factories.planned(others.reviewer, world, [["send", {"to": "bob"}]], agent="typed_agent")
    work()
    decide(asked(run)[0], others.second)
    work()
    run.refresh_from_db()
    assert (run.state, run.error) == ("SUCCEEDED", "")
    assert lines(world) == ['send {"copies": 1, "to": "bob"}', 'met {"colour": "RED", "name": "ada", "place": ["Hill Road", "RED"]}']


@pytest.mark.parametrize("agent", ["typed_graph", "typed_inside", "typed_builder"])
def test_so_does_a_node_after_its_question_also_of_a_graph_inside_another(others, world, agent):
    run = factories.planned(others.reviewer, world, agent=agent)
    work()
    decide(asked(run)[0], others.second, "respond", response="yes")
    work()
    run.refresh_from_db()
    assert (run.state, run.error) == ("SUCCEEDED", "")
    assert lines(world) == ['greeted {"seen": ["ada", "Hill Road", "RED", "RED", "GOLD", "LARGE", "inf", "14"], "told": "yes"}']


def test_a_fork_for_real_begins_with_them_as_what_they_are(others, world):
    run = factories.planned(others.reviewer, world, agent="typed_graph")
    work()
    made = agents.branch_run(run.pk, Branch(history.head(run.thread), {"share": 0.5}), reason="why", by=others.operator, door="web")
    work()
    decide(asked(made)[0], others.second, "respond", response="yes")
    work()
    made.refresh_from_db()
    assert (made.state, made.error) == ("SUCCEEDED", "")
    assert lines(world) == ['greeted {"seen": ["ada", "Hill Road", "RED", "RED", "GOLD", "LARGE", "0.5", "14"], "told": "yes"}']


@pytest.mark.parametrize("in_a_dict", [False, True])
def test_a_question_of_such_classes_is_shown_as_plain_data_and_takes_its_answer(others, world, in_a_dict):
    run = factories.planned(others.reviewer, world, agent="asks_a_model", in_a_dict=in_a_dict)
    work()
    place = {"street": "Hill Road", "colour": "red"}
    assert Pause.objects.get(run=run).raw == ({"person": {"name": "ada"}, "places": [place]} if in_a_dict else {"name": "ada"})
    decide(asked(run)[0], others.second, "respond", response="yes")
    work()
    run.refresh_from_db()
    assert (run.state, run.error, lines(world)) == ("SUCCEEDED", "", ['told {"told": "yes"}'])


OLD, NEW = ({"type": "object", "required": [name], "properties": {name: {"type": "boolean"}}} for name in ("ok", "sure"))


@pytest.mark.parametrize(
    ("schema", "why"),
    [({"$ref": "#"}, "refers to itself"), ({"enum": []}, "nothing fits"), ({"allOf": [{"type": "string"}, {"const": 1}]}, "nothing fits")],
)
def test_what_no_answer_fits_is_asked_without_offering_one_and_says_why(others, world, client, schema, why):
    note = Path(f"{world}.note")
    note.write_text(json.dumps(schema))
    run = factories.planned(others.reviewer, world, agent="asks_by_a_note", note=str(note))
    work()
    action = asked(run)[0]
    client.force_login(others.second)
    page = client.get(f"/actions/{action.pk}/").content.decode()
    assert why in page and "It can only be rejected" in page and "/respond/" not in page and "recursion" not in page
    shown = client.get(f"/api/v1/actions/{action.pk}").json()
    assert shown["verdicts"] == ["reject"] and shown["rejecting_ends_run"] and why in shown["unanswerable"]
    with pytest.raises(ApprovalError):
        decide(action, others.second, "respond", response="1")
    decide(action, others.second, "reject")
    work()
    run.refresh_from_db()
    assert (run.state, lines(world)) == ("FAILED", []) and "cannot be told" in run.error and "recursion" not in run.error


def test_an_answer_that_may_be_of_several_kinds_is_asked_for_and_given(others, world):
    union = {"$ref": "#/$defs/Either", "$defs": {"Either": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}}
    note = Path(f"{world}.note")
    note.write_text(json.dumps(union))
    run = factories.planned(others.reviewer, world, agent="asks_by_a_note", note=str(note))
    work()
    decide(asked(run)[0], others.second, "respond", response="7")
    work()
    run.refresh_from_db()
    assert (run.state, run.error) == ("SUCCEEDED", "")


def answered_after(others, world, before, after, *, as_before_the_upgrade=False):
    note = Path(f"{world}.note")
    note.write_text(json.dumps(before))
    run = factories.planned(others.reviewer, world, agent="asks_by_a_note", note=str(note))
    work()
    if as_before_the_upgrade:
        pause = Pause.objects.get(run=run)
        del pause.asked_by["answers"]
        pause.proposal_digest = canonical.digest("hitl/asked/v1", canonical.dumps("Which one?"))
        pause.save()
    decide(asked(run)[0], others.second, "respond", response='{"ok": true}' if before else "yes")
    note.write_text(json.dumps(after))
    work()
    run.refresh_from_db()
    return run


@pytest.mark.parametrize(("before", "after"), [(OLD, NEW), (None, NEW), (OLD, None)])
def test_an_answer_is_not_given_to_a_question_that_takes_other_answers_now(others, world, before, after):
    run = answered_after(others, world, before, after)
    assert (run.state, lines(world)) == ("FAILED", []) and "asks something else" in run.error
    agents.ask_again(run.pk, by=others.operator, door="web")
    work()
    decide(asked(run)[0], others.second, "respond", response='{"sure": true}' if after else "yes")
    work()
    run.refresh_from_db()
    assert (run.state, len(lines(world))) == ("SUCCEEDED", 1)


@pytest.mark.parametrize("before_the_upgrade", [False, True])
def test_one_that_takes_the_same_answers_gets_it_also_when_its_schema_was_not_counted_yet(others, world, before_the_upgrade):
    run = answered_after(others, world, OLD, OLD, as_before_the_upgrade=before_the_upgrade)
    assert (run.state, run.error, lines(world)) == ("SUCCEEDED", "", ['told {"told": {"ok": true}}'])
