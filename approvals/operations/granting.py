"""Giving a standing approval, and giving it too where policy asks for several. `using` lets things through, `revoking` ends it.

Whoever gives one must be somebody who might approve a call like it, now: the same groups, the same exclusions. It is tried on the
past before it is given, and what that showed is kept with it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from approvals import envelopes, permissions
from approvals.errors import BadRequest, Conflict, NotAllowed, NotFound, Stale
from approvals.models import Action, Grant, GrantGiver, Requirement, User
from approvals.operations import policies, viewing
from approvals.operations.clock import database_now
from approvals.operations.freezing import people_excluded
from approvals.operations.notices import Hint, tell
from approvals.operations.step_up import NO_PROOF, Proof, check_grant, rung_of
from approvals.operations.verdicts import check_words
from approvals.permissions import Standing
from approvals.policy.basics import Level
from approvals.policy.granting import Call, Terms, Tried, tried
from approvals.policy.risk import Assessment, assess, at_least_medium
from approvals.queries import grants
from approvals.queries.drills import decided_alone, groups_with_drills
from approvals.states import Verdict
from audit import log
from audit.log import Entry
from audit.sentences import chain, say

MOST_USES = 500
LONGEST = timedelta(days=7)
MOST_AMOUNT = 10**12
SCOPES = ("call", "run", "tool")  # the same call in this run; this tool in this run; this tool in any run


@dataclass(frozen=True)
class Wanted:
    """What a person asks for. `figure` empty: nothing but uses is counted. `also`: how large other figures may be at once; not said,
    no larger than in the example."""

    scope: str
    uses: int
    until: datetime
    figure: str = ""
    each: int | None = None
    total: int | None = None
    also: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Draft:
    """A grant that could be given: its terms, what they would have let through, whom policy asks for calls like it."""

    action: Action
    terms: Terms
    trial: Tried
    assessment: Assessment
    policy: str
    excluded: tuple[str, ...]


def draft(like: Any, wanted: Wanted, *, by: User) -> Draft:
    """The terms after one action, tried on the past. Nothing is written.

    Raises:
        NotFound, NotAllowed: no such action; somebody who might not approve calls like it.
        BadRequest: bounds that cannot be, or a call that no grant may stand for; `fields` says where.
    """
    who = permissions.standing(by)
    action, envelope = _example(like)
    policy = policies.in_force()
    assessment = at_least_medium(policy.data, assess(policy.data, envelope.facts))
    _check_may_stand(action, envelope, assessment, wanted)
    bound = wanted.scope != "tool"
    excluded = set(people_excluded(assessment, action.requested_by if bound else None, action.owner))
    if wanted.scope == "call":
        excluded |= envelope.editors
    _check_giver(who, assessment, excluded, own=bound and action.requested_by is not None and action.requested_by.person == who.person)
    terms = _terms(action, grants.call_of(action, envelope, level=str(assessment.level)), wanted)
    trial = tried(terms, grants.past_calls(agent=action.agent, tool=action.tool, giver=who.person))
    return Draft(action, terms, trial, assessment, policy.version, tuple(sorted(excluded)))


@transaction.atomic
def give(like: Any, wanted: Wanted, *, seen: str, reason: str, by: User, proof: Proof = NO_PROOF, door: str) -> Grant:
    """Give a grant whose back-test was seen.

    Args:
        seen: the digest of the terms whose back-test the person was shown.

    Raises:
        Stale: these are not the terms that were tried. BadRequest: it was picked to be decided by itself. Otherwise as `draft`.
    """
    check_words("approve", reason, "")
    if not reason.strip():
        raise BadRequest(say("Say why: the reason stands on every decision of this grant"), fields={"reason": say("say why")})
    made = draft(like, wanted, by=by)
    terms = made.terms
    if seen != terms.digest:
        raise Stale(say("Look at what these bounds would have let through, then give it"))
    _check_not_picked(made)
    _check_not_given(made, by)
    grant = Grant.objects.create(
        agent=terms.agent, tool=terms.tool, tool_schema_sha256=terms.tool_schema_sha256, environment=terms.environment, run=terms.run,
        args_sha256=terms.args_sha256, level=str(terms.level), max_uses=terms.uses, figure=terms.figure, max_each=terms.each,
        max_total=terms.total, also=dict(terms.also), declared_sha256=terms.declared_sha256, until=terms.until, like=made.action, reason=reason.strip(), policy=made.policy,
        need=[n.model_dump() for n in made.assessment.requirement.need], backtest=made.trial.as_json(),
    )  # fmt: skip
    who = permissions.standing(by)
    check_grant(str(terms.level), who=who, proof=proof)
    _check_looked(str(terms.level), made.action, who)
    _add_giver(grant, who, door)
    log.append(
        entry(grant, "grant.given", who, door, like=str(made.action.pk), reason=grant.reason, backtest=grant.backtest, terms=_said(terms))
    )
    tell(Hint("grants", "grant", str(grant.pk), "grant.given"))
    return grant


@transaction.atomic
def give_too(grant_id: Any, *, by: User, proof: Proof = NO_PROOF, door: str) -> Grant:
    """Stand behind a grant somebody else gave, where calls like it need several people.

    Raises:
        NotFound, NotAllowed: no such grant; somebody who might not approve calls like it. Conflict: it is over, or given already.
    """
    who = permissions.standing(by)
    grant = locked(grant_id)
    row = grants.grant(grant.pk)
    if not row.open:
        raise Conflict(say("This grant is %(state)s: it lets nothing through any more", state=GRANT_STATES.get(row.state, row.state)))
    action, envelope = _example(grant.like_id)
    policy = policies.in_force()
    assessment = at_least_medium(policy.data, assess(policy.data, envelope.facts))
    bound = bool(grant.run)
    excluded = set(people_excluded(assessment, action.requested_by if bound else None, action.owner))
    if grant.args_sha256:
        excluded |= envelope.editors
    _check_giver(who, assessment, excluded, own=bound and action.requested_by is not None and action.requested_by.person == who.person)
    check_grant(str(grant.level), who=who, proof=proof)
    _check_looked(str(grant.level), action, who)
    try:
        with transaction.atomic():
            _add_giver(grant, who, door)
    except IntegrityError as error:
        raise Conflict(say("You have given this grant already")) from error
    log.append(entry(grant, "grant.given_too", who, door))
    tell(Hint("grants", "grant", str(grant.pk), "grant.given_too"))
    return grant


def _example(like: Any) -> tuple[Action, envelopes.Envelope]:
    try:
        action = Action.objects.select_related("requested_by", "owner").filter(pk=UUID(str(like))).first()
    except ValueError:
        action = None
    requirement = Requirement.objects.filter(action=action, version=action.version).first() if action else None
    if action is None or requirement is None:
        raise NotFound(say("There is no such action to give a grant after"))
    return action, envelopes.opened(action, requirement)


def _check_looked(level: str, example: Action, who: permissions.Standing) -> None:
    """Where approving one such call asks for all of it to be opened, so does approving many: the example's version. Raises NotViewed."""
    if rung_of(level, Verdict.APPROVE, question=False).viewed:
        requirement = Requirement.objects.get(action=example, version=example.version)
        viewing.check_opened(example, requirement, envelopes.opened(example, requirement), who=who)


