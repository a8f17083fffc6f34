"""What stands in an envelope, by name. Only reads; whether it is what was proposed is said in `proving`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from approvals.policy.basics import WAYS_TO_TELL, ExtendRule
from approvals.policy.calendars import Calendar
from approvals.policy.risk import UNEXPLAINED, Facts
from approvals.policy.times import ESCALATE, Moment
from approvals.resolution import Need

TELLS_BY, TELL_AGENT, STOP_RUN = frozenset(WAYS_TO_TELL), "tell_agent", "stop_run"  # what is usual is left out of the bytes


@dataclass(frozen=True)
class Call:
    """What is called, as it was proposed: a new version takes over what nobody changed.

    Attributes:
        deadline_s: what its agent asked for. asked_for_sha256: of what its run was started with.
    """

    args: Any
    tool_schema_sha256: str
    declared_sha256: str = ""
    deadline_s: int | None = None
    asked_for_sha256: str = ""


@dataclass(frozen=True)
class Envelope:
    """The parsed envelope of one version of an Action."""

    data: Mapping[str, Any]

    @property
    def args(self) -> Any:
        return self.data["args"]

    @property
    def call(self) -> Call:
        return Call(self.args, self.data["tool"]["schema_sha256"], self.declared_sha256, self.asked_deadline_s, self.asked_for_sha256)

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
    def hours(self) -> Calendar | None:
        """The working hours in which the deadline is put off, None for the wall clock (and for all that was asked before 2026-11-30)."""
        found = self.data.get("hours")
        return Calendar.model_validate_json(json.dumps(found)) if found else None

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

    @property
    def hears_reason(self) -> bool:
        """Whether its agent can be told why it was rejected; otherwise it hears that it was, and the reason stays on record."""
        return UNEXPLAINED not in self.agent_takes

    def verdicts_of(self, why: str) -> list[str]:
        """What may be decided of a version that is there for this reason (`Requirement.why`)."""
        return [v for v in self.verdicts if v != "approve" or why == "edited" or not self.only_edited]

    def takes_edits(self) -> bool:
        """Whether other arguments may be written for it at all: by policy, and by the agent. (A question has none: its kind says so.)"""
        return self.may_edit and (not self.agent_takes or "edit" in self.agent_takes)

    @property
    def answer_schema(self) -> Any:
        """JSON Schema that an answer has to fit; None where any words do."""
        text = self.data.get("answer_schema_json")
        return self.data.get("answer_schema") if text is None else json.loads(text)

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
