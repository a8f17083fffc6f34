"""A person's answer that its node could not use: the question is asked once more, as a new pause and a new action.

LangGraph keeps an answer with the error its node raised on it, and gives that same answer at every later try (interop.md 2.1). So the
run is taken up from its newest checkpoint as if the answer had never come, which asks again under a new id (`graphs.driver`). Whatever
else ran in that step runs again with it: where that could repeat a call, it is refused here, and where something of it has ended, by the
driver. What only waits beside it comes back under a new id too, and keeps its pause, its actions and their decisions.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from agents import kept
from agents.dialects.record import Made
from agents.errors import WrongState
from agents.graphs.driver import Question
from agents.models import Effect, Pause, Run
from agents.operations import events, owing, settling, waking
from agents.operations.found import as_uuid, locked_run
from agents.operations.preparing import NATIVE, digest_of
from agents.operations.starting import check_not_orphaned
from agents.states import EffectState, PauseState, RunState, word
from approvals import operations as approvals
from approvals import permissions
from approvals import queries as approvals_queries
from approvals.models.people import User
from approvals.states import ActionState
from audit import log
from audit.sentences import say


@transaction.atomic
def ask_again(run_id: Any, *, by: User, door: str) -> Run:
    """Take a run up whose node raised on a plain answer, without that answer.

    Raises:
        NotAllowed, UnknownRun. WrongState: it has not failed, no plain answer is to blame, or a call could be repeated.
    """
    who = permissions.standing(by)
    permissions.check_start_runs(who)
    known = as_uuid(run_id)
    before = Pause.objects.filter(run=known, state=PauseState.OPEN) if known else ()
    approvals.lock(
        [UUID(action) for pause in before for action in pause.actions]
    )  # before the run, as everywhere: somebody may be deciding one
    run = locked_run(run_id)
    if run.state != RunState.FAILED:
        raise WrongState(say("Only a failed run can ask again; this one is %(state)s", state=word(run.state)))
    check_not_orphaned(run)
    owing.check_not_ordered(run)
    open_ones = Pause.objects.filter(run=run, state=PauseState.OPEN).exclude(dialect=NATIVE)
    pauses = [p for p in open_ones if p.answer is not None] or [p for p in open_ones if _decided(p)]
    if not pauses:
        raise WrongState(say("No answer of a person is to blame for this failure: try the failed step again"))
    pauses += _alike(pauses, list(open_ones))
    for pause in pauses:
        _take_back(run, pause)
        calls = Pause.objects.filter(run=run, dialect=NATIVE, state__in=[PauseState.OPEN, PauseState.ANSWERED])
        if calls.filter(node=pause.node).exists() or calls.filter(state=PauseState.OPEN).exists():
            raise WrongState(
                say(
                    "The node at %(node)s has had calls carried out as well, which asking again could repeat: "
                    "mend the node and try again, or cancel the run",
                    node=pause.node,
                )
            )
    Pause.objects.filter(pk__in=[pause.pk for pause in pauses]).update(again=True)
    # What went wrong stays on the run until the question is there again: whoever answers next is shown it.
    Run.objects.filter(pk=run.pk).update(state=RunState.READY, attempts=0, driven_ms=0, finished_at=None, changed_at=Now())
    run.state = RunState.READY
    log.append(
        *(
            events.entry(run, "pause.again", by=who.user.actor, door=door, node=p.node, interrupt=p.interrupt_id, actions=p.actions)
            for p in pauses
        ),
        events.entry(run, "run.retried", by=who.user.actor, door=door, why="asks again what could not be used"),
    )
    events.tell_run(run, "run.ready")
    waking.wake(waking.RUN, run.pk)
    return run


def came_back(pauses: Sequence[Pause], questions: Sequence[Question]) -> dict[str, Pause]:
    """Questions that waited beside one that is asked again: the step was taken up anew, so they have other ids now and are the same.

    Whatever people have decided, or are about to, stays theirs. Those that cannot be told apart are asked again as well (`ask_again`).
    """
    if not any(pause.again for pause in pauses):
        return {}
    asked = {question.interrupt_id for question in questions}
    waiting = {(p.node, p.proposal_digest): p for p in pauses if not p.again and p.interrupt_id not in asked}
    new = {(q.node, digest): q.interrupt_id for q in questions for digest in (q.digest, digest_of(q))}
    return {new[key]: pause for key, pause in waiting.items() if key in new}


def keep(run: Run, moved: Mapping[str, Pause], *, refused: bool) -> None:
    """Write down the ids of what came back, in the caller's transaction; or, when the step could not be taken up, that nothing is asked again."""
    for interrupt_id, pause in moved.items():
        Pause.objects.filter(pk=pause.pk).update(interrupt_id=interrupt_id)
        pause.interrupt_id = interrupt_id
    if refused:
        Pause.objects.filter(run=run, state=PauseState.OPEN, again=True).update(again=False)


def _alike(pauses: Sequence[Pause], open_ones: Sequence[Pause]) -> list[Pause]:
    """Open questions that could be taken for each other, or for one that is asked again, when they come back under other ids."""
    known = Counter((p.node, p.proposal_digest) for p in open_ones)
    mine = {pause.pk for pause in pauses}
    return [p for p in open_ones if p.pk not in mine and known[(p.node, p.proposal_digest)] > 1]


def _decided(pause: Pause) -> bool:
    """Whether people are done with it, so that what keeps the run is what they said."""
    settled = approvals_queries.settled(pause.actions)
    ready = set(Effect.objects.filter(pk__in=pause.actions, by_agent=True).values_list("pk", flat=True))
    return all(action in settled or UUID(action) in ready for action in pause.actions)


def _take_back(run: Run, pause: Pause) -> None:
    """Approvals that were handed back, or are about to be, and were not used: the new question gets its own.

    Raises:
        WrongState: a call of it has begun, and would be made a second time.
    """
    effects = list(Effect.objects.filter(pk__in=pause.actions, by_agent=True))
    if any((e.begun_at and e.state == EffectState.CLAIMED) or e.state in {EffectState.DONE, EffectState.UNKNOWN} for e in effects):
        raise WrongState(
            say(
                "The agent has begun calls that were asked at %(node)s, which asking again could repeat: "
                "start a new run, or cancel this one",
                node=pause.node,
            )
        )
    for effect in effects:
        if effect.state == EffectState.CLAIMED:
            log.append(settling.settle(run, effect, Made("failed", error=kept.NEVER_CALLED())))
        elif effect.state == EffectState.READY:
            approvals.close(effect.pk, ActionState.SUPERSEDED, reason=kept.ASKED_ANEW())
    for action in set(pause.actions) - {str(effect.pk) for effect in effects} - set(approvals_queries.settled(pause.actions)):
        approvals.close(UUID(action), ActionState.SUPERSEDED, reason=kept.ASKED_ANEW())  # nobody has decided it yet
