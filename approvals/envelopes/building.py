"""Writes the bytes of one version of an action. What is usual is left out of them: the fewer bytes, the sooner they are digested."""

import json
import math
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.envelopes.reading import TELL_AGENT, TELLS_BY, Call
from approvals.models import Action
from approvals.policy.basics import LEAST_EXTENSION_S, RequirementRule
from approvals.policy.calendars import Calendar
from approvals.policy.risk import Assessment, Facts
from approvals.policy.rules import Policy
from approvals.policy.times import Times, later, times
from audit import canonical
from audit.sentences import say

# Facts that are frozen elsewhere or below, and those that are left out when nothing is known of them.
APART = {"args", "agent_takes", "run_calls", "run_failures"}
SELDOM = {"opinion", "confidence", "at_least"}
# Each is a row of the page, and a table's cell counts as one; with 10,000 the page takes seconds of everybody's web process.
MOST_VALUES = 3_000
RENDERER = {"id": "countersign/what-will-run", "version": 1}


@dataclass(frozen=True)
class Until:
    """The deadline that a version keeps from the one before.

    Attributes:
        at: when that one ran out, or would have.
        put_off_s: by how much it, and those before it, had been put off.
        spare_s: by how much more whoever makes the new version may put it off.
        hours: the working hours that being put off counts in, None for the wall clock.
    """

    at: datetime
    put_off_s: int = 0
    spare_s: int = 0
    hours: Calendar | None = None

    @property
    def latest(self) -> datetime:
        return later(self.at, self.spare_s, self.hours)

    def put_off(self, expires_at: datetime) -> int:
        """By how much it is put off in all, when the new version runs out then."""
        more = self.hours.within(self.at, expires_at) if self.hours else (expires_at - self.at).total_seconds()
        return self.put_off_s + max(0, math.ceil(more))


@dataclass(frozen=True)
class Judged:
    """What the policy made of it. `excluded`: persons who are kept from deciding."""

    facts: Facts
    assessment: Assessment
    policy: Policy
    excluded: Collection[str] = ()


@dataclass(frozen=True)
class Content:
    """All that one version of an action says, beside the action's own columns.

    Attributes:
        confirm: what is typed before something critical runs.
        edited_by: the person whose edit these arguments are, "" when the agent's. editors: all whose edits led to them.
        until: the deadline it keeps, when it is not the first version.
        answer_schema: what an answer to it has to fit.
    """

    call: Call
    judged: Judged
    preview: Any
    now: datetime
    confirm: str = ""
    edited_by: str = ""
    editors: Collection[str] = ()
    until: Until | None = None
    answer_schema: Any = None


def build(action: Action, content: Content) -> bytes:
    """The canonical bytes of one version. Raises NotCanonical when the arguments have none, or hold more values than a person can look at."""
    call, judged = content.call, content.judged
    if (many := _values(call.args)) > MOST_VALUES:
        raise canonical.NotCanonical(
            say("the arguments hold %(n)d values; nobody can check more than %(most)d one by one", n=many, most=MOST_VALUES)
        )
    planned = _planned(content)
    put_off = content.until.put_off(planned.expires_at) if content.until else 0
    assessment, policy = judged.assessment, judged.policy
    return canonical.dumps(
        {
            "v": 1,
            **_columns(action),
            "tool": {
                "name": action.tool,
                "schema_sha256": call.tool_schema_sha256,
                **({"declared_sha256": call.declared_sha256} if call.declared_sha256 else {}),
            },
            "args": call.args,
            "preview_sha256": canonical.fingerprint(content.preview),
            "policy": {"id": "default", "version": policy.number or policy.data.version, "sha256": policy.sha256},
            "risk": {"score": assessment.score, "level": str(assessment.level), "reasons": [f.as_json() for f in assessment.factors]},
            "facts": _facts(judged.facts),
            **_asked(assessment.requirement, planned, put_off),
            **({"denied": assessment.denied} if assessment.denied else {}),
            # At every level: asked again under a stricter policy, it is what somebody then types. Older envelopes have it at critical only.
            **({"confirm": content.confirm} if content.confirm not in ("", action.tool) else {}),
            **({"drill": True} if action.drill else {}),
            **_answers(content.answer_schema),
            "exclude": sorted(judged.excluded),
            "edited_by": content.edited_by,
            **({"editors": sorted(content.editors)} if set(content.editors) - {content.edited_by} else {}),
            "asked_for_sha256": call.asked_for_sha256,
            "asked_deadline_s": call.deadline_s,
            "created_at": content.now.isoformat(),
            "expires_at": planned.expires_at.isoformat(),
            "nonce": secrets.token_hex(16),
            "renderer": RENDERER,
        }
    )


