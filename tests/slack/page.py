"""What the page of the channel asks for and does: the state of one person's Slack as JSON, and their gestures."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.slack.gestures import Gone
from tests.slack.world import Json

if TYPE_CHECKING:
    from tests.slack.server import SlackServer


def state(server: SlackServer, query: dict[str, str]) -> Json:
    """Everything this person sees: channels, the chosen one's messages, what only they see, their modal, their Home."""
    world = server.world
    with world.lock:
        people = [p for p in world.people.values() if not p.bot]
        user = query.get("user") if query.get("user") in world.people else people[0].id
        assert user
        mine = [c for c in world.channels.values() if c.team == world.people[user].team and c.im_of in {"", user}]
        channel = next((c for c in mine if c.id == query.get("channel")), mine[0])
        shown = world.top(user)
        private = [{**m, "private": True} for who, m in channel.ephemeral if who == user]
        return {
            "people": [{"id": p.id, "name": p.name} for p in people],
            "user": user,
            "channels": [{"id": c.id, "name": "Countersign" if c.im_of else c.name, "direct": bool(c.im_of)} for c in mine],
            "channel": channel.id,
            "messages": sorted([*channel.messages, *private], key=lambda m: float(m["ts"])),
            "names": {p.id: p.name for p in world.people.values()},
            "modal": {**shown.view, "id": shown.id, "hash": shown.hash} if shown else None,
            "home": world.homes.get(user),
        }


def authorize(server: SlackServer, query: dict[str, str]) -> bytes:
    """Slack's question to an administrator: which workspace, and whether at all."""
    world, kept = server.world, {name: query.get(name, "") for name in ("redirect_uri", "state")}
    known = query.get("client_id") == world.client[0]
    choices = [(team.id, f"Allow in {team.name}") for team in world.teams.values()] if known else []
    links = [(f"/oauth/answer?{urlencode({**kept, 'team': key})}", text) for key, text in [*choices, ("", "Cancel")]]
    items = "".join(f'<p><a class="link-button" href="{html.escape(url)}">{html.escape(text)}</a></p>' for url, text in links)
    asked = html.escape(query.get("scope", "").replace(",", ", "))
    head = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Demo chat</title>'
    )
    style = '<link rel="stylesheet" href="/page.css"><style>body{display:block;padding:24px}</style>'
    return f"{head}{style}<h1>Add Countersign?</h1><p>It asks for: {asked}</p>{items}</html>".encode()


def answered(server: SlackServer, query: dict[str, str]) -> str:
    """Back to the app, with a code or a refusal."""
    team, uri = query.get("team", ""), query.get("redirect_uri", "")
    said = {"code": server.world.code(team, uri)} if team in server.world.teams else {"error": "access_denied"}
    return f"{uri}?{urlencode({**said, 'state': query.get('state', '')})}"


def act(server: SlackServer, what: str, said: dict[str, Any]) -> Json:
    """A gesture of the page; gives back errors beside fields, options of a menu, or nothing: also of what was gone before the page showed that."""
    try:
        return _act(server, what, said)
    except Gone:
        return {}


def _act(server: SlackServer, what: str, said: dict[str, Any]) -> Json:
    hands, user = server.hands, str(said.get("user", ""))
    if what == "press":
        hands.press(user, said["channel"], said["ts"], said["action_id"], action=said.get("action") or {})
    elif what == "choose":
        hands.choose(user, said["action_id"], said.get("values") or {}, **(said.get("action") or {}))
    elif what == "submit":
        answer = hands.submit(user, said.get("values") or {})
        return {"errors": answer.body.get("errors") or {}, "status": answer.status}
    elif what == "close":
        server.world.close(said["view_id"])
    elif what == "options":
        return hands.options(user, said["action_id"], said.get("text", "")).body
    elif what == "reply":
        hands.reply(user, said["channel"], said["text"], said["thread"])
    elif what == "say":
        _said(server, user, said["channel"], said["text"])
    elif what == "rewrite":
        hands.rewrite(user, said["channel"], said["ts"], said["text"])
    elif what == "delete":
        hands.remove(said["channel"], said["ts"])
    elif what == "home":
        hands.home(user)
    elif what == "home-press":
        hands.press_home(user, said["action_id"], **(said.get("action") or {}))
    elif what == "fault":
        fault(server, said)
    elif what == "shortcut":
        hands.shortcut(user, said["callback_id"])
    return {}


def fault(server: SlackServer, said: dict[str, Any]) -> None:
    """What goes wrong from now on, of one method of the API or of all of them; no `kind`: nothing any more."""
    if said.get("kind"):
        server.world.faults.set(
            said.get("method", "*"), said["kind"], times=int(said.get("times", 1_000_000)), seconds=float(said.get("seconds", 1))
        )
    else:
        server.world.faults.clear()


def _said(server: SlackServer, user: str, channel: str, text: str) -> None:
    if text.startswith("/"):
        command, _, rest = text.partition(" ")
        server.hands.command(user, channel, command, rest)
        return
    message = server.world.say(channel, user, text)
    where = server.world.channels[channel]
    server.hands.event(
        where.team, {**message, "channel": channel, "channel_type": "im" if where.im_of else "channel", "event_ts": message["ts"]}
    )
