"""Budgets: what is counted, where a run stops, that what is shared is never overdrawn, and that raising lets it go on with nothing lost or doubled."""

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from agents import budgeted, prices
from agents import operations as agents
from agents.errors import BadInput, OverBudget, WrongState
from agents.graphs import recorder
from agents.models import Agent, AgentVersion, Budget, Effect, Run
from agents.operations import alerts, budgets, spending
from agents.prices import Used
from approvals.errors import BadRequest, NotAllowed
from approvals.models import Action
from audit import queries as log
from tests import factories
from tests.factories import asked, call, decide, lines, work
from tests.fakes import clock_moved, policy_text, together

pytestmark = pytest.mark.usefixtures("transactional_db", "agents", "shapes")
DAY = 24 * 60
NOTHING = {"money": "0"}


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def planned(cast, world, value="for ever") -> Run:
    return agents.start_run(agent="planned", input={"value": value, "world": world}, by=cast.reviewer, door="web")


def give(run, cast, *, by=None, **said) -> Run:
    return agents.set_run_budget(run.pk, reason="so it is", by=by or cast.operator, door="web", **said)


def a_day(cast, agent="planned", **said) -> Budget:
    return agents.set_agent_budget(agent, reason="so it is", by=cast.operator, door="web", **said)


def costs(cost: float, label: str = "a line"):
    return call("append", extra={"estimated_cost": cost}, label=label)


def state(run: Run) -> tuple[str, str]:
    now = fresh(run)
    return now.state, now.hold


def kinds(run: Run) -> list[str]:
    return [event.kind for event in log.timeline(run=str(run.pk)) if event.kind.startswith("run.")]


def alone(cast, world) -> tuple[int, int]:
    """What the whole run uses that nothing stops."""
    run = planned(cast, world)
    work()
    found = fresh(run)
    assert found.state in {"SUCCEEDED", "PARTIAL"}
    return found.spent_tokens, found.spent_micros


def test_what_a_provider_does_not_count_is_guessed_and_a_budget_holds_it(cast, world, monkeypatch):
    """A run over its budget went on to its end, with "0 tokens" beside its calls."""
    plain = recorder.ModelCalls._end

    def silent(self, response, run_id):
        for generation in response.generations[0]:
            generation.message.usage_metadata = None
        plain(self, response, run_id)

    monkeypatch.setattr(recorder.ModelCalls, "_end", silent)
    tokens, micros = alone(cast, world)
    (span, *_) = [span for span in log.spans(str(Run.objects.get().pk)) if span.kind == "model"]
    assert tokens > 0 and micros > 0 and span.attributes["usage"]["estimated"]


def test_what_calls_cost_is_counted_with_the_run_and_kept_with_each_call(cast, world, settings, tmp_path):
    tokens, micros = alone(cast, world)
    run = Run.objects.get()
    spans = [span for span in log.spans(str(run.pk)) if span.kind == "model"]
    assert tokens == sum(span.attributes["usage"]["total_tokens"] for span in spans) > 0
    assert micros == sum(span.attributes["cost_micros"] for span in spans) > 0
    usage = spans[0].attributes["usage"]
    assert spans[0].attributes["cost_micros"] == usage["input_tokens"] * 100 + usage["output_tokens"] * 300
    dearer = tmp_path / "prices.toml"
    dearer.write_text('[[price]]\nmodel = "scripted-*"\ninput = "900"\noutput = "900"\n')
    settings.PRICES = dearer
    assert (fresh(run).spent_micros, log.spent_by([str(run.pk)])[str(run.pk)].micros, budgeted.spent_today().micros) == (micros,) * 3
    _tokens, then = alone_again(cast, world)
    assert then == tokens * 900


def alone_again(cast, world):
    run = planned(cast, world)
    work()
    return fresh(run).spent_tokens, fresh(run).spent_micros


def test_a_model_without_a_price_is_counted_in_tokens_and_said(cast, world, settings, tmp_path):
    settings.PRICES = tmp_path / "prices.toml"
    settings.PRICES.write_text('currency = "EUR"\n')
    run = planned(cast, world)
    give(run, cast, money="0.01", tokens=10**9)
    work()
    found = fresh(run)
    assert (found.state, found.spent_micros) != ("PAUSED", 0) and found.spent_tokens > 0 and found.spent_micros == 0
    calls = sum(span.kind == "model" for span in log.spans(str(run.pk)))
    assert found.unpriced == calls > 0
    assert budgeted.unpriced(str(run.pk)) == [f"no price known for scripted-demo-model: {calls} calls are not counted in money"]


