"""`/halt`, and the button of an operator's Home tab: scope, what it would stop, a reason, and the word for everything. The page's operation.

The page asks no fresh proof to stop something, nor does this. What lifts a halt is in `releasing`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from approvals import permissions
from approvals.errors import ApprovalError, BadRequest
from approvals.models.people import User
from approvals.operations import slack_clicks
from approvals.operations.halts import MAX_REASON, MAX_TARGET, check_reason
from approvals.operations.slack_heard import ABOUT_NONE
from approvals.slack import blocks as b
from approvals.slack import home, modals, quick, releasing, replies
from approvals.slack.people import Hand, hand, said_of
from approvals.slack.quick import BUSY_MS, LEAST_MS, WHOLE_MS
from approvals.slack.replies import Place
from approvals.slack.rooms import HaltScope, agents
from approvals.slack.text import cut, cut_inside
from approvals.slack.verifying import Click
from approvals.slack.views import beside, shows, values_of
from audit.languages import told

Json = Mapping[str, Any]
HALT = "halt"  # the view
WORD = "HALT"
NAMED = ("agent", "version", "tool", "customer", "run")
MOST_LISTED, MOST_STANDING = 20, 5
NAMES, SHORTENED = "names", "#"


def command(payload: Json, shaped: Json) -> Json:
    """`/halt`, `/halt everything`, `/halt agent NAME`, `/halt tool NAME` ...: the view, with that chosen. `/halt release`: that of lifting one. Raises Refused, ApprovalError."""
    who = hand(shaped)
    place = Place(who.workspace.id, str(payload.get("channel_id", "")), who.identity.user, str(payload.get("trigger_id", "")))
    words = str(payload.get("text", "")).split()
    if words[:1] == ["release"]:
        releasing.command(who.user, place, words[1:])
    else:
        replies.show(place, view=_view(who.user, words), url=page())
    return {}


def _pressed(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    user = hand(payload).user
    replies.show_at(place, lambda: _view(user, [], home=True), url=page())


PRESSES: dict[str, Callable[[Json, Json, Place, Click], None]] = {home.HALT: _pressed}


def _view(user: User, words: list[str], *, home: bool = False) -> b.Block:
    """What can be halted and what that would stop. `home`: opened from their Home tab, which then follows. Raises NotAllowed, NotFound, BadRequest."""
    permissions.check_halt(permissions.standing(user))
    asked, chosen = _asked(words)
    scopes = agents.halt_scopes(asked)
    kept = [*scopes[: b.OPTIONS - 1], *scopes[b.OPTIONS - 1 :][-1:]]  # everything is the last of them
    names = {_short(s.value): s.value for s in kept if _short(s.value) != s.value}
    options = [b.option(cut_inside(s.label, b.OPTION), _short(s.value)) for s in kept]
    hint = _("Needed to stop everything")
    parts = [
        *releasing.in_force(user, most=MOST_STANDING),
        b.section(b.plain(cut("\n".join(map(_said, kept[-MOST_LISTED:])), 2_900))),
        b.entry(_("What is to stop?"), b.choice("scope", options, chosen=_short(chosen), placeholder=_("Choose")), block_id="scope"),
        b.entry(_("Why?"), b.text_input("reason", multiline=True, most=MAX_REASON), block_id="reason"),
        b.entry(_("Type %(word)s") % {"word": WORD}, b.text_input("word", most=20), block_id="word", optional=True, hint=hint),
    ]
    meta = {NAMES: names, **({"home": "1"} if home else {})}
    return b.modal(_("Halt"), parts, callback_id=HALT, metadata=json.dumps(meta, ensure_ascii=False), submit=_("Halt"))


def _short(value: str) -> str:
    """A scope and its target as the value of an option; of what is too long for one the fingerprint, whose name the view remembers."""
    return value if len(value) <= b.CHOSEN else f"{SHORTENED}{hashlib.sha256(value.encode()).hexdigest()[:32]}"


def _asked(words: list[str]) -> tuple[dict[str, str], str]:
    """What is asked about by name, and the value of the choice. Raises BadRequest."""
    if not words or words == ["everything"]:
        return {}, words[0] if words else ""
    if len(words) >= 2 and words[0] in NAMED and (len(words) == 2 or words[0] == "customer"):
        name = " ".join(words[1:])  # a customer's may have blanks
        if len(name) > MAX_TARGET:
            raise BadRequest(_("That is not the name of anything that can be halted"))
        return {words[0]: name}, f"{words[0]}:{name}"
    raise BadRequest(_("Write /halt, /halt everything, /halt with agent, version, tool, customer or run and its name, or /halt release"))


def _said(scope: HaltScope) -> str:
    return f"{scope.label}: {scope.counts}" if scope.counts else scope.label


def submitted(view: Json, who: Hand, click: Click) -> Json:
    """Give the order. Errors stand beside their fields. Raises ToKeep for one that cannot be given in Slack's time: it is given right after."""
    values = values_of(view)
    scope, _colon, target = _whole(values.get("scope", ""), view).partition(":")
    if scope == "everything" and values.get("word", "").strip() != WORD:
        return beside("word", _("Type %(word)s to stop everything") % {"word": WORD})
    order = {"scope": scope, "target": target, "reason": values.get("reason", "")}
    said: list[str] = []
    try:
        check_reason(order["reason"])
        if not quick.within(BUSY_MS, lambda: said.append(give(order, who, click)), whole_ms=WHOLE_MS, least_ms=LEAST_MS):
            kept = _("Kept. Nothing is halted yet: the order is given within seconds, and this view says so")
            raise quick.ToKeep({"action": ABOUT_NONE, "prefix": "", "order": order}, kept)
    except BadRequest as error:
        return beside("reason", told(error.message))
    except ApprovalError as error:
        return shows(modals.sentence(told(error.message), bad=True))
    return shows(modals.sentence(said[0], url=url()))


def _whole(value: str, view: Json) -> str:
    """The scope and target that an option meant."""
    names = modals.metadata(view).get(NAMES)
    return str(names.get(value, "")) if value.startswith(SHORTENED) and isinstance(names, dict) else value


def give(order: Mapping[str, str], who: Hand, click: Click) -> str:
    """Halt what the order names; the sentence that says so. Raises what `operations.halts.halt` does."""
    slack_clicks.beside(
        lambda given: "halt", lambda: agents.order_halt(**order, by=who.user, door="slack"), what=HALT, by=who.user, click=said_of(who, click)
    )  # fmt: skip
    return _("Halted. Nothing new starts; the banner on every page says what is frozen, and releases it; so does /halt release.")


def page() -> str:
    """Where something is halted without Slack."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/halt/"


def url() -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}/inbox/"
