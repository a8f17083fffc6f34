"""Alerts: one per breach, told again until somebody sees to it, told once more when it is over; by mail, and to programs."""

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from agents import tasks as agent_tasks
from agents.models import Effect
from agents.operations import alerts, auto_halts, pulse
from approvals import operations, tasks
from approvals.errors import BadRequest, Conflict, NotAllowed, NotFound
from approvals.models import Alert, AlertBreach, Delivery, Halt, User
from approvals.operations import alerting, webhooks
from approvals.operations.alerting import Reading
from approvals.queries import alerts as queries
from audit import queries as log
from config import watchman
from tests import factories, servers
from tests.factories import call, decide, work
from tests.fakes import as_intruder, clock_moved, together
from tests.servers import PushService, running

pytestmark = pytest.mark.django_db


@pytest.fixture
def well(monkeypatch):
    """A broker with a worker, and a clock: what tests have none of."""
    monkeypatch.setattr(pulse, "answers", lambda: pulse.Answers(broker=True, workers=1))
    pulse.tick()


@pytest.fixture
def smtp(settings, cast):
    with servers.running(servers.MailServer()) as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 3
        settings.PUBLIC_URL = "https://countersign.test"
        User.objects.filter(pk__in=[cast.operator.pk, cast.reviewer.pk]).update(email="x@example.org")
        yield server


def unknown(n, minutes=0):
    """What the look finds, so many minutes from now."""
    with clock_moved(minutes=minutes):
        return [(note.happened, note.value) for note in alerting.observe({"unknown": [Reading(n)]})]


def rule(cast, name="unknown", **figures):
    return alerting.set_rule(name=name, reason="as agreed", by=cast.operator, door="web", **figures)


# -- one per breach ----------------------------------------------------------------------------------------------------
def test_a_breach_is_told_once_again_after_an_hour_and_when_it_is_over():
    assert unknown(0) == []
    assert unknown(2) == [("raised", 2)]
    assert unknown(3, 10) == unknown(2, 59) == []
    assert unknown(1, 61) == [("reminded", 1)]
    assert unknown(1, 62) == []
    assert unknown(0, 63) == []  # for a moment only, perhaps
    assert unknown(0, 64) == [("recovered", 0)]
    assert unknown(0, 65) == []
    row = Alert.objects.get()
    assert (row.value, row.worst, row.last, row.told, AlertBreach.objects.count()) == (2, 3, 0, 2, 0)
    assert [e.kind for e in log.events(stream=f"alert:{row.pk}").rows] == ["alert.recovered", "alert.reminded", "alert.raised"]
    assert unknown(1, 66) == [("raised", 1)]


def test_what_comes_back_within_half_a_minute_is_the_same_breach():
    unknown(1)
    with clock_moved(seconds=5):
        alerting.observe({"unknown": [Reading(0)]})
    with clock_moved(seconds=20):
        alerting.observe({"unknown": [Reading(1)]})
    with clock_moved(seconds=40):
        assert alerting.observe({"unknown": [Reading(0)]}) == []
    assert Alert.objects.filter(closed_at=None).count() == 1


def test_it_has_to_be_so_for_as_long_as_the_rule_says(cast):
    rule(cast, for_s=120)
    assert unknown(1) == unknown(1, 1) == []
    assert unknown(0, 1.2) == unknown(0, 2) == []  # over before it was told: nobody hears of it
    assert unknown(1, 3) == unknown(1, 4) == []
    assert unknown(1, 5) == [("raised", 1)]


def test_a_figure_that_was_not_measured_stays_as_it_was():
    unknown(1)
    with clock_moved(minutes=5):
        assert alerting.observe({}) == []
    assert queries.open_alerts()


def test_a_rule_that_is_switched_off_ends_its_alert_and_never_tells_again(cast):
    unknown(1)
    rule(cast, active=False)
    assert unknown(1, 1) == [("recovered", 1)]
    assert unknown(5, 2) == []


def test_acknowledged_it_is_not_told_again_and_its_end_is(cast):
    unknown(1)
    (row,) = queries.open_alerts()
    with pytest.raises(NotAllowed):
        alerting.acknowledge(row.id, note="mine", by=cast.reviewer, door="web")
    alerting.acknowledge(row.id, note="calling the bank", by=cast.operator, door="web")
    with pytest.raises(Conflict, match="olga sees to it already"):
        alerting.acknowledge(row.id, note="mine", by=cast.admin, door="web")
    assert unknown(1, 120) == []
    assert unknown(0, 121) == []
    assert unknown(0, 122) == [("recovered", 0)]
    with pytest.raises(Conflict, match="over already"):
        alerting.acknowledge(row.id, note="late", by=cast.operator, door="web")
    with pytest.raises(NotFound):
        alerting.acknowledge(0, note="what", by=cast.operator, door="web")


