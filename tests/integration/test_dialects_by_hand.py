"""Nodes of the project's own that ask in LangChain's shapes: told once, whoever then makes the call; and held to what was approved."""

import pytest

from agents import operations as agents
from agents.errors import WrongState
from agents.models import Effect, Run
from tests import factories
from tests.factories import asked, decide, lines, work
from tests.integration.test_dialects_healing import fresh, taken_over

pytestmark = [pytest.mark.usefixtures("agents", "shapes"), pytest.mark.django_db(transaction=True)]
BOTH = pytest.mark.parametrize("shape", ["batched", "per_call"])


def answered(cast, world, shape, note="", *, cents=0, verdict="approve") -> tuple[Run, Effect | None]:
    run = factories.run(cast.reviewer, agent="by_hand", world=world, value=shape, note=str(note), steps=cents)
    work()
    (action,) = asked(run)
    decide(action, cast.second, verdict)
    work()
    return fresh(run), Effect.objects.filter(pk=action.pk).first()


@BOTH
def test_a_node_that_acts_in_its_own_lines_is_on_record_as_told(cast, world, shape):
    run, effect = answered(cast, world, shape)
    assert (run.state, effect.state, lines(world)) == ("SUCCEEDED", "DONE", ["sent"])
    assert "its node went on" in effect.result["handed_back"]


@BOTH
@pytest.mark.parametrize("trouble", ["dies", "raises"])
def test_it_is_not_told_a_second_time(cast, world, tmp_path, shape, trouble):
    """One approval sent a parcel twice, over a killed worker as over a retry."""
    note = tmp_path / "note"
    note.write_text(trouble)
    run, effect = answered(cast, world, shape, note)
    if trouble == "dies":
        taken_over(run)
    assert (fresh(run).state, lines(world)) == ("FAILED", ["sent"])
    effect.refresh_from_db()
    assert effect.state == "UNKNOWN"
    for done in (None, True):
        if done:
            agents.resolve_unknown(effect.pk, done=True, reason="I looked", by=cast.operator, door="web")
        with pytest.raises(WrongState):
            agents.retry_run(run.pk, by=cast.operator, door="web")
    assert lines(world) == ["sent"]


@BOTH
def test_what_it_leaves_to_a_tool_is_begun_by_the_tool(cast, world, shape):
    run, effect = answered(cast, world, shape, cents=10)
    assert (run.state, run.output["told"]) == ("SUCCEEDED", ["approve", "labelled 10"])
    assert (effect.state, effect.result) == ("DONE", {"content": "labelled 10"})
    assert effect.begun_at and effect.told_at


@BOTH
def test_a_tool_that_is_called_without_an_id_is_held_to_what_was_approved(cast, world, shape):
    """Approved with 10, called with 10000."""
    run, effect = answered(cast, world, shape, cents=10_000)
    assert run.state == "FAILED" and "other arguments than people were shown" in run.error
    assert effect.state != "DONE"


@BOTH
def test_that_it_was_rejected_is_told(cast, world, shape):
    run, _ = answered(cast, world, shape, verdict="reject")
    assert (run.state, run.output["told"], lines(world)) == ("SUCCEEDED", ["reject"], [])


@BOTH
def test_after_a_no_it_is_not_called_with_other_arguments_that_nobody_was_asked_about(cast, world, shape):
    """Without an id it may be the refused call in other words: it was taken for another one, and ran."""
    run, effect = answered(cast, world, shape, cents=-9, verdict="reject")
    assert run.state == "FAILED" and (effect is None or effect.begun_at is None)
    assert "nobody was asked about those" in run.error
    assert "labelled" not in str(run.output)


@BOTH
def test_after_a_no_the_very_same_call_is_stopped_too(cast, world, shape):
    run, _ = answered(cast, world, shape, cents=-10, verdict="reject")
    assert run.state == "FAILED" and "without leave" in run.error


@BOTH
def test_after_a_yes_that_was_used_another_call_is_another_call(cast, world, shape):
    run, effect = answered(cast, world, shape, cents=10_007)
    assert (run.state, run.output["told"]) == ("SUCCEEDED", ["approve", "labelled 10", "labelled 3"]), run.error
    assert (effect.state, effect.result) == ("DONE", {"content": "labelled 10"})
