"""Slack's side of things: workspaces, who is who, and how the messages are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.db.models.functions import Now

from approvals import envelopes
from approvals.models import Decision, Edit, Requirement, SlackChannel, SlackMessage, SlackPerson, SlackTeam, User
from approvals.states import EditState, SlackState
from audit import canonical

PAGE = 50
LATE = timedelta(minutes=2)


@dataclass(frozen=True)
class TeamRow:
    """A workspace; its token is not in here."""

    id: int
    team: str
    enterprise: str
    name: str
    app: str
    bot_user: str
    scopes: str
    installed_at: datetime
    error: str
    next_at: datetime
    token_until: datetime | None
    renewable: bool
    not_renewed: str


@dataclass(frozen=True)
class Linked:
    id: int
    team: str
    slack_user: str
    workspace: str
    linked_at: datetime


@dataclass(frozen=True)
class MessageRow:
    """One message as the operators' list shows it."""

    id: int
    workspace: str
    channel: str
    kind: str
    action: str
    state: str
    attempts: int
    due_at: datetime
    error: str
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class Copy:
    """A message that somebody pressed. `card`: it is the card that counts there; `note`: a direct message about the action; `known`: the
    action has a card in this conversation, and `newest` is where that stands ("" while it is being posted).
    """

    card: bool
    note: bool
    known: bool
    newest: str


@dataclass(frozen=True)
class Standing:
    """How the messages are: `late` should have gone two minutes ago."""

    waiting: int
    late: int
    failed: int
    last_error: str


def teams() -> list[TeamRow]:
    return [_team(row) for row in SlackTeam.objects.filter(removed_at=None).order_by("pk")]


def team(team_id: str) -> TeamRow | None:
    """An installed workspace by Slack's own id."""
    row = SlackTeam.objects.filter(team=team_id, removed_at=None).first()
    return _team(row) if row else None


def team_of(channel: str) -> TeamRow | None:
    """The installed workspace that posts into a conversation, by what Slack calls that; None when none does, or several do."""
    rows = list(SlackTeam.objects.filter(channels__channel=channel, removed_at=None).distinct()[:2]) if channel else []
    return _team(rows[0]) if len(rows) == 1 else None


def homes(channels: Collection[str]) -> dict[str, str]:
    """In which installed workspace each of these channels is known, for something was posted there; of a shared one, where it was first."""
    there = SlackTeam.objects.filter(removed_at=None).values("team")
    rows = SlackChannel.objects.filter(name__in=set(channels), team__team__in=there).exclude(error__contains="[channel_not_found]")
    return dict(rows.order_by("-pk").values_list("name", "team__team"))


def sealed_token(pk: int) -> tuple[str, str]:
    """Its token as it is kept, and the address of the Slack it belongs to."""
    token, api = SlackTeam.objects.values_list("token", "api").get(pk=pk)
    return token, api


def person(*, enterprise: str, team: str, slack_user: str) -> User | None:
    """Whose Slack account this is here. All three must match; there is no other way to be somebody."""
    row = (
        SlackPerson.objects.select_related("user").filter(enterprise=enterprise, team=team, slack_user=slack_user, unlinked_at=None).first()
    )
    return row.user if row else None


def person_at(team: int, slack_user: str) -> User | None:
    """Whose direct conversation this is, by the workspace's row."""
    people = SlackPerson.objects.select_related("user").filter(slack_user=slack_user, unlinked_at=None, user__is_active=True)
    row = people.filter(team__in=SlackTeam.objects.filter(pk=team).values("team")).first()
    return row.user if row else None


def names_of(team: str, slack_users: Collection[str]) -> dict[str, str]:
    """What these people of a workspace are called here, as far as they are linked."""
    rows = (
        SlackPerson.objects.filter(team=team, slack_user__in=slack_users, unlinked_at=None) if slack_users else SlackPerson.objects.none()
    )
    return dict(rows.values_list("slack_user", "user__username"))


def linked(user: User) -> list[Linked]:
    names = dict(SlackTeam.objects.filter(removed_at=None).values_list("team", "name"))
    rows = SlackPerson.objects.filter(user=user, unlinked_at=None).order_by("pk")
    return [Linked(p.pk, p.team, p.slack_user, names.get(p.team, p.team), p.linked_at) for p in rows]


def linked_people() -> Sequence[SlackPerson]:
    """Everybody who is linked, with their accounts."""
    return list(SlackPerson.objects.filter(unlinked_at=None, user__is_active=True).select_related("user"))


def action_at(*, team: str, channel: str, ts: str) -> str:
    """The action whose card stands at this place, "" when none does. Under an old copy people go on talking about it."""
    kinds = [SlackMessage.Kind.CARD, SlackMessage.Kind.OLD]
    found = SlackMessage.objects.filter(channel__team__team=team, channel__channel=channel, ts=ts, kind__in=kinds)
    return str(found.values_list("action_id", flat=True).first() or "")


def copy_at(team: int, *, channel: str, ts: str, action: UUID) -> Copy:
    """How the message at this place stands to what we keep true of an action in this conversation. `team` is the workspace's row."""
    kept = [SlackMessage.Kind.CARD, SlackMessage.Kind.NOTE]
    rows = SlackMessage.objects.filter(channel__team_id=team, channel__channel=channel, action=action, kind__in=kept)
    found = list(rows.values_list("kind", "ts", "body"))
    cards = [(at, body) for kind, at, body in found if kind == SlackMessage.Kind.CARD]
    card = any(at == ts and "anew" not in body for at, body in cards)
    note = any(at == ts for kind, at, _body in found if kind == SlackMessage.Kind.NOTE)
    return Copy(bool(ts) and card, bool(ts) and note, bool(cards), next((at for at, _body in cards if at != ts), ""))


