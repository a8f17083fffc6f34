"""The card's own Approve, and what is submitted in the view (a verdict, an edit, or what decides nothing): done with the acknowledgement when nobody
else holds the action, else right after it.

What is acknowledged before it is decided was stored in the same commit (`SlackHeard.todo`): a thread of this process decides it, or the
next tick of a worker's sweeper when that thread, or the whole process, is gone. Who presses, the digest, the time and the policy are asked
when it is decided. Nobody is decided for who pressed five minutes ago: they are told to press again. An order to halt that could not be given
in time is kept in the same way, and is never too old; a release is kept like a verdict.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from approvals import operations
from approvals.errors import ApprovalError, Stale
from approvals.operations import policies, slack_heard, waking
from approvals.operations.slack_heard import Todo
from approvals.operations.step_up import Proof
from approvals.queries import action_detail
from approvals.slack import besides, buttons, cards, editing, halting, later, modals, quick, releasing, replies, sending
from approvals.slack.people import Hand, Refused, hand, part, said_of
from approvals.slack.quick import LEAST_MS, WHOLE_MS
from approvals.slack.replies import Place
from approvals.slack.showing import of_card, of_modal, why_not_here
from approvals.slack.verifying import Click
from audit.languages import told

Json = Mapping[str, Any]


class Said(NamedTuple):
    """What whoever pressed is told, "" for nothing, and an address of ours to go to. `bad`: it is not what they wanted."""

    text: str = ""
    url: str = ""
    bad: bool = True


log = structlog.get_logger("approvals.slack")
PROMPT_MS, PATIENT_MS = 100, 10_000  # for the action's row: before the acknowledgement, and after it


def approve(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    """A press on the button. Over the socket it is stored and acknowledged first: nothing there waits for a row that somebody else holds."""
    who = hand(payload)
    action_id, prefix = buttons.value(pressed)
    buttons.check_copy(payload, place, action_id)
    todo = Todo(action_id, prefix, who.user.get_username(), people_of(payload), vars(place), vars(click))
    said: list[Said] = []
    decide = partial(quick.within, PROMPT_MS, lambda: said.append(_decided(todo, who, click)), whole_ms=WHOLE_MS, least_ms=LEAST_MS)
    if click.via == "http" and decide():
        _tell(todo, said[0])
        later.do(lambda: sending.at_once(action_id))
        return
    keep(payload, todo)


def people_of(payload: Json) -> dict[str, Any]:
    """What says who it is, to be asked again."""
    return {name: dict(part(payload, name)) for name in ("team", "enterprise", "user")}


def keep(payload: Json, todo: Todo) -> None:
    """Store it in the commit of its acknowledgement, and have it decided after that."""
    key = slack_heard.key_of(payload)
    slack_heard.keep(key, todo)
    later.do(lambda: _soon(key, todo.action), pool=later.PRESSES)


def keep_view(payload: Json, wanted: dict[str, Any], click: Click) -> None:
    """A verdict, or an order to halt or its release, submitted in a view; `wanted` is what it says (see `Todo`). Raises Refused."""
    who = hand(payload)
    at, me = who.workspace, who.identity.user
    place = Place(at.id, me, me, "", workspace=at.team, bot_user=at.bot_user)
    view = str(part(payload, "view").get("id", ""))
    by, people = who.user.get_username(), people_of(payload)
    keep(payload, Todo(by=by, people=people, place=vars(place), click=vars(click), view=view, **wanted))


def finish(key: str, *, patience_ms: int = PATIENT_MS) -> bool:
    """Decide one stored press, once. False when the action's row was held for longer than that; then it is stored still."""
    with transaction.atomic():
        todo = slack_heard.take(key)
        if todo is None:
            return True  # somebody else has done it, or is at it
        said: list[Said] = []
        if not todo.late and not quick.within(patience_ms, lambda: said.append(_try(todo))):
            return False
        slack_heard.finished(key)
    _tell(todo, _late(todo) if todo.late else said[0])
    return True


def _late(todo: Todo) -> Said:
    text = _("Your press could not be decided in time and was not recorded: press again")
    text = editing.not_taken(todo, text) if todo.verdict == editing.EDIT else text
    return Said(text, "" if todo.order else cards.url_of(str(todo.action)))


