"""Rules and requirements as sentences a reviewer can read. Pure; the door tells them in the reader's language."""

from collections.abc import Sequence

from approvals.policy.basics import EVERYBODY_INVOLVED, ExtendRule, Level, NeedRule, RequirementRule, Rung, stages_of, verdict_said
from approvals.policy.rules import AmountRule, OpinionRule, PolicyData, SignalRule
from approvals.policy.ruleset import Instead, Match, Require, Rule
from audit.sentences import Frozen, chain, say

NOBODY = say("nobody")
OR, AND, COMMA, SEMICOLON = "%(a)s or %(b)s", "%(a)s and %(b)s", "%(a)s, %(b)s", "%(a)s; %(b)s"


def when(match: Match) -> str:
    """Which calls a rule speaks of."""
    parts = [
        _any_of(match.tools),
        say("a tool of class %(names)s", names=_any_of(match.classes)) if match.classes else "",
        say("by the agent %(names)s", names=_any_of(match.agents)) if match.agents else "",
        say("for the customer %(names)s", names=_any_of(match.customers)) if match.customers else "",
        say("in %(names)s", names=_any_of(match.environments)) if match.environments else "",
    ]
    said = chain("%(a)s %(b)s", [part for part in parts if part]) or say("any call")
    return say("%(calls)s, when %(condition)s", calls=said, condition=" ".join(match.when.split())) if match.when.strip() else said


def then(rule: Rule) -> tuple[str, ...]:
    """What a rule does, a clause each."""
    found: list[str] = []
    if rule.deny:
        found.append(say("is refused by policy: %(why)s", why=rule.deny))
    if rule.at_least:
        found.append(say("is at least %(level)s", level=rule.at_least.said))
    if rule.at_most is Level.LOW:
        found.append(say("is at most low and passes by policy where low asks nobody"))
    elif rule.at_most:
        found.append(say("is at most %(level)s", level=rule.at_most.said))
    if rule.score:
        found.append(say("scores %(points)s points", points=f"{rule.score:+d}"))
    if rule.require:
        found.append(say("also needs %(what)s", what=chain(SEMICOLON, _parts(rule.require))))
    if rule.instead:
        found.append(say("needs, instead of what its level asks, %(what)s", what=chain(SEMICOLON, _parts(rule.instead))))
    return tuple(found)


def sentence(rule: Rule) -> str:
    """A whole rule in one sentence."""
    said = f"{when(rule.match)}: {', and '.join(then(rule))}"
    return f"{said[0].upper()}{said[1:]}."


def asked(requirement: RequirementRule) -> str:
    """What a level asks, in words."""
    if not requirement.need:
        return say("Nobody is asked: it passes by policy, recorded like any decision.")
    parts = [
        people(requirement.need),
        *_excluded(requirement.exclude),
        say("within %(time)s", time=duration(requirement.deadline_s)),
        say("to be used within %(time)s", time=duration(requirement.execute_within_s)),
    ]
    if requirement.hold_s:
        parts.append(say("held %(time)s when it cannot be undone", time=duration(requirement.hold_s)))
    parts.append(say("one of the verdicts %(verdicts)s", verdicts=chain(COMMA, map(verdict_said, requirement.verdicts))))
    if requirement.reason_for:
        parts.append(say("a reason to %(verdicts)s", verdicts=chain(COMMA, map(verdict_said, requirement.reason_for))))
    if requirement.rejections > 1:
        parts.append(say("%(n)d rejections end it", n=requirement.rejections))
    if not requirement.may_edit:
        parts.append(say("no editing"))
    if set(requirement.tell) != set(TOLD_BY):
        parts.append(say("told by %(ways)s", ways=told_by(requirement.tell)))
    if requirement.at_deadline != "tell_agent":
        parts.append(say("not decided in time: %(what)s", what=AT_DEADLINE[requirement.at_deadline]))
    parts += [*_ladder(requirement.escalate), *_put_off(requirement.extend)]
    if requirement.delegates:
        parts.append(say("people of %(groups)s may stand in", groups=chain(OR, requirement.delegates)))
    if requirement.calendar:
        parts.append(say("time counts in the hours of %(calendar)s", calendar=requirement.calendar))
    return say("%(what)s.", what=chain(SEMICOLON, parts))


def people(need: Sequence[NeedRule]) -> str:
    """Whom a requirement asks, stage after stage."""
    last = stages_of(tuple(need))
    asked = [chain(AND, [ASKED(n=n.count, group=n.group) for n in need if n.stage == stage]) for stage in range(1, last + 1)]
    return chain("%(a)s, then %(b)s", filter(None, asked)) or NOBODY


ASKED = Frozen("%(n)d of %(group)s", only={"group": "[^ ]+"})


