"""A second opinion on the action's page: awaited, given, given up; the model's words fenced, and never as markup."""

import pytest
from django.urls import reverse

from approvals.models import Action
from approvals.operations import opining, opinions
from tests import factories


@pytest.fixture(autouse=True)
def _a_model(settings):
    settings.OPINION_MODEL = "openai:second"


def page(web, action) -> str:
    return web.get(reverse("action", args=[action.pk])).content.decode()


def fragment(web, action) -> str:
    return web.get(reverse("action-opinion", args=[action.pk])).content.decode()


def test_it_is_awaited_then_given_with_its_points_and_words(web, cast):
    action = factories.action("medium")
    assert "asked of openai:second" in page(web, action) and f"live:action:{action.pk}" in fragment(web, action)
    (taken,) = opinions.take(limit=8)
    opining.give(taken, concern="doubtful", words="<b>No</b> \u202e order", prompt_sha256="")
    said = page(web, action)
    assert "<b>It finds this doubtful.</b> What is asked stays as it is." in said and "+15" in said
    assert "&lt;b&gt;No&lt;/b&gt;" in said and "U+202E" in said and "written by a model" in said
    assert "live:action" not in fragment(web, action)


def test_a_raised_action_says_why_it_is_asked_anew(web, cast):
    action = factories.action("medium")
    (taken,) = opinions.take(limit=8)
    opining.give(taken, concern="dangerous", words="", prompt_sha256="")
    said = page(web, Action.objects.get(pk=action.pk))
    assert "raised after a second opinion" in said and "A second model finds it dangerous" in said and "More is asked because of it" in said
    changed = web.get(reverse("action-changed", args=[action.pk]), {"version": 1, "state": "PENDING"})
    assert "new version" in changed.content.decode()


def test_none_that_could_be_used_says_so(web, cast):
    action = factories.action("medium")
    (taken,) = opinions.take(limit=8)
    opining.fail(taken.id, error="It did not answer in time", attempt=taken.attempt)
    assert "It gave no opinion that could be used" in page(web, action)


def test_what_waits_for_one_offers_no_button(web, cast, policy):
    policy.write_text(policy.read_text().replace("ask_for: [medium, high]", "ask_for: [low, medium, high]"))
    action = factories.action("low")
    said = page(web, action)
    assert "waits for a second model" in said and 'name="verdict" value="approve"' not in said
    assert str(action.pk) not in web.get(reverse("inbox")).content.decode()


def test_an_action_without_one_says_nothing_of_it(web, cast, settings):
    settings.OPINION_MODEL = ""
    action = factories.action("medium")
    assert "second opinion" not in page(web, action).lower() and fragment(web, action).strip().startswith("<div")
    assert web.get(reverse("action-opinion", args=["00000000-0000-0000-0000-000000000000"])).status_code == 204
