"""The Slack of the tests is strict where Slack is: limits, tokens, triggers, faults. What passes here says something."""

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.slack import limits, page
from tests.slack.server import SlackServer
from tests.slack.world import World


@pytest.fixture
def slack():
    server = SlackServer(World())
    server.serve()
    yield server
    server.close()


@pytest.fixture
def client(slack):
    return WebClient(token="xoxb-home", base_url=slack.api, retry_handlers=[])


def text(length: int, kind: str = "mrkdwn") -> dict:
    return {"type": kind, "text": "x" * length}


def button(**more) -> dict:
    return {"type": "button", "action_id": "a", "text": text(5, "plain_text"), **more}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "section", "text": text(3001)},
        {"type": "section", "fields": [text(1)] * 11},
        {"type": "section"},
        {"type": "header", "text": text(151, "plain_text")},
        {"type": "header", "text": text(5)},
        {"type": "context", "elements": [text(1)] * 11},
        {"type": "actions", "elements": [button(action_id=str(n)) for n in range(26)]},
        {"type": "actions", "elements": [button(text=text(76, "plain_text"))]},
        {"type": "actions", "elements": [button(value="v" * 2001)]},
        {"type": "actions", "elements": [button(), button()]},
        {"type": "alert", "text": text(5)},
        {"type": "input", "label": text(5, "plain_text"), "element": {"type": "plain_text_input", "action_id": "a"}},
        {"type": "image", "image_url": "https://example.org/x.png", "alt_text": "x"},
        {"type": "section", "text": text(1), "block_id": "b" * 256},
    ],
)
def test_a_message_over_a_documented_limit_is_refused(client, block):
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        client.chat_postMessage(channel="C0AI", text="x", blocks=[block])


def test_fifty_blocks_are_a_message_and_a_hundred_a_view():
    block = {"type": "divider"}
    assert limits.message([block] * 50, "") == [] and limits.message([block] * 51, "")
    modal = {"type": "modal", "title": text(24, "plain_text")}
    assert limits.view({**modal, "blocks": [block] * 100}) == [] and limits.view({**modal, "blocks": [block] * 101})
    assert limits.view({**modal, "title": text(25, "plain_text"), "blocks": []}) and limits.view(
        {**modal, "blocks": [], "private_metadata": "x" * 3001}
    )


def test_posts_updates_and_history_are_one_channel(client, slack):
    posted = client.chat_postMessage(channel="C0AI", text="one", metadata={"event_type": "e", "event_payload": {"n": 1}})
    client.chat_update(channel="C0AI", ts=posted["ts"], text="two")
    (found,) = client.conversations_history(channel="C0AI", latest=posted["ts"], inclusive=True, limit=1, include_all_metadata=True)[
        "messages"
    ]
    assert found["text"] == "two" and found["metadata"]["event_payload"] == {"n": 1} and slack.world.cards("C0AI") == [found]
    with pytest.raises(SlackApiError, match="message_not_found"):
        client.chat_update(channel="C0AI", ts="1.1", text="x")
    with pytest.raises(SlackApiError, match="invalid_auth"):
        WebClient(token="xoxb-other", base_url=slack.api).auth_test()


def test_a_trigger_opens_one_view_and_soon(client, slack, monkeypatch):
    view = {"type": "modal", "title": text(5, "plain_text"), "blocks": []}
    trigger = slack.world.trigger("U0MEI")
    assert client.views_open(trigger_id=trigger, view=view)["view"]["id"] == slack.world.top("U0MEI").id
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        client.views_open(trigger_id=trigger, view=view)
    monkeypatch.setattr("tests.slack.world.TRIGGER_S", -1)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        client.views_open(trigger_id=slack.world.trigger("U0MEI"), view=view)


def test_faults_refuse_break_or_lose_the_answer(client, slack):
    slack.world.faults.set("chat.postMessage", "429", seconds=3)
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel="C0AI", text="x")
    assert refused.value.response.headers["Retry-After"] == "3"
    slack.world.faults.set("*", "lost")
    with pytest.raises(OSError):
        client.chat_postMessage(channel="C0AI", text="lost, and yet there")
    assert [m["text"] for m in slack.world.cards("C0AI")] == ["lost, and yet there"]
    slack.world.faults.set("*", "down")
    with pytest.raises(OSError):
        client.chat_postMessage(channel="C0AI", text="never there")
    assert len(slack.world.cards("C0AI")) == 1


def test_refresh_tokens_are_used_once(slack):
    team = slack.world.team("T0ROT", "Rotating", token="xoxe.xoxb-1", refresh_token="xoxe-1")
    client = WebClient(base_url=slack.api)
    first = client.oauth_v2_access(client_id="111.222", client_secret="client secret", grant_type="refresh_token", refresh_token="xoxe-1")
    assert first["access_token"] == team.token != "xoxe.xoxb-1"
    with pytest.raises(SlackApiError, match="invalid_refresh_token"):
        client.oauth_v2_access(client_id="111.222", client_secret="client secret", grant_type="refresh_token", refresh_token="xoxe-1")
    with pytest.raises(SlackApiError, match="token_expired"):
        WebClient(token="xoxe.xoxb-1", base_url=slack.api).auth_test()


def test_the_page_answers_quietly_what_is_gone_when_it_is_pressed(slack):
    message = slack.world.say("C0AI", "U0MEI", "no button here")
    assert page.act(slack, "press", {"user": "U0MEI", "channel": "C0AI", "ts": message["ts"], "action_id": "approve"}) == {}
    assert page.act(slack, "submit", {"user": "U0MEI", "values": {}}) == {}
