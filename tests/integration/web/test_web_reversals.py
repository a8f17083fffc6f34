"""Reversing what a run did, from its page, the command line and the API; who is offered it, and what is said of what is left."""

import json

import pytest
from django.core.management import call_command
from django.urls import reverse

import agents.operations as agents
from agents import compensated
from agents.models import CompensationOrder
from approvals.operations import api_keys
from tests.factories import asked, decide, work
from tests.integration.test_compensating import book, trip

WHY = {"reason": "the customer cancelled the trip"}


def page(client, run):
    return client.get(reverse("run", args=[run.pk])).content.decode()


def test_an_operator_orders_it_on_a_page_that_says_what_and_in_which_order(as_, cast, trips, world):
    run = trip(cast, world, book("hotel"), book("letter", "mail"), agent="trip_by_hand")
    address, operator = reverse("run-reverse", args=[run.pk]), as_(cast.operator)
    assert address in page(operator, run)
    assert address not in page(as_(cast.reviewer), run)
    shown = operator.get(address).content.decode()
    assert shown.index("Mail letter") < shown.index("Book hotel")
    assert "post room, extension 7" in shown
    assert (operator.post(address, {"reason": " "}).status_code, CompensationOrder.objects.count()) == (400, 0)
    assert as_(cast.reviewer).post(address, WHY).status_code == 403
    assert operator.post(address, WHY).status_code == 302
    agents.compensate(run.pk)
    told = page(operator, run)
    for words in ("Ordered by olga", WHY["reason"], "Could not be reversed", "post room, extension 7", "Reversed", "See to it"):
        assert words in told
    assert "See to it" not in page(as_(cast.reviewer), run)
    assert operator.get(address).status_code == 302
    assert operator.post(address, WHY).status_code == 409


def test_an_operator_says_what_became_of_the_rest(as_, cast, trips, world):
    run = trip(cast, world, book("letter", "mail"), fails_at=2)
    agents.compensate(run.pk)
    (left,) = compensated.reversal(run.pk).left
    address, operator = reverse("reversal-said", args=[left.action_id]), as_(cast.operator)
    assert operator.post(address, {**WHY, "what": "nothing"}).status_code == 400
    assert as_(cast.second).post(address, {**WHY, "what": "by_hand"}).status_code == 403
    assert operator.post(address, {**WHY, "what": "by_hand"}).status_code == 302
    assert "said olga" in page(operator, run)
    assert operator.post(address, {**WHY, "what": "by_hand"}).status_code == 409


@pytest.mark.parametrize(("ticked", "ordered"), [({}, False), ({"compensate": "yes"}, True)])
def test_cancelling_asks_whether_what_was_done_is_reversed(as_, cast, trips, world, ticked, ordered):
    run = agents.start_run(agent="trip", input={"world": world, "calls": [book("hotel"), book("car")]}, by=cast.operator, door="web")
    work()
    decide(asked(run)[0], cast.second)
    work()
    operator = as_(cast.operator)
    assert 'name="compensate" value="yes" checked' in page(operator, run)
    operator.post(reverse("run-cancel", args=[run.pk]), {"compensate_asked": "1", **ticked})
    assert CompensationOrder.objects.filter(run=run).exists() is ordered


def test_the_command_line_reverses_too(cast, trips, world, capsys):
    run = trip(cast, world, book("spent"), agent="trip_by_hand")
    call_command("runs", "reverse", str(run.pk), reason="wrong trip", by="olga")
    agents.compensate(run.pk)
    call_command("runs", "show", str(run.pk))
    (left,) = compensated.reversal(run.pk).left
    assert "the voucher is spent" in capsys.readouterr().out
    call_command("runs", "reversal", left.action_id, "by-hand", reason="paid back in cash", by="olga")
    assert compensated.reversal(run.pk).left == ()


def test_the_api_reverses_and_tells(client, cast, trips, world):
    _, token = api_keys.make(of=cast.operator, name="ops", scopes=["operate", "read"], days=1, by=cast.operator, door="web")
    auth = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    run = trip(cast, world, book("hotel"), book("spent"), agent="trip_by_hand")
    address = f"/api/v1/runs/{run.pk}/reverse"
    answer = client.post(address, json.dumps(WHY), content_type="application/json", **auth)
    assert (answer.status_code, answer.json()["reversal"]["why"]) == (200, "ordered")
    agents.compensate(run.pk)
    told = client.get(f"/api/v1/runs/{run.pk}", **auth).json()["reversal"]
    assert [(c["tool"], c["state"]) for c in told["calls"]] == [("book", "FAILED"), ("book", "DONE")]
    assert told["ended_at"]
    assert client.post(address, json.dumps(WHY), content_type="application/json", **auth).status_code == 409
