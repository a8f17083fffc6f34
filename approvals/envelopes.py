"""The envelope: what a reviewer sees and the executor runs, as canonical bytes with one digest.

Operations build and prove it, queries prove it again for the page. Built at the pause, parsed back wherever somebody acts. Nothing acts on a column that the envelope also
holds without having compared the two.
"""

import math
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from approvals.errors import Tampered
from approvals.models import Action, Requirement
from approvals.policy.basics import LEAST_EXTENSION_S, WAYS_TO_TELL, ExtendRule, RequirementRule
from approvals.policy.risk import Assessment, Facts
from approvals.policy.rules import Policy
from approvals.policy.times import ESCALATE, Moment, Times, times
from approvals.resolution import Need
from audit import canonical
from audit.sentences import say

DOMAIN = "hitl/action/v1"
NO_ENVELOPE = say("The stored arguments cannot be read: somebody changed the database. Nothing will run; tell an operator")
NO_VERSION = say(
    "The stored action names a version that was never written: somebody changed the database. Nothing will run; tell an operator"
)
# What is read of an envelope before it is proved.
KEYS = {
    "action_id",
    "args",
    "need",
    "exclude",
    "verdicts",
    "reason_for",
    "execute_within_s",
    "expires_at",
    "policy",
    "risk",
    "facts",
    "tool",
}
# Facts that are frozen elsewhere or below, and those that are left out when nothing is known of them.
APART = {"args", "agent_takes", "run_calls", "run_failures"}
SELDOM = {"opinion", "confidence", "at_least"}
TELLS_BY, TELL_AGENT, STOP_RUN = frozenset(WAYS_TO_TELL), "tell_agent", "stop_run"  # what is usual is left out
RENDERER = {"id": "countersign/what-will-run", "version": 1}


@dataclass(frozen=True)
class Envelope:
    """The parsed envelope of one version of an Action."""

    data: Mapping[str, Any]

    @property
    def args(self) -> Any:
        return self.data["args"]

    @property
    def needs(self) -> list[Need]:
        return [Need(n["group"], n["count"], n.get("stage", 1)) for n in self.data["need"]]

    @property
    def stages(self) -> int:
        return max((n.get("stage", 1) for n in self.data["need"]), default=1)

    @property
    def rejections(self) -> int:
        """How many people must reject it to end it."""
        return int(self.data.get("rejections", 1))

    @property
    def moments(self) -> list[Moment]:
        """What the clock does on the way to the deadline, in order."""
        return [Moment(datetime.fromisoformat(at), kind, what) for at, kind, what in self.data.get("moments", ())]

    def escalated(self, passed: int) -> tuple[str, ...]:
        """The groups added by the first so many moments."""
        return tuple(what for _, kind, what in self.data.get("moments", ())[:passed] if kind == ESCALATE)

    @property
    def extend(self) -> ExtendRule | None:
        """Who may put the deadline off, and how far in all."""
        found = self.data.get("extend")
        return ExtendRule(**found) if found else None

    @property
    def delegates(self) -> frozenset[str]:
        """Groups whose people may decide in the stead of somebody who is asked, beside those who are asked themselves."""
        return frozenset(self.data.get("delegates", ()))

    @property
    def excluded(self) -> frozenset[str]:
        return frozenset(self.data["exclude"])

    @property
    def verdicts(self) -> list[str]:
        """What may be decided. Saying no is always among it, whatever an older policy left out."""
        return list(dict.fromkeys((*self.data["verdicts"], "reject")))

    @property
    def reason_for(self) -> list[str]:
        return list(self.data["reason_for"])

    @property
    def may_edit(self) -> bool:
        """Whether people may write other arguments."""
        return self.data.get("may_edit", True) is not False

    @property
    def tell(self) -> frozenset[str]:
        """Where whoever is asked may be told of it, beside the inbox: "email", "push", "slack"."""
        return frozenset(self.data.get("tell", TELLS_BY))

    @property
    def at_deadline(self) -> str:
        """What happens when nobody decides in time, beside that the agent hears of it: "tell_agent" for nothing, or "stop_run"."""
        return str(self.data.get("at_deadline", TELL_AGENT))

    @property
    def expires_at(self) -> datetime:
        return datetime.fromisoformat(self.data["expires_at"])

    @property
    def execute_within(self) -> timedelta:
        return timedelta(seconds=self.data["execute_within_s"])

    @property
    def hold(self) -> timedelta:
        """How long an approval by people may be taken back before anything is claimed; what policy alone passes is not held."""
        return timedelta(seconds=self.data.get("hold_s", 0) if self.data["need"] else 0)

    @property
    def edited_by(self) -> str:
        """The person whose edit these arguments are; "" when they are the agent's own."""
        return str(self.data.get("edited_by", ""))

    @property
    def editors(self) -> frozenset[str]:
        """Everybody whose edits led from the agent's own arguments to these."""
        return frozenset({*self.data.get("editors", ()), self.edited_by} - {""})

    @property
    def put_off_s(self) -> int:
        """By how much earlier versions were put off, in seconds: what may be added is that much less."""
        return int(self.data.get("put_off_s", 0))

    @property
    def asked_for_sha256(self) -> str:
        """Fingerprint of the run's input, which tools are handed beside their arguments; "" outside of runs."""
        return str(self.data.get("asked_for_sha256", ""))

    @property
    def asked_deadline_s(self) -> int | None:
        """Seconds the agent itself would wait, when that was less than the policy allows."""
        asked: int | None = self.data.get("asked_deadline_s")
        return asked

    @property
    def facts(self) -> Facts:
        raw = dict(self.data["facts"])
        raw["untrusted_text"] = tuple(raw["untrusted_text"])
        raw["hidden_characters"] = tuple(raw["hidden_characters"])
        raw["agent_takes"] = self.agent_takes
        # The arguments are frozen once, beside the facts; envelopes of before rules knew agents do not name one among them.
        return Facts(**{"agent": self.data.get("agent", ""), **raw, "args": self.args})

    @property
    def agent_takes(self) -> tuple[str, ...]:
        """Of an agent that makes the call itself, what it can be told; empty where our executor runs it."""
        return tuple(self.data["facts"].get("agent_takes", ()))

    @property
    def only_edited(self) -> bool:
        """The agent takes other arguments of people, and no plain yes: as it proposed them, nobody approves them."""
        return "edit" in self.agent_takes and "approve" not in self.agent_takes

    def verdicts_of(self, why: str) -> list[str]:
        """What may be decided of a version that is there for this reason (`Requirement.why`)."""
        return [v for v in self.verdicts if v != "approve" or why == "edited" or not self.only_edited]

    def takes_edits(self) -> bool:
        """Whether other arguments may be written for it at all: by policy, and by the agent. (A question has none: its kind says so.)"""
        return self.may_edit and (not self.agent_takes or "edit" in self.agent_takes)

    @property
    def answer_schema(self) -> Any:
        """JSON Schema that an answer has to fit; None where any words do."""
        return self.data.get("answer_schema")

    @property
    def declared_sha256(self) -> str:
        """Of the whole declaration of the tool; "" where nothing but its schema is known."""
        return str(self.data["tool"].get("declared_sha256", ""))

    @property
    def confirm(self) -> str:
        """What a person types to approve it, where the ladder asks for that; the tool's name when its author named nothing better."""
        return str(self.data.get("confirm") or self.data["tool"]["name"])

    @property
    def denied(self) -> str:
        """Why policy refuses it whoever agrees, "" when it does not."""
        return str(self.data.get("denied", ""))


