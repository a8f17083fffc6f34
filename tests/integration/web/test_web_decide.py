"""The reviewer's door on the web: what it lets through, and what it shows when it does not."""

import json
import re
import uuid
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Action, Decision
from tests import factories
from tests.factories import decide
from tests.fakes import as_intruder

HTMX = {"HTTP_HX_REQUEST": "true"}


def said(action, verdict="approve", **more):
    return {"verdict": verdict, "seen_digest": Action.objects.get(pk=action.pk).digest, "key": uuid.uuid4().hex, **more}


def post(client, action, verdict="approve", **more):
    return client.post(reverse("action-decide", args=[action.pk]), said(action, verdict, **more), **HTMX)


def test_approving_shows_the_receipt_and_tells_the_list(web):
    action = factories.action()
    answer = post(web, action)
    assert answer.status_code == 200 and b"receipt-approved" in answer.content
    told = json.loads(answer["HX-Trigger-After-Settle"])["decided"]
    assert told["id"] == str(action.pk) and told["sentence"].startswith("Approved: ")


def test_without_script_the_page_comes_back(web):
    action = factories.action()
    answer = web.post(reverse("action-decide", args=[action.pk]), said(action))
    assert answer.status_code == 302 and answer.url == reverse("action", args=[action.pk])


def test_somebody_was_faster_shows_their_receipt(web, cast):
    action = factories.action()
    seen = said(action, "reject", reason="no")
    decide(action, cast.second, "approve")
    answer = web.post(reverse("action-decide", args=[action.pk]), seen, **HTMX)
    assert answer.status_code == 409
    assert b"receipt-approved" in answer.content and b"sam" in answer.content
    assert Decision.objects.count() == 1


def test_what_changed_since_it_was_opened_is_shown_and_takes_the_focus(web):
    action = factories.action()
    answer = post(web, action, seen_digest="0" * 64)
    assert answer.status_code == 409 and b"Changed since you opened it" in answer.content
    assert re.search(rb'role="alert" tabindex="-1" data-focus', answer.content)
    assert not Decision.objects.exists()


def test_a_rejection_without_a_reason_asks_for_it_in_place(web):
    action = factories.action("high")
    answer = post(web, action, "reject")
    assert answer.status_code == 422 and answer["HX-Retarget"] == f"#sheet-{action.pk}"
    assert b"Say why" in answer.content
    assert not Decision.objects.exists()


@pytest.mark.parametrize(("typed", "status"), [("", 422), ("thi", 422), ("this", 200)])
def test_critical_is_approved_by_its_name_only(web, typed, status):
    action = factories.action("critical")
    answer = post(web, action, reason="checked", typed=typed, opened="all")
    assert answer.status_code == status
    assert Decision.objects.exists() == (status == 200)


def test_critical_has_no_key(web):
    page = web.get(reverse("action", args=[factories.action("critical").pk])).content.decode()
    approve = re.search(r"<a class=\"btn btn-lg btn-approve\"[^>]*>", page)
    assert approve and "data-key" not in approve.group()


def test_without_a_role_nothing_of_the_action_is_shown(as_, cast):
    action = factories.action(args={"what": "a secret of the firm"})
    answer = as_(cast.outsider).post(reverse("action-decide", args=[action.pk]), said(action, typed="zzz"), **HTMX)
    assert answer.status_code == 403 and b"a secret of the firm" not in answer.content


def test_a_header_nobody_can_read_is_no_error(web):
    action = factories.action()
    answer = web.post(reverse("action-decide", args=[action.pk]), said(action), **HTMX, HTTP_HX_CURRENT_URL="http://[")
    assert answer.status_code == 200 and b"receipt-approved" in answer.content


