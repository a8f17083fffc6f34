"""Letting an opinion count: one guarded transition with its event. It may raise what is asked, or let pass what waited for it; it lowers nothing.

Under the action's row lock, as a verdict and an edit are. Where nothing more would be asked, the opinion is kept beside the action and
every approval given so far stands; where more would be asked, it is asked anew as a new version, as after an edit.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from approvals import envelopes
from approvals.envelopes import Envelope
from approvals.errors import Tampered
from approvals.models import Action, Opinion, Requirement
from approvals.operations import events, kept, policies
from approvals.operations.counting import votes
from approvals.operations.freezing import people_excluded
from approvals.operations.notices import tell_action
from approvals.operations.opening import decided_by_policy
from approvals.operations.opinions import TakenOpinion, over
from approvals.operations.pending import locked
from approvals.operations.reopening import Anew, reopen
from approvals.policy.basics import Level, RequirementRule
from approvals.policy.factors import OPINIONS
from approvals.policy.risk import assess, at_least_medium, no_less
from approvals.states import ActionState, OpinionState
from approvals.stricter import asks_more
from audit import canonical, log
from audit.actors import SYSTEM, model
from audit.log import Entry

RAISED, KEPT, LATE, PASSED, ASKED = "raised", "kept", "late", "passed", "asked"
GRAVITY = ("", *OPINIONS)
MOST_WORDS, MOST_ERROR = 500, 500


@transaction.atomic
def give(taken: TakenOpinion, *, concern: str, words: str, prompt_sha256: str) -> str:
    """Let one opinion count. Returns its effect; "" when another worker, or the clock, was faster.

    Args:
        concern: "none", "doubtful" or "dangerous". words: the model's own, kept to be shown as such.
    """
    opinion, action, requirement = _mine(taken.id, taken.attempt)
    if opinion is None:
        return ""
    opinion.concern, opinion.words, opinion.prompt_sha256 = concern, canonical.storable(words)[:MOST_WORDS], prompt_sha256
    opinion.state, opinion.effect = OpinionState.GIVEN, LATE
    if _open(action, opinion):
        try:
            _count(opinion, action, requirement, envelopes.opened(action, requirement))
        except Tampered as error:
            opinion.error = str(error)
    _save(opinion, action, requirement)
    return opinion.effect


@transaction.atomic
def fail(opinion_id: int, *, error: str, attempt: int | None = None, prompt_sha256: str = "") -> None:
    """No opinion that could be used: nothing is asked less, and what waited for one is put before people."""
    opinion, action, requirement = _mine(opinion_id, attempt)
    if opinion is None:
        return
    opinion.state, opinion.effect, opinion.prompt_sha256 = OpinionState.FAILED, KEPT, prompt_sha256
    opinion.error = canonical.storable(error)[:MOST_ERROR]
    try:
        facts = envelopes.opened(action, requirement).facts if opinion.waits and _open(action, opinion) else None
    except Tampered as tampered:
        facts, opinion.error = None, str(tampered)
    if facts:
        policy = policies.in_force()
        assessment = at_least_medium(policy.data, assess(policy.data, facts), kept.NEEDS_OPINION())
        opinion.effect = ASKED
        _ask(opinion, action, requirement, Anew(policy, facts, assessment, "raised"), kept.NEEDS_OPINION())
    elif not _open(action, opinion):
        opinion.effect = LATE
    _save(opinion, action, requirement)


def end_due(*, limit: int = 200) -> int:
    """Sweeper: what nobody answered in time. Also while halted: putting something before people makes nothing happen."""
    due = Opinion.objects.filter(state=OpinionState.WANTED, until__lte=Now()).order_by("until").values_list("pk", flat=True)[:limit]
    for pk in (found := list(due)):
        fail(pk, error=kept.NOBODY_ANSWERED())
    return len(found)


def _count(opinion: Opinion, action: Action, requirement: Requirement, envelope: Envelope) -> None:
    """What follows from it. Sets points and effect; where more is asked, or it is passed, everything is written here."""
    policy = policies.in_force()
    before = envelope.facts
    facts = replace(before, opinion=max(before.opinion, opinion.concern.replace("none", ""), key=GRAVITY.index))
    opinion.points = policy.data.opinion.points(opinion.concern)
    now = assess(policy.data, facts)
    if opinion.waits:
        _pass_or_ask(opinion, action, requirement, Anew(policy, facts, now, "raised"))
        return
    now = at_least_medium(policy.data, now)
    excluded = people_excluded(now, action.requested_by, action.owner)
    more = asks_more(now, envelope, votes(action, envelope), excluded=excluded, held_for=timedelta(0)) if facts != before else ""
    if not more:
        opinion.effect = KEPT
        return
    before_this = _asked(envelope, deadline_s=now.requirement.deadline_s)
    asked = no_less(policy.data, now, level=Level(action.level), asked=before_this)
    opinion.effect = RAISED
    _ask(opinion, action, requirement, Anew(policy, facts, asked, "raised"), kept.DOUBTED_MORE(doubt=OPINIONS[facts.opinion](), more=more))


def _pass_or_ask(opinion: Opinion, action: Action, requirement: Requirement, anew: Anew) -> None:
    if anew.assessment.requirement.need or anew.assessment.denied:
        assessment = at_least_medium(anew.policy.data, anew.assessment)
        opinion.effect = ASKED
        # Without doubts it is the policy that has come to ask people, while this waited.
        why = OPINIONS[anew.facts.opinion]() if anew.facts.opinion else kept.ASKS_NOW()
        _ask(opinion, action, requirement, replace(anew, assessment=assessment), why)
        return
    opinion.effect = PASSED
    _write(opinion)
    decided_by_policy(action, requirement, _entry(opinion, action, requirement))


def _ask(opinion: Opinion, action: Action, requirement: Requirement, anew: Anew, why: str) -> None:
    """Ask people anew, as a new version; the opinion and its event first."""
    _write(opinion)
    log.append(_entry(opinion, action, requirement))
    if not reopen(action, why=why, by=SYSTEM, door="worker", kind="action.raised", anew=anew):
        raise RuntimeError("an action that is locked and open was claimed all the same")


def _asked(envelope: Envelope, *, deadline_s: int) -> RequirementRule:
    """What was asked so far, to be asked on top of what is asked now. Who is excluded stays so by name, and time belongs to the level."""
    was: dict[str, Any] = {
        "need": [{"group": n.group, "count": n.count, "stage": n.stage} for n in envelope.needs],
        "verdicts": envelope.verdicts,
        "reason_for": envelope.reason_for,
        "hold_s": int(envelope.hold.total_seconds()),
        "rejections": envelope.rejections,
        "execute_within_s": int(envelope.execute_within.total_seconds()),
        "escalate": [{"after": "50%", "to": group} for group in envelope.escalated(len(envelope.moments))],
        "extend": envelope.extend,
        "delegates": sorted(envelope.delegates),
        "may_edit": envelope.may_edit,
        "at_deadline": envelope.at_deadline,
        "tell": sorted(envelope.tell),
    }
    return RequirementRule.model_validate({**was, "deadline_s": deadline_s, "exclude": ()})


def _open(action: Action, opinion: Opinion) -> bool:
    """Whether it can still count: this very version waits, or its approval by people has not been begun."""
    if action.version != opinion.version or action.settled_at or action.claimed_at:
        return False
    return action.state == ActionState.PENDING or action.state == ActionState.APPROVED


def _mine(opinion_id: int, attempt: int | None) -> tuple[Opinion | None, Action, Requirement]:
    """The opinion while it is wanted, with its action locked: everybody who ends one takes that lock first."""
    opinion = Opinion.objects.get(pk=opinion_id)
    action, requirement = locked(opinion.action_id)
    opinion.refresh_from_db()
    gone = over(opinion) or (attempt is not None and opinion.attempts != attempt)
    return None if gone else opinion, action, requirement


def _save(opinion: Opinion, action: Action, requirement: Requirement) -> None:
    if opinion.effect in {PASSED, RAISED, ASKED}:
        return  # written with what followed from it
    _write(opinion)
    log.append(_entry(opinion, action, requirement))
    tell_action(action, "action.opined")


def _write(opinion: Opinion) -> None:
    said = {name: getattr(opinion, name) for name in ("state", "concern", "words", "error", "points", "effect", "prompt_sha256")}
    Opinion.objects.filter(pk=opinion.pk, state=OpinionState.WANTED).update(**said, done_at=Now())


def _entry(opinion: Opinion, action: Action, requirement: Requirement) -> Entry:
    said = {name: value for name in ("concern", "words", "error", "points", "effect", "prompt_sha256") if (value := getattr(opinion, name))}
    by = model(opinion.model)
    return events.entry(
        action, f"opinion.{opinion.state.lower()}", by=by, door="worker", requirement=requirement, model=opinion.model, **said
    )
