"""A graph's state changed by an operator: a copy of a checkpoint, with other values in it or as it was, or a node taken as done.

A copy asks under new ids: whatever people were asked from the checkpoint it was made of reaches nobody any more. Other values are put in the
copy itself, not through `update_state`: that acts as if a node had written them, runs its reducers and its way out, and so could send the
graph somewhere else (docs/adr/0045). The caller holds the thread's lock.
"""

from collections.abc import Mapping
from typing import Any

from langgraph.channels import BinaryOperatorAggregate, DeltaChannel, LastValue
from langgraph.checkpoint.base import copy_checkpoint, empty_checkpoint
from langgraph.errors import InvalidUpdateError

from agents import kept
from agents.graphs.declared import unlike
from agents.graphs.loader import Graph
from agents.graphs.lost import lost_nodes
from agents.graphs.typed import reading

Marks = Mapping[str, str | int]


class CannotChange(Exception):
    """The graph does not take this; nothing was written."""


def head_of(graph: Graph, thread: str) -> tuple[str, int]:
    """The newest checkpoint, and the order that made it (0: none)."""
    saver: Any = graph.checkpointer
    found = saver.get_tuple(_config(thread))
    return (found.checkpoint["id"], int(found.metadata.get("override") or 0)) if found else ("", 0)


def copied(graph: Graph, thread: str, checkpoint: str, values: Mapping[str, Any], marks: Marks) -> str:
    """A copy of this checkpoint as the newest, with these values in it. Returns its id. Raises CannotChange."""
    for name, value in values.items():
        check_channel(graph, name, value)
    saver = reading(graph, graph.checkpointer)
    saved = saver.get_tuple(_config(thread, checkpoint))
    if saved is None:
        raise CannotChange(kept.NO_SUCH_CHECKPOINT())
    made = copy_checkpoint(saved.checkpoint)
    made["id"], made["ts"] = (new := empty_checkpoint())["id"], new["ts"]
    made["channel_values"].update(values)
    version = saver.get_next_version(max(made["channel_versions"].values(), default=None), None)
    versions = dict.fromkeys(values, version)
    made["channel_versions"].update(versions)
    metadata = {
        "source": "update" if values else "fork",
        "step": int(saved.metadata.get("step", -1)) + 1,
        "parents": saved.metadata.get("parents", {}),
        **{key: value for key, value in saved.metadata.items() if key == "counters_since_delta_snapshot"},
        **marks,
    }
    # Beside the one it copies, as LangGraph's own copies are: what was written behind that one is no part of it.
    saver.put(saved.parent_config or _config(thread), made, metadata, versions)
    return str(made["id"])


def seeded(graph: Graph, thread: str, of: str, checkpoint: str, values: Mapping[str, Any], marks: Marks) -> str:
    """The first checkpoint of a thread: a copy of this one of another thread, with these values in it. Returns its id.

    Nothing that was written behind the one it copies comes along: neither answers of people, nor what its nodes had done by then.

    Raises:
        CannotChange: there is no such checkpoint, the graph does not take a value, or it keeps its state as differences only.
    """
    for name, value in values.items():
        check_channel(graph, name, value)
    if differences := sorted(name for name, channel in graph.channels.items() if isinstance(channel, DeltaChannel)):
        raise CannotChange(kept.KEEPS_DIFFERENCES(name=differences[0]))
    saver = reading(graph, graph.checkpointer)
    saved = saver.get_tuple(_config(of, checkpoint))
    if saved is None:
        raise CannotChange(kept.NO_SUCH_CHECKPOINT())
    made = copy_checkpoint(saved.checkpoint)
    made["id"], made["ts"] = (new := empty_checkpoint())["id"], new["ts"]
    made["channel_values"].update(values)
    if values:
        version = saver.get_next_version(max(made["channel_versions"].values(), default=None), None)
        made["channel_versions"].update(dict.fromkeys(values, version))
    metadata: Any = {"source": "update" if values else "fork", "step": int(saved.metadata.get("step", -1)), "parents": {}, **marks}
    saver.put(_config(thread), made, metadata, made["channel_versions"])
    return str(made["id"])


def skipped(graph: Graph, thread: str, node: str, values: Mapping[str, Any], marks: Marks) -> str:
    """The node that comes next taken as done, having written these values. Returns the id of the new checkpoint. Raises CannotChange."""
    state = graph.get_state(_config(thread))
    if tuple(state.next) != (node,):
        raise CannotChange(kept.NOT_ALONE_NEXT(node=node, nodes=", ".join(state.next) or "-"))
    if unknown := [name for name in values if name not in graph.channels or any(name in one.triggers for one in graph.nodes.values())]:
        raise CannotChange(kept.NOT_A_VALUE(name=unknown[0]))
    config: Any = {**_config(thread), "metadata": dict(marks)}
    try:
        made = graph.update_state(config, dict(values) or None, as_node=node)
    except InvalidUpdateError as error:
        raise CannotChange(str(error)) from error
    return str(made["configurable"]["checkpoint_id"])


def next_of(graph: Graph, thread: str) -> tuple[str, ...]:
    """Where it stands."""
    return tuple(graph.get_state(_config(thread)).next)


def lost_at(graph: Graph, thread: str, checkpoint: str) -> tuple[str, ...]:
    """Nodes at which this checkpoint goes on and that the graph does not have."""
    return lost_nodes(graph, graph.get_state(_config(thread, checkpoint)))


def check_channel(graph: Graph, name: str, value: Any) -> None:
    """Raises CannotChange where it is not what its author wrote down, or would do something else than be there: run a node, or be counted together."""
    channel = graph.channels.get(name)
    if not isinstance(channel, LastValue | BinaryOperatorAggregate):
        raise CannotChange(kept.NOT_A_VALUE(name=name))
    if any(name in node.triggers for node in graph.nodes.values()):
        raise CannotChange(kept.SETS_OFF(name=name))
    if why := unlike(channel.typ, value):
        raise CannotChange(kept.NOT_OF_ITS_TYPE(name=name, why=why))


def _config(thread: str, checkpoint: str = "") -> Any:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": "", **({"checkpoint_id": checkpoint} if checkpoint else {})}}
