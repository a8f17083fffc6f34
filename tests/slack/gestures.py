"""What people do in Slack, as what Slack sends for it: signed requests, or envelopes of Socket Mode. And what Slack does with the answer."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.slack.world import Channel, Json, OpenView, World

JSON_TYPE, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"


class Gone(AssertionError):
    """What somebody presses is there no more. Slack's own client could not: a mistake of a test, or the page of the demo a moment behind."""


@dataclass(frozen=True)
class Answer:
    """What came back, and how long it took."""

    status: int
    body: Json
    seconds: float = 0.0


# Takes a path, a body and its headers to the product. `server.over_http`, the test client of Django, or a socket.
Deliver = Callable[[str, bytes, Mapping[str, str]], Answer]


def signed(secret: str, body: bytes, *, at: int | None = None, retry: int = 0) -> dict[str, str]:
    """Slack's headers for a body, as its documentation says they are made."""
    stamp = str(int(time.time()) if at is None else at)
    mac = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    again = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"} if retry else {}
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={mac}", **again}


class Gestures:
    """Hands of the people in a world. `sent` keeps every body, so that a test can send it again."""

    def __init__(self, world: World, deliver: Deliver) -> None:
        self.world, self.deliver = world, deliver
        self.sent: list[tuple[str, bytes, str]] = []

    # -- doors ------------------------------------------------------------------------------------

    def interact(self, payload: Json, *, path: str = "/slack/interactivity") -> Answer:
        return self._send(path, urlencode({"payload": json.dumps(payload)}).encode(), FORM_TYPE)

    def again(self, index: int = -1, *, retry: int = 1) -> Answer:
        """Slack had no answer in time and sends the same once more, signed anew."""
        path, body, kind = self.sent[index]
        return self.deliver(
            path, body, {**signed(self.world.signing_secret, body, at=int(time.time()) + retry, retry=retry), "Content-Type": kind}
        )

    def _send(self, path: str, body: bytes, kind: str) -> Answer:
        self.sent.append((path, body, kind))
        return self.deliver(path, body, {**signed(self.world.signing_secret, body), "Content-Type": kind})

    # -- what people do ---------------------------------------------------------------------------

    def press(
        self, user: str, channel: str, ts: str, action_id: str, *, payload: Json | None = None, seen: Json | None = None, **changed: Any
    ) -> Answer:
        """A button (or a menu, with `selected_option`) of a message. `seen`: the message as their client shows it still."""
        message = seen or self.world.message(channel, ts) or self.world.ephemeral(channel, ts, user) or {}
        element, block = _element(message.get("blocks", []), action_id)
        where = self.world.channels[channel]
        sent = {
            **self._base("block_actions", user, where), "container": {"type": "message", "message_ts": ts, "channel_id": channel},
            "channel": {"id": channel, "name": where.name}, "message": message, "state": {"values": {}},
            "actions": [{**_pressed(element), "block_id": block, "action_ts": self.world.ts(), **changed.pop("action", {})}],
            "response_url": "https://hooks.slack.com/actions/none",
        }  # fmt: skip
        return self.interact({**sent, **changed, **(payload or {})})

    def choose(self, user: str, action_id: str, values: Json | None = None, **chosen: Any) -> Answer:
        """Something in the open view that acts at once."""
        shown = self.open_view(user)
        element, block = _element(shown.view["blocks"], action_id, value=chosen.get("value", ""))
        payload = {
            **self._base("block_actions", user, None, shown), "container": {"type": "view", "view_id": shown.id},
            "view": self._view(shown, values or {}), "actions": [{**_pressed(element), "block_id": block, "action_ts": self.world.ts(), **chosen}],
        }  # fmt: skip
        return self.interact(payload)

    def submit(self, user: str, values: Json) -> Answer:
        """Press the view's own button. `values` is Slack's state: block id -> action id -> value."""
        shown = self.open_view(user)
        payload = {**self._base("view_submission", user, None, shown), "view": self._view(shown, values), "response_urls": []}
        answer = self.interact(payload)
        if answer.status == 200:
            self._after(shown, answer.body)
        return answer

    def options(self, user: str, action_id: str, text: str) -> Answer:
        shown = self.open_view(user)
        _, block = _element(shown.view["blocks"], action_id)
        payload = {**self._base("block_suggestion", user, None, shown), "action_id": action_id, "block_id": block, "value": text}
        return self.interact({**payload, "view": self._view(shown, {}), "container": {"type": "view"}}, path="/slack/options")

    def command(self, user: str, channel: str, command: str, text: str) -> Answer:
        person, where = self.world.people[user], self.world.channels[channel]
        team = self.world.teams[where.team]
        fields = {
            "command": command, "text": text, "user_id": user, "user_name": person.name, "team_id": team.id, "team_domain": "demo",
            "channel_id": channel, "channel_name": where.name, "api_app_id": self.world.app_id, "trigger_id": self.world.trigger(user),
            "is_enterprise_install": "false", "response_url": "https://hooks.slack.com/commands/none",
            **({"enterprise_id": team.enterprise} if team.enterprise else {}),
        }  # fmt: skip
        answer = self._send("/slack/commands", urlencode(fields).encode(), FORM_TYPE)
        if answer.body.get("text"):
            where.ephemeral.append((user, {"ts": self.world.ts(), "text": answer.body["text"], "blocks": answer.body.get("blocks") or []}))
            self.world.changes += 1
        return answer

    def shortcut(self, user: str, callback_id: str) -> Answer:
        team = self.world.people[user].team
        where = next(c for c in self.world.channels.values() if c.team == team)
        return self.interact({**self._base("shortcut", user, where), "callback_id": callback_id, "action_ts": self.world.ts()})

    def event(self, team: str, event: Json, *, event_id: str = "", at: float | None = None) -> Answer:
        """Something happened (`at` then, when Slack tells it late)."""
        found = self.world.teams[team]
        payload = {
            "type": "event_callback", "team_id": team, "api_app_id": self.world.app_id, "event": event, "event_id": event_id or self.world.id("Ev"),
            "event_time": int(time.time() if at is None else at), "authorizations": [{"team_id": team, "enterprise_id": found.enterprise or None, "is_bot": True}],
            **({"enterprise_id": found.enterprise} if found.enterprise else {}),
        }  # fmt: skip
        return self._send("/slack/events", json.dumps(payload).encode(), JSON_TYPE)

    def reply(self, user: str, channel: str, text: str, thread: str, **more: Any) -> Answer:
        """Somebody answers in a thread: the message is there, and the app hears of it. `more`: a subtype, files."""
        message = {**self.world.say(channel, user, text, thread=thread), **more}
        where = self.world.channels[channel]
        return self.event(
            where.team, {**message, "channel": channel, "channel_type": "im" if where.im_of else "channel", "event_ts": message["ts"]}
        )

    def rewrite(self, user: str, channel: str, ts: str, text: str, *, edited: bool = True) -> Answer:
        """Somebody edits what they wrote. `edited`: else Slack itself added a preview, say."""
        where = self.world.channels[channel]
        message = self.world.message(channel, ts) or {}
        before = dict(message)
        message |= {"text": text, **({"edited": {"user": user, "ts": self.world.ts()}} if edited else {"attachments": [{"id": 1}]})}
        self.world.changes += 1
        event = {"type": "message", "subtype": "message_changed", "channel": channel, "message": message, "previous_message": before}
        return self.event(where.team, {**event, "ts": self.world.ts(), "event_ts": self.world.ts(), "hidden": True})

    def remove(self, channel: str, ts: str) -> Answer:
        """Somebody with the right to it deletes a message of the app."""
        where = self.world.channels[channel]
        gone = self.world.message(channel, ts)
        where.messages = [m for m in where.messages if m["ts"] != ts]
        self.world.changes += 1
        event = {"type": "message", "subtype": "message_deleted", "channel": channel, "deleted_ts": ts, "previous_message": gone}
        return self.event(where.team, {**event, "ts": self.world.ts(), "event_ts": self.world.ts(), "hidden": True})

    def home(self, user: str) -> Answer:
        tab = {"type": "app_home_opened", "user": user, "tab": "home", "channel": self.world.direct(self.world.people[user].team, user).id}
        return self.event(self.world.people[user].team, {**tab, "event_ts": self.world.ts()})

    def press_home(self, user: str, action_id: str, **chosen: Any) -> Answer:
        """Something on the app's own tab."""
        shown, team = self.world.homes[user], self.world.people[user].team
        element, block = _element(shown["blocks"], action_id, value=chosen.get("value", ""))
        payload = {
            **self._base("block_actions", user, None), "container": {"type": "view", "view_id": f"VHOME{user}"},
            "view": {**shown, "id": f"VHOME{user}", "type": "home", "team_id": team, "state": {"values": {}}},
            "actions": [{**_pressed(element), "block_id": block, "action_ts": self.world.ts(), **chosen}],
        }  # fmt: skip
        return self.interact(payload)

    # -- what Slack knows -------------------------------------------------------------------------

    def open_view(self, user: str) -> OpenView:
        shown = self.world.top(user)
        if shown is None:
            raise Gone(f"{user} has no view open")
        return shown

    def _base(self, kind: str, user: str, channel: Channel | None, shown: OpenView | None = None) -> Json:
        person = self.world.people[user]
        team = self.world.teams[channel.team if channel else shown.team if shown else person.team]
        enterprise = {"id": team.enterprise, "name": "Enterprise"} if team.enterprise else None
        return {
            "type": kind, "team": {"id": team.id, "domain": "demo"}, "enterprise": enterprise, "is_enterprise_install": False,
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": person.team}, "api_app_id": self.world.app_id,
            "token": "legacy", "trigger_id": self.world.trigger(user),
        }  # fmt: skip

    def _view(self, shown: OpenView, values: Json) -> Json:
        return {
            **shown.view, "id": shown.id, "hash": shown.hash, "team_id": shown.team, "state": {"values": values}, "app_id": self.world.app_id,
            "root_view_id": shown.above or shown.id, "previous_view_id": shown.above or None,
        }  # fmt: skip

    def _after(self, shown: OpenView, answer: Json) -> None:
        """Slack closes the view, or does what `response_action` says."""
        what = answer.get("response_action")
        self.world.changes += 1
        if what == "update":
            shown.view = answer["view"]
        elif what == "push":
            self.world.show(shown.user, shown.team, answer["view"], above=shown.id)
        elif what != "errors":
            self.world.close(shown.id, everything=what == "clear")


def _element(blocks: list[Json], action_id: str, *, value: str = "") -> tuple[Json, str]:
    """The first of that name; of several, the one with this value."""
    for block in blocks:
        for one in [*block.get("elements", []), block.get("accessory", {}), block.get("element", {})]:
            if one.get("action_id") == action_id and value in {"", one.get("value", "")}:
                return one, block.get("block_id", "b")
    raise Gone(f"nothing here is called {action_id}")


def _pressed(element: Json) -> Json:
    return {key: element[key] for key in ("type", "action_id", "value", "text", "url") if key in element}
