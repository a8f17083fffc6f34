"""Slack's part: where it is installed, who is who there, every message of ours as a copy to be kept true, and what was heard already.

A message's row is its queue: whoever sets SENDING posts it (see `operations.slack_queue`).
"""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.models.actions import Action
from approvals.models.comments import Comment
from approvals.states import SLACK_TRANSITIONS, SlackState, steps


class SlackTeam(models.Model):
    """One workspace the app is installed in. Tokens are sealed (`notify.sealing`); removed ones stay for the names in old messages."""

    team = models.TextField()
    enterprise = models.TextField(blank=True)
    name = models.TextField()
    api = models.TextField(blank=True)  # where it was installed: its token and its messages go nowhere else ("": before this was kept)
    app = models.TextField(blank=True)
    bot_user = models.TextField()
    token = models.TextField()
    refresh_token = models.TextField(blank=True)
    token_until = models.DateTimeField(null=True)  # null: does not expire
    refreshing_until = models.DateTimeField(null=True)  # a refresh token is used once: one process at a time
    not_renewed = models.TextField(blank=True, db_default="")  # why the last try to renew it was in vain; what messages meet is `error`
    scopes = models.TextField(blank=True)
    installed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    installed_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True)
    # No message is sent before: Slack said so when the last one was (Retry-After), or it could not be reached.
    next_at = models.DateTimeField(db_default=Now())
    failures = models.IntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team"], condition=Q(removed_at=None), name="slack_team_once")]

    def __str__(self) -> str:
        return self.name


class SlackPause(models.Model):
    """Slack asked to leave one method of its API alone for a while (`Retry-After`). Its limits are per workspace and method."""

    team = models.ForeignKey(SlackTeam, on_delete=models.CASCADE, related_name="pauses")
    method = models.TextField()
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "method"], name="slack_pause_once")]

    def __str__(self) -> str:
        return f"{self.method} of {self.team_id}"


class SlackPerson(models.Model):
    """A Slack account that somebody signed in here has called their own. Identity is the triple; a name or address is none."""

    enterprise = models.TextField(blank=True)
    team = models.TextField()
    slack_user = models.TextField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    linked_at = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(db_default=Now())  # when Slack last said that this is a full member
    unlinked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["enterprise", "team", "slack_user"], condition=Q(unlinked_at=None), name="slack_person_once")
        ]
        indexes = [models.Index(fields=["user"], name="slack_person_of", condition=Q(unlinked_at=None))]
        triggers = [
            pgtrigger.Protect(
                name="linked_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("enterprise", "team", "slack_user", "user", "linked_at"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.slack_user} is {self.user_id}"


class SlackCode(models.Model):
    """A one-time code that a signed-in person types in Slack; only its hash is kept."""

    sha256 = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="slack_code_old")]

    def __str__(self) -> str:
        return f"code of {self.user_id}"


class SlackGuess(models.Model):
    """Somebody in Slack typed a code that could be one: counted for ten minutes, so that nobody tries them all."""

    team = models.TextField()
    slack_user = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["at"], name="slack_guess_lately")]

    def __str__(self) -> str:
        return f"{self.slack_user} of {self.team}"


class SlackChannel(models.Model):
    """A conversation we post to. `name` is what routes call it (a channel's id, or a person's for a direct message); `channel` is Slack's
    id of it, known of a direct message once it was opened. The two moments are the token buckets of posting and of updating.
    """

    team = models.ForeignKey(SlackTeam, on_delete=models.CASCADE, related_name="channels")
    name = models.TextField()
    channel = models.TextField(blank=True)
    post_at = models.DateTimeField(db_default=Now())
    update_at = models.DateTimeField(db_default=Now())
    error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="slack_channel_once")]

    def __str__(self) -> str:
        return self.name


class SlackMessage(models.Model):
    """One message of ours: to be posted, posted, or to be made true again.

    Attributes:
        kind: an `old` one is a card that counts no more (changed by somebody, or posted anew); a `whisper` is seen by one person.
        key: what it is, once per conversation: "card:<action>", "reply:<what>", "note:<what>", "old:<ts>", "whisper:<number>".
        card: for a reply, whose thread it goes into. comment: for a reply, what it repeats. body: for a note or a whisper, what it says;
            of a card `anew`: somebody changed it while it was being sent, so that it is posted again.
        ts: Slack's name of it, "" until it is posted. shown: fingerprint of what it shows; `version` of the action.
        told: how often it was told that something changed; more often than when it was taken, and it is drawn once more.
        lost: an answer to posting never came: look for it before posting a second one.
    """

    class Kind(models.TextChoices):
        CARD = "card"
        REPLY = "reply"
        NOTE = "note"
        OLD = "old"
        WHISPER = "whisper"

    channel = models.ForeignKey(SlackChannel, on_delete=models.CASCADE, related_name="messages")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    key = models.TextField()
    action = models.ForeignKey(Action, null=True, on_delete=models.PROTECT, related_name="+")
    card = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="replies")
    comment = models.ForeignKey(Comment, null=True, on_delete=models.PROTECT, related_name="+")
    body = models.JSONField(default=dict)
    ts = models.TextField(blank=True)
    shown = models.CharField(max_length=64, blank=True)
    version = models.IntegerField(default=0)
    told = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, default=SlackState.WAITING, choices=[(s, s) for s in SlackState])
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.IntegerField(default=0)
    lost = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "key"], name="slack_message_once"),
            models.CheckConstraint(condition=Q(state__in=[str(s) for s in SlackState]), name="slack_message_state_known"),
            models.CheckConstraint(condition=~Q(kind="card") | Q(action__isnull=False), name="slack_card_of_an_action"),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="slack_message_due", condition=Q(state="WAITING")),
            models.Index(fields=["changed_at"], name="slack_message_sending", condition=Q(state="SENDING")),
            models.Index(fields=["action", "kind"], name="slack_message_of"),
            models.Index(fields=["checked_at"], name="slack_message_kept", condition=Q(kind="card", state="SENT")),
            models.Index(fields=["channel", "ts"], name="slack_message_at", condition=~Q(ts="")),
            models.Index(fields=["-id"], name="slack_message_failed", condition=Q(state="FAILED")),
        ]
        triggers = [
            pgtrigger.FSM(name="slack_steps", field="state", transitions=steps(SLACK_TRANSITIONS)),
            pgtrigger.Protect(
                name="owed_is_fixed", operation=pgtrigger.Update, condition=pgtrigger.AnyChange("channel", "kind", "key", "action", "card")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} in {self.channel_id}"


class SlackHeard(models.Model):
    """A request that was taken: its signature (the same one again is a replay), or what it delivered, with the answer it got.

    `todo` is a press that was acknowledged before it was decided (`slack.approving`); null when nothing is left to do.
    """

    key = models.CharField(max_length=80, primary_key=True)
    answer = models.JSONField(null=True)
    todo = models.JSONField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="slack_heard_old"),
            models.Index(fields=["at"], name="slack_heard_todo", condition=Q(todo__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.key