@pytest.mark.parametrize("what", ["tokens", "money"])
def test_a_run_stops_at_the_step_after_its_budget_is_spent_and_goes_on_when_it_is_raised_with_each_effect_once(cast, world, what):
    tokens, micros = alone(cast, world)
    effects = len(lines(world))
    run = planned(cast, world)
    give(run, cast, **({"tokens": 1} if what == "tokens" else {"money": "0.000001"}))
    work()
    assert state(run) == ("PAUSED", "budget")
    held = fresh(run)
    assert held.held_why.startswith("Over its budget: ") and held.held_why.endswith(
        "of 1 tokens" if what == "tokens" else "of 0.000001 USD"
    )
    assert 0 < held.spent_tokens < tokens
    done = len(lines(world)) - effects
    for _ in range(2):
        agents.recover()
        work()
    assert (fresh(run).spent_tokens, len(lines(world)) - effects, agents.advance_run(run.pk).state) == (held.spent_tokens, done, None)
    with pytest.raises(OverBudget) as refused:
        agents.go_on(run.pk, reason="go", by=cast.operator, door="web")
    assert (refused.value.code, refused.value.status) == ("over_budget", 409)
    give(run, cast, **({"tokens": tokens * 2} if what == "tokens" else {"money": Decimal(micros * 2) / 1_000_000}))
    assert state(run) == ("READY", "")
    work()
    assert fresh(run).state in {"SUCCEEDED", "PARTIAL"}
    assert (fresh(run).spent_tokens, len(lines(world))) == (tokens, 2 * effects)
    assert len({line.split()[0] for line in lines(world)}) == 2 * effects
    assert [k for k in kinds(run) if "budget" in k] == ["run.budget_set", "run.over_budget", "run.budget_set", "run.within_budget"]


def test_a_budget_below_what_is_spent_stops_what_comes_next_and_people_still_decide(cast, world):
    run, action = factories.waiting(cast.reviewer, costs(0.2, "a"), costs(0.3, "b"), world=world)
    give(run, cast, money="1")
    decide(action, cast.second)
    work()
    assert (fresh(run).spent_micros, len(lines(world)), fresh(run).state) == (200_000, 1, "WAITING")
    give(run, cast, money="0.1")
    assert (fresh(run).state, len(asked(run))) == ("WAITING", 1)
    decide(asked(run)[0], cast.second)
    work()
    assert (state(run), len(lines(world))) == (("PAUSED", "budget"), 1)
    give(run, cast, money="0.51")
    work()
    assert (fresh(run).state, fresh(run).spent_micros, len(lines(world))) == ("SUCCEEDED", 500_000, 2)


def test_an_effect_that_costs_more_than_is_left_does_not_start_and_its_action_stays(cast, world):
    run, action = factories.waiting(cast.reviewer, costs(0.6), world=world)
    give(run, cast, money="0.50")
    decide(action, cast.second)
    work()
    agents.recover()
    work()
    assert (state(run), lines(world)) == (("PAUSED", "budget"), [])
    assert fresh(run).held_why == "Over its budget: a call would cost 0.60 more, and 0.00 of 0.50 USD is spent"
    assert (Action.objects.get().state, Effect.objects.get().state, kinds(run).count("run.over_budget")) == ("APPROVED", "READY", 1)
    give(run, cast, money="0.59")
    work()
    agents.recover()
    assert (state(run), lines(world)) == (("PAUSED", "budget"), [])
    give(run, cast, money="0.60")
    work()
    assert (state(run), len(lines(world))) == (("PAUSED", "budget"), 1)  # it fits, and then nothing is left for another step
    give(run, cast, money="0.61")
    work()
    assert (fresh(run).state, len(lines(world)), Effect.objects.get().micros) == ("SUCCEEDED", 1, 600_000)


def test_claims_at_one_moment_never_overdraw_what_their_runs_share(cast, world):
    """Eight effects of four runs at 0.30 each, in a day that has 1.00: three begin."""
    runs = [factories.waiting(cast.reviewer, costs(0.3, "a"), costs(0.3, "b"), world=world)[0] for _ in range(4)]
    a_day(cast, "calls", money="1.00")
    for run in runs:
        for action in asked(run):
            decide(action, cast.second)
    ready = list(Effect.objects.values_list("pk", flat=True))
    together([lambda pk=pk: agents.execute(pk) for pk in ready])
    budget = Budget.objects.get()
    assert (len(ready), len(lines(world)), budget.spent_micros) == (8, 3, 900_000)
    assert sum(Run.objects.values_list("spent_micros", flat=True)) == 900_000
    assert Effect.objects.filter(state="READY").count() == 5
    a_day(cast, "calls", money="10")
    work()
    assert (len(lines(world)), Run.objects.filter(state="SUCCEEDED").count()) == (8, 4)
    assert Budget.objects.get().spent_micros == 2_400_000