@dataclass(frozen=True)
class Until:
    """The deadline that a version keeps from the one before.

    Attributes:
        at: when that one ran out, or would have.
        put_off_s: by how much it, and those before it, had been put off.
        spare_s: by how much more whoever makes the new version may put it off.
    """

    at: datetime
    put_off_s: int = 0
    spare_s: int = 0

    @property
    def latest(self) -> datetime:
        return self.at + timedelta(seconds=self.spare_s)

    def put_off(self, expires_at: datetime) -> int:
        """By how much it is put off in all, when the new version runs out then."""
        return self.put_off_s + max(0, math.ceil((expires_at - self.at).total_seconds()))


def build(
    action: Action,
    *,
    args: Any,
    tool_schema_sha256: str,
    declared_sha256: str,
    facts: Facts,
    assessment: Assessment,
    policy: Policy,
    excluded: list[str],
    preview: Any,
    now: datetime,
    asked_deadline_s: int | None,
    edited_by: str,
    asked_for_sha256: str,
    confirm: str = "",
    editors: Collection[str] = (),
    until: Until | None = None,
    answer_schema: Any = None,
) -> bytes:
    """The canonical bytes of one version. Raises NotCanonical when the arguments have none."""
    planned = times(
        assessment.requirement,
        level=assessment.level,
        now=now,
        asked_deadline_s=asked_deadline_s,
        calendars=policy.data.calendars,
        quiet=policy.data.quiet,
        at_latest=until.latest if until else None,
    )
    put_off = until.put_off(planned.expires_at) if until else 0
    return canonical.dumps(
        {
            "v": 1,
            "tenant": action.tenant,
            "agent": action.agent,
            "run": action.run,
            "thread": action.thread,
            "interrupt_id": action.interrupt_id,
            "index": action.index,
            "action_id": str(action.pk),
            "version": action.version,
            "kind": str(action.kind),
            "summary": action.summary,
            "tool": {
                "name": action.tool,
                "schema_sha256": tool_schema_sha256,
                **({"declared_sha256": declared_sha256} if declared_sha256 else {}),
            },
            **({"agent_version": action.agent_version} if action.agent_version else {}),
            "args": args,
            "preview_sha256": canonical.fingerprint(preview),
            "policy": {"id": "default", "version": policy.number or policy.data.version, "sha256": policy.sha256},
            "risk": {"score": assessment.score, "level": str(assessment.level), "reasons": [f.as_json() for f in assessment.factors]},
            "facts": _facts(facts),
            **_asked(assessment.requirement, planned, put_off),
            **({"denied": assessment.denied} if assessment.denied else {}),
            # At every level: asked again under a stricter policy, it is what somebody then types. Older envelopes have it at critical only.
            **({"confirm": confirm} if confirm not in ("", action.tool) else {}),
            **({"drill": True} if action.drill else {}),
            **({"answer_schema": answer_schema} if answer_schema is not None else {}),
            "exclude": sorted(excluded),
            "edited_by": edited_by,
            **({"editors": sorted(editors)} if set(editors) - {edited_by} else {}),
            "asked_for_sha256": asked_for_sha256,
            "asked_deadline_s": asked_deadline_s,
            "created_at": now.isoformat(),
            "expires_at": planned.expires_at.isoformat(),
            "nonce": secrets.token_hex(16),
            "renderer": RENDERER,
        }
    )


