"""States of an Action and of an edit, and the only steps between them. Pure tables.

PostgreSQL refuses any other step (a trigger made from these dicts); `docs/states.md` is generated from them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from audit.sentences import Frozen

S = TypeVar("S", bound=StrEnum)

# States and verdicts as words inside a sentence; what rows keep of them is plain text.
WORDS = {
    "PENDING": Frozen("pending")(),
    "APPROVED": Frozen("approved")(),
    "REJECTED": Frozen("rejected")(),
    "ANSWERED": Frozen("answered")(),
    "EXPIRED": Frozen("expired")(),
    "SUPERSEDED": Frozen("superseded")(),
    "CANCELLED": Frozen("cancelled")(),
    "PUBLISHED": Frozen("published")(),
    "WITHDRAWN": Frozen("withdrawn")(),
    "WAITING": Frozen("waiting")(),
    "SENDING": Frozen("sending")(),
    "SENT": Frozen("sent")(),
    "SKIPPED": Frozen("skipped")(),
    "approve": Frozen("approve")(),
    "reject": Frozen("reject")(),
    "respond": Frozen("respond")(),
    "take_over": Frozen("take over")(),
}


def word(state: str) -> str:
    """A state or a verdict as a word; one that has none is said as it is written."""
    return WORDS.get(state) or state.lower()


class ActionState(StrEnum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    ANSWERED = "ANSWERED"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    CANCELLED = "CANCELLED"


ACTION_TRANSITIONS: dict[ActionState, frozenset[ActionState]] = {
    ActionState.PENDING: frozenset(
        {
            ActionState.APPROVED,
            ActionState.REJECTED,
            ActionState.ANSWERED,
            ActionState.EXPIRED,
            ActionState.SUPERSEDED,
            ActionState.CANCELLED,
        }
    ),
    # An approval that was not used goes back to the people after a halt or a stricter policy, and may run out.
    ActionState.APPROVED: frozenset({ActionState.PENDING, ActionState.EXPIRED, ActionState.SUPERSEDED, ActionState.CANCELLED}),
    ActionState.REJECTED: frozenset(),
    ActionState.ANSWERED: frozenset(),
    ActionState.EXPIRED: frozenset(),
    ActionState.SUPERSEDED: frozenset(),
    ActionState.CANCELLED: frozenset(),
}


class EditState(StrEnum):
    WANTED = "WANTED"
    APPLIED = "APPLIED"
    REFUSED = "REFUSED"


EDIT_TRANSITIONS: dict[EditState, frozenset[EditState]] = {
    EditState.WANTED: frozenset({EditState.APPLIED, EditState.REFUSED}),
    EditState.APPLIED: frozenset(),
    EditState.REFUSED: frozenset(),
}


class AskState(StrEnum):
    WANTED = "WANTED"
    ANSWERED = "ANSWERED"
    FAILED = "FAILED"


ASK_TRANSITIONS: dict[AskState, frozenset[AskState]] = {
    AskState.WANTED: frozenset({AskState.ANSWERED, AskState.FAILED}),
    AskState.ANSWERED: frozenset(),
    AskState.FAILED: frozenset(),
}


class PolicyState(StrEnum):
    PROPOSED = "PROPOSED"
    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"


# What was published was in force once: it never changes again, and the newest is in force.
POLICY_TRANSITIONS: dict[PolicyState, frozenset[PolicyState]] = {
    PolicyState.PROPOSED: frozenset({PolicyState.PUBLISHED, PolicyState.WITHDRAWN}),
    PolicyState.PUBLISHED: frozenset(),
    PolicyState.WITHDRAWN: frozenset(),
}


class BacktestState(StrEnum):
    WANTED = "WANTED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


BACKTEST_TRANSITIONS: dict[BacktestState, frozenset[BacktestState]] = {
    BacktestState.WANTED: frozenset({BacktestState.RUNNING, BacktestState.FAILED}),
    BacktestState.RUNNING: frozenset({BacktestState.DONE, BacktestState.FAILED}),
    BacktestState.DONE: frozenset(),
    BacktestState.FAILED: frozenset(),
}


class DeliveryState(StrEnum):
    WAITING = "WAITING"
    SENDING = "SENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    UNSURE = "UNSURE"
    SKIPPED = "SKIPPED"


# UNSURE: it was handed over and nobody knows whether it was taken. It is not sent again by itself: a person may ask for it.
DELIVERY_TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.WAITING: frozenset({DeliveryState.SENDING, DeliveryState.SKIPPED}),
    DeliveryState.SENDING: frozenset({DeliveryState.SENT, DeliveryState.WAITING, DeliveryState.FAILED, DeliveryState.UNSURE}),
    DeliveryState.SENT: frozenset(),
    DeliveryState.FAILED: frozenset({DeliveryState.WAITING}),
    DeliveryState.UNSURE: frozenset({DeliveryState.WAITING}),
    DeliveryState.SKIPPED: frozenset(),
}


class SlackState(StrEnum):
    WAITING = "WAITING"
    SENDING = "SENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


# A card is a copy that is kept true: whenever its action changes it waits again. SKIPPED: decided before it was ever posted.
SLACK_TRANSITIONS: dict[SlackState, frozenset[SlackState]] = {
    SlackState.WAITING: frozenset({SlackState.SENDING, SlackState.SKIPPED}),
    SlackState.SENDING: frozenset({SlackState.SENT, SlackState.WAITING, SlackState.FAILED, SlackState.SKIPPED}),
    SlackState.SENT: frozenset({SlackState.WAITING}),
    SlackState.FAILED: frozenset({SlackState.WAITING}),
    SlackState.SKIPPED: frozenset({SlackState.WAITING}),
}


class DrillKind(StrEnum):
    """Ways in which a test action is wrong. Each is made by `agents.operations.twists`."""

    INSTRUCTION = "instruction"
    AMOUNT = "amount"
    RECIPIENT = "recipient"
    TARGET = "target"


class DrillState(StrEnum):
    OPEN = "OPEN"
    CAUGHT = "CAUGHT"
    MISSED = "MISSED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"


# A test action: what people made of it. It is over with the first verdict, and never runs whatever that was.
DRILL_TRANSITIONS: dict[DrillState, frozenset[DrillState]] = {
    DrillState.OPEN: frozenset({DrillState.CAUGHT, DrillState.MISSED, DrillState.EXPIRED, DrillState.WITHDRAWN}),
    DrillState.CAUGHT: frozenset(),
    DrillState.MISSED: frozenset(),
    DrillState.EXPIRED: frozenset(),
    DrillState.WITHDRAWN: frozenset(),
}


class OpinionState(StrEnum):
    WANTED = "WANTED"
    GIVEN = "GIVEN"
    FAILED = "FAILED"


# A second model's opinion of one version. FAILED: none that could be used, which asks for no less than before.
OPINION_TRANSITIONS: dict[OpinionState, frozenset[OpinionState]] = {
    OpinionState.WANTED: frozenset({OpinionState.GIVEN, OpinionState.FAILED}),
    OpinionState.GIVEN: frozenset(),
    OpinionState.FAILED: frozenset(),
}


class Verdict(StrEnum):
    """What one reviewer may say. A policy's own decision uses APPROVE or REJECT."""

    APPROVE = "approve"
    REJECT = "reject"
    RESPOND = "respond"
    TAKE_OVER = "take_over"  # a person did it outside and says what came of it; the tool never runs


# The state an Action takes when its decisions add up to this verdict, and the event that tells of it.
STATE_OF_VERDICT: dict[Verdict, ActionState] = {
    Verdict.APPROVE: ActionState.APPROVED,
    Verdict.REJECT: ActionState.REJECTED,
    Verdict.RESPOND: ActionState.ANSWERED,
    Verdict.TAKE_OVER: ActionState.ANSWERED,
}


def steps(transitions: Mapping[S, frozenset[S]]) -> list[tuple[str, str]]:
    """The allowed (from, to) pairs, for the trigger."""
    return sorted((str(a), str(b)) for a, targets in transitions.items() for b in targets)
