"""Whatever asks less of any call is called loosening: random policies, random changes of them, random calls."""

import random
from dataclasses import replace
from itertools import combinations

import pytest
import yaml
from django.conf import settings

from approvals.policy.basics import Level
from approvals.policy.comparing import loosenings
from approvals.policy.risk import Assessment, Facts, assess, at_least_medium, no_less
from approvals.policy.rules import PolicyData

BASE = yaml.safe_load(settings.POLICY_FILE.read_text())
GROUPS = ("reviewers", "operators", "admins")
INVOLVED = ("requester", "owner", "editor")
VERDICTS = ("approve", "respond", "take_over")
LEVELS = [str(level) for level in Level]


def some(pick: random.Random, of, least: int = 0) -> list:
    return pick.sample(list(of), pick.randint(least, len(of)))


def need(pick: random.Random) -> list[dict]:
    last = pick.choice([1, 1, 1, 2])
    return [
        {"group": g, "count": pick.randint(1, 3), "stage": stage} for stage in range(1, last + 1) for g in some(pick, GROUPS[:2], least=1)
    ]


PARTS = {
    "need": need,
    "exclude": lambda pick: some(pick, INVOLVED),
    "verdicts": lambda pick: [*some(pick, VERDICTS), "reject"],
    "reason_for": lambda pick: some(pick, ["approve", "reject", "respond", "edit"]),
    "deadline_s": lambda pick: pick.choice([60, 1800, 7200]),
    "execute_within_s": lambda pick: pick.choice([60, 900, 3600]),
    "hold_s": lambda pick: pick.choice([0, 10, 120]),
    "rejections": lambda pick: pick.randint(1, 2),
    "escalate": lambda pick: [{"after": pick.choice(["50%", "80%"]), "to": "admins"}] if pick.random() < 0.5 else [],
    "delegates": lambda pick: some(pick, GROUPS[1:]),
    "may_edit": lambda pick: pick.random() < 0.5,
    "at_deadline": lambda pick: pick.choice(["tell_agent", "stop_run"]),
    "tell": lambda pick: some(pick, ["email", "push", "slack"]),
    "extend": lambda pick: {"by": some(pick, GROUPS, least=1), "at_most_s": pick.choice([60, 600])},
}
JOINED = ("need", "exclude", "verdicts", "reason_for", "deadline_s", "execute_within_s", "hold_s", "rejections", "may_edit", "at_deadline")


def parts(pick: random.Random, of) -> dict:
    return {name: PARTS[name](pick) for name in pick.sample(list(of), pick.randint(1, 2))}


def says(pick: random.Random) -> dict:
    kinds: list[dict] = [
        {"instead": parts(pick, PARTS)},
        {"instead": parts(pick, PARTS), "at_most": pick.choice(LEVELS)},
        {"require": parts(pick, JOINED)},
        {"require": parts(pick, JOINED), "at_least": pick.choice(LEVELS)},
        {"at_least": pick.choice(LEVELS)},
        {"at_most": pick.choice(LEVELS)},
        {"score": pick.choice([-30, -5, 5, 30])},
        {"deny": "no"},
    ]
    return pick.choice(kinds)


def match(pick: random.Random) -> dict:
    found: dict = {"tools": ["a"]} if pick.random() < 0.4 else {}
    return found | ({"when": "args.x > 1"} if pick.random() < 0.3 else {})


def rule(pick: random.Random, name: str) -> dict:
    return {"name": name, "priority": pick.randint(0, 1), "match": match(pick), **says(pick)}


def some_policy(pick: random.Random) -> dict:
    data = {**BASE, "rules": [rule(pick, f"r{i}") for i in range(pick.randint(0, 4))], "requirements": dict(BASE["requirements"])}
    for _ in range(pick.randint(0, 2)):
        change_level(data, pick)
    return data


def change_level(data: dict, pick: random.Random) -> None:
    level = pick.choice(LEVELS)
    data["requirements"] = {**data["requirements"], level: {**data["requirements"][level], **parts(pick, PARTS)}}


