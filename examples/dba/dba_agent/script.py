"""The scripted planner of the dba: the labelled stand-in for a language model.

It maps the request to a statement (`requests`), has it planned, and proposes to run exactly what the plan measured. When the
rows have changed by the time it runs, it plans once more and proposes again: that is a new action with new approvals.
"""

from __future__ import annotations

from langchain_core.messages import AIMessage, BaseMessage

from dba_agent.requests import Understood, understand
from scripted_kit.conversation import Call, Step, finish, propose, steps, task_text

TASK_INTRO = "Maintenance request: "
MOST_PLANS = 2


def script(messages: list[BaseMessage]) -> AIMessage:
    """The next thing to say, from the conversation alone."""
    understood = understand(task_text(messages).removeprefix(TASK_INTRO))
    if understood is None:
        return finish("This is not a maintenance request I know how to turn into one UPDATE or DELETE.")
    taken = steps(messages)
    if not taken:
        return propose(messages, [Call("list_tables", {})], "Looking at the tables.")
    last = taken[-1]
    if last.name == "list_tables" and last.done:
        return propose(messages, [_plan(understood)], f"This is about: {understood.kind}. Planning it.")
    if last.name == "plan_statement":
        return _after_plan(messages, understood, last)
    if last.name == "run_statement":
        return _after_run(messages, understood, taken)
    return finish(f"Stopped: {last.name} was {last.status}. {last.reason}".strip())


def _plan(understood: Understood) -> Call:
    return Call("plan_statement", {"statement": understood.statement})


def _after_plan(messages: list[BaseMessage], understood: Understood, plan: Step) -> AIMessage:
    if not plan.done:
        return finish(f"The statement cannot be planned: {plan.reason or plan.status}")
    if plan.result["rows"] == 0:
        return finish("Nothing to do: no row matches.")
    if plan.result["whole_table"] and not understood.whole_table:
        return finish("The statement would touch the whole table, which was not asked for; not proposing it.")
    args = {
        "statement": plan.result["statement"],
        "expected_rows": plan.result["rows"],
        "rows_sha256": plan.result["rows_sha256"],
        "allow_whole_table": bool(plan.result["whole_table"]),
    }
    words = f"The rehearsal touched {plan.result['rows']} rows of {plan.result['table']}."
    return propose(messages, [Call("run_statement", args)], words)


def _after_run(messages: list[BaseMessage], understood: Understood, taken: list[Step]) -> AIMessage:
    run, plans = taken[-1], sum(step.name == "plan_statement" for step in taken)
    if run.by_hand and run.done:
        return finish(f"Done by a person, not by me: {run.result.get('outcome', '')}")
    if run.done:
        return finish(f"Done: {run.result['rows']} rows. {run.result['statement']}")
    if run.status in ("failed", "invalid") and "Plan it again" in run.reason and plans < MOST_PLANS:
        return propose(messages, [_plan(understood)], "The rows have changed meanwhile; planning again.")
    return finish(f"Not run: {run.status}. {run.reason}".strip())
