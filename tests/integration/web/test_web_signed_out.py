"""A press in a page whose session has ended, or whose form is from before one signed in again: said in the page, at once, with a way on."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from approvals.models import Decision
from approvals.operations import sign_ins
from tests import factories
from tests.integration.web.conftest import BACKEND, Browser

HTMX = {"HTTP_HX_REQUEST": "true"}
HERE = "http://testserver"


def back(address: str) -> str:
    return parse_qs(urlsplit(address).query)["next"][0]


@pytest.fixture
def action(cast):
    return factories.action()


@pytest.fixture
def ended(web, cast):
    """A browser whose session somebody ended."""
    sign_ins.end_all(user=cast.reviewer, by=cast.admin.actor)
    return web


def test_what_htmx_asks_is_told_that_one_is_signed_out_and_led_back_to_its_page(ended, action):
    page = reverse("action", args=[action.pk])
    for name in ("action-decide", "action-edit"):
        address = reverse(name, args=[action.pk])
        answer = ended.post(address, {"verdict": "approve"}, **HTMX, HTTP_HX_CURRENT_URL=f"{HERE}{page}?from=mail#what")
        said = answer.content.decode()
        assert answer.status_code == 401 and 'data-problem="signed_out"' in said and "You are signed out: sign in again to decide" in said
        assert back(re.search(r'href="(/accounts/login/[^"]+)"', said)[1]) == f"{page}?from=mail"
    assert not Decision.objects.exists()


def test_an_opened_sheet_and_a_script_are_told_so_too(ended, action):
    sheet = ended.get(reverse("action-reject", args=[action.pk]), **HTMX, HTTP_HX_CURRENT_URL=f"{HERE}/inbox/?item={action.pk}")
    assert sheet.status_code == 401 and f"next=%2Finbox%2F%3Fitem%3D{action.pk}" in sheet.content.decode()
    script = ended.post(reverse("action-decide", args=[action.pk]), HTTP_ACCEPT="application/json")
    assert (script.status_code, script.json()["code"]) == (401, "signed_out")


def test_a_sign_in_that_was_ended_under_its_session_is_said_the_same_way(web, cast, action):
    web.get("/inbox/")
    session = web.session
    session["sign_in"] = "00000000-0000-0000-0000-000000000000"
    session.save()
    answer = web.post(reverse("action-decide", args=[action.pk]), **HTMX)
    assert answer.status_code == 401 and b"signed_out" in answer.content


@pytest.mark.parametrize(
    ("sent", "comes_back"),
    [
        ({"HTTP_REFERER": HERE + "/actions/{id}/?x=1"}, "/actions/{id}/?x=1"),
        ({"HTTP_REFERER": HERE + "/actions/{id}/decide"}, "/actions/{id}/"),
        ({"HTTP_REFERER": HERE + "/actions/{id}/approve"}, "/actions/{id}/approve"),
        ({"HTTP_REFERER": "http://evil.example/actions/{id}/"}, "/"),
        ({"HTTP_REFERER": HERE + "//evil.example/"}, "/"),
        ({"HTTP_REFERER": "http://["}, "/"),
        ({}, "/"),
    ],
)
def test_signing_in_after_a_form_leads_to_a_page(ended, action, sent, comes_back):
    sent = {name: value.format(id=action.pk) for name, value in sent.items()}
    answer = ended.post(reverse("action-decide", args=[action.pk]), **sent)
    assert answer.status_code == 302 and back(answer["Location"]) == comes_back.format(id=action.pk)


def test_a_page_that_is_opened_is_come_back_to_as_it_was(ended):
    assert back(ended.get("/inbox/?q=a&level=high", HTTP_REFERER=f"{HERE}/runs/")["Location"]) == "/inbox/?q=a&level=high"


def test_a_form_of_before_one_signed_in_again_says_to_load_the_page_and_not_that_one_is_signed_out(cast, action):
    strict = Browser(enforce_csrf_checks=True)
    strict.force_login(cast.reviewer, backend=BACKEND)
    page = reverse("action", args=[action.pk])
    decide = reverse("action-decide", args=[action.pk])
    answer = strict.post(decide, {"csrfmiddlewaretoken": "x" * 64}, **HTMX, HTTP_HX_CURRENT_URL=f"{HERE}{page}#what")
    said = answer.content.decode()
    assert answer.status_code == 403 and 'data-problem="old_form"' in said and "This form was too old: reload the page" in said
    assert f'href="{page}"' in said and "signed out" not in said
    assert strict.post(decide, HTTP_ACCEPT="application/json").json()["code"] == "old_form"
    assert b"The form was too old" in strict.post(decide).content
    strict.logout()
    assert strict.post(decide, **HTMX).status_code == 401
