"""Callers without a good key, and sessions that are over: a problem that says what to do, so many a minute, and nobody else is hindered."""

import pytest
from django.test import Client

from approvals.models import SignIn
from config import shared
from tests.integration.api.conftest import Program

pytestmark = pytest.mark.django_db(transaction=True)
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def _one_minute(settings, monkeypatch):
    """All of a test in one minute, however late it starts in it."""
    settings.API_RATE_STRANGERS = 3
    one = shared._COUNT.replace("date_trunc('minute', clock_timestamp()) + interval '1 minute'", "clock_timestamp() + interval '1 minute'")
    assert one != shared._COUNT
    monkeypatch.setattr(shared, "_COUNT", one)


@pytest.mark.parametrize("token", ["", "cs_agent_wrong"])
def test_strangers_are_told_when_to_come_again(token, agent):
    stranger = Program(token)
    assert [stranger.get("/me")[0] for _ in range(5)] == [401, 401, 401, 429, 429]
    assert stranger.get("/me")[1]["code"] == "too_many_requests" and 1 <= int(stranger.answer["Retry-After"]) <= 61
    assert Program().call("GET", "/openapi.json")[0] == 429  # the document too is made anew for each
    assert agent.get("/me")[0] == 200  # from the same address, with a good key


def test_another_address_is_not_hindered_and_good_keys_are_not_counted(agent):
    assert [agent.get("/me")[0] for _ in range(5)] == [200] * 5
    assert [Program(REMOTE_ADDR="10.0.0.8").get("/me")[0] for _ in range(4)] == [401, 401, 401, 429]
    assert Program(REMOTE_ADDR="10.0.0.9").get("/me")[0] == 401


def test_what_is_counted_begins_anew_when_its_minute_is_over(monkeypatch):
    assert [shared.count("x")[0] for _ in range(2)] == [1, 2]
    monkeypatch.setattr(shared, "_COUNT", shared._COUNT.replace("interval '1 minute'", "interval '-1 second'"))
    assert [shared.count("y")[0] for _ in range(2)] == [1, 1]


def test_an_ended_session_is_a_problem_and_not_the_way_to_a_login_page(cast):
    browser = Program()
    browser.force_login(cast.reviewer, backend=BACKEND)
    assert browser.get("/me")[0] == 200
    from approvals.web import sign_ins

    sign_ins._seen.clear()
    SignIn.objects.update(ended_at="2020-01-01T00:00:00Z")
    status, body = browser.get("/me")
    assert (status, body["code"], browser.answer["Content-Type"]) == (401, "unauthorized", "application/problem+json")
    assert "location" not in browser.answer.headers
    other = Client()
    other.force_login(cast.reviewer, backend=BACKEND)
    sign_ins._seen.clear()
    SignIn.objects.update(ended_at="2020-01-01T00:00:00Z")
    assert other.get("/inbox/")["Location"].startswith("/accounts/login/")
