"""Whose places one person could fill in another's stead, by their groups and what the policy lets stand-ins do. Pure.

A stand-in decides what they are asked themselves, or what the policy lets people of their groups decide in somebody's stead (`delegates`). Who
is excluded from one action (its requester, its editor) is not known here: the operations look at each.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from approvals.policy.rules import PolicyData


@dataclass(frozen=True)
class Cover:
    """Of the groups somebody is asked in: those a stand-in can fill places of everywhere, in some places only, and nowhere."""

    whole: tuple[str, ...]
    partly: tuple[str, ...]
    nowhere: tuple[str, ...]

    @property
    def anything(self) -> bool:
        return bool(self.whole or self.partly)


def cover(data: PolicyData, *, absent: Collection[str], other: Collection[str]) -> Cover:
    """What somebody of the groups `other` could decide for somebody of the groups `absent`."""
    lent: dict[str, set[bool]] = {}
    for group, delegates in _places(data):
        if group in absent:
            lent.setdefault(group, set()).add(group in other or not delegates.isdisjoint(other))
    whole, partly, nowhere = (
        tuple(sorted(group for group, found in lent.items() if found == wanted)) for wanted in ({True}, {True, False}, {False})
    )
    return Cover(whole, partly, nowhere)


def asked(data: PolicyData) -> frozenset[str]:
    """The groups that a policy asks anywhere, those it escalates to among them."""
    return frozenset(group for group, _delegates in _places(data))


def _places(data: PolicyData) -> Iterator[tuple[str, frozenset[str]]]:
    """Every group that is asked somewhere, with the groups whose people may stand in there."""
    levels = list(data.requirements.values())
    everywhere = frozenset.intersection(*(frozenset(level.delegates) for level in levels)) if levels else frozenset()
    for level in levels:
        yield from ((group, frozenset(level.delegates)) for group in (*(n.group for n in level.need), *(r.to for r in level.escalate)))
    for rule in data.rules:
        if rule.require:  # it adds to whatever its level asks, under that level's stand-ins
            yield from ((need.group, everywhere) for need in rule.require.need)
        if rule.instead:
            lent = everywhere if rule.instead.delegates is None else frozenset(rule.instead.delegates)
            groups = (*(n.group for n in rule.instead.need or ()), *(r.to for r in rule.instead.escalate or ()))
            yield from ((group, lent) for group in groups)