def _columns(action: Action) -> dict[str, Any]:
    """What the action's own columns say as well: nothing acts on one of them that differs."""
    return {
        **{name: getattr(action, name) for name in ("tenant", "agent", "run", "thread", "interrupt_id", "index", "version", "summary")},
        "action_id": str(action.pk),
        "kind": str(action.kind),
        **({"agent_version": action.agent_version} if action.agent_version else {}),
    }


def _planned(content: Content) -> Times:
    """Its deadline, and what the clock does on the way there."""
    until, assessment, policy = content.until, content.judged.assessment, content.judged.policy
    return times(
        assessment.requirement,
        level=assessment.level,
        now=content.now,
        asked_deadline_s=content.call.deadline_s,
        calendars=policy.data.calendars,
        quiet=policy.data.quiet,
        at_latest=until.latest if until else None,
        stands=until.at if until else None,
        put_off_s=until.put_off_s if until else 0,
    )


def _values(args: Any) -> int:
    if isinstance(args, dict | list):
        return sum(map(_values, args.values() if isinstance(args, dict) else args)) or 1
    return 1


def _answers(schema: Any) -> dict[str, Any]:
    """The schema of an answer; as JSON text where it has no canonical form (a bound beyond 2^53-1, very deep): every digest covers it either way."""
    if schema is None:
        return {}
    try:
        canonical.dumps({"answer_schema": schema})
    except canonical.NotCanonical:
        return {"answer_schema_json": json.dumps(schema)}
    return {"answer_schema": schema}


def _facts(facts: Facts) -> dict[str, Any]:
    return {
        **{name: value for name, value in vars(facts).items() if name not in APART and (name not in SELDOM or value not in ("", None))},
        **{name: n for name in ("run_calls", "run_failures") if (n := getattr(facts, name))},
        **({"agent_takes": list(facts.agent_takes)} if facts.agent_takes else {}),
        "figures": dict(facts.figures),
        "untrusted_text": list(facts.untrusted_text),
        "hidden_characters": list(facts.hidden_characters),
    }


def _asked(rule: RequirementRule, planned: Times, put_off_s: int) -> dict[str, Any]:
    """What is asked of people. What is usual is left out: the fewer bytes, the sooner they are digested."""
    left_s = rule.extend.at_most_s - put_off_s if rule.extend and rule.need else 0
    may_extend = rule.extend and left_s >= LEAST_EXTENSION_S
    return {
        "need": [{"group": n.group, "count": n.count, **({"stage": n.stage} if n.stage > 1 else {})} for n in rule.need],
        **({"rejections": rule.rejections} if rule.rejections > 1 else {}),
        **({"moments": [[m.at.isoformat(), m.kind, m.what] for m in planned.moments]} if planned.moments else {}),
        **({"extend": {"by": list(rule.extend.by), "at_most_s": left_s}} if rule.extend and may_extend else {}),
        **({"hours": planned.hours.model_dump(mode="json")} if planned.hours and may_extend else {}),
        **({"put_off_s": put_off_s} if put_off_s else {}),
        **({"delegates": list(rule.delegates)} if rule.delegates and rule.need else {}),
        "verdicts": list(rule.verdicts),
        "reason_for": list(rule.reason_for),
        **({} if rule.may_edit else {"may_edit": False}),
        **({} if set(rule.tell) == TELLS_BY else {"tell": list(rule.tell)}),
        **({"at_deadline": rule.at_deadline} if rule.at_deadline != TELL_AGENT else {}),
        "hold_s": rule.hold_s,
        "execute_within_s": rule.execute_within_s,
    }
