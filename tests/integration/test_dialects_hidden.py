"""Our own line, and sub-agents that are tools, written in another way under open questions: what people refused is not made, what goes on as before goes on."""

import json

import pytest

from agents import operations as agents
from agents.models import Effect
from approvals import queries as approvals_queries
from tests import factories
from tests.factories import asked, decide, lines, work
from tests.integration.test_dialects_healing import fresh, waiting

pytestmark = [pytest.mark.usefixtures("leave_asked_of_this_database"), pytest.mark.usefixtures("newly_loaded")]

TWO = [["send", {"to": "ada"}], ["send", {"to": "bob"}]]


def deployed(tmp_path, code: str, **more) -> None:
    """The project with this code, imported."""
    written(tmp_path, code, **more)
    agents.register_project(tmp_path / "langgraph.json", replace=True)


def written(tmp_path, code: str, **more) -> None:
    (tmp_path / "hidden.py").write_text(code)
    (tmp_path / "langgraph.json").write_text(
        json.dumps({"dependencies": [".", "./others"], "graphs": {"hidden": "./hidden.py:graph"}, "countersign": {"hidden": more}})
    )
    if not (tmp_path / "others").exists():
        (tmp_path / "others").symlink_to(factories.OTHERS.parent)


def action_to(run, whom: str):
    return next(action for action in asked(run) if approvals_queries.shown(action.pk).args["to"] == whom)


HEAD = """
import threading
from concurrent.futures import ThreadPoolExecutor
from parts_of_others import Letters, Planned, act, plan_of, send
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, MessagesState, StateGraph
from agents.graphs.loops import Countersigned, require_approval
"""
SUB = """
inner = create_agent(Planned(), [send], middleware=[Countersigned()])

@tool
def helper(task: str) -> str:
    "Let the helper do a task."
    return inner.invoke({"messages": [HumanMessage(task)]})["messages"][-1].content

graph = create_agent(Planned(), [helper])
"""
LINE = "middleware=[Countersigned()]"


@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize("before", ["graph = create_agent(Planned(), [send], middleware=[Countersigned()])", SUB])
def test_what_our_line_lets_pass_unasked_from_now_on_is_not_made_where_it_was_asked_about(others, world, tmp_path, before, verdict):
    """Rejecting one call made both, the rejected and the one that nobody had decided."""
    deployed(tmp_path, HEAD + before)
    turns = TWO if before is not SUB else [["helper", {"task": json.dumps({"world": str(world), "turns": [TWO]})}]]
    run, _ = waiting(others, world, "hidden", turns)
    written(tmp_path, HEAD + before.replace("Countersigned()", 'Countersigned(unasked=("send",))'))
    checked = agents.check_deploy(tmp_path / "langgraph.json")
    assert (checked.would, checked.may) == (0, 2) and "neither require_approval nor Countersigned" in checked.broken[0].why
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    decide(action_to(run, "bob"), others.second, verdict)
    work()
    assert (fresh(run).state, lines(world)) == ("FAILED", []), fresh(run).error
    assert "asks about it no more" in fresh(run).error
    assert Effect.objects.filter(run=run, begun_at__isnull=False).count() == 0
    deployed(tmp_path, HEAD + before)
    agents.retry_run(run.pk, by=others.operator, door="web")
    work()
    decide(action_to(run, "ada"), others.second)
    work()
    made = [f'send {{"copies": 1, "to": "{whom}"}}' for whom in (["bob", "ada"] if verdict == "approve" else ["ada"])]
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", made), fresh(run).error


def test_what_nobody_was_asked_about_passes_unasked_beside_a_question(others, world, tmp_path):
    """As today: the author wants no action for it, and no question about this very call is open."""
    seen = "@tool\ndef glance(query: str) -> str:\n    'Look.'\n    return 'seen'\n"
    agent = HEAD + seen + "graph = create_agent(Planned(), [send, glance], middleware=[Countersigned({unasked})])"
    deployed(tmp_path, agent.format(unasked="unasked=('glance',)"))
    run = factories.planned(others.reviewer, world, [*TWO[:1], ["glance", {"query": "x"}]], [["glance", {"query": "y"}]], agent="hidden")
    work()
    (action,) = asked(run)
    deployed(tmp_path, agent.format(unasked="unasked=('glance', 'other')"))
    decide(action, others.second)
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['send {"copies": 1, "to": "ada"}']), fresh(run).error


