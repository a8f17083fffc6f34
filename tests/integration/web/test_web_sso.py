"""Single sign-on against a provider that answers over HTTP: who gets in, as whom, and with which groups, at every sign-in."""

import time
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.db.models.functions import Now

from approvals.models import Decision, SignIn, User
from audit import queries as log
from config import env
from tests import factories
from tests.authenticator import SoftKey
from tests.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.integration.web.conftest import Browser
from tests.integration.web.test_web_security import grow_old, post

GROUPS = {"approvers": "reviewers", "money": "finance", "sre": "operators"}
LOGIN = "/accounts/oidc/sso/login/"


@pytest.fixture
def provider(settings, monkeypatch, cast):
    made = IdentityProvider()
    monkeypatch.setenv("OIDC_CLIENT_ID", CLIENT)
    monkeypatch.setenv("OIDC_CLIENT_SECRET", SECRET)
    settings.OIDC_ISSUER, settings.OIDC_GROUPS = made.url, GROUPS
    settings.SOCIALACCOUNT_PROVIDERS = env.openid_connect(made.url, "Example SSO")
    made.person = {
        "sub": "42",
        "preferred_username": "nora",
        "name": "Nora New",
        "email": "nora@example.org",
        "groups": ["approvers", "staff"],
    }
    yield made
    made.close()


def walk(client, provider, **query):
    """Press the button, sign in over there, come back."""
    there = client.post(LOGIN + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else ""))
    asked = dict(parse_qsl(urlsplit(there.url).query))
    return client.get("/accounts/oidc/sso/login/callback/", {"code": provider.code(asked), "state": asked["state"]})


def groups(username):
    return set(User.objects.get(username=username).groups.values_list("name", flat=True))


def test_who_is_in_a_group_that_counts_gets_an_account_and_its_roles(provider):
    client = Browser()
    assert b"single sign-on" in client.get("/accounts/login/").content.lower()
    assert walk(client, provider).status_code == 302
    assert client.get("/inbox/").status_code == 200
    assert groups("nora") == {"reviewers"} and SignIn.objects.get(user__username="nora").proof == "single sign-on"
    assert provider.asked[0]["code_challenge_method"] == "S256"
    kinds = [e.kind for e in log.events(stream=f"person:{User.objects.get(username='nora').pk}").rows]
    assert {"person.signed_in", "person.roles_changed"} <= set(kinds)


def test_groups_are_given_and_taken_at_every_sign_in_and_others_stay(provider):
    walk(Browser(), provider)
    User.objects.get(username="nora").groups.add(Group.objects.get(name="auditors"))
    provider.person["groups"] = ["sre", "money"]
    walk(Browser(), provider)
    assert groups("nora") == {"operators", "finance", "auditors"}
    provider.person["groups"] = []
    client = Browser()
    walk(client, provider)
    assert groups("nora") == {"auditors"}
    assert post(client, factories.action()).status_code == 403 and not Decision.objects.exists()


@pytest.mark.parametrize("named", [[], ["staff"], "approver", None, {"approvers": 1}, [["approvers"], 7]])
def test_who_is_in_no_group_that_counts_gets_no_account(provider, named):
    provider.person["groups"] = named
    answer = walk(Browser(), provider)
    assert answer.status_code == 403 and b"none of your groups" in answer.content
    assert not User.objects.filter(username="nora").exists()


def test_a_subject_is_a_person_an_address_is_not(provider, cast):
    User.objects.filter(pk=cast.admin.pk).update(email="nora@example.org")
    provider.person["email_verified"] = True
    client = Browser()
    walk(client, provider)
    told = log.events(stream=f"person:{User.objects.get(username='nora').pk}", kind="person.same_email").rows
    assert [e.data["others"] for e in told] == [["ada"]]
    assert client.get("/people/").status_code == 403, "the administrator's address makes nobody an administrator"
    provider.person |= {"sub": "43", "preferred_username": "ada"}
    walk(Browser(), provider)
    assert SocialAccount.objects.count() == 2 and not SocialAccount.objects.filter(user=cast.admin).exists()


