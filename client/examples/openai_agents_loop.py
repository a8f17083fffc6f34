"""The loop of the OpenAI Agents SDK: a run stops with `interruptions`, each is approved or rejected, the run goes on from its state.

The model is a scripted one, so that this runs without a key of any provider; `Job`, `settle` and `acted` are what you copy. Leave is taken where the
tool acts and nowhere before, so none is lost when this ends while it waits for the next verdict. What people edited is what runs: the SDK takes no
edited arguments, so the tool goes by those of its leave.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents.tool_context import ToolContext
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from agents import Agent, Model, ModelResponse, Runner, RunResult, RunState, Usage, function_tool, set_tracing_disabled
from countersign import ActedBefore, Action, AlreadyDone, Client, NotApproved


@dataclass
class Job:
    """The context of a run: whom to ask, and the name under which each of its calls is asked about once."""

    people: Client
    name: str

    def action(self, tool: str, arguments: str, call: str) -> Action:
        """The same for the same call, however often it is asked for."""
        return self.people.request(tool, json.loads(arguments or "{}"), key=f"{self.name}:{call}")


def settle(job: Job, result: RunResult) -> RunState:
    """Ask people about everything a run stopped for, all at once, then wait for each. Returns the state to go on from."""
    asked = [(item, job.action(item.tool_name, item.arguments, item.call_id)) for item in result.interruptions]
    state = result.to_state()
    for item, action in asked:
        found = job.people.wait(action)
        if found.state == "APPROVED":
            state.approve(item)
        else:
            state.reject(item, rejection_message=str(NotApproved(found)))
    return state


def acted(people: Client, action: Action, function: Callable[..., str]) -> str:
    """Do once what people agreed to, with the arguments they agreed to, and report what came of it. Returns what the model is told."""
    try:
        leave = people.approval(action)
    except AlreadyDone as before:  # by an earlier start of this program
        return f"{before}: {json.dumps(before.result)}"
    except (NotApproved, ActedBefore) as refusal:  # stopped meanwhile; or it was begun, and somebody has to look
        return str(refusal)
    try:
        said = function(**leave.args)
    except BaseException as error:
        people.report(action, "unknown", reason=repr(error))
        raise
    people.report(action, "done", result={"said": said})
    return said


def pay(order: str, amount_cents: int) -> str:
    print(f"refunding {amount_cents} cents of {order}")  # whatever really does it
    return f"refunded {amount_cents} cents of {order}"


@function_tool(needs_approval=True)
def refund(ctx: ToolContext[Job], order: str, amount_cents: int) -> str:
    """Refund an order."""
    job = ctx.context
    return acted(job.people, job.action(ctx.tool_name, ctx.tool_arguments, ctx.tool_call_id), pay)


class Scripted(Model):
    """Calls the tool twice, then says what came of it."""

    async def get_response(self, system_instructions: Any, input: Any, *rest: Any, **more: Any) -> ModelResponse:
        told = [item["output"] for item in input if item.get("type") == "function_call_output"] if isinstance(input, list) else []
        return ModelResponse(output=[self._says(" ".join(told))] if told else self._calls(), usage=Usage(), response_id=None)

    def _says(self, text: str) -> ResponseOutputMessage:
        words = ResponseOutputText(text=text, type="output_text", annotations=[])
        return ResponseOutputMessage(id="said", type="message", role="assistant", status="completed", content=[words])

    def _calls(self) -> list[ResponseFunctionToolCall]:
        wanted = {"call-1": {"order": "A-21", "amount_cents": 300}, "call-2": {"order": "A-22", "amount_cents": 400}}
        return [
            ResponseFunctionToolCall(type="function_call", name="refund", call_id=call, arguments=json.dumps(arguments))
            for call, arguments in wanted.items()
        ]

    def stream_response(self, *args: Any, **more: Any) -> Any:
        raise NotImplementedError("Runner.run_sync asks for whole answers only")


def run(people: Client, *, name: str) -> str:
    set_tracing_disabled(True)  # traces would go to OpenAI
    agent, job = Agent(name="refunds", tools=[refund], model=Scripted()), Job(people, name)
    result = Runner.run_sync(agent, "Refund A-21 and A-22", context=job)
    while result.interruptions:
        result = Runner.run_sync(agent, settle(job, result))
    return str(result.final_output)


if __name__ == "__main__":
    with Client() as people:
        print(run(people, name="openai-example"))
