"""Settings of the environment: a wrong one is refused with its name and what to write."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


@pytest.mark.parametrize("value", ["foo", "countersign.example", "ftp://host", "https://", "http://host:99999", "http://[::1"])
def test_an_address_that_leads_nowhere_is_refused(monkeypatch, value):
    monkeypatch.setenv("PUBLIC_URL", value)
    with pytest.raises(ImproperlyConfigured, match=r"PUBLIC_URL is .*write an address"):
        env.address("PUBLIC_URL", "")


@pytest.mark.parametrize("value", ["https://countersign.example.org", "http://127.0.0.1:8000", "https://host/below"])
def test_an_address_is_taken_as_it_is(monkeypatch, value):
    monkeypatch.setenv("PUBLIC_URL", value)
    assert env.address("PUBLIC_URL", "") == value