def _check_may_stand(action: Action, envelope: envelopes.Envelope, assessment: Assessment, wanted: Wanted) -> None:
    """Whether any grant at all may stand for calls like this one."""
    if action.kind != Action.Kind.TOOL:
        raise BadRequest(say("A question is answered each time; a grant stands for calls of a tool"))
    if assessment.denied or "approve" not in assessment.requirement.verdicts:
        raise BadRequest(say("The policy lets nobody approve this, so nobody can give a grant for it"))
    if envelope.only_edited:
        raise BadRequest(say("The agent takes no plain yes to this: each one is changed by a person first"))
    if Level.CRITICAL in {assessment.level, Level(action.level)}:
        raise BadRequest(say("Critical: each of these is decided by itself, and no grant ever stands for one"))
    if not envelope.needs and action.state != "PENDING":
        raise BadRequest(say("The policy passes calls like this without asking anybody; there is nothing to grant"))
    if envelope.facts.hidden_characters and wanted.scope == "call":
        raise BadRequest(say("This call holds something that cannot be seen at a glance: each one is decided by itself"))
    if wanted.scope != "tool" and not action.run:
        raise BadRequest(say("This was not asked in a run; choose this tool in any run"), fields={"scope": say("there is no run")})


def _check_not_picked(made: Draft) -> None:
    """No grant is given after a test action, nor, so that this says nothing, after one in 16 real ones while its groups get tests."""
    groups = {n.group for n in made.assessment.requirement.need}
    if made.action.drill or (decided_alone(made.action.pk) and not groups.isdisjoint(groups_with_drills())):
        raise BadRequest(say("Picked to be looked at by itself, as some are: decide it, and give the grant after another one"))


def _check_not_given(made: Draft, by: User) -> None:
    """The same form sent twice gives one grant; the row lock lets the second see the first."""
    terms = made.terms
    Action.objects.select_for_update().filter(pk=made.action.pk).first()
    same = Grant.objects.filter(
        like=made.action, run=terms.run, args_sha256=terms.args_sha256, max_uses=terms.uses, until=terms.until, figure=terms.figure,
        max_each=terms.each, max_total=terms.total, also=dict(terms.also), revoked_at=None, givers__user=by,
    )  # fmt: skip
    if found := same.first():
        raise Conflict(say("You have given this very grant already: it is grant %(pk)s", pk=found.pk))


