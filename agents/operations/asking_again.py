"""A person's answer that its node could not use: the question is asked once more, as a new pause and a new action.

LangGraph keeps an answer with the error its node raised on it, and gives that same answer at every later try (interop.md 2.1). So the
run is taken up from its newest checkpoint as if the answer had never come, which asks again under a new id (`graphs.driver`). Whatever
else ran in that step runs again with it: where that could repeat a call, it is refused here.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from agents import kept
from agents.dialects.record import Made
from agents.errors import WrongState
from agents.models import Effect, Pause, Run
from agents.operations import events, settling, waking
from agents.operations.preparing import NATIVE
from agents.operations.starting import locked_run
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
    run = locked_run(run_id)
    if run.state != RunState.FAILED:
        raise WrongState(say("Only a failed run can ask again; this one is %(state)s", state=word(run.state)))
    open_ones = Pause.objects.filter(run=run, state=PauseState.OPEN).exclude(dialect=NATIVE)
    pauses = [pause for pause in open_ones if pause.answer is not None or _decided(pause)]
    if not pauses:
        raise WrongState(say("No answer of a person is to blame for this failure: try the failed step again"))
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
    Run.objects.filter(pk=run.pk).update(state=RunState.READY, attempts=0, finished_at=None, changed_at=Now())
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
