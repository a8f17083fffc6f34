"""Policies as their pages show them: rules in words with their figures, numbered source, diffs, what a back-test found.

Finished values only; the tables are read by `approvals.queries`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.policy import differing, undoing, words
from approvals.policy.replay import Tally
from approvals.policy.rules import Level, PolicyData
from approvals.queries.policies import BacktestRow, Figures, RuleFigures, Version
from audit.languages import number, told
from audit.sentences import say

# What makes a difference and is no rule.
OTHERS = {
    undoing.OUTSIDE: say("points, levels and what they ask"),
    undoing.TOGETHER: say("several changes together, none by itself"),
    undoing.UNEXPLAINED: say("not this draft: it was scored otherwise then"),
}


@dataclass(frozen=True)
class RuleLine:
    """A rule, or a level, with what it did lately."""

    name: str
    when: str
    then: tuple[str, ...]
    about: str = ""
    level: str = ""
    kind: str = ""  # deny | asks | loosens | replaces, "" for a level
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
    """A version in the history. `stale`: proposed against one that is in force no more, so that nobody can publish it."""

    version: Version
    url: str
    state: str
    in_force: bool
    name: str
    loosens: tuple[str, ...]
    stale: bool


@dataclass(frozen=True)
class Change:
    what: str
    url: str
    agent: str
    tool: str
    differs: tuple[str, ...]
    by: tuple[str, ...]
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
    fields: tuple[tuple[str, str, str, str], ...]  # title, how often more, less, otherwise
    rules: tuple[tuple[str, str, str, str], ...]  # name, applied, makes the difference, approvals
    others: tuple[tuple[str, str, str], ...]
    changes: tuple[Change, ...]
    unshown: int


def level_lines(data: PolicyData, figures: RuleFigures) -> tuple[RuleLine, ...]:
    return tuple(
        _with_figures(
            RuleLine(
                str(level),
                _("from %(n)s points") % {"n": data.levels[level]},
                (told(words.asked(data.requirements[level])),),
                level=str(level),
            ),
            figures.levels.get(str(level)),
        )
        for level in Level
    )


def rule_lines(data: PolicyData, figures: RuleFigures | None = None) -> tuple[RuleLine, ...]:
    """Rules in the order in which they are asked."""
    lines = []
    for rule in sorted(data.rules, key=lambda r: -r.priority):
        kind = "deny" if rule.deny else "asks" if rule.asks else "loosens" if rule.lowers else "replaces"
        level = str(rule.at_least or rule.at_most or "")
        line = RuleLine(rule.name, told(words.when(rule.match)), tuple(map(told, words.then(rule))), rule.about, level, kind, rule.priority)
        lines.append(_with_figures(line, figures.rules.get(rule.name)) if figures else line)
    return tuple(lines)


def source_lines(source: str, problems: Sequence[tuple[int, str]] = ()) -> tuple[SourceLine, ...]:
    """A text with its line numbers, and what is wrong beside the line it is wrong on."""
    wrong: dict[int, list[str]] = {}
    for line, why in problems:
        wrong.setdefault(line, []).append(told(why))
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
    state = {"PROPOSED": _("waits to be published"), "WITHDRAWN": _("withdrawn"), "PUBLISHED": _("published")}[version.state]
    now = version.number == in_force and bool(version.number)
    stale = version.state == "PROPOSED" and version.base != in_force
    return VersionLine(
        version,
        reverse("policy", args=[version.id]),
        _("in force") if now else _("cannot be published any more") if stale else state,
        now,
        name_of(version),
        tuple(map(told, version.loosens)),
        stale,
    )


def name_of(version: Version) -> str:
    """What a version is called: by its number, once it has one."""
    return _("Version %(n)s") % {"n": version.number} if version.number else _("Proposal %(n)s") % {"n": version.id}


def trial_of(row: BacktestRow) -> Trial:
    tally = row.tally
    running = row.state in {"WANTED", "RUNNING"}
    return Trial(
        url=reverse("policy-backtest", args=[row.id]),
        running=running,
        failed=told(row.error),
        done=row.done,
        total=max(row.total, 1),
        percent=round(100 * row.done / max(row.total, 1)),
        headline=_headline(row),
        figures=_figures(tally),
        steps=tuple((*step.split(" > "), n) for step, n in sorted(tally.levels.items(), key=lambda pair: -pair[1]) if " > " in step),  # type: ignore[misc]
        fields=tuple(_field(name, ways) for name, ways in sorted(tally.fields.items(), key=lambda pair: -sum(pair[1].values()))),
        rules=tuple((name, number(r.matched), number(r.changed), _signed(r.people)) for name, r in sorted(tally.rules.items())),
        others=tuple(
            (told(OTHERS[name]), number(r.changed), _signed(r.people)) for name, r in sorted(tally.others.items()) if name in OTHERS
        ),
        changes=tuple(_change(s) for s in tally.shown),
        unshown=tally.changed - len(tally.shown),
    )


def _field(name: str, ways: Mapping[str, int]) -> tuple[str, str, str, str]:
    more, less, other = (number(ways[way]) if ways.get(way) else "\N{EN DASH}" for way in ("more", "less", "other"))
    return told(differing.title(name)), more, less, other


def _change(shown: dict[str, Any]) -> Change:
    return Change(
        shown["summary"],
        reverse("action", args=[shown["id"]]),
        shown["agent"],
        shown["tool"],
        tuple(told(differing.sentence(name, was, now)) for name, was, now, _way in shown.get("fields", ())),
        tuple(told(OTHERS.get(name, name)) for name in shown.get("by", ())),
        _signed(shown["people"]),
        shown["already"],
    )


def _headline(row: BacktestRow) -> str:
    if row.error:
        return _("The back-test could not be finished")
    if row.state == "WANTED":
        return _("Waiting for a worker")
    said = {"n": number(row.tally.looked_at), "total": number(row.total), "changed": number(row.tally.changed)}
    if row.state == "RUNNING":
        return _("%(n)s of %(total)s actions so far: %(changed)s would be different") % said
    if not row.tally.looked_at:
        return _("There is no past action to try it on")
    return (_("%(n)s actions: %(changed)s would be different") if row.tally.changed else _("%(n)s actions: none would be different")) % said


def _figures(tally: Tally) -> tuple[tuple[str, str], ...]:
    return (
        (_("More approvals asked for"), number(tally.more_people)),
        (_("Fewer approvals asked for"), number(tally.fewer_people)),
        (_("Newly asked about"), number(tally.newly_asked)),
        (_("No longer asked about"), number(tally.no_longer_asked)),
        (_("Newly refused by policy"), number(tally.newly_denied)),
        (_("Different under the policy in force already"), number(tally.already)),
    )


def _with_figures(line: RuleLine, figures: Figures | None) -> RuleLine:
    found = figures or Figures()
    share = f"{round(100 * found.asked / found.calls)} %" if found.calls else "\N{EN DASH}"
    median = told(words.duration(round(found.median_s))) if found.median_s is not None else "\N{EN DASH}"
    return RuleLine(**{**vars(line), "matched": number(found.calls), "asked": share, "median": median})


def _signed(figure: int) -> str:
    sign = "+" if figure > 0 else "\N{MINUS SIGN}" if figure < 0 else ""
    return sign + number(abs(figure))