def change_points(data: dict, pick: random.Random) -> None:
    name = pick.choice(
        [
            "irreversible",
            "untrusted_text",
            "hidden_characters",
            "tool_class",
            "environment",
            "amounts",
            "novelty",
            "levels",
            "opinion",
            "confidence",
            "signals",
        ]
    )
    if name in {"tool_class", "environment"}:
        key = pick.choice([*data[name], "new"])
        data[name] = {**data[name], key: pick.randint(-5, 45)}
    elif name == "amounts":
        table = {"of": "rows", "steps": [[pick.choice([0, 10, 100]), pick.choice([-10, 0, 12, 25])], [1000, 40]]}
        data[name] = pick.choice([[*data[name], table], data[name][:-1], [table]])
    elif name == "novelty":
        data[name] = [[pick.choice([3, 5]), pick.choice([0, 8])], [20, pick.choice([0, 4])]]
    elif name == "confidence":
        data[name] = [[pick.choice([0.3, 0.5]), pick.choice([0, 20])], [0.8, pick.choice([0, 8])]]
    elif name == "signals":
        tables = [
            {"of": of, "steps": [[pick.choice([2, 3]), pick.choice([0, 12])], [5, pick.choice([0, 30])]]}
            for of in ("run_calls", "run_failures")
        ]
        data[name] = tables[: pick.randint(0, 2)]
    elif name == "opinion":
        data[name] = {"doubtful": pick.choice([0, 10, 30]), "dangerous": pick.choice([0, 40]), "ask_for": some(pick, LEVELS)}
    elif name == "levels":
        data[name] = {**data[name], "medium": pick.choice([20, 25, 30]), "high": pick.choice([50, 60])}
    else:
        data[name] = pick.randint(0, 30)


def change_rules(data: dict, pick: random.Random) -> None:
    rules = [dict(r) for r in data["rules"]]
    how = pick.choice(["add", "drop", "part", "match", "swap", "replace"])
    if how == "add" or not rules:
        rules.insert(pick.randint(0, len(rules)), rule(pick, f"n{pick.randint(0, 9)}x{len(rules)}"))
    elif how == "drop":
        rules.pop(pick.randrange(len(rules)))
    elif how == "swap":
        pick.shuffle(rules)
    else:
        at = pick.randrange(len(rules))
        if how == "match":
            rules[at] |= {"match": match(pick), "priority": pick.randint(0, 1)}
        elif how == "part" and (kind := next((k for k in ("instead", "require") if k in rules[at]), None)):
            rules[at][kind] = {**rules[at][kind], **parts(pick, PARTS if kind == "instead" else JOINED)}
        else:
            rules[at] = {**rule(pick, rules[at]["name"]), "match": rules[at]["match"], "priority": rules[at]["priority"]}
    data["rules"] = rules


def change_other(data: dict, pick: random.Random) -> None:
    if pick.random() < 0.5:
        data["at_least"] = [{"tools": ["a"], "level": pick.choice(LEVELS)}] if pick.random() < 0.5 else []
    else:
        data["questions"] = {"level": pick.choice(LEVELS[1:])}


def some_call(pick: random.Random) -> Facts:
    return Facts(
        tool=pick.choice("ab"),
        tool_class=pick.choice(["read", "write", "money", "admin", "odd"]),
        reversible=pick.random() < 0.5,
        figures=pick.choice([{}, {"rows": pick.choice([-1, 5, 50, 5000])}, {"amount_cents": pick.choice([10, 6000, 200_000])}]),
        environment=pick.choice(["demo", "production", "elsewhere"]),
        approvals_before=pick.choice([0, 4, 50]),
        untrusted_text=pick.choice([(), ("args.x",)]),
        hidden_characters=pick.choice([(), (), ("args.x",)]),
        estimated_cost=pick.choice([None, 11.0]),
        question=pick.random() < 0.1,
        opinion=pick.choice(["", "", "doubtful", "dangerous"]),
        confidence=pick.choice([None, 0.0, 0.4, 0.79, 1.0]),
        run_calls=pick.choice([0, 2, 60]),
        run_failures=pick.choice([0, 3, 9]),
        args=pick.choice([{}, {"x": 0}, {"x": 5}]),
    )


def covered(old, new) -> bool:
    """Whether meeting the new needs, stage after stage, meets the old ones in their order."""
    stages = [sorted({n.stage for n in need}) for need in (old, new)]
    counts = {(n.group, n.stage): n.count for n in new}
    for chosen in combinations(stages[1], len(stages[0])):
        onto = dict(zip(stages[0], chosen, strict=True))
        if all(counts.get((n.group, onto[n.stage]), 0) >= n.count for n in old):
            return True
    return False


