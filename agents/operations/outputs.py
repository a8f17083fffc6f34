"""What a finished run came to, as its page and the API give it: plain JSON, of graphs of others bounded, with what was cut said in its place."""

import json
from collections.abc import Mapping
from typing import Any

from agents.graphs.explaining import last_words
from agents.graphs.recorder import plain
from agents.graphs.typed import as_kept
from audit import canonical

LAST = "last_message"
MOST = 100_000  # characters of JSON; all of it is in the checkpoints and spans
KEPT = 1_000  # of each value that is cut


def output_of(given: Mapping[str, Any], *, ours: bool) -> Any:
    """What a graph gave. Of a conversation its last words stand for all; the rest is in the checkpoints.

    Args:
        given: its values, as its output schema names them.
        ours: a graph with our declaration, which gives its `result`, whole: what tools gave in it is bounded where they give it.
    """
    values = given.get("result", given) if ours else given
    named = values if isinstance(values, Mapping) else {"result": values}
    rest = {name: value for name, value in named.items() if name != "messages"}
    said = last_words(named.get("messages"))
    shown = canonical.storable(plain(as_kept(rest if said is None else {LAST: said, **rest})))
    return shown if ours else bounded(shown)


def bounded(values: dict[str, Any]) -> dict[str, Any]:
    """The same, where it is too much the largest values first as {"cut": characters of JSON in all, "words": how it begins}."""
    sizes = {name: len(_text(value)) for name, value in values.items()}
    total, kept = sum(sizes.values()), dict(values)
    for name in sorted(sizes, key=lambda one: sizes[one], reverse=True):
        if total <= MOST or sizes[name] <= 2 * KEPT:
            break
        kept[name] = _cut(values[name])
        total -= sizes[name] - KEPT
    return kept if total <= MOST else _cut(values)


def _cut(value: Any) -> dict[str, Any]:
    text = _text(value)
    return {"cut": len(text), "words": text[:KEPT]}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
