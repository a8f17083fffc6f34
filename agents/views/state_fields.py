"""The state of a checkpoint as fields of a form, each channel as JSON, and what comes back from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agents import history
from agents.errors import BadInput
from agents.queries import RunDetail
from audit import canonical
from audit.sentences import say

STATE = "state."  # before the name of a channel
MAX_TEXT = 200_000


def fields_of(plain: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Field, channel and its value as text, for what a person can write anew (`history.editable`)."""
    return [(STATE + name, name, json.dumps(value, ensure_ascii=False, indent=2)) for name, value in plain.items()]


def as_json(name: str, text: str) -> Any:
    """Raises BadInput, naming the field."""
    if len(text) > MAX_TEXT:
        why = say("it is longer than %(n)d characters", n=MAX_TEXT)
        raise BadInput(say("%(name)s cannot be written here: %(why)s", name=name, why=why), fields={name: why})
    try:
        return canonical.parse(text.encode())
    except canonical.NotCanonical as error:
        raise BadInput(say("%(name)s is not JSON: %(why)s", name=name, why=str(error)), fields={name: str(error)}) from error


def touched(state: Mapping[str, Any], said: Mapping[str, str]) -> dict[str, Any]:
    """What the fields hold that are no longer as `fields_of` wrote them: the others may hold what nobody can write anew, and stay. Raises BadInput."""
    was = {field: text for field, _, text in fields_of(history.editable(state))}
    return {
        name.removeprefix(STATE): as_json(name.removeprefix(STATE), said[name])
        for name in said
        if name.startswith(STATE) and said[name].replace("\r\n", "\n").strip() != was.get(name, "").strip()
    }


def state_values(run: RunDetail, at: str, said: Mapping[str, str]) -> dict[str, Any]:
    """The channels that are written otherwise than they are at this checkpoint. What an operation refuses, it refuses then."""
    state, values = history.values(run.thread, at), as_json("values", said["values"]) if said.get("values") else {}
    if not isinstance(values, dict):
        raise BadInput(say("The values are an object: names of the state and what they hold"), fields={"values": say("an object")})
    values |= touched(state, said)
    return {name: value for name, value in values.items() if name not in state or not _same(state[name], value)}


def _same(was: Any, value: Any) -> bool:
    return canonical.dumps(canonical.storable(was)) == canonical.dumps(canonical.storable(value))
