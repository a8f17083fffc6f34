"""What the decisions on one version of an Action add up to. Pure: no clock, no database, no Django."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from approvals.policy.places import filled
from approvals.states import Verdict


@dataclass(frozen=True)
class Need:
    """So many distinct people of one group; those of a later stage are asked when the earlier stages are met."""

    group: str
    count: int
    stage: int = 1


@dataclass(frozen=True)
class Vote:
    """One person's verdict. `groups` are those it counts for (`still`); `by_policy` needs no people.

    Attributes:
        stage: the stage that was open when it was given: it counts for that one only.
        instead_of: the person in whose stead it was given, "" when in nobody's.
    """

    person: str
    verdict: Verdict
    groups: frozenset[str] = frozenset()
    by_policy: bool = False
    stage: int = 1
    instead_of: str = ""


@dataclass(frozen=True)
class Tally:
    """How far one Need is met."""

    need: Need
    given: int

    @property
    def met(self) -> bool:
        return self.given >= self.need.count


def still(groups: Collection[str], *, own: Collection[str], lent: Collection[str] | None, delegates: Collection[str]) -> frozenset[str]:
    """Of the groups that a verdict was given for, those it counts for now. In somebody's stead it counts as theirs, or not at all.

    Args:
        own: the groups of whoever gave it, now. lent: those of whom they stood in for; None: for nobody.
        delegates: of whose people one may stand in for others.
    """
    if lent is None:
        return frozenset(groups).intersection(own)
    return frozenset() if frozenset(own).isdisjoint(delegates) else frozenset(groups).intersection(lent)


def counts(needs: Sequence[Need], vote: Vote, *, escalated: Collection[str] = ()) -> bool:
    """Whether a verdict is of people whom its stage asks. What one person says for all, an answer or a take-over, needs no place."""
    if vote.by_policy or vote.verdict not in {Verdict.APPROVE, Verdict.REJECT}:
        return True
    return not vote.groups.isdisjoint({n.group for n in needs if n.stage == vote.stage}.union(escalated))


def resolve(needs: Sequence[Need], votes: Sequence[Vote], *, rejections: int = 1, escalated: Collection[str] = ()) -> Verdict | None:
    """The verdict the votes add up to, or None while more are needed.

    One answer ends it, and so many rejections; approvals must satisfy every need, each with distinct people: one person never
    stands for two groups.
    The first final vote in order wins, so the result never depends on who reads it when.

    Args:
        escalated: groups whose people may fill places that are empty, because the time to ask them has come.
    """
    rejected = 0
    for vote in counting(needs, votes, escalated=escalated):
        if vote.verdict is Verdict.REJECT and not vote.by_policy:
            rejected += 1
            if rejected < rejections:
                continue
        if vote.verdict is not Verdict.APPROVE or vote.by_policy:
            return vote.verdict
    return Verdict.APPROVE if needs and all(t.met for t in tally(needs, votes, escalated=escalated)) else None


def counting(needs: Sequence[Need], votes: Sequence[Vote], *, escalated: Collection[str] = ()) -> list[Vote]:
    """Votes that count now: of people who still belong to those asked, one of each person, and one for each place.

    One's own word stands above one given in one's stead; and a later one above one before, which counted no more when it was given. But a no stands
    above every yes of the same person: nobody's later yes takes it back.
    """
    found = _one_each([v for v in votes if counts(needs, v, escalated=escalated)], lambda v: v.person)
    own = {v.person for v in found}
    return _one_each([v for v in found if not v.instead_of or v.instead_of not in own], lambda v: v.instead_of or v.person)


def _one_each(votes: Sequence[Vote], of: Callable[[Vote], str]) -> list[Vote]:
    """The last yes of each, or the first no where there is one. What ends it by itself is left as it is."""
    yes = {of(v): v for v in votes if v.verdict is Verdict.APPROVE}
    no = {of(v): v for v in reversed(votes) if v.verdict is Verdict.REJECT}
    one = {**yes, **no}
    return [v for v in votes if v.by_policy or v.verdict not in {Verdict.APPROVE, Verdict.REJECT} or one[of(v)] is v]


def fills(needs: Sequence[Need], votes: Sequence[Vote], vote: Vote, *, escalated: Collection[str] = ()) -> bool:
    """Whether a vote that counts fills a place that would be empty without it."""
    without = [v for v in votes if v is not vote]
    return sum(_met(needs, votes, escalated)) > sum(_met(needs, without, escalated))


def _met(needs: Sequence[Need], votes: Sequence[Vote], escalated: Collection[str]) -> list[int]:
    return [min(t.given, t.need.count) for t in tally(needs, votes, escalated=escalated)]


def tally(needs: Sequence[Need], votes: Sequence[Vote], *, escalated: Collection[str] = ()) -> list[Tally]:
    """Approvals given per need: each person counts for one, in the way that meets most.

    Somebody of an escalated group may fill any place of the stage that is empty, and one only.
    """
    found = counting(needs, votes, escalated=escalated)
    given = {s: iter(_given([n for n in needs if n.stage == s], found, escalated)) for s in {n.stage for n in needs}}
    return [Tally(need, next(given[need.stage])) for need in needs]


def open_stage(needs: Sequence[Need], votes: Sequence[Vote], *, escalated: Collection[str] = ()) -> int:
    """The first stage that still wants approvals; the last one when none does."""
    wanting = [t.need.stage for t in tally(needs, votes, escalated=escalated) if not t.met]
    return min(wanting, default=max((n.stage for n in needs), default=1))


def _given(asked: Sequence[Need], votes: Sequence[Vote], escalated: Collection[str]) -> list[int]:
    """How far the needs of one stage are met."""
    groups: dict[str, frozenset[str]] = {}
    for vote in votes:
        if vote.verdict is Verdict.APPROVE and vote.stage == asked[0].stage:
            groups[vote.person] = groups.get(vote.person, frozenset()) | vote.groups
    anywhere = {person for person, own in groups.items() if not own.isdisjoint(escalated)}
    return filled([n.count for n in asked], list(groups), lambda person, i: person in anywhere or asked[i].group in groups[person])
