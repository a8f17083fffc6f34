"""An edit that cannot be asked for in Slack's time is kept; one that comes too late is told to whoever wrote it, with what they wrote."""

import json

import pytest

from approvals import operations
from approvals.models import Edit, SlackHeard
from approvals.operations import people
from approvals.queries import action_detail
from approvals.slack import approving, editing, quick
from audit import queries as log
from audit.actors import SYSTEM
from tests import factories
from tests.integration.slack.test_slack_cards import tick
from tests.integration.slack.test_slack_review import open_at, submit, text, waiting  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.usefixtures("routed", "agents"), pytest.mark.django_db]


def write(hands, world) -> None:
    open_at(hands, world, "edit")
    assert submit(hands, "edit", **{"edit:label": text("another line")}, reason=text("typo")).body["response_action"] == "push"


def shown(hands) -> str:
    return json.dumps(hands.open_view("U0MEI").view, ensure_ascii=False)


@pytest.fixture
def kept(hands, world, waiting, monkeypatch) -> str:  # noqa: F811
    """Asked for while somebody else held the action: stored, by this key."""
    write(hands, world)
    with monkeypatch.context() as slow:
        slow.setattr(quick, "tried", lambda *_, **__: quick.Ended.HELD)
        slow.setattr(approving, "_soon", lambda *_: None)
        hands.submit("U0MEI", {})
    assert "Kept. Somebody else holds this action" in shown(hands) and not Edit.objects.exists()
    return SlackHeard.objects.get(todo__isnull=False).pk.removeprefix("d:")


def test_an_edit_that_is_kept_is_asked_for_afterwards_as_it_was_written(hands, world, waiting, cast, kept):  # noqa: F811
    assert approving.finish(kept)
    edit = Edit.objects.get()
    assert (edit.by, edit.door, edit.reason, json.loads(bytes(edit.args))["label"]) == (cast.reviewer, "slack", "typo", "another line")
    assert "A worker checks it" in shown(hands)
    assert [e.data["what"] for e in log.timeline(action=str(waiting.pk)) if e.kind == "slack.pressed"] == ["edit"]
    factories.work()
    waiting.refresh_from_db()
    assert waiting.version == 2
    assert approving.finish(kept) and Edit.objects.count() == 1


def test_one_that_was_kept_until_it_was_decided_says_what_was_written(hands, world, waiting, cast, kept):  # noqa: F811
    factories.decide(waiting, cast.second)
    assert approving.finish(kept) and not Edit.objects.exists()
    assert "You had written: label: a line → another line" in shown(hands) and "/actions/" in shown(hands)


def test_an_edit_that_is_made_already_says_so():
    assert editing.with_words("It changed.", {"label": "a"}, {"label": "a"}) == "It changed. It holds just the values that you had written."


def test_one_that_nobody_came_to_in_time_says_it_as_well_also_when_its_view_is_closed(hands, world, waiting, kept):  # noqa: F811
    SlackHeard.objects.filter(todo__isnull=False).update(at="2020-01-01T00:00Z")
    world.close(hands.open_view("U0MEI").id, everything=True)
    assert approving.finish(kept) and not Edit.objects.exists()
    tick(minutes=1)
    direct = json.dumps(world.cards(world.direct("T0HOME", "U0MEI").id), ensure_ascii=False)
    assert "press again" in direct and "You had written: label: a line → another line" in direct


def test_whoever_has_lost_their_role_meanwhile_reads_nothing_of_it(hands, world, waiting, kept):  # noqa: F811
    people.ensure_person(username="rita", roles=[], by=SYSTEM)
    assert approving.finish(kept) and not Edit.objects.exists() and "another line" not in shown(hands)


def test_fields_filled_in_while_it_became_another_version_are_not_lost(hands, world, waiting, cast):  # noqa: F811
    open_at(hands, world, "edit")
    args = {**action_detail(waiting.pk, reader=None).args, "label": "their line"}
    operations.request_edit(waiting.pk, by=cast.second, seen_digest=waiting.digest, args=args, door="web")
    factories.work()
    answer = json.dumps(submit(hands, "edit", **{"edit:label": text("my line")}).body, ensure_ascii=False)
    assert "This changed since you opened it" in answer and "You had written: label: their line → my line" in answer


def test_fields_filled_in_while_it_was_decided_are_not_lost(hands, world, waiting, cast):  # noqa: F811
    open_at(hands, world, "edit")
    factories.decide(waiting, cast.second)
    answer = json.dumps(submit(hands, "edit", **{"edit:label": text("my line")}).body, ensure_ascii=False)
    assert "it was decided first" in answer and "You had written: label: a line → my line" in answer


def test_an_edit_confirmed_after_the_decision_says_what_was_written(hands, world, waiting, cast):  # noqa: F811
    write(hands, world)
    factories.decide(waiting, cast.second)
    answer = json.dumps(hands.submit("U0MEI", {}).body, ensure_ascii=False)
    assert "You had written: label: a line → another line" in answer and not Edit.objects.exists()
