"""What an agent spent, by model, day and run, and what its day may come to."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agents import spent
from agents.models import Agent, Effect, Run
from audit.models import Span
from tests import factories
from tests.factories import call

pytestmark = pytest.mark.usefixtures("agents", "shapes")
NOON = datetime(2026, 7, 10, 12, tzinfo=UTC)


@pytest.fixture
def run(cast, world):
    made, _action = factories.waiting(cast.reviewer, call(), world=world)
    Span.objects.filter(kind="model").delete()
    Run.objects.filter(pk=made.pk).update(created_at=NOON - timedelta(hours=3), spent_micros=900, spent_tokens=40)
    return made


def spend(run, at, *, model="m1", micros=1_000, tokens=10, **more):
    Span.objects.create(
        trace="t", run=str(run.pk), kind="model", name=model, key=f"{at.isoformat()}{model}", started_at=at,
        attributes={"usage": {"total_tokens": tokens}, "cost_micros": micros, **more},
    )  # fmt: skip


def test_windows_are_days_of_utc_and_models_stand_apart(run):
    spend(run, NOON - timedelta(hours=1))
    spend(run, NOON - timedelta(hours=13))  # yesterday
    spend(run, NOON - timedelta(days=6), model="m2", micros=5)
    spend(run, NOON - timedelta(days=29))
    spend(run, NOON - timedelta(days=30, hours=12, seconds=1))  # too old
    found = spent.costs_of(run.agent_id, now=NOON)
    assert {name: part.micros for name, part in found.models["m1"].items()} == {"today": 1_000, "week": 2_000, "month": 3_000}
    assert {name: part.micros for name, part in found.models["m2"].items()} == {"today": 0, "week": 5, "month": 5}
    assert list(found.models) == ["m1", "m2"]
    assert (found.total["month"].micros, found.total["month"].tokens, found.total["month"].calls) == (3_005, 40, 4)


def test_a_day_is_projected_by_its_hours_and_by_how_the_week_ended(run):
    spend(run, NOON - timedelta(hours=1))
    spend(run, NOON - timedelta(days=1, hours=-1), micros=7_000)  # yesterday, an hour later than now
    spend(run, NOON - timedelta(days=1, hours=1), micros=70_000)  # yesterday, before this time of day
    found = spent.costs_of(run.agent_id, now=NOON)
    assert (found.by_hour, found.by_week) == (2_000, 1_000 + 1_000)
    early = spent.costs_of(run.agent_id, now=NOON.replace(hour=0, minute=4))
    assert early.by_hour is None


def test_calls_of_tools_count_as_estimated_and_calls_without_a_price_are_said(run):
    spend(run, NOON - timedelta(hours=1), micros=None, no_price=True)
    effect = Effect.objects.filter(run=run).first() or Effect.objects.create(action_id=run.pk, run=run, tool="x", digest="0" * 64)
    Effect.objects.filter(pk=effect.pk).update(micros=300, claimed_at=NOON - timedelta(hours=2))
    found = spent.costs_of(run.agent_id, now=NOON)
    assert (found.models[spent.TOOLS]["today"].micros, found.total["today"].micros, found.total["today"].calls) == (300, 300, 1)
    assert found.total["today"].unpriced == 1


def test_runs_that_began_in_a_window_and_what_each_has_spent(run):
    found = spent.costs_of(run.agent_id, now=NOON)
    assert (found.begun["today"].runs, found.begun["today"].micros_each, found.begun["today"].tokens_each) == (1, 900, 40)
    assert spent.costs_of("nobody", now=NOON).begun["month"].micros_each == 0


def test_another_agents_calls_are_not_counted_and_all_of_today_are_by_agent(run):
    spend(run, datetime.now(UTC))
    assert spent.today_by_agent()[run.agent_id] == (10, 1_000)
    other = Agent.objects.exclude(pk=run.agent_id).first()
    assert spent.costs_of(other.pk).total["month"].micros == 0


def test_an_agents_model_calls_are_found_by_an_index(run):
    with CaptureQueriesContext(connection) as asked:
        spent.costs_of(run.agent_id)
    models = next(q["sql"] for q in asked if "'model'" in q["sql"])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
        cursor.execute("EXPLAIN " + models)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan" not in plan and ("span_by_run" in plan or "span_of_models" in plan), plan


def test_the_page_the_command_and_the_api_say_the_same(run, cast, client):
    spend(run, datetime.now(UTC), model="m1", micros=1_230_000)
    client.force_login(cast.operator, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("agent-costs", args=[run.agent_id])).content.decode()
    assert "1.23 USD" in page and "m1" in page
    out = io.StringIO()
    call_command("agents", "costs", run.agent_id, stdout=out)
    assert "1.23 USD, 10 tokens" in out.getvalue() and "today may come to" in out.getvalue()
    out = io.StringIO()
    call_command("agents", "costs", run.agent_id, "--json", stdout=out)
    said = json.loads(out.getvalue())
    given = client.get(f"/api/v1/agents/{run.agent_id}/costs").json()
    assert given["models"] == said["models"] and given["total"]["today"]["money"] == "1.23"
    assert client.get("/api/v1/agents/nobody/costs").status_code == 404
