"""What stands in an address and must not stand in a log: links that sign in, secrets of servers."""

import logging

import pytest
from django.test import Client, RequestFactory
from django.urls import get_resolver

from config.request_log import SECRETS, RequestLog, WithoutSecrets

SECRET = "uQ9vX0-secret_of_thirty-two_bytes_Zz1234567"
# Names of parts of addresses that are texts of anybody's choice, and no secrets.
PLAIN = {"team_id", "provider_id", "uidb36", "slug", "name", "checkpoint_id"}
pytestmark = pytest.mark.django_db


def patterns(resolver, before=""):
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        if hasattr(one, "url_patterns"):
            yield from patterns(one, route)
        else:
            yield (
                route,
                {n for n, c in one.pattern.converters.items() if type(c).__name__ in {"StringConverter", "SlugConverter"}}
                | set(getattr(one.pattern.regex, "groupindex", {}) if not one.pattern.converters else {}),
            )


def test_each_text_in_an_address_is_known_to_be_a_secret_or_none():
    for route, names in patterns(get_resolver()):
        if not route.startswith("api/v1/"):
            assert names <= SECRETS | PLAIN, f"{route}: say in config.request_log, or here, whether it is a secret"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (f"/login/link/{SECRET}", "GET /login/link/..."),
        (f"/login/link/{SECRET}?next=/inbox/", "GET /login/link/...?next=/inbox/"),
        (f"/login/link/{SECRET}/", "GET /login/link/.../"),  # a letter too many: it leads nowhere
        (f"/hooks/agent-servers/7/{SECRET}", "GET /hooks/agent-servers/7/..."),
        (f"/hooks/agent-servers/7/{SECRET}?token=x", "GET /hooks/agent-servers/7/...?token=..."),
        (f"/inbox/?next=/login/link/{SECRET}%3Fa=1", "GET /inbox/?next=%2Flogin%2Flink%2F...%3Fa%3D1"),
        (f"/inbox/?next=/x/%3Fcode={SECRET}", "GET /inbox/?next=%2Fx%2F%3Fcode%3D..."),
        (f"/inbox/?next=https://us.example/login/link/{SECRET}", "GET /inbox/?next=https%3A%2F%2Fus.example%2Flogin%2Flink%2F..."),
        ("/inbox/?next=https://us.example/runs/", "GET /inbox/?next=https://us.example/runs/"),
        ("/inbox/?next=/runs/", "GET /inbox/?next=/runs/"),
        ("/agents/books/costs/", "GET /agents/books/costs/"),
        ("/no/such/page", "GET /no/such/page"),
    ],
)
def test_a_secret_in_a_path_is_left_out(address, expected):
    assert RequestLog.format_request(RequestFactory().get(address)) == expected


def test_no_record_of_a_request_holds_it_however_it_ends(caplog):
    assert any(isinstance(f, WithoutSecrets) for handler in logging.getLogger().handlers for f in handler.filters)
    caplog.handler.addFilter(one := WithoutSecrets())
    try:
        with caplog.at_level(logging.INFO):
            client = Client(raise_request_exception=False)
            statuses = [
                client.get(f"/login/link/{SECRET}").status_code,
                client.put(f"/login/link/{SECRET}").status_code,
                client.get(f"/login/link/{SECRET}/").status_code,
                client.post(f"/hooks/agent-servers/1/{SECRET}").status_code,
                client.put(f"/hooks/agent-servers/1/{SECRET}").status_code,
            ]
    finally:
        caplog.handler.removeFilter(one)
    assert all(status >= 400 for status in statuses), statuses
    said = " ".join(f"{record.getMessage()} {record.msg}" for record in caplog.records)
    assert "/login/link/..." in said and "/hooks/agent-servers/1/..." in said and SECRET not in said