def duration(seconds: int) -> str:
    """So many days, hours, minutes or seconds, whichever says it in one whole number."""
    if seconds >= 86_400 and seconds % 86_400 == 0:
        return say("%(n)d day", "%(n)d days", n=seconds // 86_400)
    if seconds >= 3_600 and seconds % 3_600 == 0:
        return say("%(n)d hour", "%(n)d hours", n=seconds // 3_600)
    if seconds >= 60 and seconds % 60 == 0:
        return say("%(n)d minute", "%(n)d minutes", n=seconds // 60)
    return say("%(n)d second", "%(n)d seconds", n=seconds)


def points(data: PolicyData) -> tuple[tuple[str, str], ...]:
    """The tables of points, a line each."""
    novelty = [say("fewer than %(n)d approvals %(points)s", n=below, points=f"{p:+d}") for below, p in sorted(data.novelty)]
    unsure = [say("below %(sure)s %(points)s", sure=f"{below:g}", points=f"{p:+d}") for below, p in sorted(data.confidence)]
    floors = [_floor(f.level, f.tools, f.estimated_cost_over) for f in data.at_least]
    return (
        (say("Kind of tool"), ", ".join(f"{name} {p:+d}" for name, p in data.tool_class.items())),
        (say("Cannot be undone"), f"{data.irreversible:+d}"),
        *_stepped(data.amounts),
        (say("Environment"), ", ".join(f"{name} {p:+d}" for name, p in data.environment.items())),
        (say("New for this agent"), chain(COMMA, novelty)),
        (say("Text from outside"), f"{data.untrusted_text:+d}"),
        (say("Hidden characters"), f"{data.hidden_characters:+d}"),
        (say("Agent is unsure"), chain(COMMA, unsure) or say("nothing")),
        *_stepped(data.signals),
        (say("A second model"), _opinion(data.opinion)),
        (say("A loop"), say("the same call proposed more than %(n)d times halts its run", n=data.loop_after)),
        (say("Never below"), chain(SEMICOLON, floors) or say("nothing")),
    )


def _stepped(tables: Sequence[AmountRule | SignalRule]) -> list[tuple[str, str]]:
    return [
        (
            a.of.replace("_", " ").capitalize(),
            chain(COMMA, [say("from %(at)d on %(points)s", at=at, points=f"{p:+d}") for at, p in sorted(a.steps) if p]),
        )
        for a in tables
    ]


def _opinion(rule: OpinionRule) -> str:
    levels = chain(COMMA, [level.said for level in Level if level in rule.ask_for]) or say("nothing")
    said = {"doubtful": f"{rule.points('doubtful'):+d}", "dangerous": f"{rule.points('dangerous'):+d}", "levels": levels}
    return say("doubtful %(doubtful)s, dangerous %(dangerous)s; asked about %(levels)s", **said)


def _floor(level: Level, tools: Sequence[str], cost: float | None) -> str:
    costly = [say("calls that cost more than %(cost)s", cost=f"{cost:g}")] if cost is not None else []
    return say("%(level)s for %(what)s", level=level.said, what=chain(COMMA, [*tools, *costly]))


def _any_of(patterns: Sequence[str]) -> str:
    return chain(OR, patterns)


def _parts(parts: Require | Instead) -> list[str]:
    found: list[str] = [people(parts.need)] if parts.need else []
    if parts.exclude:
        found += _excluded(parts.exclude)
    elif parts.exclude == () and isinstance(parts, Instead):
        found.append(say("nobody excluded"))
    if parts.verdicts:
        found.append(say("one of the verdicts %(verdicts)s", verdicts=chain(COMMA, map(verdict_said, parts.verdicts))))
    if parts.deadline_s:
        found.append(say("a decision within %(time)s", time=duration(parts.deadline_s)))
    if parts.execute_within_s:
        found.append(say("to be used within %(time)s", time=duration(parts.execute_within_s)))
    if parts.hold_s is not None:
        found.append(say("an approval held %(time)s", time=duration(parts.hold_s)) if parts.hold_s else say("no hold"))
    if parts.reason_for:
        found.append(say("a reason to %(verdicts)s", verdicts=chain(COMMA, map(verdict_said, parts.reason_for))))
    if parts.rejections:
        found.append(say("%(n)d rejection to end it", "%(n)d rejections to end it", n=parts.rejections))
    if parts.may_edit is not None:
        found.append(say("editing allowed") if parts.may_edit else say("no editing"))
    if parts.at_deadline:
        found.append(say("not decided in time: %(what)s", what=AT_DEADLINE[parts.at_deadline]))
    return [*found, *_in_time(parts)] if isinstance(parts, Instead) else found


def _in_time(parts: Instead) -> list[str]:
    """What has to do with time and standing in."""
    found = [*_ladder(parts.escalate or ()), *_put_off(parts.extend)]
    if parts.delegates:
        found.append(say("people of %(groups)s as stand-ins", groups=chain(OR, parts.delegates)))
    if parts.calendar:
        found.append(say("time counted in the hours of %(calendar)s", calendar=parts.calendar))
    if parts.remind:
        found.append(say("reminders after %(parts)s of the time", parts=chain(AND, parts.remind)))
    elif parts.remind is not None:
        found.append(say("no reminders"))
    if parts.tell is not None:
        found.append(say("told by %(ways)s", ways=told_by(parts.tell)))
    return found


def _ladder(rungs: Sequence[Rung]) -> list[str]:
    return [say("after %(part)s of the time %(group)s are asked as well", part=rung.after, group=rung.to) for rung in rungs]


def _put_off(extend: ExtendRule | None) -> list[str]:
    if not extend:
        return []
    return [say("%(groups)s may put it off by %(time)s in all", groups=chain(OR, extend.by), time=duration(extend.at_most_s))]


TOLD_BY = {"email": say("e-mail"), "push": say("notifications on devices"), "slack": say("Slack")}
AT_DEADLINE = {"tell_agent": say("the agent is told that it ran out"), "stop_run": say("its run is halted")}


def told_by(ways: Sequence[str]) -> str:
    """Where people are told of an action, beside the inbox."""
    return chain(COMMA, [TOLD_BY[way] for way in ways]) or say("the inbox alone")


INVOLVED = {"requester": say("the person who asked"), "owner": say("the agent's owner"), "editor": say("whoever edited it")}


def _excluded(exclude: Sequence[str]) -> list[str]:
    if set(exclude) == set(EVERYBODY_INVOLVED):
        return [say("never anybody involved (who asked, the agent's owner, whoever edited it)")]
    return [say("never %(who)s", who=chain(OR, [INVOLVED[name] for name in exclude]))] if exclude else []
