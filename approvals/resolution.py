"""What the decisions on one version of an Action add up to. Pure: no clock, no database, no Django."""

from collections.abc import Sequence
from dataclasses import dataclass

from approvals.states import Verdict


@dataclass(frozen=True)
class Need:
    """So many distinct people of one group."""

    group: str
    count: int


@dataclass(frozen=True)
class Vote:
    """One person's verdict. `groups` are those the person belonged to when deciding; `by_policy` needs no people."""

    person: str
    verdict: Verdict
    groups: frozenset[str] = frozenset()
    by_policy: bool = False


@dataclass(frozen=True)
class Tally:
    """How far one Need is met."""

    need: Need
    given: int

    @property
    def met(self) -> bool:
        return self.given >= self.need.count


def resolve(needs: Sequence[Need], votes: Sequence[Vote]) -> Verdict | None:
    """The verdict the votes add up to, or None while more are needed.

    One rejection or answer ends it; approvals must satisfy every need, each with distinct people.
    The first final vote in order wins, so the result never depends on who reads it when.
    """
    for vote in votes:
        if vote.verdict is not Verdict.APPROVE or vote.by_policy:
            return vote.verdict
    return Verdict.APPROVE if needs and all(t.met for t in tally(needs, votes)) else None


def tally(needs: Sequence[Need], votes: Sequence[Vote]) -> list[Tally]:
    """Approvals given per need. A person in two needed groups counts in each: the needs ask about groups."""
    return [Tally(need, len({v.person for v in votes if v.verdict is Verdict.APPROVE and need.group in v.groups})) for need in needs]
