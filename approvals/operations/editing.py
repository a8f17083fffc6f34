"""Other arguments instead: asked for by a reviewer, checked by a worker with the tool itself, then a new version.

An edit never changes the tool. A new version has its own digest and voids every earlier approval.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from approvals import entitling, envelopes, ladder, permissions
from approvals.envelopes import Content, Envelope, Judged, Until
from approvals.errors import AlreadyDecided, ApprovalError, BadArguments, BadRequest, Checking, NotFound
from approvals.legible.findings import unreadable
from approvals.legible.paths import differing
from approvals.models import Action, Edit, Requirement, User
from approvals.operations import drills, events, kept, opinions, policies, slack_owing, snoozing, staging
from approvals.operations.assessing import customer_of
from approvals.operations.clock import database_now
from approvals.operations.freezing import people_excluded, write_requirement
from approvals.operations.notices import tell_action
from approvals.operations.pending import check_open, locked
from approvals.operations.verdicts import check_words
from approvals.policy.risk import Assessment, assess, at_least_medium
from approvals.policy.rules import Policy
from approvals.states import ActionState, EditState
from audit import canonical, log
from audit.sentences import cause, say

MAX_ATTEMPTS = 3  # workers that may die of it
TAKE_S = 60  # beside what the tool's preview may take: a worker may have to load the agent first

_TAKE = """
UPDATE approvals_edit SET attempts = attempts + 1, taken_until = statement_timestamp() + make_interval(secs => %s)
WHERE id = %s AND state = 'WANTED' AND (taken_until IS NULL OR taken_until <= statement_timestamp())
RETURNING attempts
"""


@transaction.atomic
def request_edit(action_id: Any, *, by: User, seen_digest: str, args: Any, reason: str = "", door: str) -> Edit:
    """Ask for other arguments. A worker checks them with the tool; `apply_edit` or `refuse_edit` answers.

    The same asked for twice by one person (two presses, a delivery that came again) is one edit: the one that is being checked is given.

    Raises:
        NotFound, NotAllowed: as for `decide`. BadArguments: no canonical form. BadRequest: nothing changed, or no reason where policy asks for one.
        AlreadyDecided, Stale, Expired, Halted, Checking: the action is not as the person saw it.
    """
    check_words("approve", reason, "")
    who = permissions.standing(by)
    action, requirement = locked(action_id)
    envelope = envelopes.parse(requirement)
    # Who may not approve this may still write other arguments for somebody else to approve, unless it is their own request.
    entitling.leave(who, action, envelope, stage=staging.stage_of(action, envelope), verdict="reject")
    try:
        check_open(action, seen_digest)
    except Checking:
        if same := _being_checked(action, args, by=who.user):
            return same
        raise
    if action.kind == Action.Kind.QUESTION:
        raise BadRequest(say("A question has no arguments to edit: answer it"))
    if not envelope.may_edit:
        raise BadRequest(say("The policy lets nobody write other arguments for this: approve it as it is, or reject it"))
    if envelope.agent_takes and "edit" not in envelope.agent_takes:
        raise BadRequest(say("This agent makes the call itself and takes no other arguments: approve it as it is, or reject it"))
    if "edit" in envelope.reason_for and not reason.strip():
        raise BadRequest(say("Say why you edit it: at this level the policy asks for a reason"))
    try:
        raw = canonical.dumps(args)
    except canonical.NotCanonical as error:
        raise BadArguments(say("These arguments cannot be used: %(why)s", why=cause(error)), fields={"": cause(error)}) from error
    if raw == canonical.dumps(envelope.args):
        raise BadRequest(say("Nothing was changed; approve it as it is, or change a value"))
    # Nothing is checked with the tool for a test action: wanting other arguments ends it.
    state = EditState.REFUSED if action.drill else EditState.WANTED
    try:
        with transaction.atomic():
            edit = Edit.objects.create(action=action, version=action.version, args=raw, by=who.user, door=door, reason=reason, state=state)
    except IntegrityError as error:
        raise Checking(say("Another edit of this action is being checked; wait a moment")) from error
    log.append(
        events.entry(action, "edit.wanted", by=who.user.actor, door=door, requirement=requirement, edit=edit.pk, args=args, reason=reason)
    )
    if action.drill:
        drills.end_by_edit(action, changed=differing(envelope.args, args), by=who.user, door=door)
    return edit


def _being_checked(action: Action, args: Any, *, by: User) -> Edit | None:
    """The edit by the same person, to the same arguments, that a worker has not answered yet."""
    wanted = Edit.objects.filter(action=action, version=action.version, by=by, state=EditState.WANTED).first()
    with suppress(canonical.NotCanonical):
        return wanted if wanted and bytes(wanted.args) == canonical.dumps(args) else None
    return None


def take_edit(edit_id: int, *, seconds: float = 0) -> bool:
    """Take it for checking, which may need so long beside the usual. False: it is answered, a worker is at it, or it was tried too often and
    is refused. Not in one transaction with that: whoever answers it locks the action first.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [TAKE_S + seconds, edit_id])
        row = cursor.fetchone()
    if row is None:
        return False
    if row[0] <= MAX_ATTEMPTS:
        return True
    with suppress(AlreadyDecided):  # a worker that was thought dead was faster
        refuse_edit(edit_id, errors={"": kept.EDIT_KILLS(n=MAX_ATTEMPTS)})
    return False