def messages(*, state: str = "", before: int = 0, limit: int = PAGE) -> list[MessageRow]:
    """Newest first, by when they were owed."""
    rows = SlackMessage.objects.select_related("channel__team").order_by("-pk")
    if state in set(SlackState):
        rows = rows.filter(state=state)
    if before:
        rows = rows.filter(pk__lt=before)
    return [_message(row) for row in rows[:limit]]


def failed_lately(*, limit: int) -> list[MessageRow]:
    """What failed, the last to fail first: a card that was owed long ago may fail today."""
    rows = SlackMessage.objects.select_related("channel__team").filter(state=SlackState.FAILED)
    return [_message(row) for row in rows.order_by("-changed_at", "-pk")[:limit]]


def _message(m: SlackMessage) -> MessageRow:
    return MessageRow(
        m.pk, m.channel.team.name, m.channel.name, m.kind, str(m.action_id or ""), m.state, m.attempts, m.due_at, m.error, m.created_at,
        m.changed_at,
    )  # fmt: skip


def standing() -> Standing:
    """The figures over the list, also for `doctor` and `slack_check`."""
    late = Q(state=SlackState.WAITING) & (Q(due_at__lt=Now() - LATE) | Q(attempts__gte=3))
    left = SlackMessage.objects.filter(channel__team__removed_at=None, state__in=[SlackState.WAITING, SlackState.FAILED])
    found: dict[str, Any] = left.aggregate(
        waiting=Count("pk", filter=Q(state=SlackState.WAITING)),
        late=Count("pk", filter=late),
        failed=Count("pk", filter=Q(state=SlackState.FAILED)),
    )
    troubled = left.exclude(error="").order_by("-changed_at")
    error = (
        troubled.values_list("error", flat=True).first()
        or SlackTeam.objects.filter(removed_at=None).exclude(error="").values_list("error", flat=True).first()
    )
    return Standing(found["waiting"], found["late"], found["failed"], error or "")


def _team(row: SlackTeam) -> TeamRow:
    return TeamRow(
        row.pk, row.team, row.enterprise, row.name, row.app, row.bot_user, row.scopes, row.installed_at, row.error, row.next_at,
        row.token_until, bool(row.refresh_token), row.not_renewed,
    )  # fmt: skip


@dataclass(frozen=True)
class DecisionRow:
    """One person's decision as a thread tells of it."""

    by: str
    verdict: str
    words: str
    door: str
    at: datetime
    version: int
    instead_of: str


@dataclass(frozen=True)
class Versions:
    """A version and the one before it."""

    action: str
    tool: str
    version: int
    why: str
    edited_by: str
    at: datetime
    reason: str
    policy: str
    before: Any
    after: Any


def decision(pk: int) -> DecisionRow | None:
    """One verdict; of a test action none: whose it was is not for a channel."""
    d = Decision.objects.filter(pk=pk, action__drill=False).select_related("instead_of").first()
    if d is None:
        return None
    stead = d.instead_of.get_username() if d.instead_of else ""
    return DecisionRow(d.by_name, str(d.verdict), d.response or d.reason, d.door, d.created_at, d.version, stead)


def two_versions(action: str, version: int) -> Versions | None:
    rows = list(
        Requirement.objects.filter(action_id=UUID(action), version__in=[version - 1, version])
        .select_related("action", "edited_by")
        .order_by("version")
    )
    if len(rows) != 2:
        return None
    before, after = rows
    by = after.edited_by.get_username() if after.edited_by else ""
    edit = Edit.objects.filter(action=UUID(action), version=version - 1, state=EditState.APPLIED).order_by("-pk").first()
    reason = edit.reason if edit and after.why == "edited" else ""
    return Versions(
        action,
        after.action.tool,
        version,
        after.why,
        by,
        after.created_at,
        reason,
        after.policy,
        envelopes.parse(before).args,
        envelopes.parse(after).args,
    )


@dataclass(frozen=True)
class RefusedEdit:
    """Other arguments that were not taken; `errors` says why, by path, and `args` what they were."""

    action: str
    tool: str
    level: str
    version: int
    by: str
    at: datetime | None
    args: Any
    errors: dict[str, str]


def refused_edit(pk: int) -> RefusedEdit | None:
    found = Edit.objects.select_related("action", "by").filter(pk=pk, state=EditState.REFUSED).first()
    return _refused_edit(found) if found else None


def last_refused(action_id: str, version: int) -> RefusedEdit | None:
    """The last edit of this version, whoever wrote it, if it was refused: none while another one is being checked."""
    found = Edit.objects.select_related("action", "by").filter(action=UUID(action_id), version=version).order_by("-pk").first()
    return _refused_edit(found) if found and found.state == EditState.REFUSED else None


def _refused_edit(edit: Edit) -> RefusedEdit:
    action, args = edit.action, canonical.parse(bytes(edit.args))
    return RefusedEdit(
        str(action.pk), action.tool, action.level, edit.version, edit.by.get_username(), edit.done_at, args, dict(edit.errors)
    )