def test_a_form_that_says_a_field_twice_decides_nothing(web):
    action = factories.action()
    body = urlencode([*said(action).items(), ("verdict", "reject")])
    answer = web.generic("POST", reverse("action-decide", args=[action.pk]), body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400 and b"same field twice" in answer.content
    assert not Decision.objects.exists()


@pytest.mark.parametrize("verdict", ["", "edit", "approve\x00", "APPROVE"])
def test_unknown_verdicts_are_refused_with_a_sentence(web, verdict):
    action = factories.action()
    answer = post(web, action, verdict)
    assert answer.status_code == 400 and b"data-problem" in answer.content
    assert not Decision.objects.exists()


@pytest.mark.parametrize("field", ["reason", "response", "typed", "key", "seen_digest"])
@pytest.mark.parametrize("value", ["\x00", "x" * 100_000, "\ud800"])
def test_bad_words_are_a_sentence_never_an_error_page(web, field, value):
    action = factories.action()
    answer = post(web, action, **{field: value.encode("utf-8", "surrogatepass") if value == "\ud800" else value})
    assert answer.status_code < 500


def test_nothing_is_decided_by_get_or_without_the_token(cast):
    action = factories.action()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    url = reverse("action-decide", args=[action.pk])
    wrong = strict.get(url, said(action))
    assert wrong.status_code == 405 and "This address takes POST" in wrong.content.decode() and wrong["Allow"] == "POST"
    assert strict.post(url, urlencode(said(action)), content_type="application/x-www-form-urlencoded").status_code == 403
    assert not Decision.objects.exists()


@pytest.mark.parametrize("who", ["operator", "auditor", "admin", "outsider"])
def test_others_are_told_why_they_may_not(as_, cast, who):
    action = factories.action()
    answer = post(as_(getattr(cast, who)), action)
    assert answer.status_code == 403
    assert not Decision.objects.exists()


def test_others_see_no_buttons_but_the_reason(as_, cast):
    page = as_(cast.auditor).get(reverse("action", args=[factories.action().pk])).content.decode()
    assert "you are not in that group" in page
    assert "btn-approve" not in page


def test_a_question_is_answered_not_approved(web):
    action = factories.action(kind="question", args={"question": "Which one?"})
    page = web.get(reverse("action", args=[action.pk])).content.decode()
    assert "btn-approve" not in page and 'data-key="a"' in page
    answer = post(web, action, "respond", response="The blue one")
    assert b"Answered" in answer.content and b"The blue one" in answer.content


def test_a_question_is_answered_with_no_and_nothing_typed_is_lost(web):
    action = factories.action(kind="question", args={"question": "Go on?"})
    sheet = web.get(reverse("action-respond", args=[action.pk]), **HTMX).content.decode()
    assert re.findall(r'name="given" value="(\w+)"( checked)?', sheet) == [("words", " checked"), ("yes", ""), ("no", ""), ("json", "")]
    again = post(web, action, "respond", given="no", response="but only")
    assert again.status_code == 422 and "but only</textarea>" in again.content.decode()
    assert 'value="no" checked' in again.content.decode() and not Decision.objects.exists()
    assert post(web, action, "respond", given="json", response="{").status_code == 422
    post(web, action, "respond", given="no", response="")
    assert (Decision.objects.get().response, Decision.objects.get().details) == ("false", {"json": True})


def test_a_question_with_a_schema_is_answered_in_a_form_of_it(web):
    schema = {"type": "object", "properties": {"cents": {"type": "integer", "minimum": 1}}, "required": ["cents"]}
    action = factories.action(kind="question", args={"question": "How much?"}, answer_schema=schema)
    assert 'name="arg-cents"' in web.get(reverse("action-respond", args=[action.pk]), **HTMX).content.decode()
    again = post(web, action, "respond", **{"arg-cents": "0"})
    assert again.status_code == 422 and 'value="0"' in again.content.decode() and "At least 1." in again.content.decode()
    post(web, action, "respond", **{"arg-cents": "42"})
    assert json.loads(Decision.objects.get().response) == {"cents": 42}


def test_choices_are_read_by_their_titles_and_sent_as_what_they_are(web):
    tiers = [{"const": "p1", "title": "First"}, {"const": "p2", "title": "Second"}]
    parts = {
        "tier": {"oneOf": tiers, "title": "Tier"},
        "more": {"type": "array", "items": {"anyOf": tiers}, "minItems": 1, "title": "Also"},
        "mail": {"type": "string", "format": "email"},
    }
    action = factories.action(
        kind="question", args={"question": "Which?"}, answer_schema={"type": "object", "required": ["tier", "more"], "properties": parts}
    )
    sheet = web.get(reverse("action-respond", args=[action.pk]), **HTMX).content.decode()
    assert sorted(re.findall(r'type="(\w+)" name="([\w-]+)" value="(p\d)"', sheet)) == [
        ("checkbox", "pick-0-more", "p1"), ("checkbox", "pick-1-more", "p2"), ("radio", "arg-tier", "p1"), ("radio", "arg-tier", "p2"),
    ]  # fmt: skip
    assert "At least 1." in sheet and 'type="email"' in sheet and ">tier<" in re.sub(r"<bdi[^>]*>|</bdi>", "", sheet)
    again = post(web, action, "respond", **{"arg-tier": "p2", "arg-more": "", "arg-mail": "nobody"})
    assert again.status_code == 422 and 'value="p2" checked' in again.content.decode() and not Decision.objects.exists()
    again = post(
        web, action, "respond", **{"arg-tier": "p2", "arg-more": "", "pick-1-more": "p2", "pick-0-more": "p1", "arg-mail": "nobody"}
    )
    assert "An e-mail address" in again.content.decode() and not Decision.objects.exists()
    post(
        web, action, "respond", **{"arg-tier": "p2", "arg-more": "", "pick-1-more": "p2", "pick-0-more": "p1", "arg-mail": "a@example.com"}
    )
    assert json.loads(Decision.objects.get().response) == {"tier": "p2", "more": ["p1", "p2"], "mail": "a@example.com"}


def test_the_first_of_two_leaves_it_open_and_says_so(web):
    action = factories.action("critical")
    answer = post(web, action, reason="checked", typed="this", opened="all")
    assert b"Waits for more people" in answer.content and b"You have decided this version" in answer.content


@pytest.mark.parametrize("sheet", ["action-approve", "action-reject", "action-respond"])
def test_a_sheet_for_something_decided_shows_the_receipt(web, cast, sheet):
    action = factories.approved(cast.second)
    answer = web.get(reverse(sheet, args=[action.pk]), **HTMX)
    assert answer["HX-Retarget"] == "#pane" and b"receipt-approved" in answer.content


def test_what_is_shown_and_what_is_signed_are_one(web):
    """The digest in the form is the digest of the arguments on the page."""
    action = factories.action()
    page = web.get(reverse("action", args=[action.pk])).content.decode()
    assert set(re.findall(r'name="seen_digest" value="(\w+)"', page)) == {action.digest}


# -- against the last approved -----------------------------------------------------------------------


def test_the_page_says_how_a_call_differs_from_the_last_one_people_approved(web, cast):
    def page(action) -> str:
        return web.get(reverse("action", args=[action.pk])).content.decode()

    first = factories.action(args={"amount": 100, "to": "harriet@mail.example"})
    assert "Against the last approved" not in page(first)
    factories.decide(first, cast.second)
    factories.action("low", args={"amount": 1})  # policy's own approval compares with nothing
    factories.decide(factories.action(args={"amount": 7}), cast.second, "reject")
    now = factories.action(args={"amount": 1_000, "to": "harriet@rnail.example"})
    said = page(now)
    assert "Against the last approved" in said and f'href="/actions/{first.pk}/"' in said
    assert "+900, 10 times as much" in said and "“m” became “rn”" in said
    factories.decide(now, cast.second)
    assert f'href="/actions/{now.pk}/"' in page(factories.action(args={"amount": 1_000, "to": "harriet@rnail.example"}))
    assert "+900, 10 times as much" in page(now)  # decided itself: still against the one before it
    assert "Against the last approved" not in page(factories.action(tool="other"))
    assert "Against the last approved" not in page(factories.action(kind="question", args={"question": "?"}))


def test_a_file_is_compared_with_the_last_approved_line_by_line(web, cast):
    file = "\n".join(f"x{i} = {i}" for i in range(900))
    factories.decide(factories.action(args={"content": file}), cast.second)
    page = web.get(
        reverse("action", args=[factories.action(args={"content": file.replace("x450 = 450", "x450 = 451")}).pk])
    ).content.decode()
    assert page.count('class="diff-gone"') == page.count('class="diff-new"') == 1 and "447 lines stay" in page


def test_a_tampered_last_approved_is_compared_with_nothing(web, cast):
    first = factories.action(args={"amount": 100})
    factories.decide(first, cast.second)
    now = factories.action(args={"amount": 200})
    with as_intruder("approvals_requirement") as cursor:
        cursor.execute("UPDATE approvals_requirement SET envelope = 'x' WHERE action_id = %s", [first.pk])
    assert "Against the last approved" not in web.get(reverse("action", args=[now.pk])).content.decode()
