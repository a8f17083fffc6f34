"""The card's own Approve: decided with the acknowledgement when nobody else holds the action, else right after it.

What is acknowledged before it is decided was stored in the same commit (`SlackHeard.todo`): a thread of this process decides it, or the
next tick of a worker's sweeper when that thread, or the whole process, is gone. Who presses, the digest, the time and the policy are asked
when it is decided. Nobody is decided for who pressed five minutes ago: they are told to press again.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from approvals import operations
from approvals.errors import ApprovalError
from approvals.operations import policies, slack_heard, waking
from approvals.operations.slack_heard import Todo
from approvals.operations.step_up import Proof
from approvals.queries import ActionDetail, action_detail
from approvals.slack import buttons, cards, later, quick, sending
from approvals.slack.people import Hand, Refused, hand, part, said_of
from approvals.slack.replies import Place
from approvals.slack.showing import of_card, why_not_here
from approvals.slack.verifying import Click
from approvals.web.receipts import receipt_of
from audit.languages import told

Json = Mapping[str, Any]


class Said(NamedTuple):
    """What whoever pressed is told, "" for nothing, and an address of ours to go to."""

    text: str = ""
    url: str = ""


log = structlog.get_logger("approvals.slack")
PROMPT_MS, PATIENT_MS = 100, 10_000  # for the action's row: before the acknowledgement, and after it
WHOLE_MS = 180  # for all of the decision before the acknowledgement, which Slack has within 300


def approve(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    """A press on the button. Over the socket it is stored and acknowledged first: nothing there waits for a row that somebody else holds."""
    who = hand(payload)
    action_id, prefix = buttons.value(pressed)
    buttons.check_copy(payload, place, action_id)
    said: list[Said] = []
    now = click.via == "http" and quick.within(PROMPT_MS, lambda: said.append(_decided(action_id, prefix, who, click)), whole_ms=WHOLE_MS)
    if now:
        _tell(place, said[0])
        later.do(lambda: sending.at_once(action_id))
        return
    key = slack_heard.key_of(payload)
    people = {name: dict(part(payload, name)) for name in ("team", "enterprise", "user")}
    slack_heard.keep(key, Todo(action_id, prefix, who.user.get_username(), people, vars(place), vars(click)))
    later.do(lambda: _soon(key, action_id), pool=later.PRESSES)


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
    late = _("Your press could not be decided in time and was not recorded: press again")
    _tell(Place(**todo.place), Said(late) if todo.late else said[0])
    return True


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


def outcome(detail: ActionDetail) -> str:
    """What became of it, in a line."""
    found = receipt_of(detail.row)
    if found is None:
        return _("it waits for more people")
    return f"{found.verb}{f' by {found.by}' if found.by else ''}{f', {found.door}' if found.door else ''}"


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
        return _decided(todo.action, todo.prefix, hand(todo.people), Click(**todo.click))
    except Refused as refused:
        return Said(refused.sentence, refused.url)


def _decided(action_id: UUID, prefix: str, who: Hand, click: Click) -> Said:
    """Approve; a sentence when there is something to say about it, refusals among them."""
    try:
        return _approved(action_id, prefix, who, click)
    except ApprovalError as error:
        return Said(told(error.message))


def _approved(action_id: UUID, prefix: str, who: Hand, click: Click) -> Said:
    detail = action_detail(action_id, reader=who.user)
    if detail.row.state == "PENDING":
        buttons.check_prefix(detail, prefix)
        rule = policies.in_force().data.slack
        if why := why_not_here(detail, rule, of_card(detail, rule)):
            return Said(why, cards.url_of(detail.row.id))
    done = operations.decide(
        action_id, by=who.user, verdict="approve", seen_digest=detail.row.digest, door="slack",
        idempotency_key=buttons.key_of(click), proof=Proof(click=said_of(who, click)),
    )  # fmt: skip
    waking.soon(waking.SLACK)
    if done.replayed:
        return Said(_("You have decided this already: %(what)s") % {"what": outcome(action_detail(action_id, reader=who.user))})
    return Said() if done.resolved else Said(_("Recorded. It waits for more people."))


def _tell(place: Place, said: Said) -> None:
    if said.text:
        place.whisper(said.text, url=said.url)
