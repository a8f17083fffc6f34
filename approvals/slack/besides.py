"""What somebody chooses in the view that decides nothing: asking the agent, reserving, giving back, snoozing, passing on. "Beside" deciding.

Done with the acknowledgement, or stored in its commit and done right after it, as verdicts are (`approving`); so each is made of the action
and of what was typed, and says in a sentence what became of it. What comes after the decision is not done, and the sentence says who was first.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from approvals import operations
from approvals.errors import BadRequest, Conflict
from approvals.operations import slack_clicks
from approvals.queries import ActionDetail
from approvals.slack.cards import url_of
from approvals.slack.people import Hand, said_of
from approvals.slack.rooms import agents
from approvals.slack.verifying import Click
from approvals.slack.views import Values
from approvals.web.receipts import receipt_of
from audit.languages import told
from audit.sentences import say


class Done(NamedTuple):
    """What became of it; `url`: where it goes on."""

    text: str
    url: str = ""


FIELDS = ("words", "seconds", "to", "reason")  # of the view, which is all that any of them is made of


def do(verb: str, detail: ActionDetail, who: Hand, values: Values, click: Click) -> Done:
    """Raises what the operation does; Conflict with what was decided meanwhile."""
    if detail.row.state != "PENDING":
        raise Conflict(too_late(verb, detail))
    return VERBS[verb](detail, who, values, click)


def kept(values: Values) -> dict[str, str]:
    """What is to be stored of it."""
    return {name: str(values[name]) for name in FIELDS if values.get(name)}


def outcome(detail: ActionDetail) -> str:
    """What became of an action, in a line."""
    found = receipt_of(detail.row)
    if found is None:
        return _("it waits for more people")
    return f"{found.verb}{f' by {found.by}' if found.by else ''}{f', {found.door}' if found.door else ''}"


def too_late(verb: str, detail: ActionDetail) -> str:
    return say("%(what)s: not done, for it was decided first (%(how)s)", what=told(NAMES[verb]), how=outcome(detail))


def check(verb: str, values: Values) -> None:
    """What needs no look at the action to be refused. Raises BadRequest."""
    if verb == "ask" and not values.get("words", "").strip():
        raise BadRequest(say("Write what you want to know"))
    if verb == "snooze":
        _seconds(values)
    if verb == "pass_on" and not values.get("to"):
        raise BadRequest(say("Say to whom"))


def _ask(detail: ActionDetail, who: Hand, values: Values, click: Click) -> Done:
    asked = _recorded(
        detail, who, click, "ask", lambda: operations.ask(detail.row.id, by=who.user, question=values.get("words", ""), door="slack")
    )
    agents.wake_ask(asked.pk)
    return Done(_("Asked. The answer stands on the action's page; it stays undecided."), url_of(detail.row.id))


def _reserve(detail: ActionDetail, who: Hand, values: Values, click: Click) -> Done:
    _recorded(detail, who, click, "reserve", lambda: operations.reserve(detail.row.id, by=who.user, door="slack"))
    return Done(_("Reserved for you: others see that you are on it"))


def _put_back(detail: ActionDetail, who: Hand, values: Values, click: Click) -> Done:
    _recorded(detail, who, click, "put_back", lambda: operations.put_back(detail.row.id, by=who.user, door="slack"))
    return Done(_("Released: anybody who is asked may take it"))


def _snooze(detail: ActionDetail, who: Hand, values: Values, click: Click) -> Done:
    lasts = _seconds(values)
    _recorded(detail, who, click, "snooze", lambda: operations.snooze(detail.row.id, by=who.user, seconds=lasts, door="slack"))
    return Done(_("Snoozed for you alone: the deadline does not move"))


def _seconds(values: Values) -> int:
    text = values.get("seconds", "")
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise BadRequest(say("Say for how long"))
    return int(text)


def _pass_on(detail: ActionDetail, who: Hand, values: Values, click: Click) -> Done:
    to, reason = values.get("to", ""), values.get("reason", "")
    _recorded(detail, who, click, "pass_on", lambda: operations.pass_on(detail.row.id, by=who.user, to=to, reason=reason, door="slack"))
    return Done(_("Passed on to %(name)s, who holds it now") % {"name": to})


def _recorded(detail: ActionDetail, who: Hand, click: Click, what: str, did: Callable[[], Any]) -> Any:
    return slack_clicks.on_record(detail.row.id, did, what=what, by=who.user, click=said_of(who, click))


NAMES: Mapping[str, str] = {
    "ask": say("Asking the agent"), "reserve": say("Reserving it"), "put_back": say("Giving it back"), "snooze": say("Snoozing it"),
    "pass_on": say("Passing it on"), "edit": say("Your edit"),
}  # fmt: skip
VERBS: dict[str, Callable[[ActionDetail, Hand, Values, Click], Done]] = {
    "ask": _ask, "reserve": _reserve, "put_back": _put_back, "snooze": _snooze, "pass_on": _pass_on,
}  # fmt: skip
