"""Budgets on pages: where a run's cost stands, who may change it, and that it is kept exactly."""

import pytest

from agents import operations as agents
from agents import prices
from agents.models import Agent, Budget, Run
from agents.operations import alerts
from audit import queries as log
from audit.languages import told
from audit.views.words import sentence_of
from tests.factories import work

pytestmark = pytest.mark.usefixtures("transactional_db", "agents", "shapes")
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def run(cast, world) -> Run:
    return agents.start_run(agent="planned", input={"value": "for ever", "world": world}, by=cast.reviewer, door="web")


def page(client, user, url) -> str:
    client.force_login(user, backend=BACKEND)
    return client.get(url).content.decode()


def test_a_run_over_its_budget_says_so_everywhere_and_is_given_more_on_its_page(client, cast, run):
    agents.set_run_budget(run.pk, money="0.000001", reason="little", by=cast.operator, door="web")
    work()
    text = page(client, cast.operator, f"/runs/{run.pk}/")
    assert "Over its budget: " in text and "of 0.000001 USD" in text and f"/runs/{run.pk}/budget" in text
    assert f"/runs/{run.pk}/go-on" not in text and "price of the scripted model is invented" in text
    assert "of 0.000001 USD" in page(client, cast.operator, "/runs/") and "of 0.000001 USD" in page(client, cast.operator, "/console/")
    said = client.post(f"/runs/{run.pk}/budget", {"money": "12.345678", "tokens": "", "reason": "more"}, follow=True)
    assert "the run goes on" in said.content.decode()
    assert (Run.objects.get().budget_micros, Run.objects.get().budget_tokens, Run.objects.get().state) == (12_345_678, None, "READY")
    assert 'value="12.345678"' in page(client, cast.operator, f"/runs/{run.pk}/")


def test_who_may_not_operate_sees_the_cost_and_no_form(client, cast, run):
    work()
    text = page(client, cast.reviewer, f"/runs/{run.pk}/")
    assert "Cost" in text and " USD" in text and f"/runs/{run.pk}/budget" not in text
    assert client.post(f"/runs/{run.pk}/budget", {"money": "1", "reason": "r"}).status_code == 403
    assert Run.objects.get().budget_micros is None


@pytest.mark.parametrize("money", ["-1", "NaN", "1e400", "\x00", "x" * 5_000])
def test_what_is_no_amount_is_refused_in_a_sentence(client, cast, run, money):
    client.force_login(cast.operator, backend=BACKEND)
    said = client.post(f"/runs/{run.pk}/budget", {"money": money, "reason": "r"})
    assert said.status_code in {400, 422} and Run.objects.get().budget_micros is None


def test_an_agents_page_says_and_changes_what_its_runs_and_its_day_may_spend(client, cast):
    client.force_login(cast.operator, backend=BACKEND)
    client.post("/agents/planned/budget", {"of": "run", "money": "0.50", "tokens": "900", "reason": "r"})
    client.post("/agents/planned/budget", {"of": "day", "money": "3", "tokens": "", "reason": "r"})
    agent, day = Agent.objects.get(pk="planned"), Budget.objects.get()
    assert (agent.run_micros, agent.run_tokens, day.micros, day.tokens) == (500_000, 900, 3_000_000, None)
    text = page(client, cast.operator, "/agents/planned/")
    assert "0.50 USD, 900 tokens" in text and "set by olga" in text and "0.00 of 3.00 USD" in text
    assert "budgets of the day: planned: 0.00 of 3.00 USD (0 %)" in page(client, cast.operator, "/console/")
    assert "/agents/planned/budget" not in page(client, cast.auditor, "/agents/planned/")


def test_each_model_call_says_what_it_cost(client, cast, run):
    work()
    call = next(span for span in log.spans(str(run.pk)) if span.kind == "model")
    text = page(client, cast.reviewer, f"/runs/{run.pk}/steps/s{call.id}/")
    assert prices.money(call.attributes["cost_micros"]) in text and "Tokens out" in text