IN_A_THREAD = """
class Thread(AgentMiddleware):
    def wrap_tool_call(self, request, handler):
        got, call = [], {{**request.tool_call, "id": "{new_id}" + request.tool_call["id"]}}
        call["args"] = {{**call["args"], "state": request.state}}

        def go():
            try:
                got.append(request.tool.invoke(call{more}))
            except BaseException:
                pass

        one = threading.Thread(target=go)
        one.start()
        one.join()
        return ToolMessage(str(got[0].content if got else "none"), tool_call_id=request.tool_call["id"])

graph = create_agent(Planned(), [send], middleware=[{before}Thread()])
"""
IN_A_POOL = """
def tools(state):
    calls = [{**call, "args": {**call["args"], "state": state}} for call in state["messages"][-1].tool_calls]
    with ThreadPoolExecutor(4) as pool:
        return {"messages": list(pool.map(send.invoke, calls))}

built = StateGraph(MessagesState)
built.add_node("model", lambda state: {"messages": [Planned().invoke(state["messages"])]})
built.add_node("tools", tools)
built.add_edge(START, "model")
built.add_conditional_edges("model", lambda state: "tools" if state["messages"][-1].tool_calls else END, ["tools", END])
built.add_edge("tools", "model")
graph = built.compile()
"""
IN_TURN = IN_A_POOL.replace("list(pool.map(send.invoke, calls))", "[require_approval(send).invoke(call) for call in calls]")
OWN_LINE = "graph = create_agent(Planned(), [require_approval(send)])"


@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (OWN_LINE, IN_A_THREAD.format(new_id="", more="", before="")),
        (OWN_LINE, IN_A_THREAD.format(new_id="other-", more="", before="")),
        (OWN_LINE, IN_A_THREAD.format(new_id="", more=', {"callbacks": []}', before="")),
        (IN_TURN, IN_A_POOL),
    ],
)
def test_what_our_line_asked_about_is_not_made_in_a_thread_of_the_agents_own(others, world, tmp_path, before, after, verdict):
    """LangChain tells nobody that a call begins there."""
    deployed(tmp_path, HEAD + before, grants=["send"])
    run, action = waiting(others, world, "hidden", TWO)
    deployed(tmp_path, HEAD + after, grants=["send"])
    decide(action, others.second, verdict)
    work()
    assert 'send {"copies": 1, "to": "ada"}' not in lines(world)
    assert (fresh(run).state, Effect.objects.filter(run=run, begun_at__isnull=False).count()) == ("FAILED", 0), fresh(run).error


BY_TASKS = """
asking = {send}

@task
def one(call, state):
    return asking.invoke({{**call, "args": {{**call["args"], "state": state}}}})

@entrypoint()
def graph(state):
    said = Planned().invoke(state["messages"])
    return {{"messages": [one(call, {{**state, "messages": [*state["messages"], said]}}).result() for call in said.tool_calls]}}
"""


def test_what_the_tasks_of_an_entrypoint_call_is_its_code(others, world, tmp_path):
    """`agents check` looked at none of it, and said "fine"."""
    deployed(tmp_path, HEAD + BY_TASKS.format(send="require_approval(send)"), grants=["send"])
    waiting(others, world, "hidden", TWO[:1])
    assert agents.check_deploy(tmp_path / "langgraph.json").may == 0
    written(tmp_path, HEAD + BY_TASKS.format(send="send"), grants=["send"])
    assert agents.check_deploy(tmp_path / "langgraph.json").may == 1


SWALLOWED = IN_TURN.replace("[require_approval(send).invoke(call) for call in calls]", "[once_more(call) for call in calls]").replace(
    "def tools",
    """def once_more(call):
    try:
        return send.invoke(call)
    except BaseException:
        return ToolMessage("none", tool_call_id=call["id"])

def tools""",
)


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_beside_a_call_that_was_stopped_its_siblings_are_not_made_unasked(others, world, tmp_path, verdict):
    """Nobody had been asked about the second yet: it was sent while the first was stopped."""
    deployed(tmp_path, HEAD + IN_TURN, grants=["send"])
    run, action = waiting(others, world, "hidden", TWO)
    deployed(tmp_path, HEAD + SWALLOWED, grants=["send"])
    decide(action, others.second, verdict)
    work()
    assert (fresh(run).state, lines(world)) == ("FAILED", []), fresh(run).error


