"""Scoring: facts about one proposed action in; signed factors, a level and what is asked of people out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from approvals.policy.basics import Level, RequirementRule
from approvals.policy.factors import Factor, floors, of_facts, wished
from approvals.policy.joining import nothing_less, stricter
from approvals.policy.matching import Facts, Hit
from approvals.policy.rules import PolicyData
from audit.sentences import Frozen

__all__ = ["UNEXPLAINED", "Assessment", "Factor", "Facts", "assess", "at_least_medium"]

UNEXPLAINED = "unexplained"  # beside what an agent can be told: of a rejection it hears that, and not why
# Reasons of a score, as they are frozen with it.
RUNS_NOTHING = Frozen("A question runs nothing")
DENIED = Frozen("%(why)s (rule %(rule)s)")
ASKED_A_PERSON = Frozen("What a person was asked about is approved by a person")
APPLIES = Frozen("The rule %(rule)s applies")
UNANSWERED = Frozen("%(said)s (its condition could not be answered, which counts as matching: %(why)s)", parts=["said", "why"])
ONLY_UNANSWERED = Frozen(
    "%(said)s (only where it asks for more, because its condition could not be answered: %(why)s)", parts=["said", "why"]
)
ONLY_HIDDEN = Frozen("%(said)s (only where it asks for more, because something in the call is hidden)", parts=["said"])
ONLY_DOUBTED = Frozen("%(said)s (only where it asks for more, because a second model doubts the call)", parts=["said"])


@dataclass(frozen=True)
class Assessment:
    """What policy makes of a call.

    Attributes:
        requirement: what is asked of people: the level's, as the rules that apply changed it.
        denied: why policy refuses the call whoever agrees, "" when it does not.
        hits: the rules that apply.
        undoable: what was done can be undone, so that no level holds it.
    """

    score: int
    level: Level
    factors: tuple[Factor, ...]
    requirement: RequirementRule
    denied: str = ""
    hits: tuple[Hit, ...] = ()
    undoable: bool = False
    agent_takes: tuple[str, ...] = ()


def assess(policy: PolicyData, facts: Facts) -> Assessment:
    """Score facts under a policy. The same facts and policy always give the same assessment."""
    if facts.question:
        level, factors = policy.questions.level, [Factor("question", 0, RUNS_NOTHING())]
        for wish, why in wished(facts):
            if wish.rank > level.rank:
                level = wish
                factors.append(Factor("at_least", 0, why))
        asked, exclude = policy.requirements[level], policy.questions.exclude
        if exclude is not None and level is policy.questions.level:  # where the agent wants it higher, as there
            asked = asked.model_copy(update={"exclude": exclude})
        return Assessment(policy.levels[level], level, tuple(factors), _answered(asked, facts.agent_takes))
    return added_up(policy, facts, policy.matcher.hits(facts) if policy.rules else ())


def added_up(policy: PolicyData, facts: Facts, hits: tuple[Hit, ...]) -> Assessment:
    """The assessment of a call of which these rules apply, highest priority first; what else they were is not asked."""
    factors = of_facts(policy, facts)
    score, level = levelled(policy, sum(factor.points for factor in factors), hits)
    factors += [Factor("rule", hit.rule.score, _why(hit, facts), hit.rule.name) for hit in hits if not hit.only_more]
    for floor_level, why in floors(policy, facts):
        if floor_level.rank > level.rank:
            level = floor_level
            factors.append(Factor("at_least", 0, why))
    base = policy.requirements[level]
    factors += [Factor("rule", 0, _why(hit, facts), hit.rule.name) for hit in hits if hit.only_more and _tightens(hit, base)]
    denied = next((DENIED(why=hit.rule.deny, rule=hit.rule.name) for hit in hits if hit.rule.deny), "")
    asked = _takes(required(policy, level, facts.reversible, hits), facts.agent_takes)
    return Assessment(_within(policy, level, score), level, tuple(factors), asked, denied, hits, facts.reversible, facts.agent_takes)


def points_of(policy: PolicyData, facts: Facts) -> tuple[int, Level]:
    """What the facts alone add up to, and the level no rule goes below."""
    never_below = [level for level, _ in floors(policy, facts)]
    return sum(f.points for f in of_facts(policy, facts)), max(never_below, key=lambda lv: lv.rank, default=Level.LOW)


def levelled(policy: PolicyData, points: int, hits: Sequence[Hit]) -> tuple[int, Level]:
    """The score with the points of the rules that apply, and the level it has with what they hold."""
    score = max(0, min(100, points + sum(hit.rule.score for hit in hits if not hit.only_more)))
    level = level_at(policy, score)
    for hit in sorted(hits, key=lambda h: (h.rule.priority, h.rule.asks)):  # the highest priority, and asking, has the last word
        level = level if hit.only_more else _held(level, hit)
    return score, level


def required(policy: PolicyData, level: Level, undoable: bool, hits: Sequence[Hit]) -> RequirementRule:
    """What is asked of people at a level, as the rules that apply change it."""
    return _asked(_with_hold(policy.requirements[level], undoable), hits)


def at_least_medium(policy: PolicyData, assessment: Assessment, why: str = "") -> Assessment:
    """What once needed a person needs one again: an edit or a later policy may lower the risk, but policy alone never passes it."""
    if assessment.level is not Level.LOW:
        return assessment  # only low may ask nobody; and whoever a rule asks at low does not make up for whom medium asks
    because = Factor("needs_a_person", 0, why or ASKED_A_PERSON())
    return replace(
        assessment,
        score=_within(policy, Level.MEDIUM, assessment.score),
        level=Level.MEDIUM,
        factors=(*assessment.factors, because),
        requirement=_takes(required(policy, Level.MEDIUM, assessment.undoable, assessment.hits), assessment.agent_takes),
    )


def level_at(policy: PolicyData, score: int) -> Level:
    """The level a score has by itself."""
    return max((lv for lv in Level if score >= policy.levels[lv]), key=lambda lv: lv.rank)


def _held(level: Level, hit: Hit) -> Level:
    floor, ceiling = hit.rule.at_least, hit.rule.at_most
    if floor and floor.rank > level.rank:
        return floor
    return ceiling if ceiling and ceiling.rank < level.rank else level


def _within(policy: PolicyData, level: Level, score: int) -> int:
    """The score, moved into its level when something else than points decided on that."""
    higher = [lv for lv in Level if lv.rank > level.rank]
    top = policy.levels[higher[0]] - 1 if higher else 100
    return max(policy.levels[level], min(score, max(top, policy.levels[level])))


def _with_hold(base: RequirementRule, undoable: bool) -> RequirementRule:
    """What can be undone afterwards need not be held: a level's own hold is for the rest. Rules may hold anything."""
    return base.model_copy(update={"hold_s": 0}) if undoable and base.hold_s else base


