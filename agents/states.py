"""States of a Run, a Pause, an Effect, a Compensation and a Handover, and the only steps between them. Pure tables.

PostgreSQL refuses any other step (triggers made from these dicts); `docs/states.md` is generated from them.
"""

from datetime import timedelta
from enum import StrEnum

from audit.sentences import Frozen

MAX_ATTEMPTS = 4  # calls of a tool declared idempotent, always with the same key
# States as words inside a sentence.
WORDS = {
    "CREATED": Frozen("queued")(),
    "RUNNING": Frozen("running")(),
    "WAITING": Frozen("waiting for people")(),
    "READY": Frozen("ready")(),
    "HALTED": Frozen("halted")(),
    "PAUSED": Frozen("paused")(),
    "SUCCEEDED": Frozen("succeeded")(),
    "PARTIAL": Frozen("partial")(),
    "FAILED": Frozen("failed")(),
    "CANCELLED": Frozen("cancelled")(),
    "CLAIMED": Frozen("claimed")(),
    "DONE": Frozen("done")(),
    "UNKNOWN": Frozen("unknown")(),
    "COMPENSATED": Frozen("compensated")(),
}


def word(state: str) -> str:
    """A state as a word; one that has none is said as it is written."""
    return WORDS.get(state) or state.lower()


class RunState(StrEnum):
    CREATED = "CREATED"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    READY = "READY"
    HALTED = "HALTED"
    PAUSED = "PAUSED"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


RUN_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.CREATED: frozenset({RunState.RUNNING, RunState.PAUSED, RunState.CANCELLED}),
    RunState.RUNNING: frozenset(
        {
            RunState.WAITING,
            RunState.READY,  # the worker died, or another step is to be taken at once
            RunState.HALTED,
            RunState.PAUSED,  # an operator wants to look before its next step
            RunState.SUCCEEDED,
            RunState.PARTIAL,
            RunState.FAILED,
            RunState.CANCELLED,
        }
    ),
    RunState.WAITING: frozenset({RunState.READY, RunState.PAUSED, RunState.FAILED, RunState.CANCELLED}),
    RunState.READY: frozenset({RunState.RUNNING, RunState.PAUSED, RunState.CANCELLED}),
    RunState.HALTED: frozenset({RunState.READY, RunState.CANCELLED}),
    RunState.PAUSED: frozenset({RunState.READY, RunState.CANCELLED}),
    RunState.FAILED: frozenset({RunState.READY, RunState.CANCELLED}),  # a person tries the failed step again, or gives it up
    RunState.SUCCEEDED: frozenset(),
    RunState.PARTIAL: frozenset(),
    RunState.CANCELLED: frozenset(),
}

UNFINISHED = frozenset({RunState.CREATED, RunState.RUNNING, RunState.WAITING, RunState.READY, RunState.HALTED, RunState.PAUSED})


class Hold(StrEnum):
    """Why a run takes no next step, or only one: what an operator wants; "" is nothing. Not a stop order: people decide, and what they approve is carried out."""

    NONE = ""
    PAUSE = "pause"
    STEP = "step"  # one, then PAUSE
    BUDGET = "budget"  # nobody's order: it is PAUSED, since what it may spend is spent


class OverrideKind(StrEnum):
    EDIT = "edit"  # other values in the state; the same nodes come next
    REWIND = "rewind"  # from an earlier checkpoint once more
    SKIP = "skip"  # the node that comes next is taken as done
    FORK = "fork"  # a run of its own begins from a checkpoint of another
    ANSWER = "answer"  # the result of a call that waits is given by an operator; the call is never made


class TrialKind(StrEnum):
    REPLAY = "replay"  # driven again from its record, and compared
    FORK = "fork"  # taken on from a checkpoint with something different


SECOND_WITHIN = timedelta(hours=1)  # by when a second person has to confirm what takes two


