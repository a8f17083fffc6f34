"""Installing by OAuth: state of this session, once and in time; several workspaces; a whole organisation refused. Codes cannot be guessed."""

import contextlib
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from approvals.models import SlackCode, SlackMessage, SlackPerson, SlackTeam
from approvals.notify import sealing
from approvals.notify.errors import NotSent
from approvals.operations import slack_installs, slack_people
from approvals.operations.slack_installs import Installed
from approvals.slack import checking, client
from audit import queries as log
from tests import factories, fakes
from tests.integration.slack.test_slack_cards import tick

pytestmark = [pytest.mark.usefixtures("slack"), pytest.mark.django_db]


@pytest.fixture
def second(world):
    world.channel("C0TWO", world.team("T0TWO", "Two", token="xoxe.xoxb-two", refresh_token="xoxe-two").id, "two")
    return world.teams["T0TWO"]


def begun(admin) -> str:
    """The state that the way to Slack carries."""
    page = admin.post("/slack/install")
    assert page.status_code == 200 and page["Cache-Control"] == "no-store"
    url = urlsplit(page.context["url"])
    asked = parse_qs(url.query)
    assert asked["redirect_uri"] == ["https://countersign.test/slack/oauth"] and "chat:write" in asked["scope"][0]
    return asked["state"][0]


def code(world, team: str = "T0TWO", uri: str = "https://countersign.test/slack/oauth") -> str:
    return world.code(team, uri)


def test_an_administrator_installs_a_workspace_and_its_tokens_are_sealed_and_renewed(as_, cast, world, second):
    sade = as_(cast.admin)
    answer = sade.get("/slack/oauth", {"code": code(world), "state": begun(sade)})
    assert answer.status_code == 302 and answer["Location"] == "/deliveries/slack"
    row = SlackTeam.objects.get()
    assert (row.team, row.name, row.installed_by, row.app) == ("T0TWO", "Two", cast.admin, "A0COUNTER") and row.token_until
    assert "xoxe" not in row.token + row.refresh_token and sealing.unseal(row.token) == "xoxe.xoxb-two"
    (event,) = log.events(kind="slack.installed").rows
    assert event.data["team"] == "T0TWO" and "xoxe" not in str(event.data)
    SlackTeam.objects.update(token_until="2020-01-01T00:00Z")
    assert client.call(row.pk, "auth.test")["team_id"] == "T0TWO" and second.token != "xoxe.xoxb-two"
    assert "Two" in sade.get("/deliveries/slack").content.decode()


def test_a_second_workspace_stands_beside_the_first(as_, cast, world, second, installed):
    sade = as_(cast.admin)
    sade.get("/slack/oauth", {"code": code(world), "state": begun(sade)})
    assert sorted(SlackTeam.objects.filter(removed_at=None).values_list("team", flat=True)) == ["T0HOME", "T0TWO"]
    sade.get("/slack/oauth", {"code": code(world), "state": begun(sade)})  # again: new tokens, no second row
    assert SlackTeam.objects.filter(removed_at=None).count() == 2


def test_the_state_is_this_sessions_works_once_and_ends(as_, cast, world, second):
    sade, karin = as_(cast.admin), as_(cast.second_admin) if hasattr(cast, "second_admin") else as_(cast.admin)
    state = begun(sade)
    for wrong in ({}, {"state": ""}, {"state": "x" * 300}, {"state": state[:-1]}, {"state": "\ud800".encode("utf-8", "replace").decode()}):
        assert karin.get("/slack/oauth", {"code": code(world), **wrong}).status_code == 400
    assert karin.get("/slack/oauth", {"code": code(world), "state": state}).status_code == 400  # another session
    with fakes.clock_moved(minutes=11):
        assert sade.get("/slack/oauth", {"code": code(world), "state": state}).status_code == 400
    assert not SlackTeam.objects.exists()
    state = begun(sade)
    session = dict(sade.session["slack_oauth"])
    assert sade.get("/slack/oauth", {"code": code(world), "state": state}).status_code == 302
    kept = sade.session
    kept["slack_oauth"] = session  # as if two requests had read the session at once
    kept.save()
    assert sade.get("/slack/oauth", {"code": code(world), "state": state}).status_code == 400


