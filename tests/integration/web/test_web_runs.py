"""The list of runs: filtered by words, kept as a view, page by page; and the figures of a run."""

import re

import pytest
from django.urls import reverse

from agents import operations as agents
from agents import queries
from agents.models import Run
from agents.queries import run_rows
from approvals.queries import preferences
from tests import factories
from tests.factories import call, work

pytestmark = pytest.mark.usefixtures("transactional_db", "agents")
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def runs(cast, world) -> list[Run]:
    """Three runs that wait, oldest first."""
    return [factories.waiting(cast.reviewer, call(label=label), world=world)[0] for label in ("apples", "pears", "100% figs")]


def ids(**filters) -> list[str]:
    return [row.id for row in queries.runs(**filters).rows]


def page(client, by, **query) -> str:
    client.force_login(by, backend=BACKEND)
    return client.get(reverse("runs"), query).content.decode()


def shown(text: str) -> list[str]:
    return re.findall(r'data-row="([^"]+)"', text)


def test_runs_are_found_by_words_of_their_input_node_agent_thread_id_and_trace(client, cast, runs):
    apples, pears, figs = (str(run.pk) for run in runs)
    trace = Run.objects.get(pk=pears).trace
    for words, found in {
        "PEARS": [pears], "propose": [figs, pears, apples], "calls": [figs, pears, apples], pears[:13]: [pears], trace[:12]: [pears],
        "100% f": [figs], "1__%": [], "no such thing": [],
    }.items():  # fmt: skip
        assert ids(q=words) == found, words
        assert shown(page(client, cast.reviewer, q=words)) == found, words
    assert ids(q="pears", state="FAILED") == [] and ids(q="pears", agent="calls", state="live") == [pears]
    text = page(client, cast.reviewer, q="pears", state="WAITING")
    assert 'value="pears"' in text and 'name="state" value="WAITING"' in text
    assert "Nothing matches" in page(client, cast.reviewer, q="no such") and "Clear the filters" in page(client, cast.reviewer, q="no such")


def test_words_are_looked_for_in_so_many_runs_at_a_time(client, cast, runs, monkeypatch):
    monkeypatch.setattr(run_rows, "MOST_SEARCHED", 2)
    apples, pears, figs = (str(run.pk) for run in runs)
    found = queries.runs(q="apples")
    assert (found.rows, found.cut, bool(found.next)) == ([], True, True)
    assert ids(q="apples", cursor=found.next) == [apples]
    assert "the next page looks through older ones" in page(client, cast.reviewer, q="apples")
    first = queries.runs(q="calls", limit=1)
    assert [row.id for row in first.rows] == [figs]
    second = queries.runs(q="calls", limit=1, cursor=first.next)
    assert [row.id for row in second.rows] == [pears]
    assert ids(q="calls", limit=1, cursor=second.next) == [apples]


def test_a_view_of_the_runs_is_kept_under_a_name(client, cast, runs):
    assert "Save view" not in page(client, cast.operator)
    assert 'name="place" value="runs"' in page(client, cast.operator, q="pears")
    kept = client.post(reverse("view-save"), {"place": "runs", "name": "pears", "query": "q=pears&state=WAITING&sort=x&who=y"})
    assert kept["Location"] == f"{reverse('runs')}?state=WAITING&q=pears"
    assert [v.query for v in preferences(cast.operator).views_of("runs")] == ["state=WAITING&q=pears"]
    assert (
        "/runs/?state=WAITING&amp;q=pears" in page(client, cast.operator) and "pears" in client.get(reverse("preferences")).content.decode()
    )
    assert "pears" not in client.get(reverse("console")).content.decode().split("console-runs")[0]


def test_a_thread_of_another_name_than_its_run_is_shown(client, cast, runs):
    run = Run.objects.create(agent=runs[0].agent, version=runs[0].version, thread="7:0f3a-there", trace="t" * 32, input={}, door="server")
    text = page(client, cast.reviewer)
    assert text.count("7:0f3a-there") == 1 and text.count('class="meta">thread') == 1
    assert ids(q="0f3a-there") == [str(run.pk)]


def test_the_strip_of_a_run_has_its_calls_of_tools_and_its_trace(client, cast, world):
    run, _ = factories.waiting(cast.reviewer, call("look"), call(label="a"), world=world)
    agents.recover()
    work()
    client.force_login(cast.reviewer, backend=BACKEND)
    text = client.get(reverse("run", args=[run.pk])).content.decode()
    strip = text[text.index('class="run-strip"') : text.index("run-tools")]
    figures = dict(re.findall(r'figure-name">([^<]+)</dt>\s*<dd class="figure-value">(.*?)</dd>', strip, re.S))
    assert figures["Tool calls"] == "1" and run.trace in figures["Trace"] and figures["Driven"].endswith(" of 300 s")
