"""Operators' switches: deny, ask, back to policy; what they stop at once, and that they never loosen."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.timezone import now

from agents import operations as agents
from agents.errors import UnknownAgent
from agents.models import Effect, Run
from agents.operations.recovering import recover
from approvals import operations
from approvals.errors import BadRequest, Conflict, NotAllowed, NotFound, SwitchedOff
from approvals.models import Action, Decision, Switch
from approvals.operations import granting, halts, switches
from approvals.operations.granting import Wanted
from approvals.queries import switches as rows
from audit import queries as log
from tests import factories
from tests.factories import call, decide, lines, work
from tests.fakes import clock_moved

pytestmark = pytest.mark.usefixtures("agents", "shapes")


def switch(cast, setting, scope="tool", target="append", **more):
    return switches.switch(scope=scope, target=target, setting=setting, reason="looking into it", by=cast.operator, door="web", **more)


@pytest.fixture(params=["tool", "agent"])
def named(request):
    return {"scope": request.param, "target": {"tool": "append", "agent": "calls"}[request.param]}


def test_what_is_denied_is_refused_when_it_is_proposed_and_the_agent_hears_why(cast, world, named):
    switch(cast, "deny", **named)
    run = factories.run(cast.reviewer, call(), world=world)
    work()
    action = Action.objects.get()
    assert (action.state, lines(world), Effect.objects.count()) == ("REJECTED", [], 0)
    assert Decision.objects.get().reason == f"Policy refuses this: olga switched {named['target']} off: looking into it"
    assert Run.objects.get(pk=run.pk).state in {"SUCCEEDED", "PARTIAL"}


def test_what_was_approved_before_is_not_claimed_while_it_is_denied_and_runs_after(cast, world, named):
    _run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    switch(cast, "deny", **named)
    work()
    assert (lines(world), Effect.objects.get().state, Action.objects.get().state) == ([], "READY", "APPROVED")
    with pytest.raises(SwitchedOff, match="olga switched"):
        operations.claim(action.pk, digest=Effect.objects.get().digest)
    Effect.objects.update(created_at="2026-01-01T00:00Z")
    assert recover(wake=False).effects == []  # frozen rows do not fill the sweeper's batch
    switch(cast, "allow", **named)
    assert recover(wake=False).effects == [str(action.pk)]
    work()
    assert len(lines(world)) == 1


def test_asking_has_people_look_at_what_policy_would_pass(cast, world, named):
    target = named["target"] if named["scope"] == "agent" else "look"
    factories.run(cast.reviewer, call("look"), world=world)
    work()
    assert Action.objects.get().state == "APPROVED"
    switch(cast, "ask", scope=named["scope"], target=target)
    _run, action = factories.waiting(cast.reviewer, call("look"), world=world)
    assert (action.state, action.level) == ("PENDING", "medium")
    assert f"olga has people asked about {target}: looking into it" in str(action.requirements.get().factors)


def test_what_policy_had_passed_a_moment_before_goes_to_the_people_at_the_claim(cast, world):
    factories.run(cast.reviewer, call("look"), world=world)
    run = Run.objects.get()
    agents.advance_run(run.pk)
    action = Action.objects.get()
    assert (action.state, Effect.objects.get().state) == ("APPROVED", "READY")
    switch(cast, "ask", target="look")
    work()
    action.refresh_from_db()
    assert (action.state, action.version, Effect.objects.count()) == ("PENDING", 2, 0)
    decide(action, cast.second)
    work()
    assert Run.objects.get(pk=run.pk).state == "SUCCEEDED"  # a person has looked: asking stops nothing more


def test_a_grant_lets_nothing_through_while_people_are_asked(cast, world):
    _run, like = factories.waiting(cast.reviewer, call(), world=world)
    decide(like, cast.second)
    work()
    terms = Wanted("tool", 5, now() + timedelta(hours=1))
    seen = granting.draft(like.pk, terms, by=cast.second).terms.digest
    granting.give(like.pk, terms, seen=seen, reason="often the same", by=cast.second, door="web")
    switch(cast, "ask")
    _run, action = factories.waiting(cast.reviewer, call(), world=world)
    assert action.state == "PENDING"


def test_a_switch_ends_by_the_clock_of_the_database(cast, world):
    switch(cast, "deny", lasts=timedelta(minutes=10))
    assert [s.setting for s in rows.in_force()] == ["deny"]
    with clock_moved(minutes=11):
        assert rows.in_force() == []
        _run, action = factories.waiting(cast.reviewer, call(), world=world)
        assert action.state == "PENDING"
        with pytest.raises(Conflict):
            switch(cast, "allow")


def test_back_to_policy_never_loosens_what_policy_asks(cast, world):
    switch(cast, "ask")
    switch(cast, "allow")
    _run, action = factories.waiting(cast.reviewer, call(), world=world)
    assert action.state == "PENDING"


def test_denying_counts_before_asking(cast, world):
    switch(cast, "ask", scope="agent", target="calls")
    switch(cast, "deny")
    factories.run(cast.reviewer, call(), world=world)
    work()
    assert Action.objects.get().state == "REJECTED"


def test_a_new_switch_takes_the_place_of_the_one_before_and_all_is_on_record(cast):
    first, second = switch(cast, "ask"), switch(cast, "deny")
    switch(cast, "allow")
    assert list(Switch.objects.order_by("pk").values_list("ended_by_name", flat=True)) == ["olga", "olga"]
    kinds = [(e.kind, e.data.get("setting"), e.data.get("instead_of")) for e in reversed(log.events(stream="switch").rows)]
    assert kinds == [("switch.set", "ask", None), ("switch.set", "deny", first.pk), ("switch.ended", "deny", None)]
    assert second.pk != first.pk


@pytest.mark.parametrize(
    "wrong",
    [
        {"setting": "never"},
        {"scope": "run"},
        {"target": ""},
        {"target": "a\u202eb"},
        {"lasts": timedelta(0)},
        {"lasts": timedelta(days=400)},
    ],
)
def test_what_is_no_switch_is_refused(cast, wrong):
    with pytest.raises(BadRequest):
        switch(cast, **{"setting": "deny", **wrong})
    assert not Switch.objects.exists()


def test_only_operators_switch_and_only_what_there_is(cast):
    said: dict[str, Any] = {"scope": "tool", "target": "append", "setting": "deny", "reason": "so", "door": "web"}
    with pytest.raises(NotAllowed):
        agents.order_switch(**said, by=cast.reviewer)
    with pytest.raises(NotFound):
        agents.order_switch(**{**said, "target": "apend"}, by=cast.operator)
    with pytest.raises(UnknownAgent):
        agents.order_switch(**{**said, "scope": "agent", "target": "cals"}, by=cast.operator)


def test_the_command_switches_and_lists(cast, capsys):
    call_command("switch", "deny", "--tool", "append", "--for", "2h", "--reason", "odd", "--by", "olga")
    call_command("switch", "list")
    assert "deny  tool   append" in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("switch", "ask", "--reason", "odd", "--by", "olga")
    with pytest.raises(CommandError):
        call_command("switch", "ask", "--tool", "append", "--for", "soon", "--reason", "odd", "--by", "olga")


@pytest.mark.django_db(transaction=True)
def test_setting_one_waits_for_a_claim_that_is_being_made(cast, world):
    """The claim holds the lock shared until it commits: when the switch is set, nothing that it covers is in between."""
    done = threading.Event()

    def set_it():
        try:
            switch(cast, "deny")
        finally:
            done.set()
            connection.close()

    from django.db import transaction

    with transaction.atomic():
        halts.hold_off()
        other = threading.Thread(target=set_it)
        other.start()
        assert not done.wait(0.5)
        assert rows.in_force() == []
    other.join(10)
    assert [s.setting for s in rows.in_force()] == ["deny"]
