"""How the policy changes: proposed with a reason, published by the right person, kept for ever."""

import difflib
from dataclasses import replace

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import BadRequest, Conflict, InvalidPolicy, NotAllowed, NotFound, Stale
from approvals.models import PolicyVersion, User
from approvals.operations import kept, policies
from approvals.operations.halts import check_reason
from approvals.operations.notices import Hint, tell
from approvals.policy.checking import Finding, Known, check, unmanned
from approvals.policy.comparing import loosenings
from approvals.policy.layers import examine
from approvals.policy.rules import Policy, parse
from approvals.queries.policies import rosters
from approvals.states import PolicyState, word
from audit import log
from audit.sentences import say


@transaction.atomic
def propose(source: str, *, justification: str, known: Known, by: User, door: str) -> PolicyVersion:
    """Put a policy forward. It is not in force before it is published.

    Args:
        known: the agents and people there are, to find rules that do nothing (`agents.queries.known_to_policies`).

    Raises:
        NotAllowed: not an administrator. BadRequest: no justification, or nothing changed.
        InvalidPolicy: it cannot be read, or a rule can never match; `problems` says where.
    """
    who = permissions.standing(by)
    permissions.check_edit_policy(who)
    justification = check_reason(justification)
    current = policies.in_force()
    policy, findings = examined(source, known=known)
    if policy.sha256 == current.sha256:
        raise BadRequest(say("This is the policy in force already; change something first"))
    version = PolicyVersion.objects.create(
        source=source,
        sha256=policy.sha256,
        base=current.number,
        diff=diff_of(current.source, source, f"version {current.number}", "proposed"),
        loosens=list(loosenings(current.data, policy.data)),
        warnings=[kept.AT_LINE(line=f.line, why=f.why) for f in findings],
        justification=justification,
        proposed_by=who.user,
        proposed_name=who.user.get_username(),
        door=door,
    )
    log.append(
        policies.entry(version, "policy.proposed", who.user.actor, door, reason=justification, loosens=version.loosens, diff=version.diff)
    )
    tell(Hint("policies", "policy", str(version.pk), "policy.proposed"))
    return version


@transaction.atomic
def publish(version_id: int, *, known: Known, by: User, door: str, note: str = "") -> PolicyVersion:
    """Put a proposed policy in force. What loosens needs somebody else than its author. It is checked again: agents and people come and go.

    Args:
        known: as `propose` wants it; who is in which group is asked again here, when anybody knows.

    Raises:
        NotFound, NotAllowed: no such proposal; not an administrator, or the author of a change that loosens.
        Conflict, Stale: published or withdrawn already; another version was published since it was proposed.
        InvalidPolicy: something is wrong with it today.
    """
    note = check_reason(note) if note.strip() else ""
    who, version = _open(version_id, by)
    current = policies.in_force()
    if version.base != current.number:
        raise Stale(
            say(
                "Version %(number)s was published since this was proposed against version %(base)s: propose it again",
                number=current.number,
                base=version.base,
            )
        )
    policy, _ = examined(version.source, known=_as_it_is(known))
    # What was found when it was proposed counts, and what this release of the product finds as well.
    loosens = [*version.loosens, *loosenings(current.data, policy.data)]
    if loosens and version.proposed_by and version.proposed_by.person == who.person:
        raise NotAllowed(
            say(
                "This asks for less (%(what)s): another administrator than %(proposed_name)s has to publish it",
                what=loosens[0],
                proposed_name=version.proposed_name,
            )
        )
    number = (PolicyVersion.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    _close(version, PolicyState.PUBLISHED, who.user, note, number=number)
    log.append(
        policies.entry(
            version, "policy.published", who.user.actor, door, number=number, reason=version.justification, note=note,
            proposed_by=version.proposed_name, loosens=loosens, diff=version.diff,
        )
    )  # fmt: skip
    tell(Hint("policies", "policy", str(version.pk), "policy.published", number))
    return version


@transaction.atomic
def withdraw(version_id: int, *, by: User, door: str, reason: str) -> PolicyVersion:
    """Drop a proposal; it is kept, and can never be published. Raises as `publish` does, and BadRequest without a reason."""
    reason = check_reason(reason)
    who, version = _open(version_id, by)
    _close(version, PolicyState.WITHDRAWN, who.user, reason)
    log.append(policies.entry(version, "policy.withdrawn", who.user.actor, door, reason=reason))
    tell(Hint("policies", "policy", str(version.pk), "policy.withdrawn"))
    return version


def examined(source: str, *, known: Known) -> tuple[Policy, tuple[Finding, ...]]:
    """A text as a policy, and what only needs to be known of it. Every door that takes a policy asks this, so all show the same: all of it
    at once, whatever layer it is in.

    Raises:
        InvalidPolicy: for what must be mended; its `warnings` have the rest.
    """
    current = policies.in_force()
    read = examine(source, number=current.number + 1, before=current)
    findings = read.ours(check(read.policy, known, before=current)) if read.policy else []
    refused = [(p.line, say("%(where)s: %(why)s", where=p.where, why=p.why) if p.where else p.why) for p in read.problems]
    refused += [(f.line, f.why) for f in findings if f.refused]
    if refused or read.policy is None:
        raise InvalidPolicy(sorted(refused, key=lambda found: found[0]), [(f.line, f.why) for f in findings if not f.refused])
    return read.policy, tuple(findings)


def found_in(source: str, *, known: Known) -> tuple[Finding, ...]:
    """All that `examined` finds, to be shown; nothing is raised."""
    try:
        return examined(source, known=known)[1]
    except InvalidPolicy as error:
        return (*(Finding(line, why, refused=True) for line, why in error.problems), *(Finding(line, why) for line, why in error.warnings))


def unmanned_now(known: Known) -> tuple[Finding, ...]:
    """The places of the policy in force that nobody could fill today."""
    return unmanned(policies.in_force(), known)


def _as_it_is(known: Known) -> Known:
    """With the groups as they are under the lock of publishing, which whoever deletes a group takes as well."""
    if known.rosters is None:
        return known
    there = rosters()
    return replace(known, rosters=there.groups, names=there.names)


def diff_of(before: str, after: str, name_before: str, name_after: str) -> str:
    """A unified diff of two texts."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name_before, name_after, lineterm="", n=3)
    return "\n".join(lines)


def less(before: str, after: str) -> tuple[str, ...]:
    """What one policy's text asks less of than another's. Raises BadPolicy."""
    return loosenings(parse(before).data, parse(after).data)


def _open(version_id: int, by: User) -> tuple[permissions.Standing, PolicyVersion]:
    """The person and a proposal nobody has closed, one publication at a time."""
    who = permissions.standing(by)
    permissions.check_edit_policy(who)
    policies.one_at_a_time()
    version = PolicyVersion.objects.select_for_update(of=("self",)).select_related("proposed_by").filter(pk=version_id).first()
    if version is None:
        raise NotFound(say("There is no such policy version"))
    if version.state != PolicyState.PROPOSED:
        raise Conflict(say("This was %(state)s by %(closed_name)s already", state=word(version.state), closed_name=version.closed_name))
    return who, version


def _close(version: PolicyVersion, state: PolicyState, by: User, note: str, *, number: int | None = None) -> None:
    changed = PolicyVersion.objects.filter(pk=version.pk, state=PolicyState.PROPOSED).update(
        state=state, number=number, closed_by=by, closed_name=by.get_username(), closed_at=Now(), note=note
    )
    if not changed:
        raise Conflict(say("Somebody else was faster; open it again"))
    version.refresh_from_db()
