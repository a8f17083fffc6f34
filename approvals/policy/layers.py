"""All that is wrong with a policy's text, found in one go: what cannot be read is set aside, and the rest is looked at all the same. Pure.

A text is read in layers: its YAML, its fields, its conditions and names, then what there is here to match. A mistake in one used to hide
those behind it, so one mended a policy mistake by mistake.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from approvals.policy.known import Finding
from approvals.policy.reading import BadPolicy, Lines, Problem, misread, read
from approvals.policy.rules import Policy, PolicyData, checks_of, problem_of

# Stands for a rule that cannot be read: it matches no call there is.
ASIDE: Mapping[str, Any] = {"deny": "set aside", "match": {"tools": ["\N{REPLACEMENT CHARACTER}"]}}


@dataclass(frozen=True)
class Examined:
    """What a text is so far.

    Attributes:
        problems: what must be mended, by line.
        policy: what can be read of it, other parts taken from the policy before; None when nothing can.
        aside: which rules, and which fields of the policy, are not its own there.
    """

    problems: tuple[Problem, ...]
    policy: Policy | None
    aside: frozenset[Any] = frozenset()

    def ours(self, found: Sequence[Finding]) -> list[Finding]:
        """Findings that are about the text itself, not about what stands in for its parts."""
        if self.policy is None:
            return []
        lines = read(self.policy.source)[1]
        spans = [_span(lines, part) for part in self.aside]
        return [f for f in found if not any(begins <= f.line < ends for begins, ends in spans)]


def examine(source: str, *, number: int, before: Policy) -> Examined:
    """Read a text as far as it goes."""
    try:
        data, lines = read(source)
    except BadPolicy as error:
        return Examined(error.problems, None)
    if misreadings := misread(lines):
        return Examined(misreadings, None)
    data, problems, aside = _readable(data, lines, before)
    if data is None:
        return Examined(tuple(problems), None)
    problems += [p for p in checks_of(data, lines) if _part(p.where.split(".")) not in aside]
    broken = {_part(p.where.split(".")) for p in problems if p.where.startswith("rules.")}
    policy = Policy(_without(data, broken), source, hashlib.sha256(source.encode()).hexdigest(), number)
    return Examined(tuple(sorted(problems, key=lambda p: p.line)), policy, frozenset(aside | broken))


def _readable(data: Any, lines: Lines, before: Policy) -> tuple[PolicyData | None, list[Problem], set[Any]]:
    """The fields that fit, with what they need beside them from the policy before; and what does not fit."""
    problems: list[Problem] = []
    aside: set[Any] = set()
    for _ in range(3):  # a rule that is set aside may have hidden what is wrong with the whole
        try:
            return PolicyData.model_validate(data), problems, aside
        except ValidationError as error:
            errors: list[dict[str, Any]] = [dict(e) for e in error.errors()]
        problems += [p for e in errors if (p := problem_of(e, lines)) not in problems]
        parts = {_part([str(step) for step in tuple(e["loc"])]) for e in errors}
        if None in parts or not isinstance(data, dict) or parts <= aside:
            break
        data, aside = _aside(data, parts, before), aside | parts
    return None, problems, aside


def _part(path: Sequence[str]) -> Any:
    """What a problem is in: the number of a rule, or the name of a field; None for the whole."""
    if len(path) > 1 and path[0] == "rules" and path[1].isdecimal():
        return int(path[1])
    return path[0] if path and path[0] in PolicyData.model_fields else None


def _aside(data: dict[str, Any], parts: set[Any], before: Policy) -> dict[str, Any]:
    usual = before.data.model_dump(mode="json")
    kept = {name: value for name, value in data.items() if name not in parts}
    kept |= {name: usual[name] for name in parts if isinstance(name, str)}
    if isinstance(rules := kept.get("rules"), list):
        kept["rules"] = [{"name": f"aside-{n}", **ASIDE} if n in parts else rule for n, rule in enumerate(rules)]
    return kept


def _without(data: PolicyData, broken: set[Any]) -> PolicyData:
    """The same without rules whose conditions cannot be asked."""
    if not broken:
        return data
    kind = type(data.rules[0])
    rules = tuple(kind.model_validate({"name": f"aside-{n}", **ASIDE}) if n in broken else rule for n, rule in enumerate(data.rules))
    return data.model_copy(update={"rules": rules})


def _span(lines: Lines, part: Any) -> tuple[int, int]:
    """The lines of a rule, from its first to that of the next; of a field, its first."""
    if isinstance(part, int):
        begins, ends = lines.of(("rules", part)), lines.of(("rules", part + 1))
        return begins, ends if ends > begins else 10**9
    begins = lines.of((part,))
    return begins, begins + 1