def test_rules_are_set_by_operators_with_a_reason_that_is_kept(cast):
    with pytest.raises(NotAllowed):
        alerting.set_rule(name="unknown", reason="so", by=cast.reviewer, door="web", most=5)
    for wrong in ({"most": 0}, {"for_s": -1}, {"slack": "no such place"}, {"name": "mood"}, {"reason": " "}):
        with pytest.raises(BadRequest):
            alerting.set_rule(**{"name": "unknown", "reason": "so", "by": cast.operator, "door": "web", **wrong})
    rule(cast, most=2)
    assert unknown(1) == []
    event = log.events(kind="alert.rule_set").rows[0]
    assert (event.data["most"], event.data["before"]["most"], event.data["reason"]) == (2, 1, "as agreed")


@pytest.mark.django_db(transaction=True)
def test_many_who_look_at_once_tell_it_once(cast):
    found = together([lambda: alerting.observe({"unknown": [Reading(1)]})] * 6)
    assert sorted(len(notes) for notes in found) == [0, 0, 0, 0, 0, 1]
    assert Alert.objects.count() == 1


# -- what is measured --------------------------------------------------------------------------------------------------
def test_every_rule_is_measured_and_every_measure_has_a_rule_and_words():
    from approvals.notify.alerts import WORDS

    assert set(queries.RULES) == set(alerts.MEASURES) == set(WORDS)


@pytest.mark.usefixtures("agents", "shapes", "well")
def test_a_call_of_unknown_outcome_is_told_and_its_resolution_ends_it(cast, world):
    from agents import operations as agents

    _run, action = factories.waiting(cast.reviewer, call("sleep"), world=world)
    decide(action, cast.second)
    work()
    assert Effect.objects.get().state == "UNKNOWN"
    assert [(n.rule, n.value) for n in alerts.look()] == [("unknown", 1)]
    agents.resolve_unknown(action.pk, done=False, reason="not in the list", by=cast.operator, door="web")
    assert alerts.look() == []
    with clock_moved(minutes=1):
        assert [(n.rule, n.happened) for n in alerts.look()] == [("unknown", "recovered")]


@pytest.mark.usefixtures("agents", "shapes", "well")
def test_each_automatic_halt_is_told_by_itself_until_it_is_released(cast, world):
    auto_halts.set_rule(kind="failed_calls", active=True, most=1, share=0, window_s=600, reason="so", by=cast.operator, door="web")
    _run, action = factories.waiting(cast.reviewer, call("refuse", label="x"), world=world)
    decide(action, cast.second)
    work()
    agent_tasks.watch()
    order = Halt.objects.get()
    (note,) = alerts.look()
    assert (note.rule, note.about) == ("auto_halts", f"agent calls: {order.reason}")
    factories.release(order, cast)
    alerts.look()
    with clock_moved(minutes=1):
        assert [n.happened for n in alerts.look()] == ["recovered"]


@pytest.mark.usefixtures("agents", "shapes")
def test_the_figures_of_the_console_are_what_is_measured(cast, world, monkeypatch):
    monkeypatch.setattr(pulse, "answers", lambda: pulse.Answers(broker=True, workers=0))
    _run, action = factories.waiting(cast.reviewer, call(), world=world)
    operations.halt(scope="tool", target="append", reason="odd", by=cast.operator, door="web")
    with as_intruder("approvals_action") as cursor:
        cursor.execute("UPDATE approvals_action SET created_at = created_at - interval '2 hours' WHERE id = %s", [action.pk])
    found = {name: measure()[0].value for name, measure in alerts.MEASURES.items() if name not in {"auto_halts", "budgets"}}
    assert 7_200 <= found["oldest_waiting"] < 7_260
    assert (found["workers"], found["broker"], found["halts"], found["clock"], found["running"]) == (1, 0, 1, alerts.DAY_S, 0)
    monkeypatch.setattr(pulse, "answers", lambda: pulse.Answers(broker=False, workers=0))
    assert (alerts.MEASURES["workers"]()[0].value, alerts.MEASURES["broker"]()[0].value) == (0, 1)


