"""Why this score: factors as bars with signed points, and what would have lowered it. Pure but for reading the policy of that day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from approvals.policy.basics import said_of
from approvals.policy.lowering import Lower, what_would_lower
from approvals.policy.matching import Facts
from approvals.policy.risk import Factor
from approvals.queries import policy_of
from audit.languages import told
from audit.sentences import say

NAMES = {
    "tool_class": say("Kind of tool"),
    "irreversible": say("Cannot be undone"),
    "amount_cents": say("Amount"),
    "rows": say("Rows"),
    "files": say("Files"),
    "recipients": say("Recipients"),
    "environment": say("Environment"),
    "novelty": say("New for this agent"),
    "untrusted_text": say("Text from outside"),
    "hidden_characters": say("Hidden or unreadable"),
    "opinion": say("A second opinion"),
    "confidence": say("Agent is unsure"),
    "run_calls": say("Calls of its run"),
    "run_failures": say("Failed before"),
    "at_least": say("Floor"),
    "edited": say("Edited"),
    "needs_a_person": say("Needs a person"),
    "question": say("Question"),
}
FULL = 45  # points that fill a bar


@dataclass(frozen=True)
class FactorLine:
    points: str
    name: str
    why: str
    width: int
    negative: bool
    rule: str = ""


def factor_lines(factors: Sequence[Factor]) -> tuple[FactorLine, ...]:
    """Factors, heaviest first."""
    ordered = sorted(factors, key=lambda f: -abs(f.points))
    return tuple(
        FactorLine(
            points=f"{'+' if f.points > 0 else chr(0x2212) if f.points < 0 else ''}{abs(f.points)}",
            name=_("Rule %(name)s") % {"name": f.rule} if f.rule else told(NAMES.get(f.name, f.name.replace("_", " ").capitalize())),
            why=told(f.why),
            width=min(100, round(100 * abs(f.points) / FULL)),
            negative=f.points < 0,
            rule=f.rule,
        )
        for f in ordered
    )


def would_lower(facts: Facts, policy_sha256: str) -> tuple[Lower, ...]:
    """The cheapest single changes that would have given a lower level under the policy it was scored with."""
    policy = policy_of(policy_sha256)
    if policy is None:
        return ()
    return tuple(Lower(told(lower.change), told(said_of(lower.level)), lower.score) for lower in what_would_lower(policy, facts))
