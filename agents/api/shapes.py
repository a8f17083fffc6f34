"""What goes in and out, as it stands in the OpenAPI document. No logic: `of` turns a value of the rooms into its shape."""

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

T = TypeVar("T")
HEX = r"^[0-9a-f]{64}$"
VERDICTS = Literal["approve", "reject", "respond", "take_over"]
RUN_STATES = Literal["CREATED", "RUNNING", "WAITING", "READY", "HALTED", "PAUSED", "SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"]
LEVELS = Literal["low", "medium", "high", "critical"]
STATES = Literal["PENDING", "APPROVED", "REJECTED", "ANSWERED", "EXPIRED", "SUPERSEDED", "CANCELLED"]


class Strict(Schema):
    """What comes in: a field nobody knows is refused, so that a slip of the pen is not silently nothing."""

    model_config = ConfigDict(extra="forbid")


class Page(Schema, Generic[T]):
    items: list[T]
    next: str | None = Field(None, description="Send it as `cursor` for the following page; null on the last")


class Problem(Schema):
    """RFC 9457. `code` is stable; `detail` is a sentence for people and says what to do."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:countersign:problem:stale"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    code: str = Field(examples=["stale"])
    detail: str = Field(examples=["This changed since you opened it; look at what will run now, then decide"])
    instance: str = ""


PROBLEMS: dict[Any, Any] = {frozenset({400, 401, 403, 404, 409, 413, 415, 422, 429, 503}): Problem}


class Me(Schema):
    name: str
    kind: Literal["agent", "person"]
    agent: str | None
    scopes: list[str]
    roles: list[str]


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
    level: LEVELS | None = Field(None, description="The least level it is to be decided at; policy may ask for more, never for less")


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
    hears_reason: bool = Field(
        description="Whether the agent is told why it was rejected; where the form it asks in has no room for a reason, the reason stays on record"
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


class Reason(Strict):
    reason: str = Field(max_length=2_000, examples=["no longer needed"])


class Cancelling(Reason):
    reverse: bool | None = Field(None, description="Whether what the run did is reversed; null: as its agent declares")


class OverrideIn(Reason):
    """An operator's order to change what a run does next."""

    kind: Literal["edit", "rewind", "skip"] = Field(examples=["rewind"])
    head: str = Field(max_length=64, description="The newest checkpoint as you saw it: the order is refused when the run has gone on since")
    checkpoint: str = Field("", max_length=64, description="rewind: the checkpoint to go on from")
    node: str = Field("", max_length=200, description="skip: the one node that comes next")
    values: dict[str, Any] = Field({}, description="edit: names of the state and their new values; skip: what the node would have written")
    stay: bool = Field(False, description="Pause there")