def test_claims_at_one_moment_never_overdraw_their_run(cast, world):
    run, _ = factories.waiting(cast.reviewer, *[costs(0.3, f"l{n}") for n in range(6)], world=world)
    give(run, cast, money="1")
    for action in asked(run):
        decide(action, cast.second)
    together([lambda pk=pk: agents.execute(pk) for pk in Effect.objects.values_list("pk", flat=True)])
    assert (len(lines(world)), fresh(run).spent_micros, state(run)) == (3, 900_000, ("PAUSED", "budget"))


def test_model_calls_at_one_moment_are_let_through_until_nothing_is_left_and_every_one_is_counted(cast, world):
    a_day(cast, tokens=1_000)
    runs = [planned(cast, world) for _ in range(6)]
    Run.objects.update(state="RUNNING", fence=1, lease_until="2099-01-01T00:00Z")
    results = together([lambda run=run: reserved(run, 300) for run in runs])
    got = [held for held in results if held]
    assert (len(got), Budget.objects.get().spent_tokens) == (4, 1_200)  # the fourth began with a hundred left: calls cannot be cut short
    together([lambda run=run, held=held: spending.settle(run.pk, held, Used(350)) for run, held in zip(runs, results, strict=True) if held])
    assert Budget.objects.get().spent_tokens == 1_400
    assert sorted(Run.objects.values_list("spent_tokens", flat=True)) == [0, 0, 350, 350, 350, 350]


def reserved(run, tokens):
    return spending._by_itself(lambda: spending.reserve(run.pk, 1, Used(tokens)))


def test_an_agents_day_pauses_its_runs_also_new_ones_and_another_day_lets_them_go_on(cast, world):
    alone(cast, world)
    spent = Run.objects.get().spent_tokens
    assert a_day(cast, tokens=spent).spent_tokens == spent  # what the day had spent before counts
    run, other = planned(cast, world), factories.run(cast.reviewer, call("look"), world=world)
    work()
    assert (state(run), fresh(other).state) == (("PAUSED", "budget"), "SUCCEEDED")
    assert fresh(run).held_why == f"Over what the agent planned may use in a day: {spent:,} of {spent:,} tokens"
    assert fresh(run).spent_tokens == 0
    agents.recover()
    assert state(run) == ("PAUSED", "budget")
    with clock_moved(minutes=DAY):
        agents.recover()
        assert state(run) == ("READY", "")
    a_day(cast, tokens="none")
    work()
    assert fresh(run).state in {"SUCCEEDED", "PARTIAL"}


def test_a_customers_day_counts_the_runs_for_that_customer_alone(cast, world, policy):
    """The policy finds whom a call is for; here, in its label."""
    policy.write_text(policy_text(lambda data: data.update(customer=["label"])))
    agents.set_customer_budget("C-1", money="0.5", reason="small", by=cast.operator, door="web")
    first = [factories.run(cast.reviewer, costs(0.4, "C-1"), world=world) for _ in range(2)]
    second = factories.run(cast.reviewer, costs(0.4, "C-2"), world=world)
    work()
    assert sorted(Run.objects.values_list("customer", flat=True)) == ["C-1", "C-1", "C-2"]
    for action in Action.objects.filter(state="PENDING"):
        decide(action, cast.second)
    work()
    assert (sorted(fresh(r).state for r in first), fresh(second).state) == (["PAUSED", "SUCCEEDED"], "SUCCEEDED")
    assert Budget.objects.get().spent_micros == 400_000
    stopped = next(fresh(r) for r in first if fresh(r).state == "PAUSED")
    assert "the customer C-1" in stopped.held_why and "a call would cost 0.40 more" in stopped.held_why


def test_what_a_run_spent_before_it_was_for_a_customer_counts_for_that_customer(cast, world, policy):
    policy.write_text(policy_text(lambda data: data.update(customer=["label"])))
    agents.set_customer_budget("C-9", tokens=10**6, reason="r", by=cast.operator, door="web")
    run = planned(cast, world, "C-9")  # its planner is asked, and proposes a line of that name
    work()
    assert (fresh(run).customer, Budget.objects.get().spent_tokens) == ("C-9", fresh(run).spent_tokens)
    assert fresh(run).spent_tokens > 0


