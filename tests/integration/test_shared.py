"""What web processes count together: kept in the database, once for all of them, and over when it is over."""

import threading

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.db import connection

from approvals.models import Shared
from config.shared import SharedCache
from tests.fakes import clock_moved
from tests.integration.web.conftest import Browser


@pytest.mark.django_db
def test_it_does_what_a_cache_does():
    assert cache.get("a") is None and cache.get("a", 7) == 7 and not cache.delete("a")
    cache.set("a", [1.5, "x"], 60)
    assert cache.get("a") == [1.5, "x"] and not cache.add("a", 1, 60) and cache.touch("a", 120)
    cache.set("a", {"b": None}, None)
    assert cache.get("a") == {"b": None} and cache.has_key("a") and cache.delete("a") and cache.add("a", 2, 60)
    cache.clear()
    assert not Shared.objects.exists()


@pytest.mark.django_db
def test_what_is_over_is_gone_and_tidied_away():
    cache.set("a", 1, 30)
    with clock_moved(seconds=31):
        assert cache.get("a") is None and not cache.touch("a", 5)
        assert cache.add("a", 2, 30) and cache.get("a") == 2
        cache.set("b", 1, 1)
    with clock_moved(seconds=120):
        cache.set("c", 1, 30)
    assert set(Shared.objects.values_list("key", flat=True)) == {":1:c"}


@pytest.mark.django_db
def test_a_forged_row_is_no_code():
    Shared.objects.create(key=":1:a", value="cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ValueError, match="Expecting value"):
        cache.get("a")


@pytest.mark.django_db(transaction=True)
def test_of_several_processes_one_adds():
    won = []

    def add() -> None:
        won.append(SharedCache("", {}).add("code", "y", 30))
        connection.close()

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]


@pytest.mark.django_db
def test_a_code_of_the_app_is_taken_once_whichever_process_is_asked(cast):
    secret = generate_totp_secret()
    TOTP.activate(cast.reviewer, secret)
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    ask = lambda: Authenticator.objects.get(user_id=cast.reviewer.pk).wrap().validate_code(code)  # noqa: E731
    assert ask() and not ask() and Shared.objects.filter(key__contains="totp.used").exists()


@pytest.mark.django_db
def test_whoever_guesses_is_stopped_and_the_broker_is_not_asked(cast, settings):
    settings.REDIS_URL = settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    cast.reviewer.set_password("the right one")
    cast.reviewer.save()
    for _ in range(6):
        answer = Browser().post("/accounts/login/", {"login": "rita", "password": "a guess"})
        assert answer.status_code == 200
    answer = Browser().post("/accounts/login/", {"login": "rita", "password": "the right one"})
    assert answer.status_code == 200 and b"Too many failed login attempts" in answer.content
    cache.clear()
    assert Browser().post("/accounts/login/", {"login": "rita", "password": "the right one"}).status_code == 302
