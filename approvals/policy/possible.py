"""Whether claims can all be true at once. Pure.

Sound before it is clever: it says "never" only of what no value makes true (held against brute force in `tests/unit/test_policy_possible.py`).
Numbers are dense unless a schema says that they are whole.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from approvals.policy.claims import TEXT, Claim, Formula, TooMany, Way, ways
from approvals.policy.shapes import ANYTHING, Shape, kind_of
from audit.sentences import Frozen

MOST_TRIED = 1_000
TOGETHER = Frozen("%(one)s and %(other)s are never true together")
SEVERAL = Frozen("%(claims)s are never true together")
ALONE = Frozen("%(claim)s is never true here")

# What each value may be here, by path: what a schema says, or which names there are.
Shapes = Callable[[tuple[str, ...]], Shape]
ASKS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
    "in": lambda a, b: a in b,
    "startsWith": lambda a, b: a.startswith(b),
    "endsWith": lambda a, b: a.endswith(b),
    "contains": lambda a, b: b in a,
}
SIZE = Shape(frozenset({"number"}), whole=True, least=0)


def anything(steps: tuple[str, ...]) -> Shape:
    return ANYTHING


def never(part: Formula, shapes: Shapes = anything) -> str:
    """Why a condition can never hold, "" when it can, or when nobody can say."""
    try:
        found = [contradiction(way, shapes) for way in ways(part)]
    except TooMany:
        return ""
    return found[0] if found and all(found) else ""


def implies(one: Formula, other: Formula, shapes: Shapes = anything) -> bool:
    """Whether the other is never false where the one holds; False when nobody can say."""
    try:
        return all(contradiction((*a, *b), shapes) for a in ways(one) for b in ways(other, holds=False))
    except TooMany:
        return False


def contradiction(way: Way, shapes: Shapes = anything) -> str:
    """Why these claims are never all true, "" when they may be."""
    if absent := _absent(way):
        return absent
    for about in dict.fromkeys(c.about for c in way if c.sign != "has"):
        claims = [c for c in way if c.about == about and c.sign != "has"]
        shape = SIZE if about[1] else shapes(about[0])
        if not _possible(claims, shape):
            return _said(claims, shape)
    return ""


def _absent(way: Way) -> str:
    """Something is said to be missing, and also to be this or that."""
    for gone in (c for c in way if c.sign == "has" and not c.yes):
        for other in way:
            if (other.sign != "has" or other.yes) and other.steps[: len(gone.steps)] == gone.steps:
                return TOGETHER(one=str(gone), other=str(other))
    return ""


def _said(claims: Sequence[Claim], shape: Shape) -> str:
    """The fewest of them that already contradict each other."""
    for claim in claims:
        if not _possible([claim], shape):
            return ALONE(claim=str(claim))
    for at, one in enumerate(claims):
        for other in claims[at + 1 :]:
            if not _possible([one, other], shape):
                return TOGETHER(one=str(one), other=str(other))
    return SEVERAL(claims=", ".join(map(str, claims)))


def _possible(claims: Sequence[Claim], shape: Shape) -> bool:
    """Whether one value makes all of these true."""
    if not _one_kind(claims, shape):
        return False
    listed = [c.value if c.sign == "in" else [c.value] for c in claims if c.yes and c.sign in {"==", "in"}]
    if listed:
        return any(_fits(value, claims, shape) for value in listed[0])
    if shape.values is not None:
        return any(_fits(value, claims, shape) for value in shape.values)
    return _in_range(claims, shape) and _texts_agree(claims)


def _one_kind(claims: Sequence[Claim], shape: Shape) -> bool:
    """Whether there is a kind of value all of them can be true of. True and 1 are one kind: the language's library takes them for equal."""
    kinds = set(shape.kinds) | ({"bool", "number"} if shape.kinds & {"bool", "number"} else set())
    for claim in claims:
        of_claim = _kinds(claim)
        if of_claim:
            kinds = kinds & of_claim if kinds else set(of_claim)
            if not kinds:
                return False
    return True