def test_only_administrators_and_only_by_a_form_of_ours(as_, cast, world, settings, second):
    rita = as_(cast.reviewer)
    assert rita.post("/slack/install").status_code == 403 and as_(cast.admin).get("/slack/install").status_code == 405
    assert rita.get("/slack/oauth", {"code": code(world), "state": "x"}).status_code == 403
    assert "Add to a workspace" not in as_(cast.operator).get("/deliveries/slack").content.decode()
    settings.SLACK_CLIENT_ID = ""
    refused = as_(cast.admin).post("/slack/install")
    assert refused.status_code == 400 and "SLACK_CLIENT_ID" in refused.content.decode()


def test_no_in_slack_a_used_code_and_a_slack_that_is_away_install_nothing(as_, cast, world, second):
    sade = as_(cast.admin)
    no = sade.get("/slack/oauth", {"error": "access_denied", "state": begun(sade)})
    assert no.status_code == 400 and "nothing was changed" in no.content.decode()
    assert sade.get("/slack/oauth", {"error": "<b>x</b>\x07", "state": begun(sade)}).status_code == 400
    for bad in ("", "nonsense", code(world, uri="https://evil.example/")):
        answer = sade.get("/slack/oauth", {"code": bad, "state": begun(sade)})
        assert answer.status_code == 400 and "Begin again" in answer.content.decode()
    world.faults.set("oauth.v2.access", "down", times=5)
    assert sade.get("/slack/oauth", {"code": code(world), "state": begun(sade)}).status_code == 400
    assert not SlackTeam.objects.exists()


def test_a_whole_organisation_is_refused_and_its_token_given_back(as_, cast, world, second):
    second.org_wide, second.enterprise = True, "E0ORG"
    sade = as_(cast.admin)
    answer = sade.get("/slack/oauth", {"code": code(world), "state": begun(sade)})
    assert answer.status_code == 400 and "whole organisation" in answer.content.decode()
    assert not SlackTeam.objects.exists() and second.token in world.dead_tokens


def test_a_workspace_is_taken_away_by_administrators(as_, cast, world, installed):
    assert as_(cast.operator).post("/slack/workspaces/T0HOME/remove").status_code == 403
    sade = as_(cast.admin)
    assert sade.post("/slack/workspaces/T0HOME/remove").status_code == 302
    row = SlackTeam.objects.get()
    assert row.removed_at and row.token == "" and "xoxb-home" in world.dead_tokens
    assert sade.post("/slack/workspaces/T0HOME/remove").status_code == 404


def test_a_token_is_never_sent_to_another_slack(world, slack, installed, settings, routed):
    factories.action()
    settings.SLACK_API_URL = slack.api.replace("127.0.0.1", "localhost")
    before = len(world.calls)
    tick()
    assert len(world.calls) == before and "another Slack" in str(list(installed.channels.values_list("messages__error", flat=True)))


def test_a_renewal_that_fails_gives_nothing_up(world, cast, routed, second, as_):
    sade = as_(cast.admin)
    sade.get("/slack/oauth", {"code": code(world), "state": begun(sade)})
    team = SlackTeam.objects.get(team="T0TWO")
    SlackTeam.objects.filter(pk=team.pk).update(token_until="2020-01-01T00:00Z")
    world.faults.set("oauth.v2.access", "500", times=1)
    assert client.call(team.pk, "auth.test")["ok"]  # Slack still takes the old one
    (said,) = [s for s in checking.problems() if "renewed" in s]
    assert "Two: its token ends at" in said and "could not be renewed so far: Slack answers 500" in said
    slack_installs.leave_alone(team.pk, "Slack asks to wait 30 s", wait_s=30)
    slack_installs.reached(team.pk)  # what messages meet meanwhile says nothing of that
    assert said in list(checking.problems())
    world.dead_tokens.add(second.token)
    with pytest.raises(NotSent) as failure:
        client.call(team.pk, "auth.test")
    assert failure.value.down and not failure.value.permanent and "could not be renewed: Slack answers 500" in failure.value.why
    SlackTeam.objects.filter(pk=team.pk).update(refreshing_until=None)
    assert client.call(team.pk, "auth.test")["ok"]
    assert not [s for s in checking.problems() if "renewed" in s]