def asked_less(old: Assessment, new: Assessment) -> str:
    """What a person would call less, of one call; written without looking at how policies are compared."""
    if new.denied:
        return ""
    if old.denied:
        return "no longer denied"
    if new.level.rank < old.level.rank:
        return f"{new.level} instead of {old.level}"
    one, other = old.requirement, new.requirement
    found: list[object] = []
    if one.need:
        found = [
            not covered(one.need, other.need) and "people",
            set(one.exclude) - set(other.exclude) and "exclude",
            set(other.verdicts) - set(one.verdicts) and "verdicts",
            "reject" not in other.verdicts and "reject",
            set(one.reason_for) - set(other.reason_for) and "reasons",
            other.hold_s < one.hold_s and "hold",
            other.rejections > one.rejections and "rejections",
            other.may_edit and not one.may_edit and "edit",
            one.at_deadline == "stop_run" != other.at_deadline and "runs on",
            "slack" in other.tell and "slack" not in one.tell and "slack",
            set(other.escalate) - set(one.escalate) and "escalate",
            set(other.delegates) - set(one.delegates) and "delegates",
        ]
    if one.need and new.level is old.level:  # what rises gets the time of the level it rises to
        wider = other.extend and (
            not one.extend or other.extend.at_most_s > one.extend.at_most_s or set(other.extend.by) - set(one.extend.by)
        )
        found += [other.deadline_s > one.deadline_s and "deadline", wider and "extend"]
    if new.level is old.level:
        found += [other.execute_within_s > one.execute_within_s and "execute_within"]
    return ", ".join(str(f) for f in found if f)


CHANGES = (change_level, change_points, change_rules, change_rules, change_rules, change_other)


def pair(pick: random.Random) -> tuple[PolicyData, PolicyData] | None:
    before = some_policy(pick)
    after = dict(before)
    for _ in range(pick.choice([1, 1, 1, 2])):
        pick.choice(CHANGES)(after, pick)
    try:
        return PolicyData.model_validate(before), PolicyData.model_validate(after)
    except ValueError:
        return None  # no policy at all, such as two rules in one


@pytest.mark.parametrize("seed", range(6))
def test_whatever_asks_less_of_any_call_is_called_loosening(seed):
    pick = random.Random(seed)
    passed = 0
    for _ in range(150):
        if (both := pair(pick)) is None:
            continue
        old, new = both
        if loosenings(old, new):
            continue
        passed += 1
        for _ in range(40):
            call = some_call(pick)
            one, other = assess(old, call), assess(new, call)
            assert not asked_less(one, other), (call, old.rules, new.rules)
            assert not asked_less(at_least_medium(old, one), at_least_medium(new, other)), (call, old.rules, new.rules)
    assert passed > 10  # calling everything loosening would be sound as well


@pytest.mark.parametrize("seed", range(4))
def test_what_a_second_model_says_never_asks_for_less_than_was_asked(seed):
    """Whatever policy is in force by then, also one that asks for less of everything; as `operations.opining` asks anew."""
    pick = random.Random(seed)
    raised = 0
    for _ in range(150):
        if (both := pair(pick)) is None:
            continue
        then, now = both
        for _ in range(20):
            call = replace(some_call(pick), opinion="", question=False)
            asked = at_least_medium(then, assess(then, call))
            doubted = at_least_medium(now, assess(now, replace(call, opinion=pick.choice(["doubtful", "dangerous"]))))
            anew = no_less(now, doubted, level=asked.level, asked=asked.requirement)
            assert anew.level.rank >= max(asked.level.rank, doubted.level.rank) and anew.score >= now.levels[anew.level]
            # A stair to the same group may come earlier on another level; nobody new stands on it.
            assert {r.to for r in anew.requirement.escalate} <= {r.to for r in asked.requirement.escalate}
            stairs = anew.requirement.model_copy(update={"escalate": ()})
            assert asked.denied or not asked_less(asked, replace(anew, requirement=stairs)), (call, then.rules, now.rules)
            raised += anew.level.rank > asked.level.rank
    assert raised > 100
