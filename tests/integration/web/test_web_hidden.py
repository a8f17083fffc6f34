"""What is folded must be opened before the web approves it, with and without script; and what was opened is on record."""

import re
import uuid
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from approvals.models import Action, Decision
from audit.queries import timeline
from tests import corpus, factories

HTMX = {"HTTP_HX_REQUEST": "true"}
LONG = {"body": "so many words " * 4_000 + " rm -rf /", "what": "this"}


def parts_of(page: str) -> list[str]:
    return re.findall(r'data-must-open="(\w+)"', page)


def approve(client, action, *opened, **headers):
    said = {"verdict": "approve", "seen_digest": Action.objects.get(pk=action.pk).digest, "key": uuid.uuid4().hex, "opened": list(opened)}
    return client.post(
        reverse("action-decide", args=[action.pk]),
        [(k, v) for k, vs in said.items() for v in (vs if isinstance(vs, list) else [vs])],
        **headers,
    )


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain form"])
def test_hidden_parts_are_opened_before_it_is_approved(web, headers):
    action = factories.action(args=LONG)
    (part,) = parts_of(web.get(reverse("action", args=[action.pk])).content.decode())
    for opened in ((), ("another",)):
        answer = approve(web, action, *opened, **headers)
        assert answer.status_code == 422 and b"1 hidden part has not been opened" in answer.content
    assert not Decision.objects.exists()
    assert approve(web, action, part, **headers).status_code in {200, 302}
    (event,) = [e for e in timeline(action=str(action.pk)) if e.kind == "decision.recorded"]
    assert event.data["looked"] == {"parts": 1, "opened": 1}


def test_several_hidden_parts_are_named_in_one_form(web):
    action = factories.action(args={**LONG, "second": LONG["body"]})
    parts = parts_of(web.get(reverse("action", args=[action.pk])).content.decode())
    assert len(parts) == 2
    body = urlencode([("verdict", "approve"), ("seen_digest", action.digest), *[("opened", part) for part in parts]])
    answer = web.generic("POST", reverse("action-decide", args=[action.pk]), body, content_type="application/x-www-form-urlencoded", **HTMX)
    assert answer.status_code == 200 and Decision.objects.filter(action=action).count() == 1


def opened(client, action, *parts, digest=""):
    """What the page tells as a part comes into view."""
    sent = urlencode([("seen_digest", digest or Action.objects.get(pk=action.pk).digest), *[("opened", part) for part in parts]])
    url = reverse("action-opened", args=[action.pk])
    return client.generic("POST", url, sent, content_type="application/x-www-form-urlencoded", HTTP_ACCEPT="application/json")


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain form"])
def test_at_high_the_server_knows_what_was_opened_whatever_the_form_leaves_out(web, headers):
    action = factories.action("high", args=LONG)
    url = reverse("action", args=[action.pk])
    page = web.get(url).content.decode()
    assert page.count(" data-unseen") == 1 and " data-opened>" not in page and f'data-opened-url="{url}opened"' in page
    (part,) = parts_of(page)
    refused = approve(web, action, **headers)
    assert refused.status_code == 422 and b"the arguments, to their end; 54,409 hidden characters of body" in refused.content
    assert [opened(web, action, name).status_code for name in ("all", part)] == [204, 204]
    again = web.get(url).content.decode()
    assert " data-unseen" not in again and again.count(" data-opened>") == 1
    assert approve(web, action, **headers).status_code in {200, 302}  # it names nothing: what is on record counts
    assert set(Decision.objects.get().viewed) == {"all", part}


def test_without_script_the_boxes_say_it(web):
    action = factories.action("high", args=LONG)
    sheet = web.get(reverse("action-approve", args=[action.pk])).content.decode()
    boxes = re.findall(rf'name="opened" value="(\w+)" form="yes-{action.pk}"', sheet)
    assert boxes[-1] == "all" and len(boxes) == 2
    half = approve(web, action, boxes[0])
    assert half.status_code == 422 and half.content.decode().count(" checked>") == 1  # what was ticked stays ticked
    assert approve(web, action, "all").status_code == 302