def sweep() -> int:
    """Presses that no thread has decided: its process is gone. Returns how many are done."""
    done = 0
    for key, action_id in slack_heard.left_over():
        try:
            done += finish(key)
        except Exception:  # a mistake of ours in one press must not keep the others; it is given up when it is late
            log.exception("slack_press_failed", key=key)
            continue
        sending.at_once(action_id)
    return done


def _soon(key: str, action_id: UUID) -> None:
    """In a thread, after the acknowledgement. While somebody holds the row the card says that a press is being dealt with.

    Slack is only called by other threads: however slow it is, the next press is decided.
    """
    if not finish(key, patience_ms=PROMPT_MS):
        later.do(lambda: sending.at_once(action_id))
        finish(key)
    later.do(lambda: sending.at_once(action_id))


def _try(todo: Todo) -> Said:
    """Decide it as whoever that is here now; the sentence when there is one to say."""
    try:
        who, click = hand(todo.people), Click(**todo.click)
        return _ordered(todo, who, click) if todo.order else _decided(todo, who, click)
    except Refused as refused:
        return Said(refused.sentence, refused.url)


def _ordered(todo: Todo, who: Hand, click: Click) -> Said:
    """Give the order, or lift one; what stands in its way is said."""
    releases = "halt" in todo.order
    url = releasing.page(todo.order["halt"]) if releases else halting.url()
    try:
        return Said((releasing if releases else halting).give(todo.order, who, click), url, bad=False)
    except ApprovalError as error:
        refused = _("Nothing goes on: %(why)s") if releases else _("Not halted: %(why)s")
        return Said(refused % {"why": told(error.message)}, url)


def _decided(todo: Todo, who: Hand, click: Click) -> Said:
    """Decide; a sentence when there is something to say about it, refusals among them."""
    try:
        return _recorded(todo, who, click)
    except ApprovalError as error:
        text = told(error.message)
        text = editing.not_taken(todo, text) if todo.verdict == editing.EDIT else text
        return Said(text, cards.url_of(str(todo.action)))


def _recorded(todo: Todo, who: Hand, click: Click) -> Said:
    detail = action_detail(todo.action, reader=who.user)
    if detail.row.state == "PENDING":
        buttons.check_prefix(detail, todo.prefix)
        if todo.digest not in {"", detail.row.digest}:
            raise Stale(_("This changed since you opened it; look at what will run now, then decide"))
    if todo.verdict == editing.EDIT:
        return Said(editing.ask_for(editing.of(todo), who, click), bad=False)
    if todo.verdict in besides.VERBS:
        return Said(*besides.do(todo.verdict, detail, who, todo.values, click), bad=False)
    if detail.row.state == "PENDING":
        rule = policies.in_force().data.slack
        if why := why_not_here(detail, rule, of_modal(detail) if todo.view else of_card(detail, rule)):
            return Said(why, cards.url_of(detail.row.id))
    done = operations.decide(
        todo.action, by=who.user, verdict=todo.verdict, seen_digest=detail.row.digest, reason=todo.reason, response=todo.response, door="slack",
        also=operations.Also(as_json=todo.as_json), idempotency_key=buttons.key_of(click), proof=Proof(click=said_of(who, click)),
    )  # fmt: skip
    waking.soon(waking.SLACK)
    if done.replayed and not todo.view:  # a second click on Record shows in the view what the first has done
        what = besides.outcome(action_detail(todo.action, reader=who.user))
        return Said(_("You have decided this already: %(what)s") % {"what": what}, cards.url_of(str(todo.action)))
    return Said() if done.resolved else Said(_("Recorded. It waits for more people."), cards.url_of(str(todo.action)))


def _tell(todo: Todo, said: Said) -> None:
    """Where they pressed; in the view, if it is open still, also what became of it."""
    place = Place(**todo.place)
    if todo.view and said.text:  # a refusal among it: no card says that
        replies.tell_surely(
            place,
            f"{said.text}: {said.url}" if said.url else said.text,
            view_id=todo.view,
            view=modals.sentence(said.text, bad=said.bad, url=said.url),
        )
    elif todo.view:
        replies.redraw(place.team, view_id=todo.view, view=modals.receipt(action_detail(todo.action, reader=None)))
    elif said.text:
        place.whisper(said.text, url=said.url)