class OverrideState(StrEnum):
    ASKED = "ASKED"  # a second person has to confirm it
    ORDERED = "ORDERED"
    DONE = "DONE"
    REFUSED = "REFUSED"
    DROPPED = "DROPPED"  # nobody confirmed it before the run went on


OVERRIDE_TRANSITIONS: dict[OverrideState, frozenset[OverrideState]] = {
    OverrideState.ASKED: frozenset({OverrideState.ORDERED, OverrideState.DROPPED}),
    OverrideState.ORDERED: frozenset({OverrideState.DONE, OverrideState.REFUSED, OverrideState.DROPPED}),
    OverrideState.DONE: frozenset(),
    OverrideState.REFUSED: frozenset(),  # the graph does not take it: the run is paused, and says why
    OverrideState.DROPPED: frozenset(),
}


class PauseState(StrEnum):
    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
    ORPHANED = "ORPHANED"
    SUPERSEDED = "SUPERSEDED"


PAUSE_TRANSITIONS: dict[PauseState, frozenset[PauseState]] = {
    PauseState.OPEN: frozenset({PauseState.ANSWERED, PauseState.ORPHANED, PauseState.SUPERSEDED}),
    PauseState.ANSWERED: frozenset(),
    PauseState.ORPHANED: frozenset(),
    PauseState.SUPERSEDED: frozenset(),
}


class EffectState(StrEnum):
    READY = "READY"
    CLAIMED = "CLAIMED"
    DONE = "DONE"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    COMPENSATED = "COMPENSATED"


EFFECT_TRANSITIONS: dict[EffectState, frozenset[EffectState]] = {
    EffectState.READY: frozenset({EffectState.CLAIMED, EffectState.FAILED}),  # FAILED: refused at the claim
    # READY: handed back and certainly not begun, before an order came between (`overtaken`).
    EffectState.CLAIMED: frozenset({EffectState.READY, EffectState.DONE, EffectState.FAILED, EffectState.UNKNOWN}),
    EffectState.UNKNOWN: frozenset({EffectState.DONE, EffectState.FAILED}),  # a person looked and said so
    EffectState.DONE: frozenset({EffectState.COMPENSATED}),
    EffectState.FAILED: frozenset(),
    EffectState.COMPENSATED: frozenset(),
}


class CompensationState(StrEnum):
    OWED = "OWED"
    CLAIMED = "CLAIMED"
    DONE = "DONE"
    FAILED = "FAILED"


COMPENSATION_TRANSITIONS: dict[CompensationState, frozenset[CompensationState]] = {
    CompensationState.OWED: frozenset({CompensationState.CLAIMED, CompensationState.FAILED}),  # FAILED: nothing could be called
    CompensationState.CLAIMED: frozenset(
        {CompensationState.OWED, CompensationState.DONE, CompensationState.FAILED}
    ),  # OWED: again, same key
    CompensationState.FAILED: frozenset({CompensationState.OWED, CompensationState.DONE}),  # a person has it tried again, or did it
    CompensationState.DONE: frozenset(),
}


class HandoverState(StrEnum):
    SENDING = "SENDING"
    TAKEN = "TAKEN"
    REFUSED = "REFUSED"
    LOST = "LOST"
    ANEW = "ANEW"


HANDOVER_TRANSITIONS: dict[HandoverState, frozenset[HandoverState]] = {
    HandoverState.SENDING: frozenset({HandoverState.TAKEN, HandoverState.REFUSED, HandoverState.LOST}),
    HandoverState.REFUSED: frozenset({HandoverState.SENDING, HandoverState.ANEW}),  # it was certainly not taken: it may be sent again
    # This answer is never sent again. Where the question still stands, somebody may order that people are asked anew: the next answer is another.
    HandoverState.TAKEN: frozenset({HandoverState.ANEW}),
    HandoverState.LOST: frozenset({HandoverState.ANEW}),  # nobody can say whether it arrived
    HandoverState.ANEW: frozenset({HandoverState.SENDING}),
}
