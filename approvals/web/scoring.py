"""Why this score: factors as bars with signed points, and what would have lowered it. Pure but for reading the kept policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from approvals.policy.risk import Factor
from approvals.policy.rules import BadPolicy, Level, parse
from approvals.queries import policy_source

NAMES = {
    "tool_class": "Kind of tool",
    "irreversible": "Cannot be undone",
    "amount_cents": "Amount",
    "rows": "Rows",
    "files": "Files",
    "recipients": "Recipients",
    "environment": "Environment",
    "novelty": "New for this agent",
    "untrusted_text": "Text from outside",
    "hidden_characters": "Hidden characters",
    "at_least": "Floor",
    "edited": "Edited",
    "question": "Question",
}
FULL = 45  # points that fill a bar


@dataclass(frozen=True)
class FactorLine:
    points: str
    name: str
    why: str
    width: int
    negative: bool


def factor_lines(factors: Sequence[Factor]) -> tuple[FactorLine, ...]:
    """Factors, heaviest first."""
    ordered = sorted(factors, key=lambda f: -abs(f.points))
    return tuple(
        FactorLine(
            points=f"{'+' if f.points > 0 else chr(0x2212) if f.points < 0 else ''}{abs(f.points)}",
            name=NAMES.get(f.name, f.name.replace("_", " ").capitalize()),
            why=f.why,
            width=min(100, round(100 * abs(f.points) / FULL)),
            negative=f.points < 0,
        )
        for f in ordered
    )


def would_lower(factors: Sequence[Factor], policy_sha256: str) -> str:
    """The smallest single change that would have given a lower level, in words; empty when none would."""
    starts = _starts(policy_sha256)
    score = max(0, min(100, sum(f.points for f in factors)))
    if not starts or any(f.name == "at_least" for f in factors):
        return ""
    level = _level(score, starts)
    for factor in sorted(factors, key=lambda f: f.points):
        lower = _level(max(0, score - factor.points), starts)
        if factor.points > 0 and factor.name != "tool_class" and lower != level:
            name = NAMES.get(factor.name, factor.name).lower()
            return f"Without the points for \N{LEFT DOUBLE QUOTATION MARK}{name}\N{RIGHT DOUBLE QUOTATION MARK} it would be {lower}, at {max(0, score - factor.points)}."
    return ""


def _level(score: int, starts: tuple[tuple[str, int], ...]) -> str:
    return next((name for name, start in reversed(starts) if score >= start), starts[0][0])


@lru_cache(maxsize=16)
def _starts(policy_sha256: str) -> tuple[tuple[str, int], ...]:
    """Where each level begins in a policy that was in force, lowest first."""
    source = policy_source(policy_sha256)
    try:
        return tuple((str(level), parse(source).data.levels[level]) for level in Level) if source else ()
    except BadPolicy:
        return ()