@pytest.mark.parametrize("lie", [{"aud": "somebody else"}, {"iss": "https://evil.example"}, {"exp": 1}])
def test_a_token_for_somebody_else_signs_nobody_in(provider, lie):
    provider.lies = lie
    client = Browser()
    assert b"Not signed in" in walk(client, provider).content
    assert client.get("/inbox/").status_code == 302


def test_an_answer_nobody_asked_for_signs_nobody_in(provider):
    client = Browser()
    answer = client.get("/accounts/oidc/sso/login/callback/", {"code": provider.code({}), "state": "x"})
    assert b"Not signed in" in answer.content and client.get("/inbox/").status_code == 302


def test_a_locked_account_stays_out(provider):
    walk(Browser(), provider)
    User.objects.filter(username="nora").update(is_active=False)
    client = Browser()
    walk(client, provider)
    assert client.get("/inbox/").status_code == 302


def test_confirming_goes_through_the_provider_and_keeps_the_words(provider):
    client, action = Browser(), factories.action("high")
    walk(client, provider)
    grow_old(client)
    there = f"/actions/{action.pk}/approve"
    assert post(client, action).status_code == 422
    client.get("/confirm/", {"next": there})
    answer = walk(client, provider, process="login", next=there, auth_params="prompt%3Dnone%26max_age%3D99999", scope="admin")
    asked = provider.asked[-1]
    assert answer.url == there and (asked["prompt"], asked["max_age"]) == ("login", "0") and "admin" not in asked["scope"]
    assert "I looked it up" in client.get(there).content.decode()
    assert post(client, action).status_code == 200


def test_a_provider_that_answers_from_an_old_session_of_its_own_proves_nothing(provider):
    provider.person["auth_time"] = int(time.time()) - 7200
    client = Browser()
    walk(client, provider)
    assert post(client, factories.action("high")).status_code == 422


CONNECT = {"process": "connect"}


def person_events(user):
    return [e.kind for e in log.events(stream=f"person:{user.pk}").rows]


def test_an_identity_is_connected_by_somebody_who_has_just_shown_who_they_are_and_it_is_on_record(provider, web, cast):
    grow_old(web)
    assert web.post(LOGIN + "?process=connect").url.startswith("/confirm/?next=%2Fsecurity%2F")
    assert web.post(LOGIN, CONNECT).url.startswith("/confirm/"), "the form may say it, too"
    assert not provider.asked
    SignIn.objects.update(proved_at=Now())
    assert walk(web, provider, **CONNECT).url == "/security/"
    assert SocialAccount.objects.get().user == cast.reviewer and "person.sso_connected" in person_events(cast.reviewer)
    assert groups("rita") == {"reviewers"}, "roles come with the next sign-in, not with connecting"


def test_what_comes_back_after_ten_minutes_connects_nothing(provider, web, cast):
    there = web.post(LOGIN + "?process=connect")
    asked = dict(parse_qsl(urlsplit(there.url).query))
    grow_old(web)
    answer = web.get("/accounts/oidc/sso/login/callback/", {"code": provider.code(asked), "state": asked["state"]})
    assert answer.url.startswith("/confirm/") and not SocialAccount.objects.exists()
    assert "person.sso_connected" not in person_events(cast.reviewer)


def test_nobody_connects_or_takes_what_is_somebody_elses(provider, web, cast):
    assert walk(Browser(), provider, **CONNECT).url.startswith("/accounts/login/") and not SocialAccount.objects.exists()
    walk(Browser(), provider)  # nora has it now
    provider.person["groups"] = ["sre"]
    walk(web, provider, **CONNECT)
    assert SocialAccount.objects.get().user.username == "nora" and groups("nora") == {"reviewers"}
    walk(web, provider, process="redirect")
    assert SocialAccount.objects.count() == 1 and groups("nora") == {"reviewers"}


def test_an_identity_is_disconnected_freshly_never_as_the_only_way_in_and_on_record(provider, web, cast):
    walk(web, provider, **CONNECT)
    assert b"only way in" in web.post("/security/single-sign-on/disconnect").content and SocialAccount.objects.exists()
    cast.reviewer.set_password(factories.PASSWORD)
    cast.reviewer.save()
    client = Browser()
    client.post("/accounts/login/", {"login": "rita", "password": factories.PASSWORD})
    grow_old(client)
    assert client.post("/security/single-sign-on/disconnect").url.startswith("/confirm/") and SocialAccount.objects.exists()
    SignIn.objects.update(proved_at=Now())
    assert client.post("/security/single-sign-on/disconnect").url == "/security/"
    assert not SocialAccount.objects.exists() and "person.sso_disconnected" in person_events(cast.reviewer)


