"""The page of an action while an edit of it is with a worker: never half of one version and half of another."""

import json

import pytest
from django.urls import reverse

from approvals import operations, queries
from approvals.models import Action
from tests import factories
from tests.factories import work

pytestmark = pytest.mark.usefixtures("agents")
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def asked(cast, world) -> Action:
    return factories.waiting(cast.second, factories.call(label="first"), world=world)[1]


def want(action: Action, by) -> None:
    operations.request_edit(action.pk, by=by, seen_digest=action.digest, args={"label": "other"}, reason="better", door="web")


def polled(page: str) -> str:
    return next(part.split('"')[1] for part in page.split("hx-get=")[1:] if "checking=1" in part.split('"')[1]).replace("&amp;", "&")


def test_a_page_that_waits_for_a_check_asks_soon_and_is_drawn_anew_as_soon_as_it_is_over(web, cast, asked):
    """A hint that came before the answer to the edit was lost: for three seconds the old digest stood beside the new level of the row."""
    want(asked, cast.reviewer)
    page = web.get(reverse("action", args=[asked.pk]), **HTMX).content.decode()
    assert "being checked" in page and "load delay:300ms" in page
    answer = web.get(polled(page), **HTMX)
    assert answer.status_code == 204 and "HX-Trigger" not in answer
    work()
    answer = web.get(polled(page), **HTMX)
    told = json.loads(answer["HX-Trigger"])["reopened"]
    assert answer.status_code == 204 and told == {"id": str(asked.pk), "url": reverse("action", args=[asked.pk])}
    now = Action.objects.get(pk=asked.pk)
    page = web.get(told["url"], **HTMX).content.decode()
    assert now.version == 2 and now.digest in page and "being checked" not in page and asked.digest not in page


def test_a_check_that_was_refused_ends_the_wait_as_well(web, cast, asked):
    want(asked, cast.reviewer)
    page = web.get(reverse("action", args=[asked.pk]), **HTMX).content.decode()
    operations.refuse_edit(asked.edits.get().pk, errors={"label": "no"})
    assert "reopened" in web.get(polled(page), **HTMX)["HX-Trigger"]


def test_a_version_that_comes_while_the_page_looks_what_changed_is_told_as_one(web, cast, asked, monkeypatch):
    """Deadline, quorum and the watch of version 2 were put into the page of version 1, which then never heard of it."""
    reader = cast.reviewer
    page = web.get(reverse("action", args=[asked.pk]), **HTMX).content.decode()
    url = next(part.split('"')[1] for part in page.split("hx-get=")[1:] if "stands=" in part.split('"')[1]).replace("&amp;", "&")
    read = queries.action_detail

    def late(*args, **more):
        want(asked, reader)
        work()
        return read(*args, **more)

    monkeypatch.setattr("approvals.web.views.action.queries.action_detail", late)
    said = web.get(url, **HTMX).content.decode()
    assert "This action has a new version" in said and "hx-swap-oob" not in said


def test_what_somebody_wrote_for_a_version_that_is_over_is_given_back_to_be_copied(web, cast, asked):
    """Two write at once: the second one's words must not be gone with their form."""
    seen = asked.digest
    want(asked, factories.another_reviewer())
    work()
    posted = {"seen_digest": seen, "arg-label": "mine", "reason": "because of <b>this</b>"}
    page = web.post(reverse("action-edit", args=[asked.pk]), posted, **HTMX)
    assert page.status_code == 409
    text = page.content.decode()
    wrote = text.split("What you wrote was not taken")[1].split("</section>")[0]
    assert "first" in wrote and "mine" in wrote and "because of &lt;b&gt;this" in wrote
    assert "other" in text.split("What you wrote was not taken")[0]
    assert Action.objects.get(pk=asked.pk).version == 2


def test_a_reason_that_came_too_late_is_given_back(web, cast, asked):
    factories.decide(asked, factories.another_reviewer())
    posted = {"seen_digest": asked.digest, "verdict": "reject", "reason": "not to them"}
    page = web.post(reverse("action-decide", args=[asked.pk]), posted, **HTMX)
    assert page.status_code == 409 and "not to them" in page.content.decode().split("What you wrote was not taken")[1]