def test_both_limits_of_a_day_are_shown_the_one_nearer_to_its_end_first(client, cast):
    agents.set_agent_budget("planned", money="3", tokens=1_000, reason="r", by=cast.operator, door="web")
    Budget.objects.update(spent_tokens=900, spent_micros=30_000)
    for url in ("/agents/planned/", "/console/"):
        assert "900 of 1,000 tokens, 0.03 of 3.00 USD" in page(client, cast.operator, url), url
    Budget.objects.update(spent_tokens=9, spent_micros=2_900_000)
    assert "2.90 of 3.00 USD, 9 of 1,000 tokens" in page(client, cast.operator, "/agents/planned/")


def test_the_log_says_a_budget_with_its_currency_and_an_alert_with_its_title_and_unit(client, cast, run):
    agents.set_run_budget(run.pk, tokens=1, money="0.50", reason="r", by=cast.operator, door="web")
    Run.objects.update(spent_tokens=4)
    alerts.look()
    alerts.look()
    said = {event.kind: sentence_of(event) for event in log.events().rows}
    assert told(said["run.budget_set"]) == "Changed what the run may spend: 0.50 USD, 1 tokens"
    assert told(said["alert.raised"]) == "Alert: Spent of a budget is at 400 %"


@pytest.mark.parametrize("of", ["run", "day", "this"])
def test_a_form_that_was_opened_before_another_person_changed_the_budget_overwrites_nothing(client, cast, run, of):
    client.force_login(cast.operator, backend=BACKEND)
    url = f"/runs/{run.pk}/budget" if of == "this" else "/agents/planned/budget"
    sent = {"of": of, "money": "1", "tokens": "", "reason": "r", "seen": "none,none"}
    assert client.post(url, sent).status_code == 302
    late = client.post(url, {**sent, "money": "9"})
    assert (
        late.status_code == 409
        and "Somebody changed this budget since you opened it" in late.content.decode()
        and "1.00 USD" in late.content.decode()
    )
    shown = page(client, cast.operator, f"/runs/{run.pk}/" if of == "this" else "/agents/planned/")
    assert 'name="seen" value="1000000,none,' in shown
    assert client.post(url, {**sent, "money": "9", "seen": "1000000,none"}).status_code == 302


def test_the_time_of_runs_is_shown_and_set_beside_what_they_may_spend(client, cast, run):
    shown = page(client, cast.operator, "/agents/planned/")
    assert "300 s of work" in shown and 'id="run-budget-seconds"' in shown and 'id="day-budget-seconds"' not in shown
    sent = {"of": "run", "money": "", "tokens": "", "seconds": "90", "reason": "r", "seen": "none,none,none"}
    assert client.post("/agents/planned/budget", sent).status_code == 302
    assert client.post("/agents/planned/budget", {**sent, "seconds": "80"}).status_code == 409
    assert Agent.objects.get(pk="planned").run_seconds == 90 and "90 s of work" in page(client, cast.operator, "/agents/planned/")
    assert "0 ms of 300 s" in page(client, cast.operator, f"/runs/{run.pk}/")
    mine = {"money": "", "tokens": "", "seconds": "0", "reason": "r", "seen": "none,none,300"}
    assert client.post(f"/runs/{run.pk}/budget", mine).status_code == 302
    assert Run.objects.get(pk=run.pk).limit_s == 0 and 'name="seen" value="none,none,0"' in page(client, cast.operator, f"/runs/{run.pk}/")


def test_a_run_whose_time_was_up_says_so_with_what_it_has(client, cast, world):
    run = agents.start_run(agent="slow", input={"world": world, "steps": 40}, by=cast.reviewer, door="web")
    Run.objects.filter(pk=run.pk).update(limit_s=1)
    work()
    shown = page(client, cast.reviewer, f"/runs/{run.pk}/")
    assert (
        "Task timed out after 1 s" in shown and "Its time was up." in shown and "In part" in shown and f"/runs/{run.pk}/retry" not in shown
    )
    said = {event.kind: sentence_of(event) for event in log.events(run=str(run.pk)).rows}
    assert told(said["run.partial"]) == "The run's time was up: it ended with what it had"
