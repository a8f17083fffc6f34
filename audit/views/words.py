"""How an event reads: what happened is stored, the sentence is looked up here. Pure; one table from kind to words.

May import `audit.queries` for the row's type. Other rooms may add nothing: a kind without a sentence reads as it is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.queries import EventRow

ACTORS = {"human": "user-round", "agent": "bot", "policy": "scale", "system": "server"}
DOORS = {"web": "web", "cli": "command line", "api": "API", "slack": "Slack", "worker": "worker", "beat": "clock"}
Say = Callable[[Mapping[str, Any]], str]

SENTENCES: dict[str, Say] = {
    "action.opened": lambda d: f"Proposed: {d.get('summary') or d.get('tool')}",
    "action.edited": lambda d: f"New version {d.get('version')} of {d.get('tool')}, scored {d.get('score')}",
    "action.reopened": lambda d: f"Asked again: {d.get('tool')}",
    "action.undone": lambda d: f"Took an approval back: {d.get('tool')}",
    "ask.wanted": lambda d: f"Asked the agent about {d.get('tool')}",
    "ask.answered": lambda d: f"Answered about {d.get('tool')}",
    "ask.failed": lambda d: f"Could not answer about {d.get('tool')}",
    "pause.again": lambda d: f"Asks again at {d.get('node') or 'its question'}: its answer could not be used",
    "action.commented": lambda d: f"Said something about {d.get('tool')}",
    "slack.pressed": lambda d: f"Pressed in Slack: {d.get('what')} {d.get('tool')}",
    "slack.installed": lambda d: f"Connected the Slack workspace {d.get('name')}",
    "slack.removed": lambda d: f"Disconnected the Slack workspace {d.get('name')}",
    "action.approved": lambda d: f"May run: {d.get('tool')}",
    "action.rejected": lambda d: f"Will not run: {d.get('tool')}",
    "action.answered": lambda d: f"Answered: {d.get('tool')}",
    "action.expired": lambda d: f"Expired: {d.get('tool')}",
    "action.cancelled": lambda d: f"Cancelled: {d.get('tool')}",
    "action.superseded": lambda d: f"Superseded: {d.get('tool')}",
    "action.settled": lambda d: f"Settled as {(d.get('outcome') or {}).get('status', 'unknown')}: {d.get('tool')}",
    "edit.wanted": lambda d: f"Wanted other arguments for {d.get('tool')}",
    "edit.refused": lambda d: f"The tool refused an edit of {d.get('tool')}",
    "decision.recorded": lambda d: f"Decided: {d.get('verdict')} {d.get('tool')}",
    "effect.claimed": lambda d: f"Began {d.get('tool')}, attempt {d.get('attempt', 1)}",
    "effect.done": lambda d: f"Did {d.get('tool')}",
    "effect.failed": lambda d: f"Failed: {d.get('tool')}",
    "effect.unknown": lambda d: f"Nobody knows whether {d.get('tool')} was done",
    "effect.retried": lambda d: f"Trying {d.get('tool')} again with the same key",
    "run.resumed": lambda d: "The run goes on with its answers",
    "run.created": lambda d: "Started a run",
    "run.running": lambda d: "The run moves",
    "run.waiting": lambda d: f"The run waits at {', '.join(d.get('nodes') or []) or 'a question'}",
    "run.ready": lambda d: "The run may go on",
    "run.halted": lambda d: "The run stopped for a halt",
    "run.succeeded": lambda d: "The run finished",
    "run.partial": lambda d: "The run finished in part",
    "run.failed": lambda d: "The run failed",
    "run.cancelled": lambda d: "Cancelled a run",
    "run.retried": lambda d: "Took a failed run up again",
    "pause.answered": lambda d: f"The graph took the answer at {d.get('node') or 'its question'}",
    "pause.orphaned": lambda d: f"The graph no longer asks at {d.get('node') or 'its question'}",
    "pause.refused": lambda d: f"Refused before asking anybody: {d.get('code')}",
    "person.away": lambda d: f"Is away: {d.get('delegate', '')} stands in for {d.get('username', '')}",
    "person.back": lambda d: f"{d.get('username', '')} is back",
    "person.declined": lambda d: f"Does not stand in for {d.get('username', '')}",
    "grant.given": lambda d: f"Gave grant {d.get('grant', '')} for {d.get('tool', '')}",
    "grant.given_too": lambda d: f"Gave grant {d.get('grant', '')} too",
    "grant.used": lambda d: f"Let through by grant {d.get('grant', '')}, use {d.get('uses', '')} of {d.get('of', '')}",
    "grant.revoked": lambda d: f"Revoked grant {d.get('grant', '')}",
    "halt.ordered": lambda d: f"Halted {_scope(d)}",
    "halt.released": lambda d: f"Released {_scope(d)}",
    "policy.proposed": lambda d: f"Proposed a policy to follow version {d.get('base')}",
    "policy.published": lambda d: f"Put version {d.get('number')} of the policy in force",
    "policy.withdrawn": lambda d: "Withdrew a proposed policy",
    "person.signed_in": lambda d: f"Signed in as {d.get('username')}",
    "person.slack_linked": lambda d: f"{d.get('username')} linked the Slack account {d.get('slack_user')}",
    "person.slack_unlinked": lambda d: f"The Slack account {d.get('slack_user')} is no longer {d.get('username')}'s",
    "person.link_made": lambda d: f"A login link was made for {d.get('username')}",
    "person.device_added": lambda d: f"{d.get('username')} is called on {d.get('name')}",
    "person.device_removed": lambda d: f"{d.get('username')} is no longer called on {d.get('name')}",
    "person.added": lambda d: f"Added the account {d.get('username')}",
    "person.roles_changed": lambda d: f"{d.get('username')} has now {', '.join(d.get('roles') or []) or 'no role'}",
    "person.confirmed": lambda d: f"{d.get('username')} confirmed who they are ({d.get('with_')})",
    "person.sessions_ended": lambda d: f"Ended {d.get('count')} sessions of {d.get('username')}",
    "person.factor_added": lambda d: f"{d.get('username')} added a second factor ({d.get('factor')})",
    "person.factor_removed": lambda d: f"{d.get('username')} removed a second factor ({d.get('factor')})",
    "person.factor_renewed": lambda d: f"{d.get('username')} made new recovery codes",
    "person.factors_reset": lambda d: f"Forgot all second factors of {d.get('username')}",
    "person.unlocked": lambda d: f"Let the account {d.get('username')} in again",
    "person.locked": lambda d: f"Locked the account {d.get('username')}",
}


def _scope(data: Mapping[str, Any]) -> str:
    return "everything" if data.get("scope") == "everything" else f"{data.get('scope')} {data.get('target')}"


@dataclass(frozen=True)
class EventLine:
    """One event in a list."""

    id: int
    url: str
    at: datetime
    actor: str
    actor_kind: str
    actor_icon: str
    sentence: str
    detail: str
    object: str
    object_url: str
    door: str
    leaf: str


def sentence_of(event: EventRow) -> str:
    """One event in words."""
    say = SENTENCES.get(event.kind)
    return say(event.data) if say else event.kind.replace(".", " ").replace("_", " ").capitalize()


def detail_of(event: EventRow) -> str:
    """The words that go with it: a reason, an answer, an error."""
    if event.kind in {"action.reopened", "action.undone"}:
        return str(event.data.get("why", ""))
    return next(
        (
            str(event.data[key])[:300]
            for key in ("reason", "response", "question", "answer", "text", "error", "note")
            if event.data.get(key)
        ),
        "",
    )


def object_of(event: EventRow) -> tuple[str, str]:
    """The name and the url name's kind of what it is about: an action before its run, a run before its agent."""
    if event.action:
        return f"action {event.action[:8]}", "action"
    if event.run:
        return f"run {event.run[:8]}", "run"
    return (event.agent, "agent") if event.agent else (event.stream.split(":", 1)[0], "")
