"""One place, one decision: who may still decide what somebody else decided in their stead, or they for somebody else.

`entitling` says whose turn it is; here what was decided already is held against it. Decisions, the page, the inbox and Slack all ask here.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet

from approvals import entitling, permissions
from approvals.entitling import Leave
from approvals.envelopes import Envelope
from approvals.errors import AlreadyDecided, NotAllowed, Tampered
from approvals.models import Action, Decision, User
from approvals.permissions import Standing
from approvals.policy.places import filled
from approvals.resolution import Need, Vote, counting, fills, open_stage, still, tally
from approvals.states import ActionState, Verdict
from audit.sentences import say


def given(action: Action, person: str, envelope: Envelope) -> Decision | None:
    """What this person, or somebody in their stead, decided last on this version and stands."""
    last = latest(action, person, envelope)
    return last if last and last.version == action.version else None


def latest(action: Action, person: str, envelope: Envelope) -> Decision | None:
    """The same, or what was decided last on an earlier version."""
    rows: list[Any] = list(with_groups_now(Decision.objects.filter(action=action)).order_by("version", "pk"))
    mine = [row for row in rows if person in {row.person, row.instead_of_person}]
    if action.state == ActionState.PENDING:
        kept = _kept(action, envelope, [row for row in rows if row.version == action.version])
        mine = [row for row in mine if row.version != action.version or row in kept]
    return mine[-1] if mine else None


def placed(action: Action, envelope: Envelope) -> frozenset[str]:
    """Whoever has decided a version that waits, or had it decided in their stead, and whose place that keeps."""
    return _places(action, envelope)[0]


def _places(action: Action, envelope: Envelope) -> tuple[frozenset[str], frozenset[str]]:
    """Beside `placed`: the groups of the open stage that lack somebody."""
    rows = list(with_groups_now(Decision.objects.filter(action=action, version=action.version)).order_by("pk"))
    kept = frozenset(person for row in _kept(action, envelope, rows) for person in (row.person, row.instead_of_person))
    also = frozenset(envelope.escalated(action.passed))
    asked = tally(envelope.needs, [ballot(row, envelope) for row in rows], escalated=also)
    return kept, frozenset(t.need.group for t in asked if t.need.stage == action.stage and t.given < t.need.count)


def _kept(action: Action, envelope: Envelope, rows: Sequence[Any]) -> list[Any]:
    """Which of the decisions on a version that waits keep their places: those that count. Nobody must wait for one who left, and who went over to another
    group that is asked may say it again for that one; so may who came back to a place of an earlier stage that somebody else has filled meanwhile."""
    escalated = envelope.escalated(action.passed)
    ballots = [ballot(row, envelope) for row in rows]
    counted = counting(envelope.needs, ballots, escalated=escalated)
    now = open_stage(envelope.needs, counted, escalated=escalated)
    keep = {
        id(vote)
        for vote in counted
        if vote.verdict is not Verdict.APPROVE or vote.stage >= now or fills(envelope.needs, counted, vote, escalated=escalated)
    }
    return [row for row, vote in zip(rows, ballots, strict=True) if id(vote) in keep]


def ballot(decision: Any, envelope: Envelope | None) -> Vote:
    """A decision (of `with_groups_now`) as it counts now (`operations.counting` says the same in one statement); without an envelope, as it was given."""
    groups = frozenset(decision.groups) if envelope is None else _counts_for(decision, envelope)
    return Vote(
        decision.person,
        Verdict(decision.verdict),
        groups,
        by_policy=decision.by_id is None,
        stage=decision.stage,
        instead_of=decision.instead_of_person,
    )


def _counts_for(decision: Any, envelope: Envelope) -> frozenset[str]:
    of = {decision.person, decision.instead_of_person}
    if decision.revoked_at or (decision.verdict == Verdict.APPROVE and not envelope.excluded.isdisjoint(of)):
        return frozenset()
    lent = decision.lent_now if decision.instead_of_person else None
    return still(decision.groups, own=decision.own_now, lent=lent, delegates=envelope.delegates)


def with_groups_now(decisions: QuerySet[Decision]) -> QuerySet[Any, Any]:
    """`own_now`: the groups of whoever gave each, as of this moment; `lent_now`: those of whom they stood in for. None of somebody locked.
    `revoked_at`: when the grant that spoke for them ended. What a verdict counts for by that: `ballot`."""
    found = {
        name: ArraySubquery(Group.objects.filter(user=OuterRef(of), user__is_active=True).values("name"))
        for name, of in (("own_now", "by"), ("lent_now", "instead_of"))
    }
    return decisions.annotate(**found, revoked_at=F("grant__revoked_at"))


def leave(who: Standing, action: Action, envelope: Envelope, *, stage: int, mine: Decision | None, verdict: str = "approve") -> Leave:
    """Why this person may give this verdict now, though others acted in their stead.

    Args:
        mine: what `given` says of them. stage: the open one, or that of `mine`.

    Raises:
        NotAllowed, Tampered: as `entitling.leave`.
        AlreadyDecided: the other of the two was first. But whose place it is can always say no to what was approved in their stead.
    """

    @cache
    def places() -> tuple[frozenset[str], frozenset[str]]:
        return _places(action, envelope)

    found = entitling.leave(who, action, envelope, stage=stage, verdict=verdict, placed=places)
    if who.person in action.moved_by and verdict != Verdict.REJECT:
        raise NotAllowed(say("You had this reassigned to somebody else: you may still reject it, and others decide the rest"))
    if mine and mine.version == action.version:
        if mine.person != who.person and not (verdict == Verdict.REJECT and mine.verdict == Verdict.APPROVE):
            raise AlreadyDecided(
                say("%(by_name)s has decided this version in your stead; it waits for somebody else", by_name=mine.by_name)
            )
        return found
    if found.instead_of and found.instead_of.person in places()[0]:
        raise _filled(found.instead_of.name)
    return found


def _filled(name: str) -> AlreadyDecided:
    return AlreadyDecided(say("%(name)s, in whose stead you act, has decided this version already", name=name))


def why_not(who: Standing, action: Action, envelope: Envelope, *, mine: Decision | None, verdict: str = "approve") -> str:
    """The sentence `leave` would raise, or "". Of what they decided themselves says nothing: that is no refusal."""
    try:
        leave(who, action, envelope, stage=mine.stage if mine else action.stage, mine=mine, verdict=verdict)
    except (NotAllowed, Tampered, AlreadyDecided) as refusal:
        return refusal.message
    return ""


def named(leave: Leave) -> dict[str, Any]:
    """The columns of a Decision that say in whose stead it is."""
    if leave.instead_of is None:
        return {}
    return {"instead_of_id": leave.instead_of.id, "instead_of_person": leave.instead_of.person}


def check_fills(action: Action, envelope: Envelope, votes: list[Vote], *, stage: int, of: User, to: User) -> None:
    """Whether it can still be approved when `of` leaves it to `to`, who holds it already (unsaved).

    Somebody who is asked themselves decides in their own right and fills no place but theirs; and each person decides once.

    Raises:
        NotAllowed: they may not decide it, have decided, or are needed for a place of their own.
        AlreadyDecided: it is not `of` in whose stead they could decide it, whose place is filled.
    """
    target = permissions.standing(to)
    if given(action, target.person, envelope):
        raise NotAllowed(say("%(to)s has decided this version already: choose somebody else", to=to.get_username()))
    theirs = leave(target, action, envelope, stage=stage, mine=None)
    if theirs.instead_of and theirs.instead_of.person != of.person and given(action, of.person, envelope):
        raise _filled(of.get_username())
    also = frozenset(envelope.escalated(action.passed))
    empty = [(t.need, t.need.count - t.given) for t in tally(envelope.needs, votes, escalated=also)]
    placed = counting(envelope.needs, votes, escalated=also)
    others = _people(envelope, also, but={of.person, *(v.person for v in placed), *(v.instead_of for v in placed)})
    before = _enough(empty, {**others, of.person: (permissions.standing(of).groups, 0)}, also)
    moved = others.keys() & set(action.moved_by)
    others = {person: kind for person, kind in others.items() if person not in moved}
    after = _enough(empty, others if theirs.own else {**others, target.person: (theirs.groups, stage)}, also)
    if before and not after and moved:
        raise NotAllowed(
            say(
                "Whoever has it reassigned decides nothing of it, and without you there are not enough people: ask another operator, or decide it yourself"
            )
        )
    if before and not after:
        said = {"to": to.get_username(), "of": of.get_username()}
        raise NotAllowed(
            say(
                "%(to)s is asked about this too, each person decides once, and without %(of)s there are not enough people. Choose somebody who is not asked, or decide it yourself",
                **said,
            )
        )


_People = dict[str, tuple[frozenset[str], int]]  # by person: their groups, and the one stage they count for (0: any)


def _enough(empty: list[tuple[Need, int]], people: _People, also: frozenset[str]) -> bool:
    """Whether these people could fill all places that are empty."""

    def may(person: str, kind: int) -> bool:
        (groups, only), need = people[person], empty[kind][0]
        return bool(groups & {need.group, *also}) and only in {0, need.stage}

    return sum(filled([n for _, n in empty], list(people), may)) >= sum(n for _, n in empty)


def _people(envelope: Envelope, also: frozenset[str], *, but: set[str]) -> _People:
    """Whoever is asked in any stage, by person, without these and without who is excluded."""
    asked = {need.group for need in envelope.needs} | also
    rows = User.objects.filter(is_active=True, kind=User.Kind.HUMAN, groups__name__in=asked).exclude(person__in=but | envelope.excluded)
    found: dict[str, frozenset[str]] = {}
    for person, group in rows.order_by("pk").values_list("person", "groups__name"):
        found[person] = found.get(person, frozenset()) | {group}
    return {person: (groups, 0) for person, groups in found.items()}