def test_middleware_behind_our_line_makes_a_call_in_a_thread_of_its_own_as_ever(others, world, tmp_path):
    deployed(tmp_path, HEAD + IN_A_THREAD.format(new_id="", more="", before="Countersigned(), "))
    run, _ = waiting(others, world, "hidden", TWO)
    decide(action_to(run, "bob"), others.second, "reject")
    work()
    decide(action_to(run, "ada"), others.second)
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['send {"copies": 1, "to": "ada"}']), fresh(run).error


# A sub-agent that is a tool, called in another way. `seen`: its tools still can be.
BODY = 'return inner.invoke({"messages": [HumanMessage(task)]})["messages"][-1].content'
SENDS = "inner = create_agent(Planned(), [send], middleware=[Countersigned()])"
OTHERWISE = {
    "as it was": [],
    "function": [("@tool\ndef helper", "def run_inner(x):\n    return inner.invoke(x)\n\n@tool\ndef helper"), (BODY, BODY.replace("inner.invoke", "run_inner"))],
    "attribute": [
        (SENDS, f"class Holder:\n    def __init__(self):\n        self.agent = {SENDS[8:]}\n\nheld = Holder()"),
        (BODY, BODY.replace("inner.", "held.agent.")),
    ],
    "factory": [(SENDS, f"def made():\n    return {SENDS[8:]}"), (BODY, BODY.replace("inner.", "made()."))],
    "config": [(BODY, BODY.replace("inner.", 'inner.with_config({"tags": ["a"]}).'))],
    "config of the module": [(SENDS, SENDS + '.with_config({"tags": ["a"], "recursion_limit": 40})')],
    "stream": [
        (
            BODY,
            'for last in inner.stream({"messages": [HumanMessage(task)]}, stream_mode="values"):\n        pass\n    return last["messages"][-1].content',
        )
    ],
    "async": [("def helper", "async def helper"), (BODY, BODY.replace("inner.invoke", "(await inner.ainvoke").replace(")]})[", ")]}))["))],
}  # fmt: skip


def otherwise(kind: str) -> str:
    code = HEAD + SUB
    for was, now in OTHERWISE[kind]:
        assert was in code
        code = code.replace(was, now)
    return code


@pytest.mark.parametrize(("kind", "new"), [(kind, new) for kind in OTHERWISE for new in (True, False) if new or kind != "factory"])
def test_a_sub_agent_that_is_called_in_another_way_goes_on(others, world, tmp_path, kind, new):
    """It was said that its tool was gone, the run failed on the first answer, and what waited beside it was superseded."""
    grants = {"grants": ["helper", "send"]} if kind == "factory" else {}
    deployed(tmp_path, otherwise(kind if new else "as it was"), **grants)
    task = json.dumps({"world": str(world), "turns": [TWO]})
    run, _ = waiting(others, world, "hidden", [["helper", {"task": task}]])
    written(tmp_path, otherwise(kind), **grants)
    checked = agents.check_deploy(tmp_path / "langgraph.json")
    assert checked.would == 0, checked
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    decide(action_to(run, "bob"), others.second, "reject")
    work()
    assert (fresh(run).state, lines(world)) == ("WAITING", []), fresh(run).error
    decide(action_to(run, "ada"), others.second)
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['send {"copies": 1, "to": "ada"}']), fresh(run).error


@pytest.mark.parametrize("grants", [{"grants": ["helper", "send"]}, {}])
def test_of_a_tool_that_went_out_of_sight_nothing_is_made_and_the_agent_is_told(others, world, tmp_path, grants):
    """The run failed, and its question was said to be gone: it was there."""
    deployed(tmp_path, otherwise("as it was"))
    task = json.dumps({"world": str(world), "turns": [TWO]})
    run, _ = waiting(others, world, "hidden", [["helper", {"task": task}]])
    written(tmp_path, otherwise("factory"), **grants)
    checked = agents.check_deploy(tmp_path / "langgraph.json")
    assert (checked.would, checked.may) == (0, 2) and "no tool send can be seen any more" in checked.broken[0].why
    agents.register_project(tmp_path / "langgraph.json", replace=True)
    decide(action_to(run, "bob"), others.second, "reject")
    work()
    assert fresh(run).state == "WAITING", fresh(run).error
    decide(action_to(run, "ada"), others.second)
    work()
    assert (fresh(run).state, lines(world), asked(run)) == ("SUCCEEDED", [], []), fresh(run).error
    assert [effect.state for effect in Effect.objects.filter(run=run)] == ["FAILED"]


