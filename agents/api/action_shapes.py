"""What the doors of actions take and give: proposals, claims, outcomes, decisions and edits."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from agents.api.shapes import HEX, LEVELS, STATES, VERDICTS, Strict


class EvidenceIn(Strict):
    title: str = Field("", max_length=200)
    text: str = Field(max_length=20_000)


class RatingIn(Strict):
    """Whether the outcome of a run was useful."""

    useful: bool
    words: str = Field("", max_length=2_000)
    said_by: str = Field("", max_length=150, description="With an agent's key: the user whose word this is")


class Rated(Schema):
    run: UUID
    useful: bool
    words: str
    said_by: str


class AmongIn(Strict):
    """Of the agent's keys that begin so, how many it knows of (`/actions/known`)."""

    begin: str = Field(min_length=1, max_length=200)
    known: int = Field(ge=0, lt=2**31)


class ActionIn(Strict):
    """A tool call an agent wants, or a question it has (`kind: question`, then `args.question` is what is asked)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "tool": "send_invoice",
                "args": {"customer": "C-17", "amount_cents": 12_000},
                "rationale": "The order was delivered on Monday",
                "requested_by": "o.hart",
            }
        },
    )

    tool: str = Field("ask_human", max_length=100)
    args: dict[str, Any]
    kind: Literal["tool", "question"] = "tool"
    client_id: str | None = Field(None, max_length=200, description="Instead of the header Idempotency-Key")
    rationale: str = Field("", max_length=20_000, description="The agent's own words; shown fenced off, never part of what runs")
    evidence: list[EvidenceIn] = Field(default_factory=list, max_length=20, description="What the agent had read")
    requested_by: str = Field("", max_length=150, description="The account of the person the agent acts for")
    expires_in_s: int | None = Field(None, ge=5, le=30 * 86_400)
    estimated_cost: float | None = Field(None, ge=0, le=1e9)
    confidence: float | None = Field(None, ge=0, le=1, description="How sure the agent is of it; only ever adds to the score")
    among: AmongIn | None = Field(None, description="Open something new only where no other keys of the agent begin so: else 409 `moved`")
    level: LEVELS | None = Field(None, description="The least level it is to be decided at; policy may ask for more, never for less")


class KeysIn(Strict):
    """How keys begin that something may have been proposed under."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"begin": "invoice-"}})

    begin: str = Field(min_length=1, max_length=200)
    after: str = Field("", max_length=200, description="`next` of the page before")


class KnownKey(Schema):
    key: str
    action: UUID
    args_sha256: str = Field(
        description="SHA-256 of the arguments that were proposed, as RFC 8785 writes them, whatever people made of them since"
    )


class Known(Schema):
    known: list[KnownKey]
    next: str | None = Field(None, description="Send it as `after` for the following page; null on the last")


class Need(Schema):
    group: str
    count: int
    stage: int


class Resolution(Schema):
    verdict: str
    by: str
    door: str
    reason: str
    response: str


class Edited(Schema):
    """Other arguments that a person wanted for a version. `errors` says of a refused edit, by field, what is wrong; the action stayed as it was."""

    id: int
    version: int
    state: Literal["WANTED", "APPLIED", "REFUSED"]
    errors: dict[str, str]