class ForkIn(Reason):
    """A run of its own from a checkpoint of another, for real."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"checkpoint": "1f0c…", "values": {"limit": 50}, "reason": "with the limit of the new contract"}},
    )

    checkpoint: str = Field("", max_length=64, description='Where it begins; "" at the first that holds the input')
    values: dict[str, Any] = Field({}, description="Names of the state and their new values, of the type they have there")


class ResultIn(Reason):
    """What an operator gives the agent instead of a call that waits."""

    action: UUID
    digest: str = Field(max_length=64, description="Of the call as you saw it: refused when it has changed since")
    result: dict[str, Any] = Field(description="As its tool would give it back", examples=[{"refunded": True, "reference": "R-2231"}])


class Overridden(Schema):
    """`state` is ASKED while a second operator has to order the same, ORDERED until a worker has carried it out."""

    id: int
    kind: str
    state: str
    checkpoint: str
    node: str
    reason: str
    error: str
    made: str
    by: str
    confirmed_by: str
    created_at: datetime


class Checkpoint(Schema):
    id: str
    parent: str
    at: datetime
    step: int
    source: str
    after: list[str]
    next: list[str]
    asked: bool
    failed: bool
    version: str


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


class OpenedIn(Strict):
    digest: str = Field(pattern=HEX)
    parts: list[str] = Field(min_length=1, max_length=500)


class EditIn(Strict):
    digest: str = Field(pattern=HEX)
    args: dict[str, Any]
    reason: str = Field("", max_length=2_000)


class Edit(Schema):
    id: int
    state: str


class Tool(Schema):
    name: str
    description: str
    risk: str
    suggested: str | None = Field(description="Where nobody declared `risk`: what it is guessed from; null where somebody did")
    reversible: bool
    summary: str
    args_schema: dict[str, Any]
    waits: list[str] = Field(
        description="How it differs from what was accepted of it, until an administrator accepts it: the stricter counts"
    )


class ToolIn(Strict):
    """What a tool is, said by whoever answers for the agent; a proposal only names it."""

    name: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99}$")
    risk: Literal["read", "write", "message", "money", "delete", "admin"]
    reversible: bool = False
    description: str = Field("", max_length=2_000)
    summary: str = Field("", max_length=500, description='Over the arguments: "Refund {amount_cents|money:currency} to {order}"')
    confirm: str = Field("", max_length=100, description="The argument that names the target")
    figures: dict[Literal["amount_cents", "rows", "files", "bytes", "recipients"], str] = Field(
        default_factory=dict, description='Numbers the policy reads, each from an argument: {"amount_cents": "amount_cents"}'
    )
    args_schema: dict[str, Any] = Field(default_factory=dict, description="JSON Schema of the arguments")


class AgentIn(Strict):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "title": "Invoices",
                "environment": "production",
                "tools": [
                    {
                        "name": "send_invoice",
                        "risk": "money",
                        "summary": "Invoice {customer} for {amount_cents|money:currency}",
                        "confirm": "customer",
                        "figures": {"amount_cents": "amount_cents"},
                        "args_schema": {"type": "object", "required": ["customer", "amount_cents"]},
                    }
                ],
            }
        },
    )

    title: str = Field("", max_length=200)
    description: str = Field("", max_length=2_000)
    environment: Literal["production", "staging", "demo"] | None = Field(
        None, description="Not said: as it is; production for a new agent. Only administrators change it"
    )
    tools: list[ToolIn] = Field(default_factory=list, max_length=200)


class AcceptIn(Reason):
    tool: str = Field(max_length=100, examples=["send_invoice"])
    version: int = Field(ge=1, le=10**9, description="The version of the agent that was looked at")


class Agent(Schema):
    slug: str
    title: str
    description: str
    environment: str
    enabled: bool
    owner: str | None
    version: int
    outside: bool = Field(description="It runs elsewhere and proposes over this API")
    running: int
    halted: bool
    input_schema: dict[str, Any]
    tools: list[Tool]


class RunIn(Strict):
    agent: str = Field(max_length=60, examples=["refunds"])
    input: dict[str, Any] = Field(examples=[{"ticket_id": "T-1040"}])


class RunRow(Schema):
    id: UUID
    agent: str
    state: str
    nodes: list[Any]
    started_by: str | None
    door: str
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None
    error: str
    hold: str = Field("", description='"pause" or "step" while an operator holds it, "budget" while what it may spend is spent')
    url: str


class Reversed(Schema):
    """One call of a run and whether it was reversed: OWED, CLAIMED, DONE or FAILED, and then whom to call."""

    action: UUID
    tool: str
    state: str
    attempts: int
    error: str
    contact: str


class Reversal(Schema):
    """That what a run did is reversed, the last call first. `why`: ordered, cancelled, failed or rejected."""

    why: str
    by: str
    reason: str
    ordered_at: datetime
    ended_at: datetime | None
    calls: list[Reversed]


class Run(RunRow):
    version: int
    thread: str
    input: Any
    output: Any
    actions: list[UUID]
    parent: UUID | None = Field(None, description="The run it was forked from")
    parent_checkpoint: str = Field("", description="The checkpoint of that one at which it began")
    reversal: Reversal | None = None


class Event(Schema):
    id: int
    at: datetime
    kind: str
    actor: str
    actor_kind: str
    door: str
    agent: str
    run: str
    action: str
    digest: str
    policy: str
    leaf: str
    data: dict[str, Any]


class Progress(Schema):
    """The story of a run so far, in order. With `Accept: text/event-stream` it goes on until the run has ended."""

    events: list[Event]
    state: str
    finished: bool


class HaltIn(Strict):
    scope: Literal["everything", "agent", "version", "tool", "customer", "run"]
    target: str = Field(
        "", max_length=200, description="What it is called; a version as agent@3. Nothing for everything.", examples=["refunds"]
    )
    reason: str = Field(max_length=2_000, examples=["looking into something"])


class SwitchIn(Strict):
    scope: Literal["agent", "tool"]
    target: str = Field(max_length=200, description="What it is called.", examples=["refund_payment"])
    setting: Literal["allow", "ask", "deny"] = Field(description="allow goes back to what policy says, never below.")
    reason: str = Field(max_length=2_000, examples=["looking into something"])
    for_seconds: int | None = Field(
        None, ge=1, le=31_622_400, description="It ends by itself after so long; without it, when somebody ends it."
    )


class Switch(Schema):
    id: int
    scope: str
    target: str
    setting: str
    reason: str
    by: str
    at: datetime
    until: datetime | None
    ended_at: datetime | None
    ended_by: str
    end_reason: str


class ReleaseAsked(Schema):
    scope: str
    target: str
    by: str
    at: datetime
    reason: str


class Halt(Schema):
    id: int
    scope: str
    target: str
    reason: str
    by: str
    at: datetime
    door: str
    released_at: datetime | None
    released_by: str
    release_reason: str
    agents_on: list[str] = Field(description="Agents that go on already though the order is in force.")
    runs_on: list[str] = Field(description="Runs that go on already though the order is in force.")
    rule: str = Field(description='The rule by which it was given automatically; "" for people\'s orders.')
    waits: list[ReleaseAsked] = Field(description="What one person asked to let go on, and another one has to confirm.")


class ReleaseIn(Reason):
    scope: Literal["all", "agent", "run"] = "all"
    target: str = Field("", max_length=200, description="The agent or the run that may go on, while the order stands for the rest.")


class PolicyIn(Strict):
    source: str = Field(max_length=200_000)
    justification: str = Field(max_length=2_000)


class Note(Strict):
    note: str = Field("", max_length=2_000)


class PolicyRow(Schema):
    id: int
    number: int = Field(description="0 until it is published")
    state: str
    sha256: str
    justification: str
    proposed_by: str
    created_at: datetime
    loosens: list[str]
    warnings: list[str]
    closed_by: str
    closed_at: datetime | None
    note: str


class Policy(PolicyRow):
    source: str
    diff: str
