"""Distinct people on the places a requirement has: one person fills one place, in the way that fills most. Pure."""

from collections.abc import Callable, Sequence


def filled(counts: Sequence[int], people: Sequence[str], may: Callable[[str, int], bool]) -> list[int]:
    """How many places of each kind are filled when as many as possible are.

    Args:
        counts: how many places there are of each kind.
        people: each stands for one place at most; whoever comes first keeps a place, though perhaps one of another kind.
        may: whether somebody may fill a place of this kind.
    """
    seated: list[list[str]] = [[] for _ in counts]

    def seat(person: str, tried: set[int]) -> bool:
        for kind, count in enumerate(counts):
            if kind in tried or not may(person, kind):
                continue
            tried.add(kind)
            if len(seated[kind]) < count:
                seated[kind].append(person)
                return True
            # Every place of this kind is taken: does one of those who sit there find another?
            for at, sitting in enumerate(seated[kind]):
                if seat(sitting, tried):
                    seated[kind][at] = person
                    return True
        return False

    for person in people:
        seat(person, set())
    return [len(here) for here in seated]
