"""What Slack is owed: a card where the policy routes an action, copies that are no longer true, and what belongs into their threads.

That something changed `slack_following` hears.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models.functions import Now

from approvals import envelopes, permissions
from approvals.errors import Tampered
from approvals.models import Action, Comment, Decision, Edit, Requirement, SlackChannel, SlackMessage, SlackPerson, SlackTeam
from approvals.operations.clock import database_now
from approvals.operations.once import once
from approvals.policy.slack import SlackRule, home_of
from approvals.queries.slack import homes
from approvals.states import ActionState, EditState, SlackState

CATCH_UP = 200  # of what waits when a workspace is connected, or a route is corrected: the newest
WHISPERS_LAST = timedelta(minutes=10)
_caught_up: tuple[Any, ...] | None = None


def installed() -> bool:
    """Whether there is any workspace at all."""
    return SlackTeam.objects.filter(removed_at=None).exists()


def owe_cards(action: Action, rule: SlackRule, *, fallback: str = "") -> int:
    """A card in every channel the policy routes this action to. Returns how many are new or wait again.

    Args:
        fallback: a channel for what no route names.
    """
    places = _places(action, rule, _teams(), fallback)
    return sum(_owe(team, channel, SlackMessage.Kind.CARD, f"card:{action.pk}", action=action) for team, channel in places)


def owe_waiting(rule: SlackRule, *, most: int, fallback: str = "") -> int:
    """Cards of what waits already, the newest of it, wherever a route leads and none was owed. Returns how many."""
    teams = _teams()
    pending = Action.objects.filter(state=ActionState.PENDING, expires_at__gt=Now()).order_by("-created_at")[:most]
    waiting = [action for action in pending if _told_in_slack(action)]
    cards = SlackMessage.objects.filter(action__in=waiting, kind=SlackMessage.Kind.CARD, channel__team__in=teams.values())
    cards = cards.exclude(state=SlackState.SKIPPED)  # no route led there when it was to be posted
    there = set(cards.values_list("action_id", "channel__team_id", "channel__name"))
    made = 0
    for action in reversed(waiting):
        for team, channel in _places(action, rule, teams, fallback):
            if (action.pk, team.pk, channel) not in there:
                made += _owe(team, channel, SlackMessage.Kind.CARD, f"card:{action.pk}", action=action)
    return made


def catch_up(rule: SlackRule, *, fallback: str = "") -> int:
    """What waits gets the cards that a corrected route, or a workspace connected meanwhile, brings. Once for each change, in each process."""
    global _caught_up
    teams = SlackTeam.objects.filter(removed_at=None).order_by("pk").values_list("pk", flat=True)
    now = (rule.model_dump_json(include={"channels"}), tuple(teams), fallback)
    if now == _caught_up:
        return 0
    made = owe_waiting(rule, most=CATCH_UP, fallback=fallback)
    _caught_up = now
    return made


def _teams() -> dict[str, SlackTeam]:
    return {team.team: team for team in SlackTeam.objects.filter(removed_at=None)}


def _places(action: Action, rule: SlackRule, teams: Mapping[str, SlackTeam], fallback: str) -> list[tuple[SlackTeam, str]]:
    """Where its cards go, as far as anybody can tell."""
    groups = [group for group in action.turn.split("|") if group]
    routes = [(r.team, r.channel) for r in rule.routes(level=action.level, agent=action.agent, tool=action.tool, groups=groups)]
    routes = routes or ([("", fallback)] if fallback else [])
    unsaid = [channel for team, channel in routes if not team] if len(teams) > 1 else []
    known = homes(unsaid) if unsaid else {}
    found = [(home_of(place, teams, known), place[1]) for place in routes]
    return [(teams[home], channel) for home, channel in found if home]


def _told_in_slack(action: Action) -> bool:
    """Whether the policy it was asked under lets people be told of it in Slack at all."""
    requirement = Requirement.objects.filter(action=action, version=action.version).first()
    try:
        return requirement is not None and "slack" in envelopes.parse(requirement).tell
    except Tampered:
        return True  # its card says so


def owe_directs(actions: Collection[UUID]) -> int:
    """The card as a direct message to whoever has one of these reserved."""
    waiting = Action.objects.filter(pk__in=actions, state=ActionState.PENDING, reserved_by__isnull=False)
    return sum(owe_direct(action) for action in waiting)


def owe_direct(action: Action) -> int:
    """The card as a direct message to whoever has this action reserved, wherever they are linked."""
    made = 0
    reserved = action.reserved_by_id is not None and _told_in_slack(action)
    for person in SlackPerson.objects.filter(user=action.reserved_by_id, unlinked_at=None).select_related("user") if reserved else ():
        if not permissions.roles(person.user):
            continue  # they may read none of it any more
        team = SlackTeam.objects.filter(team=person.team, removed_at=None).first()
        made += bool(team and _owe(team, person.slack_user, SlackMessage.Kind.CARD, f"card:{action.pk}", action=action))
    return made


def owe_told(user: int, notice: int, kind: str, action: Action, *, due: datetime, quiet: datetime) -> int:
    """A direct message to one person about one action: a reminder, an escalation, their turn. Drawn, and looked at again, when it goes.

    Args:
        quiet: with others it goes before it is due, but not before this.
    """
    people = SlackPerson.objects.filter(user=user, unlinked_at=None)
    body = {"what": "told", "kind": kind, "version": action.version, "quiet": quiet.timestamp()}
    return sum(owe_note(person, f"notice:{notice}", body, action=action, due=due) for person in people)


def owe_digests(day_of: Callable[[int], str], users: Collection[int]) -> int:
    """The digest of the day `day_of` gives, for these people wherever they are linked; each once. Returns how many are new."""
    people = SlackPerson.objects.filter(user__in=users, unlinked_at=None)
    return sum(owe_note(person, f"digest:{day_of(person.user_id)}", {"what": "digest"}) for person in people)


def owe_note(person: SlackPerson, key: str, body: dict[str, Any], **values: Any) -> bool:
    """A direct message that stands alone: `text` and `blocks` as they are, or `what` for one of `slack.noting`. The same key once."""
    team = SlackTeam.objects.filter(team=person.team, removed_at=None).first()
    if team is None:
        return False
    due = {"due_at": values.pop("due")} if "due" in values else {}
    return _owe(team, person.slack_user, SlackMessage.Kind.NOTE, f"note:{key}", body=body, **due, **values)


def owe_refused(edit: Edit) -> int:
    """Whoever wrote an edit in Slack hears there that it was not taken, for in a channel why may not stand. Drawn, or left, when it goes."""
    people = SlackPerson.objects.filter(user=edit.by, unlinked_at=None) if edit.door == "slack" else ()
    return sum(owe_note(one, f"refused:{edit.pk}", {"what": "refused", "edit": edit.pk}, action=edit.action) for one in people)


def owe_to_channel(channel: str, key: str, body: dict[str, Any]) -> bool:
    """A message to a channel that is about no action; the same key once. False where no workspace has it."""
    teams = _teams()
    known = homes([channel]) if len(teams) > 1 else {}
    home = home_of(("", channel), teams, known)
    return bool(home) and _owe(teams[home], channel, SlackMessage.Kind.NOTE, f"note:{key}", body=body)


def owe_said(team_id: int, slack_user: str, text: str) -> None:
    """A sentence to one person as a direct message; for somebody who was told of it in a view, and had closed that. They need not be linked:
    who typed a wrong code is not."""
    if team := SlackTeam.objects.filter(pk=team_id, removed_at=None).first():
        _owe(team, slack_user, SlackMessage.Kind.NOTE, f"note:said:{uuid4()}", body={"text": text})


def owe_whisper(team_id: int, channel: str, body: dict[str, Any]) -> int:
    """A private sentence, said as soon as its conversation may be written to; after some minutes there is no point in it. Returns its row."""
    where = SlackChannel.objects.filter(team_id=team_id, channel=channel).first()
    if where is None:
        where, _ = once(SlackChannel, {"team_id": team_id, "name": channel}, channel=_address(channel))
    kept = {**body, "until": (database_now() + WHISPERS_LAST).timestamp()}
    return int(SlackMessage.objects.create(channel=where, kind=SlackMessage.Kind.WHISPER, key=f"whisper:{uuid4()}", body=kept).pk)


def _address(name: str) -> str:
    """What Slack calls a conversation; not known yet of a direct one with a person."""
    return "" if name[:1] in {"U", "W"} else name


def _owe(team: SlackTeam, name: str, kind: str, key: str, **values: Any) -> bool:
    channel, _ = once(SlackChannel, {"team": team, "name": name}, channel=_address(name))
    row, new = once(SlackMessage, {"channel": channel, "key": key}, kind=kind, **values)
    if new or kind == SlackMessage.Kind.NOTE:
        return new
    again = SlackMessage.objects.filter(pk=row.pk, state=SlackState.SKIPPED)
    return bool(again.update(state=SlackState.WAITING, due_at=Now(), attempts=0, error=""))


def owe_replies(actions: Collection[UUID], *, posted: bool = False) -> int:
    """Decisions, new versions, refused edits and comments of these actions, for the thread under each of their cards. Each once.

    Args:
        posted: their card has just been posted, so that what was given up while there was none is said now.
    """
    cards = list(
        SlackMessage.objects.select_related("channel__team").filter(action__in=actions, kind=SlackMessage.Kind.CARD).exclude(ts="")
    )
    made = _revived(cards) if posted else 0
    # A long discussion is not looked for one by one, at every change and for every copy.
    replies = SlackMessage.objects.filter(action__in=actions, kind=SlackMessage.Kind.REPLY)
    there = set(replies.values_list("channel_id", "key")) if cards else set()
    for card in cards:
        for key, comment in _said_since(card):
            if (card.channel_id, f"reply:{key}") not in there:
                made += _reply(card, key, comment=comment)
    return made


def _said_since(card: SlackMessage) -> Iterator[tuple[str, Comment | None]]:
    """What belongs under a card, by the key of its reply."""
    since = card.created_at
    decisions = Decision.objects.filter(action=card.action_id, by__isnull=False, grant=None, created_at__gte=since)
    yield from ((f"decision:{pk}", None) for pk in decisions.values_list("pk", flat=True))
    versions = Requirement.objects.filter(action=card.action_id, version__gt=1, created_at__gte=since)
    yield from ((f"version:{card.action_id}:{v}", None) for v in versions.values_list("version", flat=True))
    refused = Edit.objects.filter(action=card.action_id, action__drill=False, state=EditState.REFUSED, done_at__gte=since)
    yield from ((f"refused:{pk}", None) for pk in refused.values_list("pk", flat=True))
    here = f"{card.channel.team.team}:{card.channel.channel}:"
    for comment in Comment.objects.filter(action=card.action_id, created_at__gte=since):
        if not comment.key.startswith(here):  # it was said in this very conversation
            yield f"comment:{comment.pk}", comment


def _reply(card: SlackMessage, key: str, *, comment: Comment | None) -> bool:
    values = {"kind": SlackMessage.Kind.REPLY, "card": card, "action_id": card.action_id, "comment": comment}
    return once(SlackMessage, {"channel_id": card.channel_id, "key": f"reply:{key}"}, **values)[1]


def _revived(cards: Collection[SlackMessage]) -> int:
    left = SlackMessage.objects.filter(card__in=cards, kind=SlackMessage.Kind.REPLY, state=SlackState.SKIPPED)
    return left.update(state=SlackState.WAITING, due_at=Now(), attempts=0, error="")
