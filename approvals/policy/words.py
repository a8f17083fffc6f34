"""Rules and requirements as sentences a reviewer can read. Pure."""

from collections.abc import Sequence

from approvals.policy.basics import EVERYBODY_INVOLVED, ExtendRule, Level, NeedRule, RequirementRule, Rung, stages_of
from approvals.policy.rules import PolicyData
from approvals.policy.ruleset import Instead, Match, Require, Rule
from audit.sentences import say


def when(match: Match) -> str:
    """Which calls a rule speaks of."""
    parts = [
        _named("", match.tools),
        _named("a tool of class ", match.classes),
        _named("by the agent ", match.agents),
        _named("for the customer ", match.customers),
        _named("in ", match.environments),
    ]
    said = " ".join(part for part in parts if part) or "any call"
    return f"{said}, when {' '.join(match.when.split())}" if match.when.strip() else said


def then(rule: Rule) -> tuple[str, ...]:
    """What a rule does, a clause each."""
    found = []
    if rule.deny:
        found.append(f"is refused by policy: {rule.deny}")
    if rule.at_least:
        found.append(f"is at least {rule.at_least}")
    if rule.at_most:
        found.append(f"is at most {rule.at_most}" + (" and passes by policy where low asks nobody" if rule.at_most is Level.LOW else ""))
    if rule.score:
        found.append(f"scores {rule.score:+d} points")
    if rule.require:
        found.append(f"also needs {'; '.join(_parts(rule.require))}")
    if rule.instead:
        found.append(f"needs, instead of what its level asks, {'; '.join(_parts(rule.instead))}")
    return tuple(found)


def sentence(rule: Rule) -> str:
    """A whole rule in one sentence."""
    said = f"{when(rule.match)}: {', and '.join(then(rule))}"
    return f"{said[0].upper()}{said[1:]}."


def asked(requirement: RequirementRule) -> str:
    """What a level asks, in words."""
    if not requirement.need:
        return "Nobody is asked: it passes by policy, recorded like any decision."
    parts = [people(requirement.need), *_excluded(requirement.exclude), f"within {duration(requirement.deadline_s)}"]
    parts.append(f"to be used within {duration(requirement.execute_within_s)}")
    if requirement.hold_s:
        parts.append(f"held {duration(requirement.hold_s)} when it cannot be undone")
    parts.append(say("one of the verdicts %(verdicts)s", verdicts=", ".join(requirement.verdicts)))
    if requirement.reason_for:
        parts.append(f"a reason to {', '.join(requirement.reason_for)}")
    if requirement.rejections > 1:
        parts.append(f"{requirement.rejections} rejections end it")
    parts += [*_ladder(requirement.escalate), *_put_off(requirement.extend)]
    if requirement.delegates:
        parts.append(f"people of {' or '.join(requirement.delegates)} may stand in")
    if requirement.calendar:
        parts.append(f"time counts in the hours of {requirement.calendar}")
    return f"{'; '.join(parts)}."


def people(need: Sequence[NeedRule]) -> str:
    """Whom a requirement asks, stage after stage."""
    last = stages_of(tuple(need))
    asked = [" and ".join(f"{n.count} of {n.group}" for n in need if n.stage == stage) for stage in range(1, last + 1)]
    return ", then ".join(filter(None, asked)) or "nobody"


def duration(seconds: int) -> str:
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count} {name[:-1] if count == 1 else name}"
    return f"{seconds:,} seconds"


def points(data: PolicyData) -> tuple[tuple[str, str], ...]:
    """The tables of points, a line each."""
    amounts = [
        (a.of.replace("_", " ").capitalize(), ", ".join(f"from {at:,} on {p:+d}" for at, p in sorted(a.steps) if p)) for a in data.amounts
    ]
    return (
        ("Kind of tool", ", ".join(f"{name} {p:+d}" for name, p in data.tool_class.items())),
        ("Cannot be undone", f"{data.irreversible:+d}"),
        *amounts,
        ("Environment", ", ".join(f"{name} {p:+d}" for name, p in data.environment.items())),
        ("New for this agent", ", ".join(f"fewer than {below} approvals {p:+d}" for below, p in sorted(data.novelty))),
        ("Text from outside", f"{data.untrusted_text:+d}"),
        ("Hidden characters", f"{data.hidden_characters:+d}"),
        ("A loop", f"the same call proposed more than {data.loop_after} times halts its run"),
        ("Never below", "; ".join(_floor(f.level, f.tools, f.estimated_cost_over) for f in data.at_least) or "nothing"),
    )


def _floor(level: Level, tools: Sequence[str], cost: float | None) -> str:
    named = [*tools, *([f"calls that cost more than {cost:g}"] if cost is not None else [])]
    return f"{level} for {', '.join(named)}"


def _named(before: str, patterns: Sequence[str]) -> str:
    return f"{before}{' or '.join(patterns)}" if patterns else ""


def _parts(parts: Require | Instead) -> list[str]:
    found = [people(parts.need)] if parts.need else []
    found += (
        _excluded(parts.exclude) if parts.exclude else ["nobody excluded"] if parts.exclude == () and isinstance(parts, Instead) else []
    )
    if parts.verdicts:
        found.append(f"one of the verdicts {', '.join(parts.verdicts)}")
    if parts.deadline_s:
        found.append(f"a decision within {duration(parts.deadline_s)}")
    if parts.execute_within_s:
        found.append(f"to be used within {duration(parts.execute_within_s)}")
    if parts.hold_s is not None:
        found.append(f"an approval held {duration(parts.hold_s)}" if parts.hold_s else "no hold")
    if parts.reason_for:
        found.append(f"a reason to {', '.join(parts.reason_for)}")
    if parts.rejections:
        found.append(f"{parts.rejections} rejection{'' if parts.rejections == 1 else 's'} to end it")
    if isinstance(parts, Instead):
        found += [*_ladder(parts.escalate or ()), *_put_off(parts.extend)]
        found += [f"people of {' or '.join(parts.delegates)} as stand-ins"] if parts.delegates else []
        found += [f"time counted in the hours of {parts.calendar}"] if parts.calendar else []
        found += [f"reminders after {' and '.join(parts.remind) or 'no part'} of the time"] if parts.remind is not None else []
    return found


def _ladder(rungs: Sequence[Rung]) -> list[str]:
    return [f"after {rung.after} of the time {rung.to} are asked as well" for rung in rungs]


def _put_off(extend: ExtendRule | None) -> list[str]:
    return [f"{' or '.join(extend.by)} may put it off by {duration(extend.at_most_s)} in all"] if extend else []


def _excluded(exclude: Sequence[str]) -> list[str]:
    if set(exclude) == set(EVERYBODY_INVOLVED):
        return ["never anybody involved (who asked, the agent's owner, whoever edited it)"]
    who = {"requester": "the person who asked", "owner": "the agent's owner", "editor": "whoever edited it"}
    return [f"never {' or '.join(who[name] for name in exclude)}"] if exclude else []