def test_who_may_and_what_is_no_budget(cast, world):
    run = planned(cast, world)
    for nobody in (cast.reviewer, cast.auditor, cast.outsider):
        with pytest.raises(NotAllowed):
            give(run, cast, by=nobody, tokens=5)
        with pytest.raises(NotAllowed):
            agents.set_agent_budget("planned", tokens=5, reason="r", by=nobody, door="web")
    with pytest.raises(BadRequest):
        agents.set_run_budget(run.pk, tokens=5, reason=" ", by=cast.operator, door="web")
    for money in (
        "-1",
        "NaN",
        "inf",
        "1e400",
        "1" * 40,
        "0.0000001",
        "1e-9",
        "1e2",
        "1_0",
        "٣",
        "\uff11",
        "1.2.3",
        "0x1",
        ".",
        "ten",
        float("nan"),
        float("inf"),
        1e300,
        True,
        "-0.5",
    ):
        with pytest.raises(BadInput) as refused:
            give(run, cast, money=money)
        assert refused.value.status == 422 and "no amount of money" in refused.value.message
    for tokens in (-1, "1.5", "1e9", "NaN", 10**20, "٣", True):
        with pytest.raises(BadInput):
            give(run, cast, tokens=tokens)
    with pytest.raises(BadInput):
        give(run, cast)
    for name in ("", "a\nb", "x" * 201):
        with pytest.raises(BadInput):
            agents.set_customer_budget(name, money="1", reason="r", by=cast.operator, door="web")
    assert (fresh(run).budget_micros, fresh(run).budget_tokens, Budget.objects.count()) == (None, None, 0)
    agents.cancel_run(run.pk, reason="r", by=cast.operator, door="web")
    with pytest.raises(WrongState):
        give(run, cast, tokens=5)


def test_each_run_begins_with_what_its_developer_says_or_operators_do(cast, world):
    agent = Agent.objects.select_related("current").get(pk="planned")
    old = agent.current
    new = AgentVersion.objects.create(
        agent=agent, number=99, sha256="f" * 64, drawing=old.drawing, tools=old.tools, input_schema=old.input_schema, model=old.model,
        policy=old.policy, budget={"tokens": 700, "micros": 250_000},
    )  # fmt: skip
    Agent.objects.filter(pk="planned").update(current=new)
    first = planned(cast, world)
    assert (first.budget_tokens, first.budget_micros) == (700, 250_000)
    agents.set_default("planned", money="2", reason="more", by=cast.operator, door="web")
    second = planned(cast, world)
    assert (second.budget_tokens, second.budget_micros) == (700, 2_000_000)
    agents.set_default("planned", money="none", tokens="", reason="none", by=cast.operator, door="web")
    assert planned(cast, world).budget_tokens is None
    agents.set_default("planned", declared=True, reason="as before", by=cast.operator, door="web")
    assert (planned(cast, world).budget_micros, fresh(first).budget_micros) == (250_000, 250_000)


def test_from_the_command_line(cast, world, capsys):
    run = planned(cast, world)
    call_command("runs", "budget", str(run.pk), "--tokens", "1", reason="little", by="olga")
    work()
    call_command("runs", "show", str(run.pk))
    call_command("runs", "budget", str(run.pk), "--tokens", "100000", "--money", "5", reason="more", by="olga")
    call_command("budgets", "set", agent="planned", money="3.50", reason="r", by="olga")
    call_command("budgets", "set", agent="planned", each_run=True, tokens="9000", reason="r", by="olga")
    said = capsys.readouterr().out
    assert "Over its budget: " in said and "of 5.00 USD" in said and "ready" in said and "of 3.50 USD" in said and "9000 tokens" in said
    for bad in ({"money": "-1"}, {"money": "1e400"}, {"tokens": "NaN"}):
        with pytest.raises(CommandError):
            call_command("runs", "budget", str(run.pk), reason="r", by="olga", **bad)


def test_eighty_percent_is_an_alert_and_so_is_a_run_that_is_paused(cast, world):
    run = planned(cast, world)
    give(run, cast, tokens=1_000)
    Run.objects.filter(pk=run.pk).update(spent_tokens=790)
    assert [n.percent for n in budgeted.near(percent=80)] == []
    Run.objects.filter(pk=run.pk).update(spent_tokens=800)
    (near,) = budgeted.near(percent=80)
    assert (near.percent, near.key, "800 of 1000 tokens" in near.about) == (80, "runs", True)
    other = planned(cast, world)
    give(other, cast, money="0")
    a_day(cast, money="0.0001")
    assert [(n.key, n.percent) for n in budgeted.near(percent=80)] == [("runs", 100)]
    work()
    assert budgeted.paused() == 2
    found = {name: alerts.MEASURES[name]()[0].value for name in ("budgets", "over_budget")}
    assert found["over_budget"] == 2 and found["budgets"] >= 100
    assert [(n.rule, n.happened) for n in alerts.look() if "budget" in n.rule][:2] == [("over_budget", "raised"), ("budgets", "raised")]