def test_a_sign_in_by_single_sign_on_is_over_after_its_time_however_busy_it_is(provider, web, settings):
    settings.OIDC_SESSION_S = 1800
    client = Browser()
    walk(client, provider)
    over = Session.objects.get(pk=client.session.session_key).expire_date
    assert 1700 < (over - datetime.now(UTC)).total_seconds() <= 1800
    client.get("/confirm/", {"next": "/inbox/"})  # writes the session
    assert Session.objects.get(pk=client.session.session_key).expire_date == over
    action = factories.action("high")
    Session.objects.filter(pk=client.session.session_key).update(expire_date=datetime.now(UTC))
    answer = client.get("/inbox/")
    assert answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
    assert b'oidc/sso/login/?next=%2Finbox%2F"' in client.get(answer["Location"]).content
    assert post(client, action).status_code == 401 and not Decision.objects.exists()
    web.get("/confirm/", {"next": "/inbox/"})
    assert web.session.get_expiry_age() == settings.SESSION_COOKIE_AGE, "whoever signed in here has the usual time"


def test_a_factor_after_single_sign_on_makes_it_no_longer(provider, settings):
    settings.OIDC_SESSION_S = 1800
    walk(Browser(), provider)
    nora = User.objects.get(username="nora")
    SoftKey(rp_id="testserver", origin="https://testserver").enrol(nora)
    client = Browser()
    walk(client, provider)
    client.post("/accounts/2fa/authenticate/", {"code": RecoveryCodes.activate(nora).get_unused_codes()[0]})
    assert client.get("/inbox/").status_code == 200 and client.session.get_expiry_age() <= 1800


MILLISECONDS = 4_102_444_800_000  # a moment to come; the same for every process that collects the tests


@pytest.mark.parametrize("said", [None, True, "1", -5, 0, MILLISECONDS, 10**15, 1.5, [1]])
def test_a_provider_that_does_not_say_when_proves_nothing(provider, said):
    provider.person["auth_time"] = int(time.time())  # what is not signed does not count
    provider.lies = {"auth_time": said}
    client = Browser()
    walk(client, provider)
    assert client.get("/inbox/").status_code == 200 and SignIn.objects.get().proof == "single sign-on that does not say when"
    answer = post(client, factories.action("high"))
    assert answer.status_code == 422 and b"single sign-on that does not say when is not enough" in answer.content
    assert client.post(LOGIN + "?process=connect").url.startswith("/confirm/"), "nor for changing one's ways in"
    assert not Decision.objects.exists()


def test_a_factor_shown_after_single_sign_on_is_what_was_shown(provider):
    walk(Browser(), provider)
    nora = User.objects.get(username="nora")
    SoftKey(rp_id="testserver", origin="https://testserver").enrol(nora)
    recovery = RecoveryCodes.activate(nora).get_unused_codes()[0]
    provider.lies, client = {"auth_time": None}, Browser()
    assert "/2fa/authenticate/" in walk(client, provider).url
    client.post("/accounts/2fa/authenticate/", {"code": recovery})
    assert SignIn.objects.latest("created_at").proof == "recovery code"


@pytest.mark.parametrize("issuer", ["http://sso.example", "ftp://x", "sso.example", "https://"])
def test_an_issuer_without_tls_stops_the_start(monkeypatch, issuer):
    monkeypatch.setenv("OIDC_ISSUER", issuer)
    with pytest.raises(ImproperlyConfigured, match="https"):
        env.issuer("OIDC_ISSUER")


@pytest.mark.parametrize("value", ["approvers", "=reviewers", "approvers="])
def test_a_mapping_that_cannot_be_read_stops_the_start(monkeypatch, value):
    monkeypatch.setenv("OIDC_GROUPS", value)
    with pytest.raises(ImproperlyConfigured, match="theirs=ours"):
        env.pairs("OIDC_GROUPS")
