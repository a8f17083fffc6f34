"""How an event reads: what happened is stored, the sentence is looked up here. Pure; one table from kind to words.

May import `audit.queries` for the row's type. Other rooms may add nothing: a kind without a sentence reads as it is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from audit.languages import told
from audit.queries import EventRow
from audit.sentences import listed, say

ACTORS = {"human": "user-round", "agent": "bot", "model": "scan-search", "policy": "scale", "system": "server"}
DOORS = {"web": say("web"), "cli": say("command line"), "api": "API", "slack": "Slack", "worker": say("worker"), "beat": say("clock")}
ACTOR_KINDS = {
    "human": say("person"),
    "agent": say("agent"),
    "model": say("model"),
    "policy": say("policy"),
    "system": say("the product itself"),
}
VERDICTS = {"approve": say("approve"), "reject": say("reject"), "respond": say("respond"), "take_over": say("take over")}
PRESSED = {
    **VERDICTS, "edit": say("edit"), "ask": say("ask the agent"), "reserve": say("reserve"), "put_back": say("give back"), "snooze": say("snooze"),
    "pass_on": say("pass on"), "away": say("leave one's desk"), "back": say("be back"), "halt": say("halt"), "release": say("release a halt"),
}  # fmt: skip
OUTCOMES = {
    "done": say("done"), "failed": say("failed"), "unknown": say("outcome unknown"), "approved": say("approved"), "rejected": say("rejected"),
    "answered": say("answered"), "expired": say("expired"), "superseded": say("superseded"), "cancelled": say("cancelled"),
}  # fmt: skip
FACTORS = {"webauthn": say("passkey"), "totp": say("authenticator app"), "recovery_codes": say("recovery codes")}
STREAMS = {"drill": say("test actions")}
CONCERNS = {"none": say("no doubts"), "doubtful": say("doubtful"), "dangerous": say("dangerous")}
ITS_QUESTION = say("its question")
Say = Callable[[Mapping[str, Any]], str]

SENTENCES: dict[str, Say] = {
    "action.opened": lambda d: say("Proposed: %(summary)s", summary=d.get("summary") or d.get("tool")),
    "action.edited": lambda d: say(
        "New version %(version)s of %(tool)s, scored %(score)s", version=d.get("version"), tool=d.get("tool"), score=d.get("score")
    ),
    "action.reopened": lambda d: say("Asked again: %(tool)s", tool=d.get("tool")),
    "action.unclaimed": lambda d: say("Leave to act was taken back unused: %(why)s", why=told(str(d.get("why", "")))),
    "action.undone": lambda d: say("Took an approval back: %(tool)s", tool=d.get("tool")),
    "action.reserved": lambda d: say("Reserved an action"),
    "action.put_back": lambda d: say("Gave a reserved action back: %(why)s", why=told(str(d.get("why", "")))),
    "action.reservation_ended": lambda d: say("Ended the reservation of %(holder)s", holder=d.get("holder")),
    "action.reassigned": lambda d: (
        say("Gave an action to %(to)s, in the stead of %(who)s", to=d.get("to"), who=d.get("instead_of"))
        if d.get("instead_of")
        else say("Gave an action to %(to)s, who is asked", to=d.get("to"))
    ),
    "action.passed_on": lambda d: say("Passed an action on to %(to)s, in the stead of %(who)s", to=d.get("to"), who=d.get("instead_of")),
    "action.snoozed": lambda d: say("Snoozed an action"),
    "action.unsnoozed": lambda d: say("No longer snoozed: %(why)s", why=told(str(d.get("why", "")))),
    "action.extended": lambda d: say(
        "Put a deadline off by %(n)d second", "Put a deadline off by %(n)d seconds", n=int(d.get("seconds") or 0)
    ),
    "action.reminded": lambda d: say("%(part)s of the time gone, %(told)s told", part=d.get("after"), told=d.get("told")),
    "action.escalated": lambda d: say("Escalated to %(group)s, %(told)s told", group=d.get("to"), told=d.get("told")),
    "action.stage_opened": lambda d: say(
        "Stage %(stage)s of %(stages)s: the turn of %(group)s",
        stage=d.get("stage"),
        stages=d.get("stages"),
        group=listed(d.get("turn") or ()),
    ),
    "action.tampered": lambda d: say("What is stored was changed in the database"),
    "action.raised": lambda d: say("Asked anew, as more is needed: %(tool)s", tool=d.get("tool")),
    "opinion.given": lambda d: say(
        "A second opinion on %(tool)s: %(concern)s", tool=d.get("tool"), concern=_word(CONCERNS, d.get("concern"))
    ),
    "opinion.failed": lambda d: say("No second opinion on %(tool)s", tool=d.get("tool")),
    "ask.wanted": lambda d: say("Asked the agent about %(tool)s", tool=d.get("tool")),
    "ask.answered": lambda d: say("Answered about %(tool)s", tool=d.get("tool")),
    "ask.failed": lambda d: say("Could not answer about %(tool)s", tool=d.get("tool")),
    "pause.again": lambda d: say("Asks again at %(node)s: its answer could not be used", node=d.get("node") or ITS_QUESTION),
    "action.commented": lambda d: say("Said something about %(tool)s", tool=d.get("tool")),
    "action.comment_deleted": lambda d: say(
        "A comment on %(tool)s was deleted in Slack, where it was written; it stays here", tool=d.get("tool")
    ),
    "slack.pressed": lambda d: _pressed(d),
    "slack.installed": lambda d: say("Connected the Slack workspace %(name)s", name=d.get("name")),
    "slack.removed": lambda d: say("Disconnected the Slack workspace %(name)s", name=d.get("name")),
    "action.claimed": lambda d: say("Took leave to do %(tool)s itself", tool=d.get("tool")),
    "webhook.added": lambda d: say("Added the webhook %(url)s", url=d.get("url")),
    "webhook.switched_on": lambda d: say("Switched the webhook %(url)s on", url=d.get("url")),
    "webhook.switched_off": lambda d: (
        say("Switched the webhook %(url)s off: %(why)s", url=d.get("url"), why=told(str(d["why"])))
        if d.get("why")
        else say("Switched the webhook %(url)s off", url=d.get("url"))
    ),
    "key.made": lambda d: say("Made the key %(name)s for %(of)s", name=d.get("name"), of=d.get("of")),
    "key.revoked": lambda d: say("Revoked the key %(name)s of %(of)s", name=d.get("name"), of=d.get("of")),
    "action.approved": lambda d: say("May run: %(tool)s", tool=d.get("tool")),
    "action.rejected": lambda d: say("Will not run: %(tool)s", tool=d.get("tool")),
    "action.answered": lambda d: say("Answered: %(tool)s", tool=d.get("tool")),
    "action.expired": lambda d: say("Expired: %(tool)s", tool=d.get("tool")),
    "action.cancelled": lambda d: say("Cancelled: %(tool)s", tool=d.get("tool")),
    "action.superseded": lambda d: (
        say("Superseded, its result given by an operator: %(tool)s", tool=d.get("tool"))
        if d.get("answered_for")
        else say("Superseded: %(tool)s", tool=d.get("tool"))
    ),
    "action.settled": lambda d: say(
        "Settled as %(outcome)s: %(tool)s", outcome=_word(OUTCOMES, (d.get("outcome") or {}).get("status", "unknown")), tool=d.get("tool")
    ),
    "action.unheard": lambda d: say("What was decided reached nobody: %(tool)s", tool=d.get("tool")),
    "edit.wanted": lambda d: say("Wanted other arguments for %(tool)s", tool=d.get("tool")),
    "edit.refused": lambda d: say("The tool refused an edit of %(tool)s", tool=d.get("tool")),
    "decision.recorded": lambda d: say("Decided: %(verdict)s %(tool)s", verdict=_word(VERDICTS, d.get("verdict")), tool=d.get("tool")),
    "effect.check_asked": lambda d: say("Has the remote side asked about %(tool)s", tool=d.get("tool")),
    "effect.checked": lambda d: say("The remote side says of %(tool)s: %(answer)s", tool=d.get("tool"), answer=d.get("answer") or "-"),
    "effect.claimed": lambda d: say("Began %(tool)s, attempt %(attempt)s", tool=d.get("tool"), attempt=d.get("attempt", 1)),
    "effect.done": lambda d: say("Did %(tool)s", tool=d.get("tool")),
    "effect.failed": lambda d: say("Failed: %(tool)s", tool=d.get("tool")),
    "effect.unknown": lambda d: say("Nobody knows whether %(tool)s was done", tool=d.get("tool")),
    "effect.compensating": lambda d: say("Began to reverse %(tool)s, attempt %(attempt)s", tool=d.get("tool"), attempt=d.get("attempt", 1)),
    "effect.compensated": lambda d: say("Reversed %(tool)s", tool=d.get("tool")),
    "effect.not_compensated": lambda d: say("Could not reverse %(tool)s", tool=d.get("tool")),
    "effect.not_to_compensate": lambda d: say("Nothing to reverse: %(tool)s was not done", tool=d.get("tool")),
    "effect.compensation_delayed": lambda d: say("Reversing %(tool)s is tried again with the same key", tool=d.get("tool")),
    "effect.compensation_recovered": lambda d: say(
        "Reversing %(tool)s is owed again: its worker is gone after attempt %(attempt)s", tool=d.get("tool"), attempt=d.get("attempt", 1)
    ),
    "effect.compensation_retried": lambda d: say("Had reversing %(tool)s tried once more", tool=d.get("tool")),
    "run.compensation_ordered": lambda d: say("What the run did is to be reversed"),
    "run.compensated": lambda d: say(
        "Reversed what the run did: %(done)s calls; %(not_done)s could not be", done=d.get("reversed", 0), not_done=d.get("not_reversed", 0)
    ),
    "run.not_granted": lambda d: say("Refused %(tool)s, which the agent was not granted", tool=d.get("tool")),
    "run.not_asked": lambda d: say("Asked nobody about %(tool)s: %(why)s", tool=d.get("tool"), why=d.get("why")),
    "run.piece_begun": lambda d: say("Began the piece %(key)s", key=d.get("key")),
    "run.piece_done": lambda d: say("Did the piece %(key)s", key=d.get("key")),
    "run.piece_undone": lambda d: say("The piece %(key)s did nothing", key=d.get("key")),
    "effect.retried": lambda d: say("Trying %(tool)s again with the same key", tool=d.get("tool")),
    "run.started": lambda d: say("The run began to move"),
    "run.recovered": lambda d: say("Another worker took the run up"),
    "run.resumed": lambda d: say("The run goes on with its answers"),
    "run.created": lambda d: say("Forked a run from %(run)s", run=str(d["parent"])[:8]) if d.get("parent") else say("Started a run"),
    "run.forked": lambda d: say("Forked this run: %(run)s goes on from one of its checkpoints", run=str(d.get("fork"))[:8]),
    "run.trial_ordered": lambda d: (
        say("Ordered a replay") if d.get("trial_kind") == "replay" else say("Ordered a dry run, with something different")
    ),
    "run.trial_ended": lambda d: _tried(d),
    "run.running": lambda d: say("The run moves"),
    "run.waiting": lambda d: say("The run waits at %(nodes)s", nodes=", ".join(d.get("nodes") or []) or say("a question")),
    "run.ready": lambda d: say("The run may go on"),
    "run.halted": lambda d: say("The run stopped for a halt"),
    "run.pause_ordered": lambda d: say("Ordered the run to pause before its next step"),
    "run.step_ordered": lambda d: say("Let the run take one step"),
    "run.budget_set": lambda d: say("Changed what the run may spend: %(what)s", what=_budget(d)),
    "run.over_budget": lambda d: say("The run is paused: %(why)s", why=d.get("why", "")),
    "run.within_budget": lambda d: say("The run goes on: its budget has something left again"),
    "budget.set": lambda d: _budget_set(d),
    "run.let_on": lambda d: say("Let the run go on"),
    "run.override_asked": lambda d: say("Asked to skip %(node)s; a second person has to confirm it", node=d.get("node")),
    "run.answer_asked": lambda d: say("Asked to give the result of %(tool)s; a second person has to give the same", tool=d.get("tool")),
    "run.answered_for": lambda d: say("Gave the result of %(tool)s; the call is never made", tool=d.get("tool")),
    "run.override_ordered": lambda d: say("Ordered: %(what)s of the run's state", what=d.get("what")),
    "run.overridden": lambda d: say("What was ordered is done; the run goes on from another checkpoint"),
    "run.override_refused": lambda d: say("The graph did not take what was ordered: %(why)s", why=d.get("error")),
    "run.override_dropped": lambda d: say(
        "What %(who)s ordered is carried out no more: %(why)s", who=d.get("of"), why=told(str(d.get("why", "")))
    ),
    "run.paused": lambda d: say("The run is paused before %(nodes)s", nodes=", ".join(d.get("nodes") or []) or say("its next step")),
    "run.succeeded": lambda d: say("The run finished"),
    "run.partial": lambda d: (
        say("The run's time was up: it ended with what it had") if d.get("timed_out") else say("The run finished in part")
    ),
    "run.failed": lambda d: say("The run failed"),
    "run.cancelled": lambda d: say("Cancelled a run"),
    "run.rated": lambda d: say("Found the outcome useful") if d.get("useful") else say("Found the outcome not useful"),
    "run.retried": lambda d: say("Took a failed run up again"),
    "run.other_code": lambda d: say("Was driven with code that is not what was imported"),
    "run.found": lambda d: say("Found a thread that waits on %(server)s", server=d.get("server")),
    "run.stopped_there": lambda d: say("Stopped what ran on the Agent Server: %(n)s runs", n=len(d.get("runs") or [])),
    "answer.sending": lambda d: say("Sends the answer at %(node)s to the Agent Server", node=d.get("node") or ITS_QUESTION),
    "answer.taken": lambda d: say("The Agent Server took the answer at %(node)s", node=d.get("node") or ITS_QUESTION),
    "answer.refused": lambda d: say("The Agent Server did not take the answer: %(why)s", why=d.get("why")),
    "answer.lost": lambda d: say("Nobody knows whether the answer at %(node)s arrived", node=d.get("node") or ITS_QUESTION),
    "answer.anew": lambda d: say(
        "What was answered at %(node)s counts no more: people are asked once more", node=d.get("node") or ITS_QUESTION
    ),
    "server.registered": lambda d: say("Registered the Agent Server %(url)s", url=d.get("url")),
    "server.changed": lambda d: say("Registered the Agent Server %(url)s again", url=d.get("url")),
    "server.reached": lambda d: say("Reached the Agent Server %(url)s again", url=d.get("url")),
    "server.missed": lambda d: say("Cannot reach the Agent Server %(url)s", url=d.get("url")),
    "agent.stopped_there": lambda d: say("Stopped what a halted agent ran on its server: %(n)s runs", n=len(d.get("runs") or [])),
    "pause.taken_back": lambda d: say(
        "The answer at %(node)s was not given: %(why)s", node=d.get("node") or ITS_QUESTION, why=told(str(d.get("why", "")))
    ),
    "server.noted": lambda d: say(
        "On the Agent Server %(url)s: %(note)s", url=d.get("url"), note=told(str(d.get("note") or say("all is well again")))
    ),
    "pause.changed": lambda d: say("The graph asks otherwise at %(node)s", node=d.get("node") or ITS_QUESTION),
    "pause.superseded": lambda d: say("The graph no longer waits at %(node)s", node=d.get("node") or ITS_QUESTION),
    "pause.answered": lambda d: say("The graph took the answer at %(node)s", node=d.get("node") or ITS_QUESTION),
    "pause.orphaned": lambda d: say("The graph no longer asks at %(node)s", node=d.get("node") or ITS_QUESTION),
    "pause.refused": lambda d: say(
        "Refused before asking anybody: %(code)s", code=f"{d['tool']}: {d.get('reason')}" if d.get("tool") else d.get("code")
    ),
    "grant.given": lambda d: say("Gave grant %(grant)s for %(tool)s", grant=d.get("grant", ""), tool=d.get("tool", "")),
    "grant.given_too": lambda d: say("Gave grant %(grant)s too", grant=d.get("grant", "")),
    "grant.used": lambda d: say(
        "Let through by grant %(grant)s, use %(uses)s of %(of)s", grant=d.get("grant", ""), uses=d.get("uses", ""), of=d.get("of", "")
    ),
    "grant.revoked": lambda d: say("Revoked grant %(grant)s", grant=d.get("grant", "")),
    "drill.plan_changed": lambda d: (
        say("Test actions for %(group)s: about one for %(every)s verdicts", group=d.get("group"), every=d.get("every"))
        if d.get("active")
        else say("Test actions for %(group)s switched off", group=d.get("group"))
    ),
    "drill.placed": lambda d: say("Placed a test action for %(group)s: %(template)s", group=d.get("group"), template=d.get("template")),
    "drill.caught": lambda d: say("A test action, caught: %(tool)s", tool=d.get("tool")),
    "drill.missed": lambda d: say("A test action, missed; nothing ran: %(tool)s", tool=d.get("tool")),
    "drill.expired": lambda d: say("A test action, not decided in time: %(tool)s", tool=d.get("tool")),
    "drill.withdrawn": lambda d: say("A test action, taken back: %(tool)s", tool=d.get("tool")),
    "halt.ordered": lambda d: (
        say("Halted %(what)s automatically, by the rule %(rule)s", what=_scope(d), rule=str(d.get("rule")))
        if d.get("rule")
        else say("Halted %(what)s", what=_scope(d))
    ),
    "alert.raised": lambda d: say("Alert: %(rule)s is at %(value)s", rule=_rule(d), value=_figure(d)),
    "alert.reminded": lambda d: say("Alert, still so: %(rule)s is at %(value)s", rule=_rule(d), value=_figure(d)),
    "alert.recovered": lambda d: say("Alert over: %(rule)s", rule=_rule(d)),
    "alert.acknowledged": lambda d: say("Sees to the alert %(rule)s", rule=_rule(d)),
    "alert.rule_set": lambda d: (
        say("Alerts of %(rule)s: from %(most)s on", rule=str(d.get("rule")), most=str(d.get("most")))
        if d.get("active")
        else say("Alerts of %(rule)s switched off", rule=str(d.get("rule")))
    ),
    "halt.rule_set": lambda d: (
        say("Automatic halts by %(rule)s: from %(most)s on", rule=str(d.get("rule")), most=str(d.get("most")))
        if d.get("active")
        else say("Automatic halts by %(rule)s switched off", rule=str(d.get("rule")))
    ),
    "halt.released": lambda d: say("Released %(what)s", what=_scope(d)),
    "switch.set": lambda d: say("Switched %(what)s to %(setting)s", what=str(d.get("target")), setting=str(d.get("setting"))),
    "switch.ended": lambda d: say("Switched %(what)s back to policy", what=str(d.get("target"))),
    "person.hasty": lambda d: say(
        "Approved %(n)s actions within %(s)s s: %(username)s", n=d.get("approvals"), s=d.get("seconds"), username=d.get("username")
    ),
    "person.over_budget": lambda d: say(
        "Decided %(n)s actions within %(h)s h: %(username)s",
        n=d.get("approvals"),
        h=int(d.get("seconds") or 0) // 3_600,
        username=d.get("username"),
    ),
    "policy.proposed": lambda d: say("Proposed a policy to follow version %(base)s", base=d.get("base")),
    "policy.published": lambda d: say("Put version %(number)s of the policy in force", number=d.get("number")),
    "policy.withdrawn": lambda d: say("Withdrew a proposed policy"),
    "agent.registered": lambda d: say("Registered the agent"),
    "agent.moved": lambda d: say(
        "Its project lies at %(project)s now, before at %(before)s", project=d.get("project"), before=d.get("before")
    ),
    "agent.accepted": lambda d: say("Accepted how %(tool)s is declared now", tool=d.get("tool", "")),
    "agent.version_changed": lambda d: say("Registered a new version of the agent"),
    "person.away": lambda d: say(
        "Is away: %(name)s stands in for %(username)s", name=d.get("delegate", ""), username=d.get("username", "")
    ),
    "person.back": lambda d: say("%(username)s is back", username=d.get("username", "")),
    "person.declined": lambda d: say("Does not stand in for %(username)s", username=d.get("username", "")),
    "person.signed_in": lambda d: say("Signed in as %(username)s", username=d.get("username")),
    "person.slack_linked": lambda d: say(
        "%(username)s linked the Slack account %(account)s", username=d.get("username"), account=d.get("slack_user")
    ),
    "person.slack_unlinked": lambda d: say(
        "The Slack account %(account)s is no longer %(username)s's", account=d.get("slack_user"), username=d.get("username")
    ),
    "person.link_made": lambda d: say("A login link was made for %(username)s", username=d.get("username")),
    "person.joined": lambda d: say("One person from now on: %(names)s", names=", ".join(d.get("accounts") or [])),
    "person.parted": lambda d: say("%(username)s is a person of their own again", username=d.get("username")),
    "person.same_email": lambda d: say(
        "%(username)s has the e-mail address of %(names)s", username=d.get("username"), names=", ".join(d.get("others") or [])
    ),
    "person.link_used": lambda d: say("The login link of %(username)s was used", username=d.get("username")),
    "person.device_added": lambda d: say("%(username)s is called on %(name)s", username=d.get("username"), name=d.get("name")),
    "person.device_taken": lambda d: say(
        "%(username)s is no longer called on %(name)s: somebody else took it over", username=d.get("username"), name=d.get("name")
    ),
    "person.device_removed": lambda d: say("%(username)s is no longer called on %(name)s", username=d.get("username"), name=d.get("name")),
    "person.added": lambda d: say("Added the account %(username)s", username=d.get("username")),
    "person.roles_changed": lambda d: say(
        "%(username)s has now %(roles)s", username=d.get("username"), roles=", ".join(d.get("roles") or []) or say("no role")
    ),
    "person.group_added": lambda d: say("Added %(username)s to the group %(group)s", username=d.get("username"), group=d.get("group")),
    "person.group_removed": lambda d: say("Took %(username)s out of the group %(group)s", username=d.get("username"), group=d.get("group")),
    "group.created": lambda d: say("Made the group %(group)s", group=d.get("group")),
    "group.deleted": lambda d: say(
        "Deleted the group %(group)s with %(members)s",
        group=d.get("group"),
        members=", ".join(d.get("members") or []) or say("nobody in it"),
    ),
    "person.confirmed": lambda d: say(
        "%(username)s confirmed who they are (%(how)s)", username=d.get("username"), how=told(str(d.get("with_", "")))
    ),
    "person.sessions_ended": lambda d: say("Ended %(count)s sessions of %(username)s", count=d.get("count"), username=d.get("username")),
    "person.sso_connected": lambda d: say("An identity of single sign-on was connected with %(username)s", username=d.get("username")),
    "person.sso_disconnected": lambda d: say("Single sign-on was disconnected from %(username)s", username=d.get("username")),
    "person.factor_added": lambda d: say(
        "%(username)s added a second factor (%(factor)s)", username=d.get("username"), factor=_word(FACTORS, d.get("factor"))
    ),
    "person.factor_removed": lambda d: say(
        "%(username)s removed a second factor (%(factor)s)", username=d.get("username"), factor=_word(FACTORS, d.get("factor"))
    ),
    "person.factor_renewed": lambda d: say("%(username)s made new recovery codes", username=d.get("username")),
    "person.password_changed": lambda d: say("%(username)s chose a new password; their other sessions ended", username=d.get("username")),
    "person.factors_reset": lambda d: say("Forgot all second factors of %(username)s", username=d.get("username")),
    "person.unlocked": lambda d: say("Let the account %(username)s in again", username=d.get("username")),
    "person.locked": lambda d: say("Locked the account %(username)s", username=d.get("username")),
}


def _rule(data: Mapping[str, Any]) -> str:
    """An alert's title; its rule's name where the event is older than titles."""
    return str(data.get("title") or data.get("rule"))


def _figure(data: Mapping[str, Any]) -> str:
    unit = {"percent": " %", "seconds": " s"}.get(str(data.get("unit", "")), "")
    return f"{data.get('value')}{unit}"


def _budget(data: Mapping[str, Any]) -> str:
    """Limits as they are kept: tokens, and money in millionths."""
    parts = []
    if (micros := data.get("micros")) is not None:
        amount = f"{micros // 1_000_000}." + f"{micros % 1_000_000:06}".rstrip("0").ljust(2, "0")
        parts.append(f"{amount} {data.get('currency', '')}".rstrip())
    if data.get("tokens") is not None:
        parts.append(say("%(n)d tokens", n=data["tokens"]))
    if data.get("seconds"):
        parts.append(say("%(n)d s of work", n=data["seconds"]))
    return ", ".join(parts) or say("no limit")


def _budget_set(data: Mapping[str, Any]) -> str:
    said = {"name": data.get("target", ""), "what": _budget(data)}
    if data.get("scope") == "customer":
        return say("Changed what may be spent in a day for the customer %(name)s: %(what)s", **said)
    if data.get("scope") == "run":
        return say("Changed what each new run of %(name)s may spend: %(what)s", **said)
    return say("Changed what %(name)s may spend in a day: %(what)s", **said)


_TRIED = {
    "equal": say("The replay came out equal"),
    "otherwise": say("The replay came out otherwise"),
    "finished": say("The dry run came to its end"),
    "paused": say("The dry run came as far as there were answers"),
    "failed": say("The dry run ended with an error"),
}


def _tried(data: Mapping[str, Any]) -> str:
    return _TRIED.get(str(data.get("came_to"))) or say("The dry run could not be carried out")


def _word(words: Mapping[str, str], value: Any) -> str:
    return words.get(str(value), str(value))


def _pressed(data: Mapping[str, Any]) -> str:
    """What somebody pressed in Slack; of an action with its tool, of their own desk or a halt alone."""
    what = _word(PRESSED, data.get("what"))
    if data.get("what") == "digest":
        at = data.get("at")
        return say("Chose in Slack that their digest comes at %(at)s", at=at) if at else say("Chose in Slack that no digest comes")
    tool = data.get("tool")
    return say("Pressed in Slack: %(what)s %(tool)s", what=what, tool=tool) if tool else say("Pressed in Slack: %(what)s", what=what)


def _scope(data: Mapping[str, Any]) -> str:
    if data.get("scope") == "everything":
        return say("everything")
    target = data.get("target")
    return say("the run %(id)s", id=target) if data.get("scope") == "run" else say("the agent %(agent)s", agent=target)


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
    words = SENTENCES.get(event.kind)
    return told(words(event.data)) if words else event.kind.replace(".", " ").replace("_", " ").capitalize()


def detail_of(event: EventRow) -> str:
    """The words that go with it: a reason, an answer, an error."""
    if event.kind in {"action.reopened", "action.undone", "action.raised"}:
        return told(str(event.data.get("why", "")))
    key = next((key for key in ("reason", "response", "question", "answer", "text", "error", "note") if event.data.get(key)), "")
    words = str(event.data[key])[:300] if key else ""
    # What a person or an agent wrote is shown as they wrote it.
    return told(words) if key == "error" or event.actor_kind in {"system", "policy"} else words


def actor_of(event: EventRow) -> str:
    """Who did it; a policy's name is a word of ours and its version."""
    return told(event.actor) if event.actor_kind == "policy" else event.actor.removeprefix("agent:")


def object_of(event: EventRow) -> tuple[str, str, str]:
    """The name, the url name's kind and the id of what it is about: an action before its run, a run before its agent."""
    # Where a test action was placed stands in the data only, so that its own story does not say it while it waits.
    action = event.action or (str(event.data.get("action", "")) if event.kind == "drill.placed" else "")
    if action:
        return _("action %(id)s") % {"id": action[:8]}, "action", action
    if event.run:
        return _("run %(id)s") % {"id": event.run[:8]}, "run", event.run
    stream = event.stream.split(":", 1)[0]
    return (event.agent, "agent", event.agent) if event.agent else (told(STREAMS.get(stream, stream)), "", "")
