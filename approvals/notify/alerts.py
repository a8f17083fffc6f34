"""What an alert says: of which figure, how it stands to its limit, and where the runbook is. Pure; names from outside are defanged for mails."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from approvals.notify.words import Message, name
from audit.languages import number, told
from audit.sentences import say

SECONDS, COUNT, FLAG, PERCENT = "seconds", "count", "flag", "percent"
RAISED, REMINDED, RECOVERED = "raised", "reminded", "recovered"
RELEASE = "halt_release"  # a button's name in Slack: it opens what is halted, and `slack.releasing` answers it

# Of each rule: its name in words, and what its figure is. A flag is 1 while it is so.
WORDS = {
    "oldest_waiting": (say("The oldest action that waits on people"), SECONDS),
    "running": (say("Live runs that run"), COUNT),
    "halts": (say("Halts in force"), COUNT),
    "auto_halts": (say("An automatic halt"), FLAG),
    "budgets": (say("Spent of a budget"), PERCENT),
    "over_budget": (say("Runs that are paused because their budget is spent"), COUNT),
    "tokens_today": (say("Tokens used today"), COUNT),
    "unpicked": (say("The oldest row no worker has taken"), SECONDS),
    "workers": (say("No worker answers"), FLAG),
    "clock": (say("The clock's last tick was that long ago"), SECONDS),
    "broker": (say("The broker does not answer"), FLAG),
    "webhooks": (say("Webhooks given up or tried again, in a day"), COUNT),
    "slack": (say("Slack messages late or failed"), COUNT),
    "deliveries": (say("Mails and pushes late, failed or unsure"), COUNT),
    "unknown": (say("Calls whose outcome nobody knows"), COUNT),
}


ABOUT_HALTS = frozenset({"halts", "auto_halts"})


@dataclass(frozen=True)
class Note:
    """An alert as a message tells of it. `happened`: raised, reminded or recovered."""

    id: int
    rule: str
    about: str
    value: int
    worst: int
    most: int
    opened_at: datetime
    happened: str


def runbook(rule: str) -> str:
    """The name of a rule's runbook: of its file in docs/runbooks, and of its page."""
    return rule.replace("_", "-")


def figure(rule: str, value: int) -> str:
    """A rule's figure as it is read."""
    unit = WORDS[rule][1]
    if unit == PERCENT:
        return _("%(n)s %%") % {"n": number(value)}
    if unit != SECONDS:
        return number(value)
    for size, form in ((86_400, _("%(n)s d")), (3_600, _("%(n)s h")), (60, _("%(n)s min"))):
        if value >= 2 * size:
            return form % {"n": number(value // size)}
    return _("%(n)s s") % {"n": number(value)}


def state(rule: str, value: int, most: int, about: str) -> str:
    """What is so: the figure against its limit, or what it is about."""
    words, unit = WORDS[rule]
    if unit == FLAG:
        return f"{told(words)}: {told(about)}" if about else told(words)
    if about:
        return f"{told(words)}: {told(about)} ({figure(rule, value)})"
    return _("%(what)s: %(value)s, the limit is %(most)s") % {"what": told(words), "value": figure(rule, value), "most": figure(rule, most)}


def subject(note: Note) -> str:
    said = {"what": told(WORDS[note.rule][0])}
    return {
        RAISED: _("Alert: %(what)s"), REMINDED: _("Still so: %(what)s"), RECOVERED: _("Over: %(what)s"),
    }[note.happened] % said  # fmt: skip


def _body(note: Note) -> list[str]:
    if note.happened == RECOVERED:
        lines = [_("It is below its limit again: %(value)s.") % {"value": figure(note.rule, note.value)}]
        return lines if WORDS[note.rule][1] != FLAG else [_("It is no longer so.")]
    return [state(note.rule, note.value, note.most, note.about)]


def mail(note: Note, *, site: str) -> Message:
    lines = [name(line, 400) for line in _body(note)]
    lines.append(_("Since %(when)s (UTC)") % {"when": f"{note.opened_at:%Y-%m-%d %H:%M}"})
    links = [
        _("What to do: %(url)s") % {"url": f"{site}/alerts/runbooks/{runbook(note.rule)}/"},
        _("All alerts, and where to acknowledge this one: %(url)s") % {"url": f"{site}/alerts/"},
    ]
    return Message(subject(note), "\n\n".join(["\n".join(lines), "\n".join(links)]) + "\n")


def slack(note: Note, *, site: str) -> dict[str, Any]:
    """A message for Slack: what is so as plain text, with no host left that would become a link, and our own links under it.

    Of a halt with the button that opens what is halted, for operators to lift.
    """
    said = "\n".join([subject(note), *(name(line, 400) for line in _body(note))])
    links = f"<{site}/alerts/runbooks/{runbook(note.rule)}/|{_('What to do')}> · <{site}/alerts/|{_('All alerts')}>"
    blocks = [
        {"type": "section", "text": {"type": "plain_text", "text": said[:2_900], "emoji": False}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": links}]},
    ]
    if note.rule in ABOUT_HALTS and note.happened != RECOVERED:
        label = {"type": "plain_text", "text": _("Release ..."), "emoji": False}
        blocks.append({"type": "actions", "elements": [{"type": "button", "action_id": RELEASE, "text": label}]})
    return {"text": subject(note), "blocks": blocks}