BESIDE = """
@tool
def glance(query: str) -> str:
    "Look."
    return "seen"

asks = create_agent(Planned(), [send], middleware=[Countersigned()])
another = create_agent(Planned(), [send, require_approval(glance)]{middleware})

@tool
def helper(task: str) -> str:
    "Let the helper do a task."
    return asks.invoke({{"messages": [HumanMessage(task)]}})["messages"][-1].content

@tool
def other(task: str) -> str:
    "Let the other do a task."
    return another.invoke({{"messages": [HumanMessage(task)]}})["messages"][-1].content

graph = create_agent(Planned(), [helper, other])
"""


@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize("middleware", ["", ', middleware=[Countersigned(unasked=("send",))]'])
def test_an_equal_call_of_a_sub_agent_beside_it_whose_author_wants_no_question_is_another_call(
    others, world, tmp_path, middleware, verdict
):
    deployed(tmp_path, HEAD + BESIDE.format(middleware=middleware))
    to_ada, first = ["send", {"to": "ada"}], [["glance", {"query": "x"}]]
    tasks = [json.dumps({"world": str(world), "turns": turns}) for turns in ([[to_ada]], [first, [to_ada]])]
    run = factories.planned(others.reviewer, world, [["helper", {"task": tasks[0]}], ["other", {"task": tasks[1]}]], agent="hidden")
    work()
    by_tool = {action.tool: action for action in asked(run)}
    decide(by_tool["glance"], others.second)
    work()
    sent = 'send {"copies": 1, "to": "ada"}'
    assert (fresh(run).state, lines(world)) == ("WAITING", [sent]), fresh(run).error
    decide(by_tool["send"], others.second, verdict)
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", [sent] * (2 if verdict == "approve" else 1)), fresh(run).error


ANEW = """
class Anew(Planned):
    def _generate(self, *args, **kwargs):
        made = super()._generate(*args, **kwargs)
        for n, call in enumerate(made.generations[0].message.tool_calls):
            call["id"] = f"call-{n}"
        return made

builder = StateGraph(MessagesState)
builder.add_node("first", create_agent(Anew(), [send], middleware=[Countersigned()]))
builder.add_node("second", create_agent(Anew(), [send]))
builder.add_edge(START, "first")
builder.add_edge("first", "second")
graph = builder.compile()
"""
IN_ONE_TASK = (
    ANEW[: ANEW.index("builder")]
    + """
first, second = create_agent(Anew(), [send], middleware=[Countersigned()]), create_agent(Anew(), [send])

def both(state):
    return second.invoke(first.invoke(state))

builder = StateGraph(MessagesState)
builder.add_node("both", both)
builder.add_edge(START, "both")
graph = builder.compile()
"""
)


@pytest.mark.parametrize(
    ("verdict", "whom", "state", "sent"),
    [
        ("approve", "bob", "SUCCEEDED", ["ada", "bob"]),
        ("approve", "ada", "FAILED", ["ada"]),  # nothing tells that from the one that was made
        ("reject", "bob", "SUCCEEDED", ["bob"]),
        ("reject", "ada", "FAILED", []),  # people said no to exactly this
    ],
)
@pytest.mark.parametrize("tasks", [ANEW, IN_ONE_TASK])
def test_where_a_model_counts_its_calls_anew_a_later_one_that_nobody_is_asked_about_is_another(
    others, world, tmp_path, tasks, verdict, whom, state, sent
):
    deployed(tmp_path, HEAD + tasks)
    run = factories.planned(others.reviewer, world, TWO[:1], [], [["send", {"to": whom}]], agent="hidden")
    work()
    [action] = asked(run)
    decide(action, others.second, verdict)
    work()
    assert (fresh(run).state, lines(world)) == (state, [f'send {{"copies": 1, "to": "{one}"}}' for one in sent]), fresh(run).error


