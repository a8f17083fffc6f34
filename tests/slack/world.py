"""What there is in this Slack: workspaces, people, channels with their messages, open views. One lock around it all."""

import itertools
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.slack.faults import Faults

Json = dict[str, Any]
TRIGGER_S = 3.0


@dataclass
class Person:
    id: str
    team: str
    name: str
    bot: bool = False
    guest: bool = False
    enterprise: str = ""


@dataclass
class Team:
    id: str
    name: str
    token: str
    bot_user: str
    enterprise: str = ""
    refresh_token: str = ""
    org_wide: bool = False  # an administrator of the organisation adds the app to all of it
    without: frozenset[str] = frozenset()  # scopes that its token was not given


@dataclass
class Channel:
    """`members` empty: everybody of the workspace. `ephemeral` are messages only one person sees, by user id."""

    id: str
    team: str
    name: str
    im_of: str = ""
    members: set[str] = field(default_factory=set)
    messages: list[Json] = field(default_factory=list)
    ephemeral: list[tuple[str, Json]] = field(default_factory=list)
    archived: bool = False
    posts: list[float] = field(default_factory=list)  # when something was posted, to count per second
    updates: list[float] = field(default_factory=list)


@dataclass
class OpenView:
    id: str
    user: str
    team: str
    view: Json
    hash: str
    above: str = ""  # the view under it


class World:
    """Starts with one workspace, five people and two channels; tests add what they need."""

    def __init__(self, *, signing_secret: str = "a signing secret", client: tuple[str, str] = ("111.222", "client secret")) -> None:
        self.lock = threading.RLock()
        self.faults = Faults()
        self.signing_secret, self.client = signing_secret, client
        self.app_id, self.app_token = "A0COUNTER", "xapp-demo"
        self.teams: dict[str, Team] = {}
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.views: dict[str, OpenView] = {}
        self.homes: dict[str, Json] = {}
        self.codes: dict[str, tuple[str, str]] = {}  # OAuth code -> team, and where it was sent back to
        self.dead_tokens: set[str] = set()
        self.calls: list[tuple[float, str, Json]] = []
        self._triggers: dict[str, tuple[str, float]] = {}
        self._numbers = itertools.count(1)
        self._last_ts = 0
        self.changes = 0
        self._usual()

    def _usual(self) -> None:
        self.team("T0HOME", "Countersign demo", token="xoxb-home")
        for key, name in (("U0MEI", "mei"), ("U0JORGE", "jorge"), ("U0OLIVE", "olive"), ("U0SADE", "sade"), ("U0STRANGE", "stranger")):
            self.person(key, "T0HOME", name)
        self.channel("C0AI", "T0HOME", "ai-actions")
        self.channel("C0RISK", "T0HOME", "ai-high-risk")

    def team(self, key: str, name: str, *, token: str, enterprise: str = "", refresh_token: str = "") -> Team:
        bot = f"U{key[1:]}BOT"
        self.teams[key] = Team(key, name, token, bot, enterprise, refresh_token)
        self.person(bot, key, "countersign", bot=True)
        return self.teams[key]

    def person(self, key: str, team: str, name: str, *, bot: bool = False, guest: bool = False) -> Person:
        self.people[key] = Person(key, team, name, bot, guest, self.teams[team].enterprise)
        return self.people[key]

    def channel(self, key: str, team: str, name: str, *, members: set[str] | None = None, im_of: str = "") -> Channel:
        self.channels[key] = Channel(key, team, name, im_of, members or set())
        return self.channels[key]

    def direct(self, team: str, user: str) -> Channel:
        """The conversation of the app with one person."""
        found = next((c for c in self.channels.values() if c.im_of == user), None)
        return found or self.channel(f"D{user[1:]}", team, user, im_of=user)

    def code(self, team: str, redirect_uri: str) -> str:
        """What Slack sends back with somebody who said yes."""
        code = secrets.token_hex(12)
        self.codes[code] = (team, redirect_uri)
        return code

    def team_of(self, token: str) -> Team | None:
        return next((t for t in self.teams.values() if t.token == token and token not in self.dead_tokens), None)

    def ts(self) -> str:
        """A time stamp no other message has."""
        now = max(int(time.time() * 1_000_000), self._last_ts + 1)
        self._last_ts = now
        return f"{now // 1_000_000}.{now % 1_000_000:06d}"

    def id(self, letter: str) -> str:
        return f"{letter}{next(self._numbers):07d}"

    def trigger(self, user: str) -> str:
        key = f"{secrets.randbelow(10**9)}.{next(self._numbers)}.{secrets.token_hex(8)}"
        self._triggers[key] = (user, time.monotonic() + TRIGGER_S)
        return key

    def exchange(self, trigger: str) -> tuple[str, str]:
        """(user, "") for a trigger that is still good, else ("", error). It can be used once."""
        user, until = self._triggers.pop(trigger, ("", 0.0))
        if not user:
            return "", "exchanged_trigger_id"
        return (user, "") if time.monotonic() <= until else ("", "expired_trigger_id")

    def message(self, channel: str, ts: str) -> Json | None:
        return next((m for m in self.channels[channel].messages if m["ts"] == ts), None)

    def ephemeral(self, channel: str, ts: str, user: str) -> Json | None:
        """What only this person sees there."""
        return next((m for who, m in self.channels[channel].ephemeral if who == user and m["ts"] == ts), None)

    def show(self, user: str, team: str, view: Json, *, above: str = "") -> OpenView:
        shown = OpenView(self.id("V"), user, team, view, secrets.token_hex(8), above)
        self.views[shown.id] = shown
        return shown

    def top(self, user: str) -> OpenView | None:
        """The view this person has in front of them."""
        mine = [v for v in self.views.values() if v.user == user]
        return mine[-1] if mine else None

    def close(self, view_id: str, *, everything: bool = False) -> None:
        gone = self.views.pop(view_id, None)
        if gone and everything:
            self.views = {k: v for k, v in self.views.items() if v.user != gone.user}

    def say(self, channel: str, user: str, text: str, *, thread: str = "") -> Json:
        """A person writes into a channel."""
        message = {"type": "message", "user": user, "text": text, "ts": self.ts(), "team": self.people[user].team}
        if thread:
            message["thread_ts"] = thread
        self.channels[channel].messages.append(message)
        self.changes += 1
        return message

    def cards(self, channel: str) -> list[Json]:
        """What the app has posted there, replies left out."""
        return [m for m in self.channels[channel].messages if m.get("bot_id") and m.get("thread_ts", m["ts"]) == m["ts"]]

    def replies(self, channel: str, ts: str) -> list[Json]:
        return [m for m in self.channels[channel].messages if m.get("thread_ts") == ts and m["ts"] != ts]

    def private(self, channel: str, user: str) -> list[str]:
        """The sentences only this person saw there."""
        return [m["text"] for who, m in self.channels[channel].ephemeral if who == user]