@transaction.atomic
def apply_edit(
    edit_id: int,
    *,
    args: Any,
    summary: str,
    preview: dict[str, Any],
    figures: dict[str, int],
    names: Sequence[str] = (),
    estimated_cost: float | None = None,
    untrusted_text: Sequence[str] = (),
) -> Action:
    """Make the checked arguments the action's next version, scored anew; earlier approvals count no more.

    Args:
        estimated_cost: what the tool says the edited call will cost; None keeps what was said of the call before.
        untrusted_text: paths of the new arguments that repeat text from outside; what was tainted and stays as it was, stays tainted.

    Raises:
        AlreadyDecided: the action was decided while the edit was being checked; the edit is refused.
    """
    edit, action, requirement = _wanted(edit_id)
    if why := _too_late(edit, action, requirement):
        _refused(edit, action, requirement, {"": why})
        return action
    envelope = envelopes.opened(action, requirement)
    policy = policies.in_force()
    facts = replace(
        envelope.facts,
        **_of_args(envelope, policy, args, untrusted_text),
        figures=figures,
        estimated_cost=envelope.facts.estimated_cost if estimated_cost is None else estimated_cost,
    )
    assessment = at_least_medium(policy.data, assess(policy.data, facts))
    if assessment.denied:
        _refused(edit, action, requirement, {"": kept.EDIT_REFUSED(why=assessment.denied)})
        return action
    editors = _editors(edit, args, envelope)
    excluded = _excluded(action, envelope, assessment, editors)
    until = _until(edit, action, envelope)
    action.version += 1
    action.summary = summary
    now = database_now()
    content = Content(
        replace(envelope.call, args=args),
        Judged(facts, assessment, policy, excluded),
        preview,
        now,
        confirm=ladder.confirm_of(names, action.tool),
        edited_by=edit.by.person,
        editors=editors,
        until=until,
    )
    changed = write_requirement(
        action, content, rationale=requirement.rationale, evidence=requirement.evidence, why="edited", edited_by=edit.by
    )
    action.save(update_fields=["version", "summary", "digest", "level", "score", "expires_at", *staging.LAID_OUT])
    changed.save(force_insert=True)
    _finish(edit, EditState.APPLIED, {})
    _log_edited(edit, action, changed, args, envelope)
    if opinions.asked_for(policy.data, assessment):
        opinions.want(action, policy.data, now=now)
    tell_action(action, "action.edited")
    snoozing.end(action, door=edit.door)
    return action


def _of_args(envelope: Envelope, policy: Policy, args: Any, untrusted_text: Sequence[str]) -> dict[str, Any]:
    """The facts that the arguments alone tell."""
    return {
        "args": args,
        "hidden_characters": unreadable(args),
        "untrusted_text": _tainted(envelope, args, untrusted_text),
        "customer": customer_of(policy, args, {}, otherwise=envelope.facts.customer),
    }


