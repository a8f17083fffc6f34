"""Signing in, confirming that it is oneself, and ending sessions, as browsers do it."""

import json
import re
import uuid

import pytest
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from fido2.utils import websafe_encode

from approvals import queries
from approvals.models import Action, Decision, SignIn, User
from approvals.operations import people
from audit import queries as log
from tests import factories
from tests.authenticator import SoftKey
from tests.integration.web.conftest import Browser

HTMX = {"HTTP_HX_REQUEST": "true"}


def post(client, action, verdict="approve", htmx=True, **more):
    digest = Action.objects.get(pk=action.pk).digest
    form = {"verdict": verdict, "seen_digest": digest, "key": uuid.uuid4().hex, "reason": "I looked it up", "opened": "all", **more}
    return client.post(reverse("action-decide", args=[action.pk]), form, **(HTMX if htmx else {}))


def grow_old(client):
    """As after two hours at the desk."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE approvals_signin SET proved_at = now() - interval '2 hours'")


@pytest.fixture
def with_password(cast):
    user = User.objects.get(pk=cast.reviewer.pk)
    user.set_password(factories.PASSWORD)
    user.save()
    client = Browser()
    client.post("/accounts/login/", {"login": user.username, "password": factories.PASSWORD})
    return client


def test_an_old_sign_in_is_sent_to_confirm_comes_back_with_its_words_and_nothing_was_decided(with_password):
    action = factories.action("high")
    grow_old(with_password)
    answer = post(with_password, action)
    assert answer.status_code == 422 and answer["HX-Retarget"] == f"#sheet-{action.pk}"
    page = answer.content.decode()
    assert "Confirm that it is you" in page and "I looked it up" in page and not Decision.objects.exists()
    there = re.search(r'href="(/confirm/\?next=[^"]+)"', page)[1]
    asked = with_password.get(there)
    assert asked.status_code == 302 and asked.url.startswith("/accounts/reauthenticate/")
    wrong = with_password.post(asked.url, {"password": "guess"})
    assert wrong.status_code == 200
    back = with_password.post(asked.url, {"password": factories.PASSWORD})
    assert back.url == reverse("action-approve", args=[action.pk]) and not Decision.objects.exists()
    assert "I looked it up" in with_password.get(back.url).content.decode()
    assert post(with_password, action).status_code == 200 and Decision.objects.get().proof["by"] == "password"


def test_a_new_password_ends_the_other_sessions_and_this_one_can_still_be_ended(with_password):
    other = Browser()
    other.post("/accounts/login/", {"login": "rita", "password": factories.PASSWORD})
    assert (with_password.get("/inbox/").status_code, other.get("/inbox/").status_code) == (200, 200)
    new = {"oldpassword": factories.PASSWORD, "password1": "another long one 77", "password2": "another long one 77"}
    assert with_password.post(reverse("account_change_password"), new).status_code == 302
    assert SignIn.objects.filter(ended_at=None).count() == 1
    assert other.get("/inbox/").status_code == 302
    assert "this one" in with_password.get(reverse("security")).content.decode()
    assert [event.kind for event in log.events(stream=f"person:{User.objects.get(username='rita').pk}").rows][:2] == [
        "person.sessions_ended",
        "person.password_changed",
    ]
    call_command("people", "end-sessions", "rita", by="ada")
    assert with_password.get("/inbox/").status_code == 302


def test_without_scripts_it_is_the_same(with_password):
    action = factories.action("critical")
    grow_old(with_password)
    answer = post(with_password, action, htmx=False, typed="this")
    page = answer.content.decode()
    assert answer.status_code == 422 and 'href="/confirm/?next=' in page and 'value="this"' in page
    assert not Decision.objects.exists()


def test_taking_over_is_sent_to_confirm_and_keeps_the_outcome_that_was_written(with_password):
    action = factories.action("high")
    grow_old(with_password)
    answer = post(with_password, action, "take_over", done="yes", response="called the bank", result='{"paid": 1}')
    page = answer.content.decode()
    assert answer.status_code == 422 and "Confirm that it is you" in page and not Decision.objects.exists()
    there = re.search(r'href="(/confirm/\?next=[^"]+)"', page)[1]
    back = with_password.post(with_password.get(there).url, {"password": factories.PASSWORD})
    assert back.url == reverse("action-take-over", args=[action.pk])
    sheet = with_password.get(back.url).content.decode()
    assert "called the bank" in sheet and "{&quot;paid&quot;: 1}" in sheet and re.search(r'value="yes" required checked', sheet)
    assert post(with_password, action, "take_over", done="yes", response="called the bank").status_code == 200
    assert Decision.objects.get().proof["by"] == "password"


def test_a_link_opened_again_confirms_and_leads_back(cast):
    client, action = Browser(), factories.action("high")
    link = reverse("login-link", args=[people.make_login_link(user=cast.reviewer)])
    client.post(link)
    grow_old(client)
    link = reverse("login-link", args=[people.make_login_link(user=cast.reviewer)])
    assert post(client, action).status_code == 422
    there = reverse("action-approve", args=[action.pk])
    asked = client.get(f"/confirm/?next={there}")
    assert b"Open your login link again" in asked.content
    assert client.post(link)["Location"] == there
    assert post(client, action).status_code == 200
    assert Decision.objects.get().proof["by"] == "login link"


def test_opening_a_link_signs_nobody_out_and_no_page_elsewhere_can_press_it(web, cast):
    link = reverse("login-link", args=[people.make_login_link(user=cast.second)])
    assert b"You are signed in as rita now" in web.get(link).content
    assert web.get("/inbox/").context["request"].user == cast.reviewer
    strict = Browser(enforce_csrf_checks=True)
    assert strict.post(link).status_code == 403 and strict.get("/inbox/").status_code == 302
    assert web.post(link).url == "/" and web.get("/inbox/").context["request"].user == cast.second


def test_the_demos_links_sign_in_with_one_click_and_again(cast, settings):
    settings.DEMO = True
    link = reverse("login-link", args=[people.make_login_link(user=cast.reviewer)])
    for client in (Browser(), Browser()):
        assert client.get(link)["Location"] == "/" and client.get("/inbox/").status_code == 200


@pytest.mark.parametrize("demo", [True, False])
def test_a_link_approves_nothing_critical_outside_the_demo(cast, settings, demo):
    client, action = Browser(), factories.action("critical")
    client.post(reverse("login-link", args=[people.make_login_link(user=cast.reviewer)]))
    settings.DEMO = demo
    answer = post(client, action, typed=queries.shown(action.pk).confirm)
    assert answer.status_code == (200 if demo else 422) and Decision.objects.exists() is demo
    assert demo or b"A login link is not enough" in answer.content


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_confirming_leads_nowhere_else(with_password, elsewhere):
    assert (
        "evil" not in with_password.get("/confirm/", {"next": elsewhere}).url
        and "alert" not in with_password.get("/confirm/", {"next": elsewhere}).url
    )


def test_words_come_back_to_their_writer_only(as_, cast, with_password):
    action = factories.action("high")
    grow_old(with_password)
    post(with_password, action)
    assert "I looked it up" not in as_(cast.second).get(reverse("action-approve", args=[action.pk])).content.decode()
    assert "I looked it up" not in with_password.get(reverse("action-approve", args=[factories.action("high").pk])).content.decode()


def test_an_authenticator_app_is_set_up_and_asked_at_sign_in_even_after_a_link(cast, with_password, django_capture_on_commit_callbacks):
    page = with_password.get(reverse("mfa_activate_totp"))
    assert page.status_code == 200 and b"data:image/svg+xml" in page.content
    secret = page.context["form"].secret
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    with django_capture_on_commit_callbacks(execute=True):
        assert with_password.post(reverse("mfa_activate_totp"), {"code": code}).url == reverse("mfa_view_recovery_codes")
    assert with_password.get(reverse("mfa_view_recovery_codes")).content.count(b"<li><code>") == 10
    other = Browser()
    assert other.post(reverse("login-link", args=[people.make_login_link(user=cast.reviewer)]))["Location"] == reverse("mfa_authenticate")
    assert other.post(reverse("mfa_authenticate"), {"code": code}).status_code == 200  # taken once, when the app was set up
    assert other.get("/inbox/").status_code == 302
    recovery = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    assert other.post(reverse("mfa_authenticate"), {"code": recovery}).status_code == 302
    assert other.get("/inbox/").status_code == 200
    answer = post(other, factories.action("high"))
    assert answer.status_code == 422 and b"recovery code is not enough" in answer.content


@pytest.mark.parametrize(
    "name", ["mfa_add_webauthn", "mfa_activate_totp", "mfa_view_recovery_codes", "account_set_password", "account_email"]
)
def test_factors_are_changed_by_somebody_who_has_just_shown_who_they_are(web, name):
    grow_old(web)
    answer = web.get(reverse(name))
    assert answer.status_code == 302 and answer.url.startswith("/confirm/?next=")


def test_a_second_factor_is_not_removed_with_the_password_alone(cast, with_password):
    key = SoftKey().enrol(cast.reviewer)
    pk = Authenticator.objects.get().pk
    assert with_password.post(reverse("mfa_remove_webauthn", args=[pk])).url.startswith("/confirm/")
    assert Authenticator.objects.count() == 1 and key


def test_a_passkey_signs_in(cast):
    key, client = SoftKey(rp_id="testserver", origin="https://testserver").enrol(cast.reviewer), Browser()
    options = client.get(
        reverse("mfa_login_webauthn"), HTTP_ACCEPT="application/json", headers={"X-Requested-With": "XMLHttpRequest"}, secure=True
    )
    asked = options.json()["request_options"]["publicKey"]
    credential = json.loads(key.sign(asked))
    credential["response"]["userHandle"] = websafe_encode(user_pk_to_url_str(cast.reviewer).encode())
    client.post(reverse("mfa_login_webauthn"), {"credential": json.dumps(credential)}, secure=True)
    assert client.get("/inbox/").status_code == 200
    assert SignIn.objects.get().proof == "passkey"


# -- sessions --------------------------------------------------------------------------------------------------------
def test_ones_own_sessions_are_listed_and_ended(as_, cast):
    here, there = as_(cast.reviewer), as_(cast.reviewer)
    assert here.get("/security/").content.count(b"End the session") == 2
    here.post(reverse("sessions-end-others"))
    assert there.get("/inbox/").status_code == 302 and here.get("/inbox/").status_code == 200
    here.post(reverse("session-end", args=[here.session["sign_in"]]))
    assert here.get("/inbox/").status_code == 302
    assert "person.sessions_ended" in [e.kind for e in log.events(stream=f"person:{cast.reviewer.pk}").rows]


def test_an_administrator_ends_somebodys_sessions_and_nobody_else_does(as_, cast):
    admin, other, victim = as_(cast.admin), as_(cast.second), as_(cast.reviewer)
    victim.get("/inbox/")
    assert other.get("/people/").status_code == 403
    assert other.post("/people/end-sessions", {"username": "rita"}).status_code == 403
    assert other.post(reverse("session-end", args=[victim.session["sign_in"]])).status_code == 403
    assert victim.get("/inbox/").status_code == 200
    assert b"rita" in admin.get("/people/").content
    assert admin.post("/people/end-sessions", {"username": "rita"}).status_code == 302
    assert victim.get("/inbox/").status_code == 302


def test_locking_an_account_ends_its_sessions(as_, cast):
    client = as_(cast.reviewer)
    client.get("/inbox/")
    people.deactivate(username="rita", by=cast.admin.actor)
    assert not SignIn.objects.filter(user=cast.reviewer, ended_at=None).exists()
    assert client.get("/inbox/").status_code == 302
    assert post(client, factories.action()).status_code == 401 and not Decision.objects.exists()


def test_signing_out_ends_it(with_password):
    with_password.post("/accounts/logout/")
    assert not SignIn.objects.filter(ended_at=None).exists()


def test_who_guesses_at_a_name_keeps_its_owner_out_of_nowhere_else(cast):
    cast.reviewer.set_password(factories.PASSWORD)
    cast.reviewer.save()

    def sign_in(address: str, password: str) -> bool:
        browser = Client(REMOTE_ADDR=address)
        browser.post("/accounts/login/", {"login": cast.reviewer.username, "password": password})
        return "_auth_user_id" in browser.session

    assert not any(sign_in(f"203.0.113.{n}", "guess") for n in range(1, 7))
    assert not sign_in("203.0.113.200", factories.PASSWORD)  # of the same neighbourhood, which has guessed too often
    assert sign_in("198.51.100.21", factories.PASSWORD)
    assert not any(sign_in(f"2001:db8::{n}", "guess") for n in range(1, 7)) and not sign_in("2001:db8::ff", factories.PASSWORD)
    assert sign_in("2001:db8:1::1", factories.PASSWORD)
