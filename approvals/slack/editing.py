"""An edit written in a view: read its fields, show what they change, then ask for it. What came too late is not lost: it is said what was written.

Like verdicts it is done with the acknowledgement, or stored in its commit and done right after it (`approving`).
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from approvals import operations
from approvals.errors import ApprovalError, BadRequest, NotFound
from approvals.operations import policies, slack_clicks
from approvals.operations.slack_heard import Todo
from approvals.queries import ActionDetail, action_detail
from approvals.slack import modals, quick
from approvals.slack.cards import SHORT, url_of
from approvals.slack.controls import posted as as_posted
from approvals.slack.people import Hand, Refused, hand, said_of
from approvals.slack.quick import BUSY_MS, LEAST_MS, WHOLE_MS, Ended
from approvals.slack.rooms import agents
from approvals.slack.showing import of_modal, why_not_here
from approvals.slack.text import cut
from approvals.slack.threads import changed
from approvals.slack.verifying import Click
from approvals.slack.views import Values, beside, shows
from approvals.web.inputs import PREFIX, kind_of
from approvals.web.schemaform import fields_of, may_be_empty, read
from approvals.web.subschemas import resolved
from audit.languages import told
from audit.sentences import say

Json = Mapping[str, Any]
EDIT = "edit"
MOST_TOLD = 1_500  # characters of what somebody had written


def write(detail: ActionDetail, values: Values) -> Json:
    """The fields were filled in: what they change is shown, and nothing is asked for yet."""
    if EDIT in detail.reason_for and not values.get("reason", "").strip():
        return beside("reason", _("Say why you edit it: at this level the policy asks for a reason"))
    now = dict(detail.args)
    args, errors = _read(detail, values)
    if errors:
        there = {f"{modals.EDITED}{path.split('.')[0].split('[')[0]}": (path, why) for path, why in errors.items()}
        known = {name: why for name, (_path, why) in there.items() if name in values}
        missing = [f"{path}: {why}" for name, (path, why) in there.items() if name not in values]
        return {"response_action": "errors", "errors": {**known, **({modals.CHOICE: "; ".join(missing)[:500]} if missing else {})}}
    lines, more = changed(now, args, None)
    if not lines:
        return beside(modals.CHOICE, _("Nothing was changed; approve it as it is, or change a value"))
    lines += [_("and %(n)d more") % {"n": more}] if more else []
    view = modals.confirm_edit(detail, args, values.get("reason", ""), lines)
    if view is None:
        return beside(modals.CHOICE, _("These arguments are too long to be edited here: do it on the page"))
    return {"response_action": "push", "view": view}


def _read(detail: ActionDetail, values: Values) -> tuple[Any, dict[str, Any]]:
    """The arguments as the fields say them, and what is wrong with them by path."""
    schema, now = agents.schema_of(detail), dict(detail.args)
    shown = detail.edit_args if isinstance(detail.edit_args, dict) else now
    fields = fields_of(schema, shown)
    posted = as_posted(fields, values, modals.EDITED)
    for key, sub in schema.get("properties", {}).items():
        if kind_of(resolved(schema, sub), now.get(key)) == "boolean":  # what has no field here keeps its value
            posted.setdefault(PREFIX + key, "true" if now.get(key) else "false")
    args, errors = read(schema, now, posted)
    empty = [one.key for one in fields if not str(posted.get(one.name, "-")).strip() and not may_be_empty(schema, one)]
    return args, {**errors, **{key: say("This needs a value") for key in empty if f"{modals.EDITED}{key}" in values}}


def confirmed(view: Json, who: Hand, click: Click) -> Json:
    """What it changes was looked at, and it is asked for. Raises ToKeep when that cannot be done in Slack's time."""
    meta = modals.metadata(view)
    written = Written(str(meta.get("action", "")), str(meta.get("digest", "")), meta.get("args"), str(meta.get("reason", "")))
    said: list[str] = []
    try:
        record = partial(ask_for, written, who, click)
        if (ended := quick.tried(BUSY_MS, lambda: said.append(record()), whole_ms=WHOLE_MS, least_ms=LEAST_MS)) is not Ended.DONE:
            raise quick.ToKeep(written.kept(), quick.kept_says(ended))
    except ApprovalError as error:
        before = action_detail(written.action, reader=who.user).args
        return shows(modals.sentence(with_words(told(error.message), before, written.args), bad=True, url=url_of(written.action)))
    return shows(modals.sentence(said[0]))


class Written(NamedTuple):
    """An edit as somebody wants it: of which version, by its digest, and why."""

    action: str
    digest: str
    args: Any
    reason: str

    def kept(self) -> dict[str, Any]:
        """What of it is stored (see `Todo`). Raises NotFound for a view that names no action."""
        values = {"args": json.dumps(self.args, ensure_ascii=False), "reason": self.reason}
        return {"action": action_id(self.action), "prefix": self.digest[:SHORT], "digest": self.digest, "verdict": EDIT, "values": values}


def of(todo: Todo) -> Written:
    """One that was kept."""
    return Written(str(todo.action), todo.digest, json.loads(todo.values["args"]), todo.values.get("reason", ""))


def ask_for(written: Written, who: Hand, click: Click) -> str:
    """Have it checked; the sentence about it. Raises what the operation does, BadRequest where it is left to the page by now."""
    detail, rule = action_detail(written.action, reader=who.user), policies.in_force().data.slack
    if detail.row.state == "PENDING" and (why := why_not_here(detail, rule, of_modal(detail))):
        raise BadRequest(say("%(why)s. Decide it on the page.", why=why))
    want = partial(
        operations.request_edit, written.action, by=who.user, seen_digest=written.digest, args=written.args, reason=written.reason, door="slack"
    )  # fmt: skip
    asked: Any = slack_clicks.on_record(written.action, want, what=EDIT, by=who.user, click=said_of(who, click))
    agents.wake_edit(asked.pk)
    return _("A worker checks it with the tool. The card shows the new version, or why it was refused.")


def with_words(text: str, before: Any, args: Any) -> str:
    """A sentence that an edit was not taken, with what somebody had written: nobody has to remember it."""
    lines, more = changed(before, args, None)
    if not lines:  # asked for twice, or somebody had the same in mind
        return _("%(why)s. It holds just the values that you had written.") % {"why": text.removesuffix(".")}
    lines += [_("and %(n)d more") % {"n": more}] if more else []
    return cut(_("%(why)s. You had written: %(values)s") % {"why": text.removesuffix("."), "values": "; ".join(lines)}, MOST_TOLD)


def not_taken(todo: Todo, text: str) -> str:
    """The sentence for whoever wrote an edit that was kept, and came too late. With no role (any more) they read nothing of the action."""
    try:
        detail = action_detail(todo.action, reader=hand(todo.people).user)
    except (Refused, ApprovalError):
        return text
    return with_words(text, detail.args, of(todo).args)


def too_late(detail: ActionDetail, values: Values, text: str) -> str:
    """The same of fields that were filled in while the action became another, or was decided."""
    return with_words(text, detail.args, _read(detail, values)[0])


def action_id(text: str) -> UUID:
    """Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(say("There is no such action")) from None
