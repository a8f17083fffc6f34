"""What the agents' room plugs in, since this one may not import it: schemas of tools, and waking whoever checks an edit or answers a question."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.queries import ActionDetail
from approvals.web.schemaform import guessed


def _guess(detail: ActionDetail) -> Mapping[str, Any]:
    return guessed(detail.args if isinstance(detail.args, dict) else {})


def _nobody(row: Any) -> None:
    """The sweeper finds it."""


@dataclass
class AgentsRoom:
    """Until something is plugged in: a schema guessed from the values, and the sweeper's two seconds."""

    schema_of: Callable[[ActionDetail], Mapping[str, Any]] = _guess
    wake_edit: Callable[[Any], None] = _nobody
    wake_ask: Callable[[Any], None] = _nobody


agents = AgentsRoom()
