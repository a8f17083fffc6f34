"""Edited arguments are tried with the tool itself: its model, its preview, its summary. Runs in a worker."""

from collections.abc import Mapping
from typing import Any

from agents.errors import AgentError
from agents.graphs.loader import Loaded, load_agent
from agents.models import Pause, Run
from agents.operations import outside, untrusted
from agents.operations.handing import actions_of, record_of
from agents.operations.preparing import context
from agents.tools import runner, taint
from agents.tools.guessing import in_a_line
from agents.tools.registry import BadArgs, ToolError
from agents.tools.summaries import names, summarize
from approvals import operations as approvals
from approvals import queries as approvals_queries
from approvals.errors import ApprovalError
from approvals.queries.standing import WantedEdit
from audit import formats, schemas
from audit.canonical import NotCanonical
from audit.sentences import say


def check_edit(edit_id: int) -> None:
    """Answer a wanted edit: a new version of the action, or a refusal that names the fields."""
    wanted = approvals_queries.wanted_edit(edit_id)
    if wanted is None or not approvals.take_edit(edit_id, seconds=_preview_s(wanted)):
        return
    try:
        if not wanted.run:
            outside.checked(wanted)
            return
        run = Run.objects.select_related("agent").get(pk=wanted.run)
        loaded = load_agent(*run.agent.code)
        if (schema := _schema_of_others(run, loaded, wanted)) is not None:
            check_fields(schema, wanted.args, before=wanted.before)
            check_names(schema, wanted.args, before=wanted.before)
            line = in_a_line(wanted.tool, wanted.args)
            tainted = taint.untrusted_paths(wanted.args, wanted.read)
            approvals.apply_edit(edit_id, args=wanted.args, summary=line, preview={}, figures={}, untrusted_text=tainted)
            return
        tool = loaded.tools.get(wanted.tool)
        if tool is None:
            raise ToolError("gone", say("the agent has no tool %(tool)s any more", tool=wanted.tool))
        model, args = tool.validate(wanted.args)
        seen = runner.preview(tool, model, context(run, action_id=wanted.action_id))
        approvals.apply_edit(
            edit_id,
            args=args,
            summary=summarize(tool.summary, args, tool.name),
            names=names(tool.summary, args, tool.confirm),
            preview=seen.as_json(),
            figures=seen.figures,
            estimated_cost=seen.cost(),
            untrusted_text=untrusted.read_by(run, loaded.tools).tainted(args, wanted.read),
        )
    except BadArgs as error:
        _refuse(edit_id, error.fields)
    except ToolError as error:
        _refuse(edit_id, {"": error.message})
    except (ApprovalError, AgentError) as error:
        _refuse(edit_id, error.details.get("fields") or {"": error.message})
    except NotCanonical as error:  # the arguments fit by themselves, their envelope does not
        _refuse(edit_id, {"": str(error)})


def _preview_s(wanted: WantedEdit) -> float:
    """How long the tool's preview may take, as its agent declared it: known before any of its code runs."""
    tools = Run.objects.values_list("version__tools", flat=True).get(pk=wanted.run) if wanted.run else []
    return float(next((tool.get("timeout_s", 0) for tool in tools if tool.get("name") == wanted.tool), 0))


def _schema_of_others(run: Run, loaded: Loaded, wanted: WantedEdit) -> Mapping[str, Any] | None:
    """Of a call that the agent makes itself, the schema of its arguments: the question's own, else the one found in the graph.

    Where neither is known, what was proposed is its schema: other values of the same kinds, under the same names.
    """
    pause = Pause.objects.filter(run=run, record__isnull=False, actions__contains=[wanted.action_id]).first()
    if pause is None:
        return None
    call = record_of(pause).calls[actions_of(pause).index(wanted.action_id)]
    found = loaded.found.get(wanted.tool)
    return call.schema or (found.schema if found else schemas.like(call.args))


def check_fields(schema: Mapping[str, Any], args: Any, *, before: Any) -> None:
    """Raises BadArgs, per field, when arguments do not fit; of a text's format, when the edit is what changed it."""
    if why := schemas.problems(schema, args) or formats.wrong(schema, args, before):
        raise BadArgs(why)


def check_names(schema: Mapping[str, Any], args: Any, *, before: Any) -> None:
    """Raises BadArgs for names that an edit adds and the tool does not take: they would be shown as run, and left out."""
    known = before if isinstance(before, Mapping) else {}
    if added := [name for name in schemas.unknown_names(schema, args) if name not in known]:
        raise BadArgs({name: say("the tool takes no such argument") for name in added})


def _refuse(edit_id: int, fields: dict[str, str]) -> None:
    try:
        approvals.refuse_edit(edit_id, errors=fields)
    except ApprovalError:
        return  # answered by another worker in the meantime
