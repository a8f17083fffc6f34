"""LangGraph: a node that acts only with people's leave. The graph runs in your process; it asks over the API and holds no state of ours.

(A graph that runs inside Countersign needs none of this: see docs/agents.md.)
"""

from typing import TypedDict

from langgraph.graph import END, START, StateGraph

from countersign import ActedBefore, Client, NotApproved


class State(TypedDict, total=False):
    order: str
    amount_cents: int
    outcome: str


def plan(state: State) -> State:
    return {"amount_cents": 1_500}


def act(state: State) -> State:
    """The whole node may run again after a crash: the key finds the action it asked for before, and what became of it."""
    args = {"order": state["order"], "amount_cents": state["amount_cents"]}
    with Client() as people:
        action = people.request("refund", args, key=f"langgraph:{state['order']}", rationale="The graph decided to refund")
        try:
            leave = people.approval(action.id)
        except NotApproved as refusal:
            return {"outcome": f"not done: {refusal}"}
        except ActedBefore as before:  # done in an earlier start; or begun there, and somebody has to look
            return {"outcome": str(before)}
        people.report(action.id, "done", result={"refunded": leave.args["amount_cents"]})
        return {"outcome": f"refunded {leave.args['amount_cents']}"}


graph = StateGraph(State)
graph.add_node("plan", plan)
graph.add_node("act", act)
graph.add_edge(START, "plan")
graph.add_edge("plan", "act")
graph.add_edge("act", END)

if __name__ == "__main__":
    print(graph.compile().invoke({"order": "A-19"})["outcome"])
