"""The Web API: one function per method, from arguments to the answer's JSON. Raises `Refused` for Slack's `ok: false`."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from tests.slack import limits
from tests.slack.world import Channel, Json, OpenView, Team, World

# What the app is given: all that its manifest asks for.
SCOPES = "channels:history,channels:read,chat:write,commands,groups:history,groups:read,im:history,im:write,users:read"


def scopes(team: Team) -> str:
    """What its token may do."""
    return ",".join(scope for scope in SCOPES.split(",") if scope not in team.without)


class Refused(Exception):
    """Slack's error code, with what it adds to it."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.answer = {"ok": False, "error": error, **more}


def call(world: World, method: str, args: Json, token: str) -> Json:
    """One call. Methods without a token of a workspace: `oauth.v2.access`, `apps.connections.open`, `api.test`."""
    args = {name: _parsed(name, value) for name, value in args.items()}
    world.calls.append((time.monotonic(), method, args))
    if method in OPEN:
        return {"ok": True, **OPEN[method](world, args, token)}
    if token in world.dead_tokens:
        raise Refused("token_expired")
    team = world.team_of(token)
    if team is None:
        raise Refused("invalid_auth" if token else "not_authed")
    if method not in METHODS:
        raise Refused("unknown_method", req_method=method)
    return {"ok": True, **METHODS[method](world, team, args)}


def _parsed(name: str, value: Any) -> Any:
    """Forms carry structures as JSON text."""
    if name in {"blocks", "view", "metadata", "attachments"} and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            raise Refused("invalid_arguments") from None
    return value


def _flag(args: Json, name: str) -> bool:
    return args.get(name) in {True, "true", "1"}


def _channel(world: World, team: Team, args: Json) -> Channel:
    key = str(args.get("channel", ""))
    if key in world.people and world.people[key].team == team.id:
        return world.direct(team.id, key)
    found = world.channels.get(key)
    if found is None or found.team != team.id:
        raise Refused("channel_not_found")
    if found.archived:
        raise Refused("is_archived")
    if found.members and team.bot_user not in found.members:
        raise Refused("not_in_channel")
    return found


def _checked(args: Json) -> None:
    blocks, text = args.get("blocks") or [], str(args.get("text", ""))
    if problems := limits.message(blocks, text):
        raise Refused("invalid_blocks", response_metadata={"messages": problems})
    if not text and not blocks:
        raise Refused("no_text")


def post(world: World, team: Team, args: Json) -> Json:
    channel = _channel(world, team, args)
    _checked(args)
    thread = args.get("thread_ts", "")
    if thread and not world.message(channel.id, thread):
        raise Refused("thread_not_found")
    message = {
        "type": "message", "user": team.bot_user, "bot_id": f"B{team.id[1:]}", "app_id": world.app_id, "team": team.id, "ts": world.ts(),
        "text": str(args.get("text", "")), "blocks": args.get("blocks") or [], **({"thread_ts": thread} if thread else {}),
        **({"metadata": args["metadata"]} if args.get("metadata") else {}),
    }  # fmt: skip
    channel.messages.append(message)
    channel.posts.append(time.monotonic())
    world.changes += 1
    return {"channel": channel.id, "ts": message["ts"], "message": message}


def update(world: World, team: Team, args: Json) -> Json:
    channel = _channel(world, team, args)
    message = world.message(channel.id, str(args.get("ts", "")))
    if message is None:
        raise Refused("message_not_found")
    if message.get("user") != team.bot_user:
        raise Refused("cant_update_message")
    _checked(args)
    message |= {"text": str(args.get("text", "")), "blocks": args.get("blocks") or [], "edited": {"user": team.bot_user, "ts": world.ts()}}
    if args.get("metadata"):
        message["metadata"] = args["metadata"]
    channel.updates.append(time.monotonic())
    world.changes += 1
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"]}


def permalink(world: World, team: Team, args: Json) -> Json:
    channel, ts = _channel(world, team, args), str(args.get("message_ts", ""))
    if world.message(channel.id, ts) is None:
        raise Refused("message_not_found")
    return {"channel": channel.id, "permalink": f"https://{team.id.lower()}.example/archives/{channel.id}/p{ts.replace('.', '')}"}


def delete(world: World, team: Team, args: Json) -> Json:
    channel = _channel(world, team, args)
    message = world.message(channel.id, str(args.get("ts", "")))
    if message is None:
        raise Refused("message_not_found")
    channel.messages.remove(message)
    world.changes += 1
    return {"channel": channel.id, "ts": message["ts"]}


