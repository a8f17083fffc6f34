"""Automatic halts and their rules on the pages, and over the API."""

import pytest
from django.urls import reverse

from agents.operations import auto_halts
from tests import factories
from tests.integration.test_auto_halts import ends, rule

pytestmark = pytest.mark.usefixtures("agents", "shapes")


def test_the_pages_say_that_it_was_automatic_and_operators_release_it_there(cast, as_, world):
    rule(cast, "failed_calls", 2)
    ends(cast, world, "refuse", "refuse")
    (order,) = auto_halts.look()
    page = as_(cast.operator).get(reverse("halts")).content.decode()
    assert ">automatic<" in page and "2 of 2 calls failed" in page and reverse("halt-release", args=[order.pk]) in page
    console = as_(cast.operator).get(reverse("console")).content.decode()
    assert "1 of them automatic" in console and "Countersign, automatically (rule failed_calls)" in console
    assert "by the rule failed_calls" in as_(cast.auditor).get(reverse("events")).content.decode()
    assert as_(cast.operator).get("/api/v1/halts").json()["items"][0]["rule"] == "failed_calls"
    seen = as_(cast.reviewer).get(reverse("halts")).content.decode()
    assert "Set the rule" not in seen and "2 of 2 calls failed" in seen
    factories.release(order, cast)
    assert "released by olga" in as_(cast.reviewer).get(reverse("halts")).content.decode()


def test_a_rule_is_set_on_the_page(cast, as_):
    said = {"kind": "tokens", "agent": "calls", "active": "1", "most": "5000", "share": "", "minutes": "30", "reason": "a budget"}
    client = as_(cast.operator)
    assert client.post(reverse("halts"), said).status_code == 302
    page = client.get(reverse("halts"), {"kind": "tokens", "agent": "calls"}).content.decode()
    assert "halts from 5,000 on within 30 min" in page and "a budget" in page and 'value="5000"' in page
    wrong = client.post(reverse("halts"), {**said, "most": "many"})
    assert (wrong.status_code, b"Write whole numbers" in wrong.content) == (400, True)
    assert as_(cast.reviewer).post(reverse("halts"), said).status_code == 403
