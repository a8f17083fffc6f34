"""A dry run in words: what was ordered otherwise, how it ended, what it asked for, and how its state differs from the run's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from agents import history, queries
from agents.queries import RunDetail, TrialRow
from agents.states import TrialKind
from agents.views.states import Look
from approvals import queries as approvals_queries
from approvals.queries import policies
from approvals.render.arguments import Line, lines_of
from approvals.render.reveal import reveal
from approvals.render.since import compare
from approvals.web.words import level_name
from audit.languages import number, told
from audit.sentences import say

KINDS = {"replay": say("Replay"), "fork": say("Dry fork")}
STATES = {
    "waiting": Look(say("waits for a worker"), "hourglass", "quiet"),
    "running": Look(say("is being tried"), "loader", "quiet"),
    "done": Look(say("tried"), "circle-check", "ok"),
    "failed": Look(say("could not be tried"), "circle-x", "bad"),
}
ENDS = {
    "finished": say("It came to its end"),
    "paused": say("It came as far as there were answers"),
    "failed": say("It ended with an error"),
    "drained": say("It was stopped"),
}
ANSWERED = {
    "recorded": say("answered as in the run"),
    "assumed": say("answered as assumed"),
    "played": say("answered by the implementation that is tried"),
    "open": say("not answered, so it stopped here"),
    "refused": say("nobody would be asked; the agent is told why"),
}


@dataclass(frozen=True)
class Asked:
    """One call a dry run asked for, in words. `then`: its level in the run; `url`: the run's own action for it."""

    where: str
    summary: str
    args: tuple[Line, ...]
    level: str
    then: str
    people: str
    answer: str
    denied: str
    today: str
    url: str


def line_of(one: TrialRow) -> dict[str, Any]:
    """One as a row of the list, and the head of its page."""
    return {
        "kind": told(KINDS[one.kind]),
        "short": one.id[:8],
        "state": STATES[one.state],
        "came_to": _came_to(one),
        "error": told(one.error),
        "by": one.by,
        "ordered_at": one.ordered_at,
        "url": reverse("run-trial", args=[one.run, one.id]),
        "different": list(_different(one)),
    }


def _came_to(one: TrialRow) -> str:
    if one.result is None:
        return ""
    if one.kind == TrialKind.FORK:
        return _("It came to where the model is asked something new") if one.result["unknown"] else told(ENDS[one.result["end"]])
    if found := one.result["difference"]:
        return _("Otherwise at step %(n)s") % {"n": number(found["step"])}
    return _("Equal, step by step")


def _different(one: TrialRow) -> Iterator[tuple[str, str]]:
    """What was ordered otherwise than it was: names, and which."""
    wanted = one.wanted
    if wanted["values"]:
        yield _("state"), ", ".join(wanted["values"])
    if wanted["answers"]:
        yield _("results given"), ", ".join(action[:8] for action in wanted["answers"])
    if wanted.get("tools"):
        yield _("tools"), ", ".join(f"{tool}: {name}" for tool, name in wanted["tools"].items())
    if wanted["policy"]:
        yield _("policy"), policy_word(policies.version(wanted["policy"]))
    if wanted["models"] != "recorded":
        yield _("model"), wanted["model"] or _("the agent's own, where nothing is recorded")
    if wanted["assume"]:
        yield _("what is new is assumed to be"), _("approved") if wanted["assume"] == "approve" else _("rejected")


def policy_word(one: policies.Version) -> str:
    return (_("version %(n)s") if one.number else _("proposal %(n)s")) % {"n": number(one.number or one.id)}


def replayed(result: Mapping[str, Any]) -> dict[str, Any]:
    """Whether a replay came out equal, or the first place where it did not."""
    found, moved = result["difference"], result["version_then"] not in {"", result["version"]}
    said = {
        "equal": found is None,
        "steps": result["steps"],
        "versions": (result["version_then"], told(result["version"])) if moved else None,
    }
    if found is None:
        return said
    sides = ({found["path"] or "next": found[side]} for side in ("recorded", "replayed"))
    return said | {
        "step": number(found["step"]),
        "nodes": ", ".join(found["nodes"]),
        "why": told(found["why"]),
        "lines": compare(*sides).differences,
    }


def forked(run: RunDetail, wanted: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """What a dry fork asked for and came to, beside its run."""
    since = history.checkpoint(run.thread, result["checkpoint"]).at
    own, again = set(queries.asked_of(run.row.id)), {one["action"] for one in result["asks"]}
    left = [row for row in approvals_queries.run_actions(run.row.id) if row.id in own - again and row.created_at > since]
    other = {*result["then"], *result["added"]}
    changed = {name: value for name, value in result["state"].items() if name in other}
    same = {name: value for name, value in result["state"].items() if name not in other}
    differences = compare(result["then"], changed).differences
    return {
        "figures": (
            (_("Began at"), result["checkpoint"][-12:]),
            (_("Checkpoints"), number(len(result["steps"]))),
            (_("Calls asked for"), number(len(result["asks"]))),
            (_("Recorded model answers"), number(result["models_recorded"])),
            (_("New model answers"), number(result["models_asked"])),
        ),
        "answered_by": ", ".join(filter(None, result["models_named"])),
        "other_model": _other(wanted.get("model", ""), result),
        "checkpoint_url": reverse("run-checkpoint", args=[run.row.id, result["checkpoint"]]),
        "asks": [_asked(one) for one in result["asks"]],
        "not_asked": [(row.summary or row.tool, reverse("action", args=[row.id])) for row in left],
        "unknown": result["unknown"],
        "cause": _cause(told(result["error"])) if not result["unknown"] else "",
        "error": reveal(told(result["error"])) if result["error"] and not result["unknown"] else None,
        "differences": differences,
        "state": lines_of(same),
        "cut": result.get("cut", False),
    }


def _cause(error: str) -> str:
    """Of a traceback, the line that says what happened: LangGraph adds one on the task."""
    said = [line for line in error.strip().splitlines() if line.strip() and not line.startswith("During task")]
    return said[-1][:500] if said else ""


def _other(named: str, result: Mapping[str, Any]) -> bool:
    """Whether another model answered than the one that was named: an agent may bring its own, which no name here reaches."""
    bare = named.rpartition(":")[2]
    return bool(named) and (not result["models_named"] or any(bare not in name for name in result["models_named"]))


def _asked(one: Mapping[str, Any]) -> Asked:
    people = told(say("%(n)d person to approve", "%(n)d people to approve", n=one["people"])) if one["people"] else ""
    return Asked(
        where=f"{one['node']}: {one['tool']}" if one["tool"] else one["node"],
        summary=one["summary"],
        args=lines_of(one["args"]) if isinstance(one["args"], dict) else (),
        level=level_name(one["level"]) if one["level"] else "",
        then=level_name(one["then"]) if one["then"] and one["then"] != one["level"] else "",
        people=people,
        answer=told(ANSWERED[one["answer"]]),
        denied=told(one["denied"]),
        today=told(one["today"]),
        url=reverse("action", args=[one["action"]]) if one["action"] else "",
    )
