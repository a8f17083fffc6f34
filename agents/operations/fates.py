"""What a look at an Agent Server's thread came to, and what that means for each open pause. Decides only; `putting` writes it down."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from agents import kept
from agents.dialects.record import Made
from agents.models import Handover, Pause
from agents.operations.preparing import Prepared
from agents.remote.reading import Standing
from agents.states import HandoverState, PauseState

# Strict resume: the question had gone before our answer came, or before the same run was tried once more.
_LOST_IN = "UnknownInterruptError"


@dataclass(frozen=True)
class Came:
    """What a look came to.

    Attributes:
        stands: where the thread stands; None when the server could not be asked.
        pauses: what was open here. sent: their answers on the way, by pause. ends: how the runs there ended that carry them.
        trouble: why it does not go on, as a sentence. gone: the thread is not there any more.
        halted: it was told to stop. held: something approved cannot be used now. new: questions not recorded yet.
        others: pauses that somebody else's run had answered before ours got there.
        settled: everything open was settled before we looked. moved: an answer was taken in this look.
        late: its time is up: what it ends with.
    """

    stands: Standing | None
    pauses: tuple[Pause, ...]
    sent: Mapping[int, Handover]
    ends: Mapping[int, str]
    trouble: str = ""
    gone: bool = False
    halted: bool = False
    held: bool = False
    new: Sequence[Prepared] = ()
    others: Collection[int] = ()
    settled: bool = False
    moved: bool = False
    late: str = ""

    def with_new(self, new: Sequence[Prepared]) -> "Came":
        return replace(self, new=new)

    @property
    def why(self) -> str:
        """Why an answer was not taken, as the server said it."""
        return next((sent.why for sent in self.sent.values() if sent.state == HandoverState.REFUSED), "")

    def state_of(self, pause: Pause) -> str:
        return self.sent[pause.pk].state if pause.pk in self.sent else ""


def lost_in(stands: Standing | None, end: str) -> bool:
    """Whether a run of ours ended because its question had gone: somebody else answered, or the server was killed and tried ours once more."""
    return stands is not None and end == "error" and stands.error.startswith(_LOST_IN)


@dataclass
class Fate:
    """What becomes of one open pause: its next state, None to stay; what came of its calls; why the run cannot go on."""

    state: PauseState | None = None
    made: Made | None = None
    trouble: str = ""

    @property
    def certain(self) -> bool:
        """Whether nobody was told of the answer, for certain."""
        return self.made is not None and self.made.status == "failed"


def _orphaned(sent: str) -> Fate:
    """Its thread is gone: what may have been told is unknown, the rest was never told."""
    told = sent in {HandoverState.SENDING, HandoverState.TAKEN, HandoverState.LOST}
    return Fate(PauseState.ORPHANED, Made("unknown" if told else "failed", error=kept.THREAD_GONE()))


def fate_of(pause: Pause, came: Came, asked: str | None) -> Fate:
    """Args: asked: digest under which the thread asks this now, None when it does not."""
    sent, end = came.state_of(pause), came.ends.get(pause.pk, "")
    if came.gone:
        return _orphaned(sent)
    if asked is not None and pause.again:  # somebody ordered that people are asked once more
        return Fate()
    if sent == HandoverState.TAKEN and end == "gone":
        why = kept.FORGOTTEN_AND_ASKS() if asked else kept.FORGOTTEN()
        return Fate(None if asked else PauseState.SUPERSEDED, Made("unknown", error=why), why)
    if asked is not None:
        if sent == HandoverState.LOST:
            return Fate(None, Made("unknown", error=kept.ANSWER_LOST()), kept.ANSWER_LOST())
        if sent == HandoverState.TAKEN:
            why = kept.STOPPED_THERE() if end == "interrupted" else kept.STILL_ASKS(node=pause.node)
            return Fate(None, Made("unknown", error=why), why)
        if asked != pause.proposal_digest and pause.answer is not None:
            why = kept.ASKS_OTHERWISE(node=pause.node)
            return Fate(None, Made("failed", error=why), why)
        return Fate()
    if sent == HandoverState.TAKEN:
        if end == "success":
            return Fate(PauseState.ANSWERED, Made("done", {"handed_back": kept.TOLD_AND_WENT_ON()}))
        if pause.pk in came.others:
            return Fate(PauseState.SUPERSEDED, Made("failed", error=kept.NEVER_DELIVERED()))
        if lost_in(came.stands, end):
            return Fate(PauseState.ANSWERED, Made("unknown", error=kept.TOLD_AND_LOST()), kept.TOLD_AND_LOST())
        return Fate(PauseState.ANSWERED, Made("unknown", error=kept.STOPPED_THERE() if end == "interrupted" else kept.NODE_RAISED()))
    if sent == HandoverState.LOST:
        return Fate(PauseState.SUPERSEDED, Made("unknown", error=kept.ANSWER_LOST()))
    return Fate(PauseState.SUPERSEDED, Made("failed", error=kept.NEVER_DELIVERED()))