def _check_giver(who: Standing, assessment: Assessment, excluded: Collection[str], *, own: bool) -> None:
    permissions.check_decide(who, groups={n.group for n in assessment.requirement.need}, excluded=excluded)
    if own:
        raise NotAllowed(say("You started this run: somebody else has to give a grant for what it asks"))


GRANT_STATES = {
    "waits": say("waiting for more people"), "spent": say("used up"), "ended": say("ended"), "revoked": say("revoked"), "halted": say("ended by a halt"),
}  # fmt: skip


def _terms(action: Action, call: Call, wanted: Wanted) -> Terms:
    """What is wanted, within what can be. Raises BadRequest with `fields`."""
    wrong: dict[str, str] = {}
    now = database_now()
    if wanted.scope not in SCOPES:
        wrong["scope"] = say("choose the same call, this tool in this run, or this tool")
    if not 1 <= wanted.uses <= MOST_USES:
        wrong["uses"] = say("at least 1, at most %(n)d times", n=MOST_USES)
    if wanted.until.tzinfo is None or not now < wanted.until <= now + LONGEST:
        wrong["until"] = say("some time from now on, at most %(n)d days ahead", n=LONGEST.days)
    wrong |= _amounts_wrong(call, wanted)
    if wrong:
        parts = [say("%(name)s: %(why)s", name=name, why=why) for name, why in wrong.items()]
        raise BadRequest(say("These bounds cannot be: %(what)s", what=chain("%(a)s; %(b)s", parts)), fields=wrong)
    return Terms(
        agent=action.agent,
        tool=action.tool,
        tool_schema_sha256=call.tool_schema_sha256,
        environment=call.facts.environment,
        level=call.level,
        uses=wanted.uses,
        until=wanted.until,
        run="" if wanted.scope == "tool" else action.run,
        args_sha256=call.args_sha256 if wanted.scope == "call" else "",
        figure=wanted.figure,
        each=wanted.each if wanted.figure else None,
        total=wanted.total if wanted.figure else None,
        declared_sha256=call.declared_sha256,
        also=_also(call, wanted),
    )


def _also(call: Call, wanted: Wanted) -> tuple[tuple[str, int], ...]:
    """The bound of every figure that is not counted in all: as wanted, or else what this call had."""
    return tuple(sorted((name, wanted.also.get(name, n)) for name, n in call.facts.figures.items() if name != wanted.figure))


def _amounts_wrong(call: Call, wanted: Wanted) -> dict[str, str]:
    figures = call.facts.figures
    others: dict[str, str] = {}
    for name, most in wanted.also.items():
        if name not in figures:
            others[f"also-{name}"] = say("the tool says no such figure of this call")
        elif not 0 <= most <= MOST_AMOUNT:
            others[f"also-{name}"] = say("a whole number from 0 on")
    if others:
        return others
    if not wanted.figure:
        if figures and wanted.scope != "call":
            return {"total": say("say how much in all: %(figures)s is counted", figures=", ".join(sorted(figures)).replace("_", " "))}
        return {}
    if wanted.figure not in figures:
        return {"figure": say("the tool says no such figure of this call")}
    wrong: dict[str, str] = {}
    if wanted.total is None or not 1 <= wanted.total <= MOST_AMOUNT:
        wrong["total"] = say("say how much in all, as a whole number from 1 on")
    if wanted.each is not None and not 1 <= wanted.each <= (wanted.total or MOST_AMOUNT):
        wrong["each"] = say("from 1 up to what is allowed in all")
    return wrong


def locked(grant_id: Any) -> Grant:
    known = str(grant_id).isdecimal() and len(str(grant_id)) < 18
    found = Grant.objects.select_for_update().filter(pk=int(grant_id)).first() if known else None
    if found is None:
        raise NotFound(say("There is no such grant; see the list of grants"))
    return found


def _add_giver(grant: Grant, who: Standing, door: str) -> None:
    GrantGiver.objects.create(
        grant=grant, user=who.user, name=who.user.get_username(), person=who.person, groups=sorted(who.groups), door=door
    )


def _said(terms: Terms) -> dict[str, Any]:
    return {k: v for k, v in {**vars(terms), "level": str(terms.level), "until": terms.until.isoformat()}.items() if v not in ("", None)}


def entry(grant: Grant, kind: str, who: Standing, door: str, **data: Any) -> Entry:
    return Entry(
        stream=f"grant:{grant.pk}",
        kind=kind,
        by=who.user.actor,
        door=door,
        agent=grant.agent,
        run=grant.run,
        policy=grant.policy,
        data={"grant": grant.pk, "tool": grant.tool, **data},
    )