@pytest.mark.parametrize("meanwhile", ["taken away", "installed anew"])
def test_a_renewal_that_comes_late_leaves_no_token_behind(world, second, cast, as_, monkeypatch, meanwhile):
    sade = as_(cast.admin)
    sade.get("/slack/oauth", {"code": code(world), "state": begun(sade)})
    team = SlackTeam.objects.get(team="T0TWO")
    SlackTeam.objects.filter(pk=team.pk).update(token_until="2020-01-01T00:00Z")
    anew = Installed(team="T0TWO", name="Two", bot_user="U0TWOBOT", token="xoxb-anew", refresh_token="xoxe-anew", expires_in=40_000)
    really, given = client._call, []

    def slow(token, method, args):
        answer = really(token, method, args)
        if method == "oauth.v2.access":
            given.append(answer["access_token"])
            if meanwhile == "taken away":
                slack_installs.remove("T0TWO", by=cast.admin, door="web")
            else:
                slack_installs.install(anew, by=cast.admin, door="web")
        return answer

    monkeypatch.setattr(client, "_call", slow)
    with contextlib.suppress(NotSent):
        client.call(team.pk, "auth.test")
    team.refresh_from_db()
    kept = [sealing.unseal(sealed) if sealed else "" for sealed in (team.token, team.refresh_token)]
    assert kept == (["", ""] if meanwhile == "taken away" else ["xoxb-anew", "xoxe-anew"])
    with pytest.raises(NotSent):
        client.once(given[0], "auth.test")