def whisper(world: World, team: Team, args: Json) -> Json:
    channel, user = _channel(world, team, args), str(args.get("user", ""))
    if user not in world.people or (channel.im_of and channel.im_of != user):
        raise Refused("user_not_in_channel")
    _checked(args)
    ts = world.ts()
    said = {"ts": ts, "text": str(args.get("text", "")), "blocks": args.get("blocks") or [], "thread_ts": args.get("thread_ts", "")}
    channel.ephemeral.append((user, said))
    channel.posts.append(time.monotonic())
    world.changes += 1
    return {"message_ts": ts}


def _view(args: Json) -> Json:
    view = args.get("view")
    if not isinstance(view, dict):
        raise Refused("invalid_arguments")
    if problems := limits.view(view):
        raise Refused("invalid_arguments", response_metadata={"messages": problems})
    return view


def _said(shown: OpenView) -> Json:
    return {"view": {**shown.view, "id": shown.id, "hash": shown.hash, "team_id": shown.team, "root_view_id": shown.above or shown.id}}


def open_view(world: World, team: Team, args: Json) -> Json:
    view = _view(args)
    user, error = world.exchange(str(args.get("trigger_id", "")))
    if error:
        raise Refused(error)
    world.views = {k: v for k, v in world.views.items() if v.user != user}
    world.changes += 1
    return _said(world.show(user, team.id, view))


def push_view(world: World, team: Team, args: Json) -> Json:
    view = _view(args)
    user, error = world.exchange(str(args.get("trigger_id", "")))
    if error:
        raise Refused(error)
    under = world.top(user)
    world.changes += 1
    return _said(world.show(user, team.id, view, above=under.id if under else ""))


def update_view(world: World, team: Team, args: Json) -> Json:
    shown = world.views.get(str(args.get("view_id", "")))
    if shown is None or shown.team != team.id:
        raise Refused("not_found")
    if args.get("hash") and args["hash"] != shown.hash:
        raise Refused("hash_conflict")
    shown.view, shown.hash = _view(args), secrets.token_hex(8)
    world.changes += 1
    return _said(shown)


def publish(world: World, team: Team, args: Json) -> Json:
    if args.get("user_id") not in world.people:
        raise Refused("user_not_found")
    world.homes[args["user_id"]] = view = _view(args)
    world.changes += 1
    return {"view": {**view, "id": world.id("V"), "hash": secrets.token_hex(8)}}


def auth_test(world: World, team: Team, args: Json) -> Json:
    found = {"url": f"https://{team.id.lower()}.example/", "team": team.name, "user": "countersign", "team_id": team.id}
    return {
        **found,
        "user_id": team.bot_user,
        "bot_id": f"B{team.id[1:]}",
        "enterprise_id": team.enterprise or None,
        "is_enterprise_install": False,
    }


def user_info(world: World, team: Team, args: Json) -> Json:
    found = world.people.get(str(args.get("user", "")))
    if found is None:
        raise Refused("user_not_found")
    kinds = {"is_bot": found.bot, "is_restricted": found.guest, "is_ultra_restricted": False, "deleted": False}
    stranger = {"is_stranger": True} if found.team != team.id else {}
    profile = {"real_name": found.name.title(), "email": f"{found.name}@example.org"}
    return {"user": {"id": found.id, "team_id": found.team, "name": found.name, "tz": "UTC", "profile": profile, **kinds, **stranger}}


def history(world: World, team: Team, args: Json) -> Json:
    messages = _channel(world, team, args).messages
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or 10**12)
    inside = _flag(args, "inclusive")
    top = [m for m in messages if m.get("thread_ts", m["ts"]) == m["ts"]]
    kept = [m for m in top if oldest < float(m["ts"]) < latest or (inside and float(m["ts"]) in {oldest, latest})]
    return _paged(kept[::-1], args, most=100)


def replies(world: World, team: Team, args: Json) -> Json:
    channel, ts = _channel(world, team, args), str(args.get("ts", ""))
    kept = [m for m in channel.messages if ts in {m["ts"], m.get("thread_ts")}]
    if not kept:
        raise Refused("thread_not_found")
    oldest = float(args.get("oldest") or 0)
    return _paged([m for m in kept if m["ts"] == ts or oldest < float(m["ts"])], args, most=1_000)


def _paged(messages: list[Json], args: Json, *, most: int) -> Json:
    """So many of them, and a cursor for those that follow."""
    first, limit = int(args.get("cursor") or 0), int(args.get("limit") or most)
    end = first + limit
    more = {"response_metadata": {"next_cursor": str(end)}} if end < len(messages) else {}
    return {"messages": _bare(messages[first:end], args), "has_more": bool(more), **more}


