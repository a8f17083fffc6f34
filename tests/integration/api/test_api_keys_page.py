"""The page of keys, and the command: made by whoever may, shown once, revoked."""

import re
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from approvals.models import ApiKey, SignIn
from tests.integration.api.conftest import Program

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def as_(db):
    def sign_in(user, proof="password"):
        client = Client()
        client.force_login(user, backend=BACKEND)
        SignIn.objects.filter(pk=client.session["sign_in"]).update(proof=proof)
        return client

    return sign_in


def post(client, path, **said):
    return client.generic("POST", path, urlencode(said), content_type="application/x-www-form-urlencoded")


def make(client, **more):
    return post(client, "/keys/make", **{"name": "laptop", "scope": "read,decide", "days": "30", **more})


def test_a_token_is_shown_once_works_and_is_revoked(as_, cast):
    rita = as_(cast.reviewer)
    answer = make(rita)
    token = re.search(r"cs_person_[\w-]{43}", answer.content.decode())[0]
    assert answer.status_code == 200 and answer["Cache-Control"].startswith("max-age=0")
    assert Program(token).get("/me")[1]["name"] == "rita"
    page = rita.get("/keys/").content.decode()
    assert token not in page and token[:14] in page and "laptop" in page
    assert post(rita, f"/keys/{ApiKey.objects.get().pk}/revoke").status_code == 302
    assert Program(token).get("/me")[0] == 401


def test_whoever_has_not_just_shown_that_it_is_they_confirms_first(as_, cast):
    rita = as_(cast.reviewer)
    SignIn.objects.update(proved_at="2020-01-01T00:00:00Z")
    assert make(rita)["Location"].startswith("/confirm/") and not ApiKey.objects.exists()


def test_agents_keys_are_made_by_their_owner_and_administrators(as_, cast, outside):
    assert "Keys of agents" not in as_(cast.reviewer).get("/keys/").content.decode()
    assert make(as_(cast.reviewer), agent=outside, scope="").status_code == 403
    assert "cs_agent_" in make(as_(cast.admin), agent=outside, scope="", days="").content.decode()
    page = as_(cast.admin).get("/agents/books/")  # an agent without a graph has its page, and nothing to start
    assert page.status_code == 200 and "/runs/new/books/" not in page.content.decode()


def test_what_is_wrong_with_a_key_is_said_on_the_page(as_, cast):
    for wrong in ({"name": ""}, {"scope": "propose"}, {"days": "999"}, {"days": ""}, {"name": "x" * 100}):
        answer = make(as_(cast.reviewer), **wrong)
        assert answer.status_code == 400 and 'role="alert"' in answer.content.decode(), wrong
    assert not ApiKey.objects.exists()


def test_nobody_revokes_the_token_of_another_but_an_administrator(as_, cast):
    make(as_(cast.reviewer))
    path = f"/keys/{ApiKey.objects.get().pk}/revoke"
    assert post(as_(cast.second), path).status_code == 403
    assert post(as_(cast.admin), path).status_code == 302
    assert ApiKey.objects.get().revoked_by == "ada"


def test_the_command_makes_lists_and_revokes(cast, outside, capsys):
    call_command("keys", "make", "ci", "--agent", outside, "--by", "ada", "--quiet")
    token = capsys.readouterr().out.strip()
    assert Program(token).get("/me")[1]["agent"] == "books"
    call_command("keys", "list")
    listed = capsys.readouterr().out
    assert "agent:books" in listed and token not in listed and "last used" in listed
    call_command("keys", "revoke", str(ApiKey.objects.get().pk), "--by", "ada")
    assert Program(token).get("/me")[0] == 401
    with pytest.raises(CommandError, match="Only administrators"):
        call_command("keys", "make", "ci", "--agent", outside, "--by", "rita")