WRONG = {
    "used": ("Slack refuses what the token is renewed with", "install the app again"),
    "none": ("there is none to renew it with", "install the app again"),
    "client": ("Slack does not know SLACK_CLIENT_ID", "set it"),
    "unset": ("SLACK_CLIENT_ID and SLACK_CLIENT_SECRET, which are not set", "set both"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_why_a_token_is_renewed_no_more_is_a_sentence_with_what_to_do(world, installed, settings, capsys, as_, cast, wrong):
    world.teams["T0HOME"].refresh_token = "xoxe-1"
    world.dead_tokens.add("xoxb-home")
    kept = "" if wrong == "none" else sealing.seal("xoxe-0" if wrong == "used" else "xoxe-1")
    SlackTeam.objects.update(refresh_token=kept, token_until="2020-01-01T00:00Z")
    settings.SLACK_CLIENT_ID = {"client": "somebody else's", "unset": ""}.get(wrong, settings.SLACK_CLIENT_ID)
    for _ in range(2):  # the second time it is not tried again so soon, and says the same
        with pytest.raises(SystemExit):
            call_command("slack_check")
        said = capsys.readouterr().out
        assert said.count("Its token has ended") == 1 and all(part in said for part in WRONG[wrong]) and "at the moment" not in said
    page = as_(cast.admin).get("/deliveries/slack").content.decode()
    assert wrong == "none" or WRONG[wrong][0] in page


def test_what_slack_answers_is_said_in_our_words_and_not_a_second_time_in_the_sdks(world, installed, caplog):
    world.faults.set("auth.test", "500", times=1)
    assert "Home: Slack answers 500" in list(checking.problems())
    assert not [line for line in caplog.records if line.name.startswith("slack_sdk")]


def test_a_lost_sealing_key_is_a_sentence_and_what_waits_goes_after_a_new_installation(world, cast, routed, settings, capsys):
    SlackTeam.objects.update(refresh_token=sealing.seal("xoxe-1"), token_until="2020-01-01T00:00Z")
    settings.SLACK_TOKEN_KEYS = ["0ZgGQ5vYHTRdvUqM2CsGUB9PgLZ3rfkzKpKEm5H9dkk="]
    factories.action()
    tick()
    row = SlackMessage.objects.get(kind="card")
    assert row.state == "WAITING" and "cannot be opened" in row.error and not world.cards("C0AI")
    with pytest.raises(SystemExit):
        call_command("slack_check")
    assert "install again" in capsys.readouterr().out
    anew = Installed(team="T0HOME", name="Home", bot_user="U0HOMEBOT", token="xoxb-home", app="A0COUNTER")
    slack_installs.install(anew, by=cast.admin, door="cli")
    tick()
    row.refresh_from_db()
    assert row.state == "SENT" and world.cards("C0AI")


@pytest.mark.parametrize("event", [{"type": "app_uninstalled"}, {"type": "tokens_revoked", "tokens": {"bot": ["U0HOMEBOT"]}}])
def test_a_late_word_of_an_earlier_installation_leaves_the_new_one_alone(hands, world, cast, installed, event):
    """Slack tells things again for an hour: meanwhile the app was added anew, over the old one or after its end."""
    anew = Installed(team="T0HOME", name="Home", bot_user="U0HOMEBOT", token="xoxb-home", app="A0COUNTER")
    taken_away = time.time() - 60
    SlackTeam.objects.update(installed_at="2020-01-01T00:00Z")
    slack_installs.install(anew, by=cast.admin, door="cli")
    assert hands.event("T0HOME", event, at=taken_away).status == 200
    assert SlackTeam.objects.get().removed_at is None
    assert hands.event("T0HOME", event, at=time.time()).status == 200
    assert SlackTeam.objects.get().removed_at is not None
    slack_installs.install(anew, by=cast.admin, door="cli")
    assert hands.event("T0HOME", event, at=taken_away).status == 200
    assert SlackTeam.objects.filter(removed_at=None).count() == 1
    assert hands.event("T0HOME", event, at=time.time() + 1).status == 200
    assert not SlackTeam.objects.filter(removed_at=None).exists()


# -- codes ----------------------------------------------------------------------------------------


def wrong_code(n: int) -> str:
    alphabet = slack_people.ALPHABET
    return "".join(alphabet[n // len(alphabet) ** i % len(alphabet)] for i in range(8))


def test_somebody_who_tries_codes_is_stopped_also_with_the_right_one(hands, world, cast, installed):
    for n in range(slack_people.MOST_GUESSES):
        hands.command("U0MEI", "C0AI", "/approvals", f"link {wrong_code(n)}")
    assert all("not valid" in said for said in world.private("C0AI", "U0MEI") if "Asking" not in said)
    right = slack_people.make_code(by=cast.reviewer)
    hands.command("U0MEI", "C0AI", "/approvals", f"link {right}")
    assert any("too many codes" in said for said in world.private("C0AI", "U0MEI")) and not SlackPerson.objects.exists()
    with fakes.clock_moved(minutes=11):
        right = slack_people.make_code(by=cast.reviewer)
        SlackCode.objects.update(created_at=Now())  # a column's own default does not know the moved clock
        hands.command("U0MEI", "C0AI", "/approvals", f"link {right}")
    assert SlackPerson.objects.get().user == cast.reviewer


def test_many_accounts_together_are_stopped_as_well(hands, world, cast, installed, monkeypatch):
    monkeypatch.setattr(slack_people, "MOST_GUESSES_OF_ALL", 12)
    for n in range(12):
        world.person(f"U0X{n}", "T0HOME", f"x{n}")
        hands.command(f"U0X{n}", "C0AI", "/approvals", f"link {wrong_code(n)}")
    hands.command("U0MEI", "C0AI", "/approvals", f"link {slack_people.make_code(by=cast.reviewer)}")
    assert any("closed for some minutes" in said for said in world.private("C0AI", "U0MEI")) and not SlackPerson.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_codes_tried_at_the_same_instant_count_all_the_same(cast, installed):
    identity = slack_people.Identity("", "T0HOME", "U0MEI")
    results = fakes.together([lambda n=n: slack_people.link(wrong_code(n), identity=identity) for n in range(12)])
    assert sorted(type(r).__name__ for r in results) == ["NotFound"] * slack_people.MOST_GUESSES + ["TooMany"] * (
        12 - slack_people.MOST_GUESSES
    )


def test_the_state_is_told_apart_whoever_begins(cast):
    assert slack_installs.begin(by=cast.admin) != slack_installs.begin(by=cast.admin)