def _bare(messages: list[Json], args: Json) -> list[Json]:
    if _flag(args, "include_all_metadata"):
        return messages
    return [{k: v for k, v in m.items() if k != "metadata"} for m in messages]


def channel_info(world: World, team: Team, args: Json) -> Json:
    found = world.channels.get(str(args.get("channel", "")))
    if found is None or found.team != team.id:
        raise Refused("channel_not_found")
    member = not found.members or team.bot_user in found.members
    return {"channel": {"id": found.id, "name": found.name, "is_member": member, "is_archived": found.archived, "is_im": bool(found.im_of)}}


def channel_list(world: World, team: Team, args: Json) -> Json:
    mine = [c for c in world.channels.values() if c.team == team.id and not c.im_of]
    return {"channels": [channel_info(world, team, {"channel": c.id})["channel"] for c in mine]}


def channel_open(world: World, team: Team, args: Json) -> Json:
    user = str(args.get("users", ""))
    if user not in world.people:
        raise Refused("user_not_found")
    return {"channel": {"id": world.direct(team.id, user).id}}


def channel_join(world: World, team: Team, args: Json) -> Json:
    found = world.channels.get(str(args.get("channel", "")))
    if found is None:
        raise Refused("channel_not_found")
    if found.members:
        found.members.add(team.bot_user)
    return {"channel": {"id": found.id}}


def members(world: World, team: Team, args: Json) -> Json:
    found = _channel(world, team, args)
    return {"members": sorted(found.members or {p.id for p in world.people.values() if p.team == team.id})}


def oauth(world: World, args: Json, token: str) -> Json:
    if (args.get("client_id"), args.get("client_secret")) != world.client and not _basic(args, world):
        raise Refused("invalid_client_id")
    if args.get("grant_type") == "refresh_token":
        team = next((t for t in world.teams.values() if t.refresh_token and t.refresh_token == args.get("refresh_token")), None)
        if team is None:
            raise Refused("invalid_refresh_token")  # they are used once
        world.dead_tokens.add(team.token)
        team.token, team.refresh_token = f"xoxe.xoxb-{secrets.token_hex(6)}", f"xoxe-{secrets.token_hex(6)}"
    else:
        found = world.codes.pop(str(args.get("code", "")), None)  # good once
        if found is None:
            raise Refused("invalid_code")
        if found[1] != args.get("redirect_uri"):
            raise Refused("bad_redirect_uri")
        team = world.teams[found[0]]
        if team.org_wide:
            whole = {"id": team.enterprise, "name": "Enterprise"}
            return {"access_token": team.token, "team": None, "enterprise": whole, "is_enterprise_install": True, "token_type": "bot"}
    rotating = {"refresh_token": team.refresh_token, "expires_in": 43_200} if team.refresh_token else {}
    enterprise = {"id": team.enterprise, "name": "Enterprise"} if team.enterprise else None
    about = {"app_id": world.app_id, "token_type": "bot", "scope": scopes(team), "bot_user_id": team.bot_user}
    return {
        **about, "access_token": team.token, "team": {"id": team.id, "name": team.name}, "enterprise": enterprise,
        "authed_user": {"id": "U0MEI"}, "is_enterprise_install": False, **rotating,
    }  # fmt: skip


def revoke(world: World, team: Team, args: Json) -> Json:
    world.dead_tokens.add(team.token)
    return {"revoked": True}


def _basic(args: Json, world: World) -> bool:
    return bool(args.get("_basic") == list(world.client))


def connections(world: World, args: Json, token: str) -> Json:
    if token != world.app_token:
        raise Refused("invalid_auth")
    return {"url": f"{getattr(world, 'socket_url', '')}/?ticket={secrets.token_hex(8)}"}


OPEN: dict[str, Callable[[World, Json, str], Json]] = {
    "oauth.v2.access": oauth, "apps.connections.open": connections, "api.test": lambda world, args, token: {},
}  # fmt: skip
METHODS: dict[str, Callable[[World, Team, Json], Json]] = {
    "auth.test": auth_test, "auth.revoke": revoke, "chat.postMessage": post, "chat.update": update, "chat.delete": delete, "chat.getPermalink": permalink, "chat.postEphemeral": whisper,
    "views.open": open_view, "views.push": push_view, "views.update": update_view, "views.publish": publish, "users.info": user_info,
    "conversations.history": history, "conversations.replies": replies, "conversations.info": channel_info, "conversations.list": channel_list,
    "conversations.open": channel_open, "conversations.join": channel_join, "conversations.members": members,
}  # fmt: skip
