"""Nodes at which a checkpoint goes on and that the graph does not have: LangGraph drops them without a word, and what is left looks finished.

Code is deployed under waiting, paused and halted runs, and an operator goes back to checkpoints of older code. Reads checkpoints only.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from langgraph.types import StateSnapshot

from agents.graphs.inside import DEEPEST, graphs_in

_BRANCH, _JOIN, _SENDS = "branch:to:", "join:", "__pregel_tasks"


def lost_nodes(graph: Any, state: StateSnapshot) -> tuple[str, ...]:
    """Of the checkpoint that this state is of, and of those of graphs that have begun inside it: names, "outer / inner" for those inside."""
    if any(isinstance(task.state, dict) and task.result is None for task in state.tasks):
        state = graph.get_state(state.config, subgraphs=True)
    return tuple(dict.fromkeys(_lost(graph, graph.checkpointer, state, ())))


def _lost(graph: Any, saver: Any, state: StateSnapshot, path: tuple[str, ...]) -> Iterator[str]:
    saved = saver.get_tuple(state.config)
    for name in _wanted(saved.checkpoint["channel_values"], graph) if saved else ():
        yield " / ".join((*path, name))
    if len(path) >= DEEPEST:
        return
    for task in state.tasks:
        if task.name in graph.nodes and task.result is None and isinstance(task.state, StateSnapshot) and task.state.created_at:
            # Of several graphs that a node calls nobody says in which it stands: one that has all it needs will do.
            inner = [one for _, one, _ in graphs_in(task.name, graph.nodes[task.name])]
            losses = [list(_lost(one, saver, task.state, (*path, task.name))) for one in inner]
            yield from min(losses, key=len, default=[])


def _wanted(held: Mapping[str, Any], graph: Any) -> Iterator[str]:
    """A trigger lies in its channel until its node has begun; a join keeps who has come, also for a node of another name by now."""
    for channel, value in held.items():
        if channel == _SENDS:
            yield from (sent.node for sent in value or () if sent.node not in graph.nodes)
        elif channel in graph.channels:
            continue
        elif channel.startswith(_BRANCH):
            yield channel.removeprefix(_BRANCH)
        elif channel.startswith(_JOIN) and value:
            yield channel.rpartition(":")[2]
