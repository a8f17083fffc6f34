"""Pydantic AI's deferred tools: a run ends with `DeferredToolRequests`, people are asked, and it goes on with `DeferredToolResults`.

The model is a scripted one, so that this runs without a key of any provider; `results_of` and `acted` are what you copy. Leave is taken where the
tool acts and nowhere before, so none is lost when this ends while it waits for the next verdict. What people edited is what runs.
"""

import json
from collections.abc import Callable

from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults, RunContext, ToolApproved, ToolDenied
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from countersign import ActedBefore, AlreadyDone, Client, NotApproved


def results_of(people: Client, wanted: DeferredToolRequests, *, name: str) -> DeferredToolResults:
    """People's verdicts on every call that needs one: asked about all at once, then each waited for."""
    asked = {
        part.tool_call_id: people.request(part.tool_name, part.args_as_dict(), key=f"{name}:{part.tool_call_id}")
        for part in wanted.approvals
    }
    results = DeferredToolResults()
    for call, action in asked.items():
        found = people.wait(action)
        if found.state == "APPROVED":
            results.approvals[call] = ToolApproved(override_args=found.args)
            results.metadata[call] = {"action": found.id}
        else:
            results.approvals[call] = ToolDenied(str(NotApproved(found)))
    return results


def acted(people: Client, action: str, function: Callable[..., str]) -> str:
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


def scripted(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Calls the tool, with its arguments as JSON text, as most providers give them; then says what came of it."""
    told = [part.content for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]
    call = ToolCallPart("refund", '{"order": "A-23", "amount_cents": 500}', tool_call_id="call-1")
    return ModelResponse(parts=[TextPart(" ".join(map(str, told))) if told else call])


agent = Agent(FunctionModel(scripted), deps_type=Client, output_type=[str, DeferredToolRequests])


@agent.tool(requires_approval=True)
def refund(ctx: RunContext[Client], order: str, amount_cents: int) -> str:
    """Refund an order."""
    return acted(ctx.deps, ctx.tool_call_metadata["action"], pay)


def run(people: Client, *, name: str) -> str:
    result = agent.run_sync("Refund A-23", deps=people)
    while isinstance(result.output, DeferredToolRequests):
        results = results_of(people, result.output, name=name)
        result = agent.run_sync(message_history=result.all_messages(), deferred_tool_results=results, deps=people)
    return result.output


if __name__ == "__main__":
    with Client() as people:
        print(run(people, name="pydantic-example"))