class Action(Schema):
    """`next` says what the proposer does now: `wait`, `claim` before it acts, `report` what came of it, or nothing any more (`done`)."""

    id: UUID
    kind: Literal["tool", "question"]
    agent: str
    run: UUID | None
    tool: str
    summary: str
    args: Any
    state: STATES
    next: Literal["wait", "claim", "report", "done"]
    level: str
    score: int
    version: int
    digest: str = Field(description="SHA-256 of this version: what is sent back to decide, and what runs")
    needs: list[Need]
    verdicts: list[str]
    editable: bool = Field(description="Whether other arguments may be written for it (`/edits`); not a verdict, and not who may")
    answer_schema: Any = Field(
        None,
        description="JSON Schema that the answer to a question has to fit, null where any words do; what is no text is answered `as_json`",
        examples=[{"type": "object", "properties": {"branch": {"enum": ["main", "release"]}}, "required": ["branch"]}],
    )
    unknown: str = Field(
        "",
        description="Why nobody knows what came of its call, until an operator has said so (on the page or with `runs resolve`); empty where that is known, "
        "or the call is still to come. Of what a program does outside, `outcome` says it",
    )
    unanswerable: str = Field(
        "",
        description="Why no answer to this question can be given, however it is written: then it can only be rejected; empty where one can",
    )
    rejecting_ends_run: bool = Field(
        description="Whether its agent cannot be told no: then a rejection ends its run, and the reason stays on record"
    )
    hears_reason: bool = Field(
        description="Whether the agent is told why it was rejected; where the form it asks in has no room for a reason, the reason stays on record. "
        "An agent that cannot be told no at all hears nothing: rejecting ends its run"
    )
    requested_by: str | None
    created_at: datetime
    expires_at: datetime
    resolved_at: datetime | None
    hold_until: datetime | None
    claim_by: datetime | None
    claimed_at: datetime | None
    settled_at: datetime | None
    resolution: Resolution | None
    outcome: dict[str, Any] | None
    unheard: str = Field(
        "",
        description="Why what people decided, which stands, reached nobody: what asked was gone before. Empty where somebody heard it, or may have",
    )
    tampered: str = ""
    marks: list[str] = Field(
        default_factory=list, description="What hides or misleads in the summary and the arguments, each with its path"
    )
    edit: Edited | None = Field(None, description="The newest edit that anybody wanted")
    url: str = Field(description="Its page, for people")


class ActionRow(Schema):
    id: UUID
    kind: str
    agent: str
    run: UUID | None
    tool: str
    summary: str
    state: STATES
    level: str
    score: int
    version: int
    digest: str
    requested_by: str | None
    created_at: datetime
    expires_at: datetime
    resolved_at: datetime | None
    settled_at: datetime | None
    url: str


class Claimed(Schema):
    """Leave to act once, with exactly these arguments: people may have changed them."""

    action: UUID
    tool: str
    args: Any
    digest: str
    idempotency_key: str = Field(description="Send it to whatever is called, so that it happens once there as well")


class OutcomeIn(Strict):
    status: Literal["done", "failed", "unknown"]
    result: dict[str, Any] | None = None
    reason: str = Field("", max_length=2_000)


class DecisionIn(Strict):
    """A verdict on the version with this digest. At high and critical only a session can give what is asked beside it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"verdict": "reject", "digest": "ab" * 32, "reason": "The customer was refunded on Monday"}},
    )

    verdict: VERDICTS
    digest: str = Field(pattern=HEX)
    reason: str = Field("", max_length=2_000)
    response: str = Field("", max_length=20_000)
    as_json: bool = Field(
        False, description="Of the answer to a question: `response` is JSON and means its value, as `false` or `30`, not the text"
    )
    do_not_retry: bool = False
    stop_run: bool = False
    done: bool | None = Field(None, description="Of a take-over: whether it could be done")
    result: dict[str, Any] | None = None
    typed: str = Field("", max_length=200)
    nonce: str = Field("", max_length=32)
    assertion: str = Field("", max_length=8_000)


class Decision(Schema):
    action: UUID
    verdict: str
    version: int
    resolved: bool = Field(description="False: it waits for more people")
    replayed: bool = Field(description="This very decision was recorded before")
    state: STATES
    hold_until: datetime | None


class Vote(Schema):
    by: str
    verdict: str
    reason: str
    response: str
    door: str
    version: int
    at: datetime
    by_policy: bool
    instead_of: str = Field(description="In whose stead they said it: somebody away, or who passed it on; empty for one's own place")
    counts: bool | None = Field(
        description="Whether it counts now: not on an earlier version, nor of somebody locked or no longer of the group. Null once the action has ended"
    )


class OpenedIn(Strict):
    digest: str = Field(pattern=HEX)
    parts: list[str] = Field(
        min_length=1,
        max_length=500,
        description="Names of parts: the keys of `parts` in the refusal of a decision for which some were not opened (422, `not_viewed`)",
    )


class EditIn(Strict):
    digest: str = Field(pattern=HEX)
    args: dict[str, Any]
    reason: str = Field("", max_length=2_000)


class Edit(Schema):
    id: int
    state: str
