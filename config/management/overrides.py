"""`manage.py runs rewind|restart|edit|skip`: what a run does next is changed, from where it stands now."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from agents import history, operations, queries
from agents.operations.overriding import Wanted
from agents.states import OverrideState
from approvals import queries as approvals_queries
from approvals.queries.results import lacking
from config import commands


def add_arguments(verbs: Any) -> None:
    rewind = verbs.add_parser("rewind", help="run on from an earlier checkpoint; what is done stays done")
    rewind.add_argument("run")
    rewind.add_argument("checkpoint", help="its id, or the end of it; see: runs checkpoints RUN")
    restart = verbs.add_parser("restart", help="run a node once more, and those beside it: from the newest checkpoint before it")
    restart.add_argument("run")
    restart.add_argument("node")
    edit = verbs.add_parser("edit", help="put other values into the state where the run stands")
    edit.add_argument("run")
    edit.add_argument("values", help="an object: names of the state and their values; JSON, @file, or -")
    skip = verbs.add_parser("skip", help="take the node that comes next as done; asks for a second person")
    skip.add_argument("run")
    skip.add_argument("node")
    skip.add_argument("--values", default="{}", help="what it would have written: JSON, @file, or -")
    answer = verbs.add_parser("answer", help="give the result of a call that waits, instead of the call being made")
    answer.add_argument("action")
    answer.add_argument("--result", required=True, help="an object, as the tool would give it back: JSON, @file, or -")
    answer.add_argument("--digest", default="", help="of the call as you saw it; without it the call is shown and nothing is done")
    answer.add_argument("--reason", required=True)
    commands.add_by(answer)
    for one in (rewind, restart, edit, skip):
        one.add_argument("--stay", action="store_true", help="pause there")
        one.add_argument("--reason", required=True)
        commands.add_by(one)


def order(options: dict[str, Any], write: Callable[[str], object]) -> None:
    """Give the order, and say what it made void and what stays done."""
    run = queries.run_detail(options["run"])
    wanted = _wanted(run.thread, options)
    open_before = [row for row in approvals_queries.run_actions(run.row.id) if row.settled_at is None]
    given = operations.override(run.row.id, wanted, reason=options["reason"], by=commands.person(options), door="cli")
    if given.state == OverrideState.ASKED:
        write(f"{run.row.id} asked for: another operator has to order the same within an hour")
        return
    write(f"{run.row.id} ordered: {given.kind} from {given.checkpoint}")
    begins = history.checkpoint(run.thread, given.checkpoint)
    if given.kind == "rewind":
        write(f"  runs from there: {', '.join(map(commands.shown, begins.next)) or 'nothing'}")
    for row in open_before:
        write(f"  superseded: {row.id}  {commands.shown(row.tool or row.summary)}")
    for effect in queries.done_since(run.row.id, begins.at):
        write(f"  stays done: {effect.action_id}  {effect.tool}")


def answer(options: dict[str, Any], write: Callable[[str], object]) -> None:
    """Give a result for what was seen; without a digest the call is shown, with what to say."""
    by = commands.person(options)
    detail = approvals_queries.action_detail(options["action"], reader=by)
    result = commands.json_argument(options["result"])
    lacks = lacking(agent=detail.row.agent, tool=detail.row.tool, result=result)
    if lacks:
        write(f"It lacks what every result of {commands.shown(detail.row.tool)} had until now: {commands.shown(', '.join(lacks))}")
    if not options["digest"]:
        write(f"{commands.shown(detail.row.summary)}\n  arguments {commands.shown_json(detail.args)}")
        raise CommandError(f"Say that this is the call you mean: --digest {detail.row.digest}")
    given = operations.answer_for(options["action"], result, seen_digest=options["digest"], reason=options["reason"], by=by, door="cli")
    asked = given.state == OverrideState.ASKED
    write(f"{given.run_id} {'asked for: another operator has to give the same within an hour' if asked else 'goes on with this result'}")


def found_result(action: str, options: dict[str, Any]) -> Any:
    """What a call that was done gave back, as far as it was found. Raises CommandError: it lacks something, and nobody said that this is known."""
    if options["outcome"] != "done":
        return None
    result = commands.json_argument(options["result"]) if options["result"] else None
    row = approvals_queries.inbox_row(action)
    lacks = lacking(agent=row.agent, tool=row.tool, result=result or {}) if row else ()
    if row and lacks and not options["anyway"]:
        raise CommandError(
            f"It lacks what every result of {commands.shown(row.tool)} had until now: {commands.shown(', '.join(lacks))}. "
            "Say what it gave back with --result, or --anyway"
        )
    return result


def _wanted(thread: str, options: dict[str, Any]) -> Wanted:
    head, verb, stay = history.head(thread), options["verb"], options["stay"]
    if verb == "rewind":
        return Wanted("rewind", head, checkpoint=one_of(history.checkpoints(thread, limit=10_000).rows, options["checkpoint"]), stay=stay)
    if verb == "restart":
        return Wanted("rewind", head, checkpoint=history.before_node(thread, options["node"]), stay=stay)
    values = commands.json_argument(options["values"])
    if not isinstance(values, dict):
        raise CommandError("The values are a JSON object: names of the state and what they hold")
    return Wanted(verb, head, node=options.get("node") or "", values=values, stay=stay)


def one_of(rows: Any, end: str) -> str:
    """The checkpoint whose id ends so."""
    found = [one.id for one in rows if one.id.endswith(end)] if end else []
    if len(found) != 1:
        raise CommandError(f"{end[:60]!r} is not the end of one checkpoint's id; see: manage.py runs checkpoints RUN")
    return str(found[0])