@pytest.mark.usefixtures("well")
def test_a_figure_that_trips_keeps_no_other_from_being_told(monkeypatch, cast):
    def trips():
        raise RuntimeError("odd")

    monkeypatch.setitem(alerts.MEASURES, "slack", trips)
    monkeypatch.setitem(alerts.MEASURES, "unknown", lambda: [Reading(1)])
    assert [n.rule for n in alerts.look()] == ["unknown"]


# -- where it is told --------------------------------------------------------------------------------------------------
def test_operators_get_one_mail_with_the_figure_and_the_runbook(smtp, cast):
    unknown(2)
    tasks.reach()
    (mail,) = smtp.mails
    text = mail.get_payload(decode=True).decode()
    assert mail["subject"] == "Alert: Calls whose outcome nobody knows"
    assert "2, the limit is 1" in text and "https://countersign.test/alerts/runbooks/unknown/" in text
    assert Delivery.objects.get().user == cast.operator  # nobody else may see to it
    unknown(0, 1)
    unknown(0, 2)
    tasks.reach()
    assert [m["subject"] for m in smtp.mails][1:] == ["Over: Calls whose outcome nobody knows"]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"SENT"}


def test_an_alert_does_not_hold_other_mails_back_nor_go_with_them(smtp, cast):
    User.objects.filter(pk=cast.operator.pk).update(email="")
    User.objects.filter(pk=cast.admin.pk).update(email="ada@example.org")
    unknown(1)
    factories.action("high")
    for _ in range(3):
        tasks.reach()
    assert len(smtp.mails) == 2


def test_a_rule_without_mail_sends_none(smtp, cast):
    rule(cast, mail=False)
    unknown(1)
    tasks.reach()
    assert smtp.mails == []


@pytest.mark.django_db(transaction=True)
def test_programs_are_told_unless_the_rule_goes_elsewhere(cast, settings):
    settings.WEBHOOK_PRIVATE = True
    with running(PushService()) as receiver:
        webhooks.add(url=receiver.endpoint, agent="", about="", kinds=["alert.raised"], by=cast.admin, door="web")
        rule(cast, name="slack", webhook=False)
        alerting.observe({"unknown": [Reading(4)], "slack": [Reading(9)]})
        tasks.tell_programs()
        (body,) = [json.loads(body) for _, body in receiver.got]
    assert (body["type"], body["data"]["rule"], body["data"]["value"]) == ("alert.raised", "unknown", 4)
    assert body["data"]["runbook"].endswith("/alerts/runbooks/unknown/")


# -- who looks ---------------------------------------------------------------------------------------------------------
def test_web_looks_and_sends_itself_when_no_worker_does(smtp, cast, monkeypatch):
    monkeypatch.setattr(pulse, "answers", lambda: pulse.Answers(broker=True, workers=0))
    rule(cast, name="workers", for_s=0)
    pulse.tick()
    assert watchman.watch()
    assert [m["subject"] for m in smtp.mails] == ["Alert: No worker answers"]
    assert not watchman.watch()  # just looked
    with clock_moved(minutes=2):
        assert (alerts.since_look() or timedelta()) > timedelta(minutes=1)
    cache.clear()
    assert watchman.watch()


# -- in a terminal -----------------------------------------------------------------------------------------------------
def test_the_command_lists_acknowledges_and_sets(cast, capsys):
    unknown(2)
    (row,) = queries.open_alerts()
    call_command("alerts", "list")
    assert "2, the limit is 1  docs/runbooks/unknown.md" in capsys.readouterr().out
    call_command("alerts", "ack", str(row.id), reason="looking", by="olga")
    call_command("alerts", "list")
    assert "acknowledged by olga" in capsys.readouterr().out
    call_command("alerts", "set", "unknown", most=5, mail="off", reason="so", by="olga")
    assert "from 5 for 0 s" in capsys.readouterr().out
    with pytest.raises(CommandError, match="Only operators"):
        call_command("alerts", "set", "unknown", most=5, reason="so", by="rita")
    with pytest.raises(CommandError, match="by its number"):
        call_command("alerts", "ack", "all", reason="so", by="olga")


@pytest.mark.usefixtures("well")
def test_the_command_looks_and_says_by_its_status_whether_something_is_open(capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("alerts", "look")
    assert (ended.value.code, "Nothing is over its limit" in capsys.readouterr().out) == (0, True)
    unknown(1)
    with pytest.raises(SystemExit) as ended:
        call_command("alerts", "look")
    assert ended.value.code == 1