def parse(requirement: Requirement) -> Envelope:
    """The envelope as stored, unproved: for reading, and for asking who may look. `opened` proves it.

    Raises:
        Tampered: the bytes are no envelope at all.
    """
    return Envelope(_data(requirement))


def _data(requirement: Requirement) -> dict[str, Any]:
    try:
        data = canonical.parse(bytes(requirement.envelope))
    except canonical.NotCanonical as error:
        raise Tampered(NO_ENVELOPE) from error
    if not isinstance(data, dict) or not data.keys() >= KEYS or not _readable(Envelope(data)):
        raise Tampered(NO_ENVELOPE)
    return data


def _readable(envelope: Envelope) -> bool:
    """Whether everything that is read of it is there, also before it is proved: a page is to say that it was changed, not to break."""
    try:
        return _whole(envelope)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def digest_of(envelope: bytes) -> str:
    return canonical.digest(DOMAIN, envelope)


def opened(action: Action, requirement: Requirement) -> Envelope:
    """The envelope of an action, after proving that nobody changed the row behind it.

    Raises:
        Tampered: the bytes do not give the digest, or a column says something else than the bytes.
    """
    raw = bytes(requirement.envelope)
    if digest_of(raw) != requirement.digest or requirement.digest != action.digest:
        raise Tampered(
            say("The stored arguments do not match their digest: somebody changed the database. Nothing will run; tell an operator")
        )
    data = _data(requirement)
    try:
        same = _columns_say(action, data) and action.expires_at == _extended(Envelope(data), action.extended_s)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # every digest fits, and yet it is no envelope of ours
        raise Tampered(NO_ENVELOPE) from error
    if not same or canonical.fingerprint(requirement.preview) != data["preview_sha256"]:
        raise Tampered(
            say("The stored action does not match what was proposed: somebody changed the database. Nothing will run; tell an operator")
        )
    return Envelope(data)


def _whole(envelope: Envelope) -> bool:
    """Whether everything that is read of it later can be read, as what it is read as."""
    data = envelope.data
    texts = [data["policy"]["sha256"], data["tool"]["schema_sha256"], *data["exclude"], *envelope.verdicts, *envelope.reason_for]
    texts += [*envelope.tell, *envelope.delegates, *envelope.editors, *(text for m in envelope.moments for text in (m.kind, m.what))]
    counts = all(type(n.group) is str and type(n.count) is int and type(n.stage) is int for n in envelope.needs)
    counts = (
        counts
        and type(envelope.rejections) is int
        and envelope.put_off_s >= 0
        and (envelope.extend is None or envelope.extend.at_most_s > 0)
    )
    return counts and all(type(t) is str for t in texts) and bool(envelope.execute_within)


def _columns_say(action: Action, data: Mapping[str, Any]) -> bool:
    columns = (
        str(action.pk),
        action.version,
        str(action.kind),
        action.summary,
        action.tool,
        action.agent,
        action.run,
        action.thread,
        action.tenant,
        action.level,
        action.score,
        action.drill,
        action.agent_version,
        action.customer,
    )
    said = (
        data["action_id"],
        data["version"],
        data["kind"],
        data["summary"],
        data["tool"]["name"],
        data["agent"],
        data["run"],
        data["thread"],
        data["tenant"],
        data["risk"]["level"],
        data["risk"]["score"],
        data.get("drill", False),
        data.get("agent_version", ""),
        data["facts"].get("customer", ""),
    )
    return columns == said


def _extended(envelope: Envelope, extended_s: int) -> datetime | None:
    """The deadline with what people put it off by; None when that is more than the policy ever allowed."""
    rule = envelope.extend if extended_s else None
    if extended_s and (rule is None or not 0 < extended_s <= rule.at_most_s):
        return None
    return envelope.expires_at + timedelta(seconds=extended_s)


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
    return {
        "need": [{"group": n.group, "count": n.count, **({"stage": n.stage} if n.stage > 1 else {})} for n in rule.need],
        **({"rejections": rule.rejections} if rule.rejections > 1 else {}),
        **({"moments": [[m.at.isoformat(), m.kind, m.what] for m in planned.moments]} if planned.moments else {}),
        **({"extend": {"by": list(rule.extend.by), "at_most_s": left_s}} if rule.extend and left_s >= LEAST_EXTENSION_S else {}),
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
