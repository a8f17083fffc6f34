"""What stands beside Slack: the log of requests knows no code, commands in another terminal speak of the Slack that runs, notifications are text."""

import json
import logging

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.test import Client, RequestFactory

from approvals.operations import slack_installs
from config import commands
from config.launch import demo_slack
from config.launch.checks import Options
from config.request_log import RequestLog
from config.services import endpoints
from tests import factories
from tests.fakes import policy_text
from tests.integration.slack.conftest import ROUTES
from tests.integration.slack.test_slack_cards import buttons, card, tick, words

pytestmark = [pytest.mark.usefixtures("routed"), pytest.mark.django_db]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/slack/oauth?code=SECRET&state=HIDDEN&x=1", "GET /slack/oauth?code=...&state=...&x=1"),
        ("/slack/oauth?CODE=SECRET", "GET /slack/oauth?CODE=..."),
        ("/inbox/?level=high&q=a%20b", "GET /inbox/?level=high&q=a%20b"),
        ("/inbox/", "GET /inbox/"),
        ("/x?" + "&".join(f"a{n}=code" for n in range(200)) + "&code=SECRET", "GET /x?..."),
    ],
)
def test_codes_and_states_are_left_out_of_an_address(address, expected):
    assert RequestLog.format_request(RequestFactory().get(address)) == expected


def test_no_code_and_no_state_stands_in_the_log(caplog):
    with caplog.at_level(logging.INFO, logger="django_structlog"):
        Client().get("/slack/oauth?code=SECRET&state=HIDDEN")
    said = " ".join(str(record.msg) for record in caplog.records)
    assert "/slack/oauth" in said and "SECRET" not in said and "HIDDEN" not in said


def test_a_command_in_another_terminal_speaks_of_the_demo_that_runs(settings, tmp_path, monkeypatch):
    for name in ("PUBLIC_URL", "PORT", "HOST"):
        monkeypatch.delenv(name, raising=False)
    settings.VAR_DIR = tmp_path
    env = demo_slack.environment(Options(host="127.0.0.1", port=8123, workers=1, var=tmp_path, slack_port=8523))
    endpoints.write(tmp_path, database_url="d", redis_url="r", address="http://127.0.0.1:8123", more=demo_slack.told(env))
    commands.as_it_runs()
    assert settings.PUBLIC_URL == "http://127.0.0.1:8123" and settings.SLACK_API_URL == "http://127.0.0.1:8523/api/"
    assert env["SLACK_SIGNING_SECRET"] == settings.SLACK_SIGNING_SECRET
    monkeypatch.setenv("PORT", "9000")  # whoever says another address means it
    settings.PUBLIC_URL = "http://127.0.0.1:9000"
    commands.as_it_runs()
    assert settings.PUBLIC_URL == "http://127.0.0.1:9000"


def test_the_app_is_installed_in_the_demos_slack_from_another_terminal(slack, settings, tmp_path, capsys, monkeypatch):
    slack_installs.remove("T0HOME", by=None, door="cli")
    settings.VAR_DIR, settings.SLACK_BOT_TOKEN, settings.PUBLIC_URL = tmp_path, "", "http://127.0.0.1:8123"
    told = {"SLACK_API_URL": slack.api, "SLACK_BOT_TOKEN": "xoxb-home"}
    endpoints.write(tmp_path, database_url="d", redis_url="r", address="http://127.0.0.1:8123", more=told)
    for name in ("slack_install", "slack_check"):
        command = load_command_class("config", name)
        monkeypatch.setattr(command, "_called_from_command_line", True, raising=False)
        call_command(command)
    said = capsys.readouterr().out
    assert "Installed in Countersign demo (T0HOME)" in said and "nothing is missing" in said
    slack.world.dead_tokens.add("xoxb-home")
    with pytest.raises(CommandError, match="install"):
        call_command("slack_install")


def test_the_text_of_notifications_is_escaped(world):
    factories.action(agent="a<!here>&b", tool="do_it")
    tick()
    said = card(world)["text"]
    assert "<" not in said and "&lt;" in said and "&amp;b" in said


def test_a_preview_stands_in_the_channel_when_the_policy_says_so(world, routed):
    table = {"columns": ["paid", "left"], "before": [["5", 5]], "after": [["5", 0]]}
    factories.action(preview={"summary": "s", "details": table})
    tick()
    assert buttons(card(world)) == ["review"] and "paid" not in words(card(world))
    show = [{"tools": ["do_it"], "fields": ["what"], "preview": True}]
    routed.write_text(policy_text(lambda data: data.update(slack={**ROUTES, "show": show})))
    factories.action(preview={"summary": "s", "details": table})
    tick(minutes=1)
    assert buttons(card(world)) == ["approve", "reject", "review"]
    assert "preview.after.left\\n0" in words(card(world)) and json.dumps('preview.before.paid\n"5"')[1:-1] in words(card(world))