def test_a_budget_of_nothing_stops_before_the_first_step(cast, world):
    run = planned(cast, world)
    give(run, cast, **NOTHING)
    work()
    assert (state(run), fresh(run).spent_tokens) == (("PAUSED", "budget"), 0)


@pytest.mark.parametrize("agent", ["chatty", "chatty_awaited"])
def test_a_node_that_calls_its_model_on_and_on_is_stopped_in_the_middle_and_done_again_with_more(cast, world, agent):
    run = agents.start_run(agent=agent, input={"steps": 4, "world": world}, by=cast.reviewer, door="web")
    one = used_by_one_call(cast, world, agent)
    give(run, cast, tokens=one + 1)
    work()
    assert (state(run), fresh(run).spent_tokens, lines(world)) == (("PAUSED", "budget"), 2 * one, [])
    halted = [span for span in log.spans(str(run.pk)) if span.kind == "model" and span.status == "halted"]
    assert len(halted) == 1 and "over its budget" in halted[0].error
    give(run, cast, tokens=100 * one)
    work()
    if agent == "chatty":
        decide(asked(run)[0], cast.second)
        work()
    found = fresh(run)
    assert (found.state, len(lines(world))) == ("SUCCEEDED", 1 if agent == "chatty" else 0)
    # Two calls, then the node anew: four, and once more when its question is answered, as LangGraph does a node again that asked.
    assert found.spent_tokens == (10 if agent == "chatty" else 6) * one


def used_by_one_call(cast, world, agent) -> int:
    run = agents.start_run(agent=agent, input={"steps": 1, "world": f"{world}-other"}, by=cast.reviewer, door="web")
    agents.advance_run(run.pk)
    used = fresh(run).spent_tokens
    agents.cancel_run(run.pk, reason="r", by=cast.operator, door="web") if fresh(run).state == "WAITING" else None
    return used


def test_a_call_in_a_failing_node_gives_back_what_was_reserved(cast, world):
    run = planned(cast, world, "fails")
    give(run, cast, tokens=10_000)
    work()
    assert (fresh(run).state, fresh(run).spent_tokens) == ("FAILED", 0)


def test_amounts_are_read_exactly_and_shown_short():
    assert [prices.to_micros(t) for t in ("0.1", "0.30", "100", 0.5, Decimal("2.000001"))] == [
        100_000,
        300_000,
        100_000_000,
        500_000,
        2_000_001,
    ]
    assert [prices.amount(n) for n in (0, 10_000, 523_417, 12_345_678, 5, 1_500_000)] == [
        "0.00",
        "0.01",
        "0.5234",
        "12.35",
        "0.000005",
        "1.50",
    ]
    assert prices.used("scripted-demo-model", {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4}) == Used(4, 600)
    assert prices.used("nobody-knows-it", {"total_tokens": 4}) == Used(4, 0, 1)
    assert [prices.cost_micros(c) for c in (None, 0.1, float("inf"), -1.0, 1e-9)] == [0, 100_000, 0, 0, 1]


def test_what_a_day_spent_before_its_budget_is_what_it_spent(cast, world):
    tokens, micros = alone(cast, world)
    assert budgets.spent_today("agent", "planned") == budgets.Limits(tokens, micros)
    assert budgets.spent_today("agent", "calls") == budgets.Limits(0, 0)


def test_a_budget_is_raised_while_effects_are_claimed_under_it_and_nothing_waits_for_ever(cast, world):
    """A claim has its run's row before its budget's; whoever raises a budget has the budget's, and then lets runs go on."""
    a_day(cast, "calls", money="0.05")
    runs = [factories.waiting(cast.reviewer, costs(0.1, f"l{n}"), world=world)[0] for n in range(6)]
    for run in runs:
        decide(asked(run)[0], cast.second)
    ready = list(Effect.objects.values_list("pk", flat=True))
    raised = [lambda n=n: a_day(cast, "calls", money=f"{n}") for n in range(2, 8)]
    results = together([*[lambda pk=pk: agents.execute(pk) for pk in ready], *raised])
    assert [r for r in results if isinstance(r, Exception)] == []
    agents.recover()
    work()
    assert (len(lines(world)), Budget.objects.get().spent_micros) == (6, 600_000)
