"""A worker asks the second model about a few proposed calls at once, outside of any transaction, and lets each answer count as it comes."""

import queue
import threading
from collections.abc import Iterator, Sequence

import structlog
from django.conf import settings

from agents.operations import waking
from agents.planner.opinion import NoOpinion, Proposed, Said, Silence, opinion_of
from approvals import queries as approvals_queries
from approvals.errors import ApprovalError
from approvals.operations import kept, opining, opinions
from approvals.operations.opinions import TakenOpinion

logger = structlog.get_logger("agents.opining")
AT_ONCE = 8
WHY = {
    Silence.TOO_LONG: kept.TOO_LONG, Silence.SOMETHING_ELSE: kept.SOMETHING_ELSE, Silence.NOT_IN_TIME: kept.NOT_IN_TIME,
    Silence.NOT_ASKED: kept.NOT_ASKED,
}  # fmt: skip


def give_opinions() -> int:
    """Ask about one batch of what is wanted. Returns how many opinions came, or were given up.

    A worker is kept by it for the time-out at most; what is left is another task, behind whatever runs wait for.
    """
    batch = opinions.take(limit=AT_ONCE) if settings.OPINION_MODEL else []
    for taken, said in _asked(batch):
        if isinstance(said, NoOpinion):
            logger.info("no_opinion", action=str(taken.action_id), why=str(said))
            opining.fail(taken.id, error=WHY[said.why](why=said.detail), attempt=taken.attempt, prompt_sha256=said.prompt_sha256)
        else:
            opining.give(taken, concern=said.concern, words=said.why, prompt_sha256=said.prompt_sha256)
    if len(batch) == AT_ONCE:
        waking.wake(waking.OPINIONS, "all")
    return len(batch)


def _asked(batch: Sequence[TakenOpinion]) -> Iterator[tuple[TakenOpinion, Said | NoOpinion]]:
    """Each with its answer, as they come. The threads know no database: only this one writes."""
    answers: queue.Queue[tuple[TakenOpinion, Said | NoOpinion]] = queue.Queue()

    def ask(taken: TakenOpinion, proposed: Proposed) -> None:
        seconds = min(taken.seconds, settings.OPINION_TIMEOUT_S) if taken.waits else settings.OPINION_TIMEOUT_S
        try:
            answers.put((taken, opinion_of(proposed, seconds=max(0.1, seconds))))
        except NoOpinion as none:
            answers.put((taken, none))
        except Exception as error:  # ours: it must not leave the batch waiting
            answers.put((taken, NoOpinion(Silence.NOT_ASKED, type(error).__name__)))

    for taken in batch:
        try:
            threading.Thread(target=ask, args=(taken, _proposed(taken)), daemon=True).start()
        except ApprovalError as error:  # what is stored cannot be read
            answers.put((taken, NoOpinion(Silence.NOT_ASKED, error.message)))
    for _ in batch:
        yield answers.get()


def _proposed(taken: TakenOpinion) -> Proposed:
    about = approvals_queries.weighed(taken.action_id, taken.version)
    return Proposed(
        about.agent, about.tool, about.tool_class, about.reversible, about.environment, about.summary, about.args, about.preview,
        about.rationale, tuple(about.evidence),
    )  # fmt: skip
