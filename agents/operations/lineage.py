"""A fork and the runs it comes from: whose words are in its state, what those runs read and did, and which of their approvals it must not use.
And a run that was taken back: what it did before.

Reading only. A fork shares nothing with its parents but the state it began with: its questions, approvals, effects and keys are its own.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC

from agents import history, kept
from agents.dialects import breakpoints, calls
from agents.errors import WrongState
from agents.models import Effect, Override, Pause, Run
from agents.operations import outcomes
from agents.operations.preparing import NATIVE
from agents.states import EffectState, OverrideState, word
from approvals import queries as approvals_queries
from approvals.models.people import User
from approvals.operations import Proposal
from approvals.operations.repeating import call_sha256
from audit import canonical
from audit.sentences import say

MADE = [EffectState.CLAIMED, EffectState.DONE, EffectState.UNKNOWN, EffectState.COMPENSATED]  # begun: it has happened, or may have


def parents(run: Run) -> list[Run]:
    """The runs a fork comes from, the nearest first; none of a run that is no fork. A run is older than its forks: it ends."""
    found, one = [], run
    while one.parent_id is not None:
        one = Run.objects.select_related("agent").get(pk=one.parent_id)
        found.append(one)
    return found


def starters(run: Run) -> frozenset[str]:
    """The persons who started the runs a fork comes from: their input is in its state, so what it proposes is asked for by them as well."""
    users = [one.started_by_id for one in parents(run) if one.started_by_id]
    return frozenset(User.objects.filter(pk__in=users, kind=User.Kind.HUMAN).values_list("person", flat=True)) if users else frozenset()


def made_before(run: Run, proposals: Sequence[Proposal | None]) -> Mapping[str, dict[str, str]]:
    """By fingerprint of a call, what reviewers are told of it: a run that this one comes from has made it already, and when.

    So has this run itself, where an operator took it back or changed it: what was done stays done. A run that nobody touched may well make
    one call twice.
    """
    wanted = {call_sha256(one.tool, one.args) for one in proposals if one and one.kind == "tool"}
    runs = [str(one.pk) for one in [*([run] if _touched(run) else []), *parents(run)]] if wanted else []
    found = approvals_queries.same_calls(runs, wanted) if runs else {}
    effects = {str(e.pk): e for e in Effect.objects.filter(pk__in=found, state__in=MADE).order_by("claimed_at")}
    return {found[action]: _said(effect, run) for action, effect in effects.items()}


def evidence_of(said: Mapping[str, dict[str, str]], proposal: Proposal) -> list[dict[str, str]]:
    """That, as people are shown it before anything the agent gives."""
    found = said.get(call_sha256(proposal.tool, proposal.args))
    return [canonical.storable(found)] if found else []


def _touched(run: Run) -> bool:
    return Override.objects.filter(run=run, state__in=[OverrideState.ORDERED, OverrideState.DONE]).exists()


def check_unused(run: Run, checkpoint: str) -> None:
    """Raises WrongState where the state may hold leave that people gave the run, for a node to act on: a fork would act on it unasked.

    Our own gate, governed calls and LangChain's tools ask as they act, or are watched (`graphs.guard`). A node of the project's own that
    asked and acts itself may do so steps later, so its forks begin where it first asked, or before.
    """
    told = [p for p in Pause.objects.filter(run=run).exclude(dialect__in=[NATIVE, calls.NAME, breakpoints.NAME]) if p.answer is not None]
    loose = [action for p in told if outcomes.acts_itself(p) or outcomes.by_hand(p) for action in p.actions]
    if not loose or not Effect.objects.filter(pk__in=loose, by_agent=True).exists():
        return
    if any(row.asked and row.id < checkpoint for row in history.checkpoints(run.thread, limit=10_000).rows):
        raise WrongState(
            say(
                "This agent acts itself on what people told it, and at that checkpoint their answer may be in its state: "
                "fork from a checkpoint before it first asked"
            )
        )


def _said(effect: Effect, run: Run) -> dict[str, str]:
    moment = effect.begun_at or effect.claimed_at or effect.created_at
    at, state = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", word(effect.state)
    if effect.run_id == run.pk:
        return {"title": kept.DONE_IN_THIS_RUN(), "text": kept.RUN_CALLED(at=at, state=state)}
    return {"title": kept.DONE_IN_PARENT(), "text": kept.PARENT_CALLED(run=str(effect.run_id)[:8], at=at, state=state)}