def _tainted(envelope: Envelope, args: Any, found: Sequence[str]) -> tuple[str, ...]:
    """Evidence is kept shortened: what was seen in all of it is not forgotten while the text is still there."""
    edited = differing(envelope.args, args)
    return tuple(dict.fromkeys([*(path for path in envelope.facts.untrusted_text if path not in edited), *found]))


def _excluded(action: Action, envelope: Envelope, assessment: Assessment, editors: set[str]) -> set[str]:
    """Who may not approve the edited version. Nobody approves, alone, an edit of their own that raises the risk; whether any edit,
    the policy says."""
    excluded = {*people_excluded(assessment, action.requested_by, action.owner, editors), *(envelope.excluded - envelope.editors)}
    return excluded | (editors if assessment.score > action.score else envelope.excluded & editors)


def _log_edited(edit: Edit, action: Action, changed: Requirement, args: Any, before: Envelope) -> None:
    entry = events.entry(
        action,
        "action.edited",
        by=edit.by.actor,
        door=edit.door,
        requirement=changed,
        args=args,
        was=before.args,
        level=action.level,
        score=action.score,
        reason=edit.reason,
    )
    log.append(entry)


@transaction.atomic
def refuse_edit(edit_id: int, *, errors: dict[str, str]) -> None:
    """The tool does not take these arguments; `errors` says per field why. The action stays as it was."""
    edit, action, requirement = _wanted(edit_id)
    _refused(edit, action, requirement, errors)


def _editors(edit: Edit, args: Any, envelope: Envelope) -> set[str]:
    """Everybody whose edits led to these arguments; whoever goes back to the agent's own undoes what others had edited in them before."""
    editors = {*envelope.editors, edit.by.person}
    if len(editors) == 1:
        return editors
    first = envelopes.parse(Requirement.objects.get(action=edit.action_id, version=1))
    return {*first.editors, edit.by.person} if canonical.dumps(args) == canonical.dumps(first.args) else editors


def _until(edit: Edit, action: Action, envelope: Envelope) -> Until:
    """An edit wins no time, but for somebody who may put the deadline off, and no more than they may."""
    rule = envelope.extend
    may = rule is not None and not permissions.standing(edit.by).groups.isdisjoint(rule.by)
    spare_s = max(0, rule.at_most_s - action.extended_s) if rule and may else 0
    return Until(action.expires_at, envelope.put_off_s + action.extended_s, spare_s, envelope.hours)


def _refused(edit: Edit, action: Action, requirement: Requirement, errors: dict[str, str]) -> None:
    _finish(edit, EditState.REFUSED, errors)
    log.append(events.entry(action, "edit.refused", by=edit.by.actor, door=edit.door, requirement=requirement, edit=edit.pk, errors=errors))
    slack_owing.owe_refused(edit)
    tell_action(action, "action.edit_refused")


def _too_late(edit: Edit, action: Action, requirement: Requirement) -> str:
    """What happened between asking for the edit and now that makes it void; "" when nothing did. Whoever wanted it must still be
    somebody who might: a group lost meanwhile is lost for this, too."""
    if action.state != ActionState.PENDING or action.version != edit.version:
        return kept.DECIDED_MEANWHILE()
    if action.expires_at <= database_now():
        return kept.RAN_OUT_MEANWHILE()
    if not edit.by.is_active:
        return kept.EDITOR_LOCKED()
    envelope = envelopes.parse(requirement)
    try:
        entitling.leave(permissions.standing(edit.by), action, envelope, stage=staging.stage_of(action, envelope), verdict="reject")
    except ApprovalError as refused:
        return kept.EDITOR_MAY_NOT(why=refused.message)
    return ""


def _wanted(edit_id: int) -> tuple[Edit, Action, Requirement]:
    edit = Edit.objects.select_related("by").filter(pk=edit_id).first()
    if edit is None:
        raise NotFound(say("There is no such edit"))
    action, requirement = locked(edit.action_id)
    edit.refresh_from_db(fields=["state"])  # the row lock is on the action: look again under it
    if edit.state != EditState.WANTED:
        raise AlreadyDecided(say("This edit has been checked already"))
    return edit, action, requirement


def _finish(edit: Edit, state: EditState, errors: dict[str, str]) -> None:
    Edit.objects.filter(pk=edit.pk, state=EditState.WANTED).update(state=state, errors=canonical.storable(errors), done_at=Now())