BUNDLED = """
class Bundle(AgentMiddleware):
    def wrap_tool_call(self, request, handler):
        for call in request.state["messages"][-1].tool_calls:
            if call["id"] != request.tool_call["id"]:
                request.tool.invoke({{**call, "args": {{**call["args"], "state": request.state}}, "type": "tool_call"}})
        return handler(request)

graph = create_agent(Planned(), [send], middleware=[{before}Bundle()])
"""


@pytest.mark.parametrize("before", ["", "Countersigned(unasked=('send',)), ", "Countersigned(), "])
def test_the_calls_of_a_turn_are_not_made_beside_one_of_them(others, world, tmp_path, before):
    """From its sibling's task, or while that is made: the rejected and the undecided one were sent, with their own ids and arguments."""
    deployed(tmp_path, HEAD + "graph = create_agent(Planned(), [send], middleware=[Countersigned()])")
    run, _ = waiting(others, world, "hidden", TWO)
    deployed(tmp_path, HEAD + BUNDLED.format(before=before))
    decide(action_to(run, "bob"), others.second, "reject")
    work()
    decide(action_to(run, "ada"), others.second)
    work()
    assert 'send {"copies": 1, "to": "bob"}' not in lines(world), fresh(run).error
    assert len(lines(world)) <= 1


HANDS_ON = """
inner = send

@tool("send")
{prefix}def outer(to: str, state: Annotated[dict, InjectedState]) -> str:
    "Send a letter, by the tool of another."
    return {called}({{"to": to, "state": state}})

graph = create_agent(Planned(), [outer], middleware=[Countersigned()])
"""


@pytest.mark.parametrize(("prefix", "called"), [("", "inner.invoke"), ("async ", "await inner.ainvoke")])
def test_a_tool_that_hands_on_to_another_of_its_name_reaches_it_once(others, world, tmp_path, prefix, called):
    """As one that stands before a tool of an MCP server: its outcome was said to be unknown, and nothing had been made."""
    head = HEAD + "from typing import Annotated\nfrom langgraph.prebuilt import InjectedState\n"
    deployed(tmp_path, head + HANDS_ON.format(prefix=prefix, called=called))
    run, action = waiting(others, world, "hidden", [["send", {"to": "ada"}]])
    decide(action, others.second)
    work()
    assert (fresh(run).state, lines(world)) == ("SUCCEEDED", ['send {"copies": 1, "to": "ada"}']), fresh(run).error


COUNTS_ALIKE = (
    ANEW[: ANEW.index("builder")]
    + """
class ToBob(Anew):
    def _generate(self, *args, **kwargs):
        made = super()._generate(*args, **kwargs)
        for call in made.generations[0].message.tool_calls:
            call["args"] = {"to": "bob"}
        return made

class Renames(AgentMiddleware):
    def wrap_tool_call(self, request, handler):
        threading.Event().wait(1)  # the first has its answer by then
        return handler(request.override(tool_call={**request.tool_call, "id": "new-" + request.tool_call["id"]}))

builder = StateGraph(MessagesState)
builder.add_node("first", create_agent(Anew(), [send], middleware=[Countersigned()]))
builder.add_node("second", create_agent(ToBob(), [send], middleware=[MIDDLEWARE]))
builder.add_edge(START, "first")
builder.add_edge(START, "second")
graph = builder.compile()
"""
)


def test_the_answer_to_a_call_is_none_to_another_agents_of_the_same_id(others, world, tmp_path):
    """Both count from 0: with the first approved, the second, which nobody had decided, was made under another id."""
    deployed(tmp_path, HEAD + COUNTS_ALIKE.replace("MIDDLEWARE", "Countersigned()"))
    run, _ = waiting(others, world, "hidden", TWO[:1])
    deployed(tmp_path, HEAD + COUNTS_ALIKE.replace("MIDDLEWARE", "Countersigned(unasked=('send',)), Renames()"))
    decide(action_to(run, "ada"), others.second)
    work()
    assert 'send {"copies": 1, "to": "bob"}' not in lines(world), fresh(run).error
