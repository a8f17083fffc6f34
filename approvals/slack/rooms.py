"""What the agents' room plugs in, since this one may not import it: schemas of tools, what can be halted and let go on, and waking
whoever checks an edit or answers a question.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from approvals import operations
from approvals.queries import ActionDetail, Stop
from approvals.web.schemaform import guessed


def _guess(detail: ActionDetail) -> Mapping[str, Any]:
    return guessed(detail.args if isinstance(detail.args, dict) else {})


def _nobody(row: Any) -> None:
    """The sweeper finds it."""


@dataclass(frozen=True)
class HaltScope:
    """What can be halted: `value` is "everything", or a scope and its target ("agent:refunds"); `counts` says what that would stop."""

    value: str
    label: str
    counts: str


@dataclass(frozen=True)
class ReleaseStep:
    """What a release may let go on: `value` is "all", or "agent" or "run" and its name; `note` what is known of it, `url` where it is looked at."""

    value: str
    label: str
    note: str = ""
    url: str = ""


def _only_everything(asked: Mapping[str, str]) -> Sequence[HaltScope]:
    return [HaltScope("everything", _("Everything"), "")]


def _only_all(stop: Stop) -> Sequence[ReleaseStep]:
    return [ReleaseStep("all", _("All of it"))]


def _not_counted(stop: Stop) -> str:
    return ""


@dataclass
class AgentsRoom:
    """Until something is plugged in: a schema guessed from the values, and the sweeper's two seconds."""

    schema_of: Callable[[ActionDetail], Mapping[str, Any]] = _guess
    wake_edit: Callable[[Any], None] = _nobody
    wake_ask: Callable[[Any], None] = _nobody
    halt_scopes: Callable[[Mapping[str, str]], Sequence[HaltScope]] = _only_everything
    order_halt: Callable[..., Any] = operations.halt
    release_steps: Callable[[Stop], Sequence[ReleaseStep]] = _only_all
    release_means: Callable[[Stop], str] = _not_counted
    order_release: Callable[..., Any] = operations.release


agents = AgentsRoom()