def _asked(base: RequirementRule, hits: Sequence[Hit]) -> RequirementRule:
    """What the level asks, with parts replaced (the highest priority wins), then with what is asked on top (the strictest)."""
    changes: dict[str, Any] = {}
    for hit in reversed(hits):
        if hit.rule.instead and not hit.only_more:
            changes |= hit.rule.instead.parts
    asked = base.model_copy(update=changes) if changes else base
    for hit in hits:
        if more := hit.rule.require or (hit.rule.instead if hit.only_more else None):
            asked = stricter(asked, more)
    return asked


def _takes(asked: RequirementRule, agent_takes: Sequence[str]) -> RequirementRule:
    """What can be decided where the agent makes the call itself: only what it can be told.

    Its calls of one turn are answered together: the first approval waits for the last, as long as people have to decide.
    """
    if not agent_takes:
        return asked
    told = {*agent_takes, "reject", *(["take_over"] if "respond" in agent_takes else []), *(["approve"] if "edit" in agent_takes else [])}
    verdicts = tuple(verdict for verdict in asked.verdicts if verdict in told)
    return asked.model_copy(update={"verdicts": verdicts or ("reject",), "execute_within_s": max(asked.execute_within_s, asked.deadline_s)})


def _answered(asked: RequirementRule, agent_takes: Sequence[str]) -> RequirementRule:
    """What can be said of a question: it is answered or rejected, and not every asker takes an answer. There is nothing in it to approve."""
    said = {"reject", *(["respond"] if "respond" in agent_takes or not agent_takes else [])}
    return asked.model_copy(update={"verdicts": tuple(verdict for verdict in asked.verdicts if verdict in said) or ("reject",)})


def _tightens(hit: Hit, base: RequirementRule) -> bool:
    return hit.rule.instead is not None and stricter(base, hit.rule.instead) != base


@lru_cache(maxsize=4_096)
def _applies(rule: str) -> str:
    """Said once of each rule: of 500 that apply to one call, the saying is a third of what they cost."""
    return APPLIES(rule=rule)


def _why(hit: Hit, facts: Facts) -> str:
    said = hit.rule.about or _applies(hit.rule.name)
    if hit.only_more:
        only = ONLY_HIDDEN if facts.hidden_characters else ONLY_DOUBTED
        return ONLY_UNANSWERED(said=said, why=hit.unanswered) if hit.unanswered else only(said=said)
    return UNANSWERED(said=said, why=hit.unanswered) if hit.unanswered else said


def no_less(policy: PolicyData, now: Assessment, *, level: Level, asked: RequirementRule) -> Assessment:
    """An assessment that asks for all that it asks and for all that was asked before: what only ever adds takes nothing away."""
    if level.rank > now.level.rank:
        now = replace(now, level=level, score=_within(policy, level, now.score))
    return replace(now, requirement=nothing_less(now.requirement, asked))
