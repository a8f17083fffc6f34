"""What a stretch newly asks, made ready to be put before people: who it is for, what was read before it, who had a hand in it.

Only the worker that holds the run calls this, after its graph has paused; `stretches` writes down what comes of it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from agents.dialects import calls
from agents.graphs.driver import Question, Stretch
from agents.graphs.loader import Loaded
from agents.models import Pause, Run
from agents.operations import lineage, overriding
from agents.operations.preparing import Prepared, is_ours, is_recorded, linked, prepare
from agents.operations.stretches import PLACEHOLDER
from agents.operations.untrusted import NOTHING, read_by
from approvals.models.people import User
from approvals.queries import Settled
from audit import canonical, rows


def new_questions(
    run: Run,
    loaded: Loaded,
    stretch: Stretch,
    *,
    pauses: Sequence[Pause],
    settled: Mapping[str, Settled],
    came_back: Collection[str],
    untouched: bool,
) -> list[Prepared]:
    """Everything this stretch asks that is not on record yet.

    Args:
        pauses: those open before it. settled: what was decided of theirs.
        came_back: interrupt ids that ask once more what their nodes could not use the answer of.
        untouched: this was the run's first stretch, so nothing was read, asked or changed before it.
    """
    new = [q for q in _unrecorded(run, stretch, untouched=untouched) if q.interrupt_id not in {*came_back, PLACEHOLDER}]
    if not new:
        return []
    _bring_people(run)
    outside = NOTHING if untouched else read_by(run, loaded.tools, lineage.parents(run))
    editors = frozenset[str]() if untouched else _editors(run)
    prepared = [
        replace(
            linked(run, prepare(run, loaded, q, outside=outside), pauses, settled),
            graph=loaded.fingerprint,
            code=loaded.prints.get(q.node, {}),
            seen=loaded.sees(q.place),
            written=_is_written(loaded, q),
        ).by_editors(editors)
        for q in new
    ]
    return prepared if untouched else _with_what_was_done(run, prepared)


def _is_written(loaded: Loaded, question: Question) -> bool:
    """Whether it can be read in the code of its node: what it asks, of a gate of ours that there is one, of our own line that it stands before the tool."""
    if calls.is_call(question.value):
        return question.value["tool"] in loaded.found and question.value["tool"] not in loaded.ungoverned
    if is_ours(question.value):
        return loaded.speaking.get(question.node) is True
    return any(ask.could_be(canonical.storable(question.value)) for ask in loaded.asks.get(question.node, ()))


def _unrecorded(run: Run, stretch: Stretch, *, untouched: bool) -> list[Question]:
    """Questions not recorded yet, or recorded with other arguments than the node came back with."""
    if untouched or not stretch.questions:
        return list(stretch.questions)
    known = dict(Pause.objects.filter(thread=run.thread).values_list("interrupt_id", "proposal_digest"))
    return [q for q in stretch.questions if not is_recorded(q, known.get(q.interrupt_id))]


def _editors(run: Run) -> frozenset[str]:
    """The persons whose values or input, or whose parents' input, are in its state."""
    return overriding.editors_of(run, lineage.parents(run)) | lineage.starters(run)


def _with_what_was_done(run: Run, prepared: list[Prepared]) -> list[Prepared]:
    """What is asked, with what this run, taken back since, or its parents have done of it: people see that before they decide."""
    made = lineage.made_before(run, [p for one in prepared for p in one.proposals])
    return [one.after({id(p): lineage.evidence_of(made, p) for p in one.proposals if p}) for one in prepared] if made else prepared


def _bring_people(run: Run) -> None:
    """Who a question is asked for and by: the agent's account, its owner, and who started the run, in one statement."""
    wanted = [pk for pk in (run.agent.user_id, run.agent.owner_id, run.started_by_id) if pk]
    found = {user.pk: user for user in rows.fetch(User, "SELECT * FROM approvals_user WHERE id = ANY(%s)", [wanted])}
    run.agent.user = found[run.agent.user_id]
    run.agent.owner = found.get(run.agent.owner_id or 0)
    run.started_by = found.get(run.started_by_id or 0)
