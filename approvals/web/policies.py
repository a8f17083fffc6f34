"""Policies as their pages show them: rules in words with their figures, numbered source, diffs, what a back-test found.

Finished values only; the tables are read by `approvals.queries`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from approvals.policy import words
from approvals.policy.replay import Tally
from approvals.policy.rules import Level, PolicyData
from approvals.queries.policies import BacktestRow, Figures, RuleFigures, Version


@dataclass(frozen=True)
class RuleLine:
    """A rule, or a level, with what it did lately."""

    name: str
    when: str
    then: tuple[str, ...]
    about: str = ""
    level: str = ""
    kind: str = ""  # deny | asks | loosens, "" for a level
    priority: int = 0
    matched: str = ""
    asked: str = ""
    median: str = ""


@dataclass(frozen=True)
class SourceLine:
    number: int
    text: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class DiffLine:
    """One line of a unified diff; `kind` is add, del, hunk or "" for what stayed."""

    sign: str
    text: str
    kind: str


@dataclass(frozen=True)
class VersionLine:
    """A version in the history."""

    version: Version
    url: str
    state: str
    in_force: bool


@dataclass(frozen=True)
class Change:
    what: str
    url: str
    agent: str
    tool: str
    was: str
    now: str
    people: str
    already: bool


@dataclass(frozen=True)
class Trial:
    """A back-test, running or finished."""

    url: str
    running: bool
    failed: str
    done: int
    total: int
    percent: int
    headline: str
    figures: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, str, int], ...]
    rules: tuple[tuple[str, int, int, str], ...]
    changes: tuple[Change, ...]
    unshown: int


def level_lines(data: PolicyData, figures: RuleFigures) -> tuple[RuleLine, ...]:
    return tuple(
        _with_figures(
            RuleLine(str(level), f"from {data.levels[level]} points", (words.asked(data.requirements[level]),), level=str(level)),
            figures.levels.get(str(level)),
        )
        for level in Level
    )


def rule_lines(data: PolicyData, figures: RuleFigures | None = None) -> tuple[RuleLine, ...]:
    """Rules in the order in which they are asked."""
    lines = []
    for rule in sorted(data.rules, key=lambda r: -r.priority):
        kind = "deny" if rule.deny else "asks" if rule.asks else "loosens"
        level = str(rule.at_least or rule.at_most or "")
        line = RuleLine(rule.name, words.when(rule.match), words.then(rule), rule.about, level, kind, rule.priority)
        lines.append(_with_figures(line, figures.rules.get(rule.name)) if figures else line)
    return tuple(lines)


def source_lines(source: str, problems: Sequence[tuple[int, str]] = ()) -> tuple[SourceLine, ...]:
    """A text with its line numbers, and what is wrong beside the line it is wrong on."""
    wrong: dict[int, list[str]] = {}
    for line, why in problems:
        wrong.setdefault(line, []).append(why)
    return tuple(SourceLine(n, text, tuple(wrong.get(n, ()))) for n, text in enumerate(source.splitlines(), start=1))


def around(lines: Sequence[SourceLine], *, near: int = 2) -> tuple[SourceLine, ...]:
    """Only the lines with problems and those around them."""
    wanted = {n for line in lines if line.problems for n in range(line.number - near, line.number + near + 1)}
    return tuple(line for line in lines if line.number in wanted)


def diff_lines(diff: str) -> tuple[DiffLine, ...]:
    kinds = {"+": "add", "-": "del", "@": "hunk"}
    lines = [line for line in diff.splitlines() if not line.startswith(("+++", "---"))]
    return tuple(
        DiffLine(line[:1] if line[:1] in "+-" else "", line[1:] if line[:1] in "+- " else line, kinds.get(line[:1], "")) for line in lines
    )


def version_line(version: Version, *, in_force: int) -> VersionLine:
    state = {"PROPOSED": "waits to be published", "WITHDRAWN": "withdrawn", "PUBLISHED": "published"}[version.state]
    now = version.number == in_force and bool(version.number)
    return VersionLine(version, reverse("policy", args=[version.id]), "in force" if now else state, now)


def trial_of(row: BacktestRow) -> Trial:
    tally = row.tally
    running = row.state in {"WANTED", "RUNNING"}
    return Trial(
        url=reverse("policy-backtest", args=[row.id]),
        running=running,
        failed=row.error,
        done=row.done,
        total=max(row.total, 1),
        percent=round(100 * row.done / max(row.total, 1)),
        headline=_headline(row),
        figures=_figures(tally),
        steps=tuple((*step.split(" > "), n) for step, n in sorted(tally.levels.items(), key=lambda pair: -pair[1]) if " > " in step),  # type: ignore[misc]
        rules=tuple((name, r.matched, r.changed, _signed(r.people)) for name, r in sorted(tally.rules.items())),
        changes=tuple(
            Change(
                s["summary"],
                reverse("action", args=[s["id"]]),
                s["agent"],
                s["tool"],
                s["was"],
                s["now"],
                _signed(s["people"]),
                s["already"],
            )
            for s in tally.shown
        ),
        unshown=tally.changed - len(tally.shown),
    )


def _headline(row: BacktestRow) -> str:
    if row.error:
        return "The back-test could not be finished"
    if row.state == "WANTED":
        return "Waiting for a worker"
    of = f"{row.tally.looked_at:,} actions"
    if row.state == "RUNNING":
        return f"{of} of {row.total:,} so far: {row.tally.changed:,} would be different"
    if not row.tally.looked_at:
        return "There is no past action to try it on"
    return f"{of}: {row.tally.changed:,} would be different" if row.tally.changed else f"{of}: none would be different"


def _figures(tally: Tally) -> tuple[tuple[str, str], ...]:
    return (
        ("More approvals asked for", f"{tally.more_people:,}"),
        ("Fewer approvals asked for", f"{tally.fewer_people:,}"),
        ("Newly asked about", f"{tally.newly_asked:,}"),
        ("No longer asked about", f"{tally.no_longer_asked:,}"),
        ("Newly refused by policy", f"{tally.newly_denied:,}"),
        ("Different under the policy in force already", f"{tally.already:,}"),
    )


def _with_figures(line: RuleLine, figures: Figures | None) -> RuleLine:
    found = figures or Figures()
    share = f"{round(100 * found.asked / found.calls)} %" if found.calls else "\N{EN DASH}"
    median = words.duration(round(found.median_s)) if found.median_s is not None else "\N{EN DASH}"
    return RuleLine(**{**vars(line), "matched": f"{found.calls:,}", "asked": share, "median": median})


def _signed(number: int) -> str:
    return f"+{number:,}" if number > 0 else f"\N{MINUS SIGN}{-number:,}" if number < 0 else "0"