def _kinds(claim: Claim) -> set[str]:
    """The kinds of value a claim can be true of, empty when of any."""
    if claim.sign in TEXT:
        return {"text"}
    if not claim.yes or claim.sign == "!=":
        return set()
    found = {kind_of(v) for v in (claim.value if claim.sign == "in" else [claim.value])}
    if "" in found:
        return set()
    return found | {"bool", "number"} if found & {"bool", "number"} else found


def _fits(value: Any, claims: Sequence[Claim], shape: Shape) -> bool:
    return _allowed(value, shape) and all(_true(claim, value) for claim in claims)


def _allowed(value: Any, shape: Shape) -> bool:
    kind = kind_of(value)
    if (shape.values is not None and value not in shape.values) or (shape.fits and not shape.fits(value)):
        return False
    if shape.kinds and kind and kind not in shape.kinds and not (kind in {"bool", "number"} and shape.kinds & {"bool", "number"}):
        return False
    if kind == "number" and shape.kinds and "number" in shape.kinds:
        whole = not shape.whole or float(value).is_integer()
        return whole and not _below(value, shape.least) and not _above(value, shape.most)
    return True


def _true(claim: Claim, value: Any) -> bool:
    """Whether a claim is true of a value; what cannot be compared is not. Kinds the language might compare after all count as true."""
    try:
        found = ASKS[claim.sign](value, claim.value)
    except (TypeError, AttributeError):
        return claim.sign == "in" and not claim.yes
    return found is claim.yes


def _in_range(claims: Sequence[Claim], shape: Shape) -> bool:
    """Whether the comparisons leave a value between them."""
    numbers = all(kind_of(c.value) == "number" for c in claims if c.sign in {"<", "<=", ">", ">="})
    least, most = (shape.least, shape.most) if numbers else (None, None)
    low = max([(c.value, c.sign == ">") for c in claims if c.yes and c.sign in {">", ">="}], default=None)
    high = min([(c.value, c.sign == "<=") for c in claims if c.yes and c.sign in {"<", "<="}], default=None)
    if numbers and shape.whole and "number" in shape.kinds and (low or high or shape.kinds == {"number"}):
        return _whole_between(claims, low, high, least, most)
    if low and high and (low[0] > high[0] or (low[0] == high[0] and (low[1] or not high[1]))):
        return False
    if numbers and "number" in shape.kinds:
        return not (low and _above(low[0], most)) and not (high and _below(high[0], least))
    return True


def _whole_between(claims: Sequence[Claim], low: Any, high: Any, least: float | None, most: float | None) -> bool:
    """Whether a whole number is left; every one is tried where there are few."""
    starts = [least] if least is not None else []
    ends = [most] if most is not None else []
    starts += [math.floor(low[0]) + 1 if low[1] else math.ceil(low[0])] if low else []
    ends += [math.floor(high[0]) if high[1] else math.ceil(high[0]) - 1] if high else []
    if not starts or not ends:
        return True
    first, last = math.ceil(max(starts)), math.floor(min(ends))
    if last - first >= MOST_TRIED:
        return True
    return any(all(_true(c, n) for c in claims) for n in range(first, last + 1))


def _texts_agree(claims: Sequence[Claim]) -> bool:
    """Whether beginnings and ends that are asked for go together."""
    for sign in ("startsWith", "endsWith"):
        wanted = sorted((c.value for c in claims if c.sign == sign and c.yes), key=len)
        parts = [w if sign == "startsWith" else w[::-1] for w in wanted]
        if any(not longer.startswith(part) for part, longer in pairwise(parts)):
            return False
        forbidden = [c.value for c in claims if c.sign == sign and not c.yes]
        if wanted and any(ASKS[sign](wanted[-1], f) for f in forbidden):
            return False
    return True


def _below(value: Any, least: float | None) -> bool:
    return least is not None and value < least


def _above(value: Any, most: float | None) -> bool:
    return most is not None and value > most
