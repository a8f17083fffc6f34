"""T1: a proposal becomes one Action with a frozen Requirement, and what policy passes is decided at once."""

import json

import pytest

from approvals import operations, queries
from approvals.models import Action, Decision, Notification, PolicyVersion, Requirement
from audit import canonical
from audit import queries as log
from audit.canonical import NotCanonical
from tests import factories
from tests.fakes import together


def envelope(action: Action) -> dict:
    return canonical.parse(bytes(Requirement.objects.get(action=action, version=action.version).envelope))


def kinds(action: Action) -> list[str]:
    return [e.kind for e in log.timeline(action=str(action.pk))]


def test_everything_about_it_is_frozen_in_the_envelope(cast):
    action = factories.action("high", args={"n": 1}, requested_by=cast.reviewer, owner=cast.admin)
    said = envelope(action)
    assert (said["args"], said["risk"]["level"], said["action_id"], said["version"]) == ({"n": 1}, "high", str(action.pk), 1)
    assert said["exclude"] == sorted([cast.reviewer.person, cast.admin.person])
    assert said["need"] == [{"group": "reviewers", "count": 1}]
    assert said["policy"]["sha256"] in PolicyVersion.objects.values_list("sha256", flat=True)


def test_the_same_place_asked_again_is_the_same_row(cast):
    proposal = factories.proposal()
    first, again = operations.open_action(proposal), operations.open_action(proposal)
    assert first.pk == again.pk
    assert (Requirement.objects.count(), kinds(first)) == (1, ["action.opened"])


@pytest.mark.django_db(transaction=True)
def test_the_same_place_asked_by_many_at_once_is_one_row(cast):
    proposal = factories.proposal()
    together([lambda: operations.open_action(proposal)] * 12)
    assert (Action.objects.count(), Requirement.objects.count()) == (1, 1)


def test_what_policy_passes_is_recorded_like_any_decision(cast):
    action = factories.action("low")
    action.refresh_from_db()
    decision = Decision.objects.get(action=action)
    assert (action.state, decision.verdict, decision.by, decision.digest) == ("APPROVED", "approve", None, action.digest)
    assert decision.by_name.startswith("policy v1-")
    assert kinds(action) == ["action.opened", "decision.recorded", "action.approved"]


@pytest.mark.parametrize(("level", "count", "excluded"), [("medium", 1, 1), ("high", 1, 1), ("critical", 2, 1)])
def test_what_each_level_asks(cast, level, count, excluded):
    said = envelope(factories.action(level, requested_by=cast.reviewer))
    assert (said["need"][0]["count"], len(said["exclude"])) == (count, excluded)


def test_an_agent_is_nobody_to_exclude(cast):
    robot = operations.people.ensure_agent_user(slug="robot")
    assert envelope(factories.action("high", requested_by=robot))["exclude"] == []


def test_the_shorter_deadline_stands(cast):
    def seconds(asked: int | None) -> float:
        action = factories.action(deadline_s=asked)
        return round((action.expires_at - action.created_at).total_seconds())

    assert [seconds(60), seconds(None), seconds(999_999)] == [60, 1800, 1800]


def test_being_known_lowers_the_score(cast):
    before = factories.action(tool="known").score
    for _ in range(3):
        factories.approved(cast.reviewer, tool="known")
    assert factories.action(tool="known").score < before
    assert factories.action(tool="unknown").score == before


def test_two_openings_never_have_the_same_digest(cast):
    assert factories.action().digest != factories.action().digest


@pytest.mark.parametrize("args", [{"a": float("nan")}, {"a": "\x00"}, {"a": "\ud800"}, {"a": 2**53}, {"a": "x" * 300_000}])
def test_arguments_without_canonical_form_open_nothing(cast, args):
    with pytest.raises(NotCanonical):
        factories.action(args=args)
    assert not Action.objects.exists()
    assert not Notification.objects.filter(object="action").exists()


def test_the_largest_arguments_that_fit_are_kept_and_read_back(cast):
    args = {"rows": [{"n": n, "text": "y" * 900} for n in range(250)]}
    action = factories.action(args=args)
    assert envelope(action)["args"] == args
    opened = log.timeline(action=str(action.pk))[0]
    assert json.dumps(opened.data)
    assert queries.action_detail(action.pk, reader=cast.reviewer).args == args
