"""Decisions and edits of people: the same operations, ladder and digest as the page (docs/signing-in.md)."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from ninja.responses import Status

from agents.api.action_shapes import Decision, DecisionIn, Edit, EditIn, OpenedIn, Vote
from agents.api.actions import KEY, page_of, visible
from agents.api.auth import Caller, caller, reader
from agents.api.shapes import PROBLEMS, Page
from agents.operations import waking
from approvals import operations, permissions, queries
from approvals.errors import NotAllowed, NotViewed, StepUp
from approvals.operations.api_keys import DECIDE
from approvals.operations.step_up import Proof
from audit.sentences import say

router = Router(tags=["decisions"])


@router.get("/{action_id}/decisions", response={200: Page[Vote], **PROBLEMS}, summary="What people said")
def votes(request: HttpRequest, action_id: UUID) -> Any:
    """Every decision on every version, in order."""
    found = visible(action_id, reader(request)).action
    given = [] if found.drill and found.resolved_at else queries.votes_of(found)  # whose verdict ended a test is shown to nobody
    names = ("by", "verdict", "reason", "response", "door", "version", "at", "by_policy", "instead_of", "counts")
    return {"items": [{name: getattr(vote, name) for name in names} for vote in given], "next": None}


@router.post("/{action_id}/decisions", response={201: Decision, **PROBLEMS}, summary="Decide")
def decide(request: HttpRequest, action_id: UUID, body: DecisionIn, key: str = KEY) -> Any:
    """A person's verdict on the version whose digest is sent. A token shows who wrote it, not that the person is there: what the ladder
    asks at high and critical is given on the page."""
    who = caller(request, DECIDE)
    permissions.check_read(who.user)
    said = operations.Also(do_not_retry=body.do_not_retry, stop_run=body.stop_run, as_json=body.as_json, done=body.done, result=body.result)
    try:
        done = operations.decide(
            action_id, by=who.user, verdict=body.verdict, seen_digest=body.digest, reason=body.reason, response=body.response,
            idempotency_key=key, also=said, proof=Proof(who.sign_in, body.typed, body.nonce, body.assertion), door="api",
        )  # fmt: skip
    except (NotViewed, StepUp) as error:
        raise _on_the_page(action_id, who, error) from error
    action = done.action
    made = {
        "action": action.pk, "verdict": done.decision.verdict, "version": done.decision.version, "resolved": done.resolved,
        "replayed": done.replayed, "state": action.state, "hold_until": action.hold_until,
    }  # fmt: skip
    return Status(201, made)


@router.post("/{action_id}/opened", response={204: None, **PROBLEMS}, summary="Tell which parts a person has opened")
def opened(request: HttpRequest, action_id: UUID, body: OpenedIn) -> Any:
    """For a session only: at high and critical every part is opened by the person before they approve."""
    who = caller(request, DECIDE)
    permissions.check_read(who.user)
    if not who.sign_in:
        raise NotAllowed(say("Nobody looks through a token: parts are opened on the page %(page)s", page=page_of(action_id)))
    operations.open_parts(action_id, by=who.user, seen_digest=body.digest, parts=body.parts, door="api")
    return Status(204, None)


@router.post("/{action_id}/edits", response={202: Edit, **PROBLEMS}, summary="Want other arguments")
def edit(request: HttpRequest, action_id: UUID, body: EditIn) -> Any:
    """Other arguments for the version whose digest is sent. A worker checks them; then the action has a new version, or a refusal."""
    who = caller(request, DECIDE)
    permissions.check_read(who.user)
    wanted = operations.request_edit(action_id, by=who.user, seen_digest=body.digest, args=body.args, reason=body.reason, door="api")
    waking.wake(waking.EDIT, wanted.pk)
    return Status(202, {"id": wanted.pk, "state": str(wanted.state)})


def _on_the_page(action_id: UUID, who: Caller, error: NotViewed | StepUp) -> NotViewed | StepUp:
    """What is missing, and where it is given."""
    page = page_of(action_id)
    if who.sign_in:
        return type(error)(error.message, **error.details, page=page)
    if error.details.get("folded"):
        said = say("Parts of this are folded away, and nobody looks through a token: decide it on the page %(page)s", page=page)
        return NotViewed(said, **error.details, page=page)
    return StepUp(
        say("A token cannot show that it is you, which this level asks for: decide it on the page %(page)s", page=page), page=page
    )