def test_opening_is_told_of_what_is_shown_to_whoever_may_see_it(web, as_, cast):
    action = factories.action("high", args=LONG)
    stale = opened(web, action, "all", digest="0" * 64)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    assert opened(web, action, "nothing").json()["detail"].startswith("This version has no part 'nothing'")
    assert opened(as_(cast.outsider), action, "all").status_code == 403
    refused = web.post(reverse("action-decide", args=[action.pk]), {"verdict": "approve", "seen_digest": action.digest})
    assert refused.status_code == 422 and not Decision.objects.exists()


def test_the_box_of_a_part_belongs_to_the_form_that_approves(web):
    action = factories.action(args=LONG)
    page = web.get(reverse("action", args=[action.pk])).content.decode()
    assert f'form="yes-{action.pk}"' in page and f'<form id="yes-{action.pk}"' in page


def test_rejecting_needs_nothing_opened(web):
    action = factories.action(args=LONG)
    said = {"verdict": "reject", "seen_digest": action.digest, "reason": "no"}
    assert web.post(reverse("action-decide", args=[action.pk]), said, **HTMX).status_code == 200


def test_without_anything_folded_nothing_is_recorded_of_the_looking(web):
    action = factories.action()
    approve(web, action, **HTMX)
    (event,) = [e for e in timeline(action=str(action.pk)) if e.kind == "decision.recorded"]
    assert "looked" not in event.data


@pytest.mark.parametrize("name", sorted(set(corpus.RAISES) - {"null"}))
def test_what_cannot_be_seen_or_read_raises_the_score_whoever_proposes(cast, name):
    plain, odd = (factories.action(args={"to": text}) for text in ("somebody", corpus.TEXTS[name][0]))
    assert odd.score == plain.score + 25
    factor = next(f for f in odd.requirements.get().factors if f["name"] == "hidden_characters")
    assert factor["why"].startswith("It cannot be taken at face value: to (")


def test_the_whole_corpus_on_one_page_shows_no_raw_character_and_runs_nothing(web):
    args = {name: text for name, (text, _) in corpus.TEXTS.items() if name != "null"}
    action = factories.action(args=args)
    page = web.get(reverse("action", args=[action.pk])).content.decode()
    for raw in "\u202e\u2066\u200b\u3164\uffa0\u2800\u00ad\ufeff\x1b\x85\u2028\ue000\U000e0063":
        assert raw not in page
    assert "<img src=x" not in page and "<svg/onload" not in page and 'href="javascript' not in page
    assert f'value="{action.digest}"' in page and Action.objects.get(pk=action.pk).digest == action.digest


def test_an_edit_of_a_text_is_shown_line_by_line(web, cast, agents, world):
    before = "\n".join(f"line {i}" for i in range(20))
    _, action = factories.waiting(cast.operator, factories.call(label=before), world=world)
    sent = {"seen_digest": action.digest, "arg-label": before.replace("line 9", "line nine"), "reason": "better"}
    assert b"diff-new" in web.post(reverse("action-edit-diff", args=[action.pk]), sent, **HTMX).content
    web.post(reverse("action-edit", args=[action.pk]), sent, **HTMX)
    factories.work()
    page = web.get(reverse("action", args=[action.pk])).content.decode()
    assert "diff-gone" in page and "lines stay" in page and "All of it, as it will run" in page


def test_the_preview_of_an_edit_of_a_long_file_shows_the_line_and_says_where_it_cannot(web, cast, agents, world):
    before = "\n".join(f"line {i}" for i in range(3_000))
    _, action = factories.waiting(cast.operator, factories.call(label=before), world=world)
    sent = {"seen_digest": action.digest, "arg-label": before.replace("line 1500\n", "line 1500\t\n"), "reason": "better"}
    preview = web.post(reverse("action-edit-diff", args=[action.pk]), sent, **HTMX).content.decode()
    assert preview.count("diff-new") == preview.count("diff-gone") == 1 and "1497 lines stay" in preview and "U+0009" in preview
    sent["arg-label"] = before.replace("line", "LINE")
    preview = web.post(reverse("action-edit-diff", args=[action.pk]), sent, **HTMX).content.decode()
    assert "diff-new" not in preview and "Too different to be shown line by line" in preview
