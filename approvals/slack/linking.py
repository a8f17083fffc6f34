"""Typing the one-time code. Slack is asked first whether this is a full member, which takes longer than an acknowledgement may."""

from collections.abc import Mapping
from typing import Any, Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from approvals.errors import ApprovalError, BadRequest
from approvals.notify.errors import NotSent
from approvals.operations import slack_owing, slack_people
from approvals.operations.slack_people import Identity
from approvals.slack import client, later, modals
from approvals.slack.members import why_no_member
from approvals.slack.people import met
from audit.languages import told

Json = Mapping[str, Any]


class Tell(Protocol):
    """Says what became of it; `url` is an address of ours to go to."""

    def __call__(self, text: str, bad: bool, url: str = "") -> None: ...


def submitted(payload: Json) -> Json:
    """The code of the view. Raises Refused."""
    workspace, identity = met(payload)
    view = payload.get("view") or {}
    code = _code(view)
    try:
        slack_people.checked(code)
    except BadRequest as error:
        return {"response_action": "errors", "errors": {"code": told(error.message)}}

    def tell(text: str, bad: bool, url: str = "") -> None:
        said = modals.sentence(text, bad=bad, url=url)
        try:
            client.call(workspace.id, "views.update", view_id=str(view.get("id", "")), view=said)
        except NotSent:  # they have closed it, or Slack is slow: they wait to hear whether they are linked
            slack_owing.owe_said(workspace.id, identity.user, f"{text}: {url}" if url else text)

    later.do(lambda: _link(code, workspace.id, identity, tell))
    return {"response_action": "update", "view": modals.sentence(_("Asking Slack who you are ..."))}


def typed(code: str, *, workspace: int, identity: Identity, tell: Tell) -> None:
    """The code of a command; `tell` says what became of it."""
    later.do(lambda: _link(code, workspace, identity, tell))


def _link(code: str, workspace: int, identity: Identity, tell: Tell) -> None:
    try:
        if why := why_no_member(workspace, identity.team, identity.user):
            return tell(why, True, settings.PUBLIC_URL)
        made = slack_people.link(code, identity=identity)
    except NotSent as failure:
        return tell(_("Slack could not be asked who you are (%(why)s); try again") % {"why": failure.why}, True)
    except ApprovalError as error:
        return tell(told(error.message), True)
    return tell(_("Linked: you are %(name)s here. You can press buttons now.") % {"name": made.user.get_username()}, False)


def _code(view: Json) -> str:
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    field = values.get("code") if isinstance(values, dict) else None
    typed_in = next(iter(field.values()), None) if isinstance(field, dict) else None
    return str(typed_in.get("value") or "") if isinstance(typed_in, dict) else ""
