"""How a tool's author declares it: name, typed arguments, risk class, preview, summary. Pure but for pydantic.

@tool(name="refund_payment", risk=RiskClass.MONEY, reversible=False, idempotent=True,
      summary="Refund {amount_cents|money:currency} to order {order_id}", preview=preview_refund)
def refund_payment(args: RefundArgs, ctx: ToolContext) -> dict[str, Any]: ...
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ValidationError

from agents.tools.later import begins_later
from audit import canonical


def declared_sha256(described: Mapping[str, Any]) -> str:
    """Of all that a tool is declared to be: what a standing approval is bound to. Its description is for the model alone, and what may be tried
    instead of it for dry runs."""
    return canonical.fingerprint(canonical.storable({k: v for k, v in described.items() if k not in {"description", "kept", "what_if"}}))


class RiskClass(StrEnum):
    READ = "read"
    WRITE = "write"
    MESSAGE = "message"
    MONEY = "money"
    DELETE = "delete"
    ADMIN = "admin"


class ToolError(Exception):
    """The tool refused and nothing was done: recorded as FAILED, told to the agent as a structured error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class BadArgs(ValueError):
    """Arguments do not fit the tool; `fields` maps an argument's path to what is wrong with it."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.fields = fields
        super().__init__("; ".join(f"{path or 'arguments'}: {why}" for path, why in fields.items()))


@dataclass(frozen=True)
class Preview:
    """What a call would do, found out without doing it.

    Attributes:
        summary: one line for people.
        facts: figures the policy reads: amount_cents, currency, rows, files, bytes, recipients.
        details: what people are shown: {"columns", "before", "after"}, {"files": [...]} or any JSON.
        estimated_cost: dollars the call itself will cost, where the tool knows. Of this and what the agent says the larger counts.
    """

    summary: str = ""
    facts: dict[str, int | str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    estimated_cost: float | None = None

    @property
    def figures(self) -> dict[str, int]:
        return {k: v for k, v in self.facts.items() if isinstance(v, int) and not isinstance(v, bool)}

    def as_json(self) -> dict[str, Any]:
        cost = {} if self.estimated_cost is None else {"estimated_cost": self.estimated_cost}
        return {"summary": self.summary, "facts": dict(self.facts), "details": canonical.storable(self.details, limit=4_000), **cost}

    def cost(self, said: Any = None) -> float | None:
        """The larger of what the tool found and what an agent said; None when neither knows."""
        known = [float(c) for c in (said, self.estimated_cost) if isinstance(c, int | float) and not isinstance(c, bool)]
        return max(known, default=None)


@dataclass(frozen=True)
class ToolContext:
    """What a tool may know of the call. Send `idempotency_key` along: the same action is never a second key."""

    action_id: str
    run_id: str
    agent: str
    idempotency_key: str
    run_input: dict[str, Any]
    environment: str = "production"


@dataclass(frozen=True)
class Tool:
    """A declared tool. `args` is its pydantic model; `call` does the work; see `tool` for the rest."""

    name: str
    args: type[BaseModel]
    call: Callable[[Any, ToolContext], dict[str, Any]]
    risk: RiskClass
    summary: str
    description: str = ""
    reversible: bool = False
    preview: Callable[[Any, ToolContext], Preview] | None = None
    idempotent: bool = False
    untrusted_output: bool = False
    timeout_s: float = 30.0
    check_outcome: Callable[[Any, ToolContext], str] | None = None
    confirm: str = ""
    compensate: Callable[[Any, dict[str, Any], ToolContext], dict[str, Any]] | None = None
    contact: str = ""
    own_process: bool = False
    what_if: Mapping[str, Callable[[Any, ToolContext], dict[str, Any]]] = field(default_factory=dict)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        return self.args.model_json_schema()

    @cached_property
    def schema_sha256(self) -> str:
        return canonical.fingerprint(self.schema)

    @cached_property
    def declared_sha256(self) -> str:
        return declared_sha256(self.describe())

    def validate(self, args: Any) -> tuple[BaseModel, dict[str, Any]]:
        """The arguments as the tool's own model, and their normal form in JSON: what is shown is what runs.

        Raises:
            BadArgs: per field, what is wrong.
        """
        try:
            model = self.args.model_validate(args)
        except ValidationError as error:
            raise BadArgs({".".join(map(str, e["loc"])): e["msg"] for e in error.errors()}) from error
        except Exception as error:  # a validator is somebody else's code
            raise BadArgs({"": f"the tool's own check of its arguments failed: {type(error).__name__}: {error}"}) from error
        try:
            normal = model.model_dump(mode="json")
            canonical.dumps(normal)
        except (canonical.NotCanonical, ValueError) as error:
            raise BadArgs({"": str(error)}) from error
        return model, normal

    def describe(self) -> dict[str, Any]:
        """The declaration as JSON, kept with the agent's version and shown to people."""
        return {
            "name": self.name,
            "description": self.description,
            "risk": str(self.risk),
            "reversible": self.reversible,
            "idempotent": self.idempotent,
            "has_preview": self.preview is not None,
            "untrusted_output": self.untrusted_output,
            "timeout_s": self.timeout_s,
            "summary": self.summary,
            **({"confirm": self.confirm} if self.confirm else {}),
            **({"compensates": True} if self.compensate else {}),
            **({"contact": self.contact} if self.contact else {}),
            **({"own_process": True} if self.own_process else {}),
            **({"what_if": sorted(self.what_if)} if self.what_if else {}),
            "schema": self.schema,
            "schema_sha256": self.schema_sha256,
        }


def tool(
    *,
    name: str,
    risk: RiskClass,
    summary: str,
    reversible: bool = False,
    preview: Callable[[Any, ToolContext], Preview] | None = None,
    idempotent: bool = False,
    untrusted_output: bool = False,
    timeout_s: float = 30.0,
    check_outcome: Callable[[Any, ToolContext], str] | None = None,
    confirm: str = "",
    compensate: Callable[[Any, dict[str, Any], ToolContext], dict[str, Any]] | None = None,
    contact: str = "",
    own_process: bool = False,
    what_if: Mapping[str, Callable[[Any, ToolContext], dict[str, Any]]] | None = None,
) -> Callable[[Callable[[Any, ToolContext], dict[str, Any]]], Tool]:
    """Declare a function `(args: SomeModel, ctx: ToolContext) -> dict` as a tool.

    Args:
        risk: what kind of thing it does; decides the policy's first points.
        summary: the author's template over the arguments, see `agents.tools.summaries`.
        reversible: whether what it did can be undone; not declared means no.
        preview: finds out what a call would do, without side effects.
        idempotent: the same idempotency key may safely be sent again after a crash.
        untrusted_output: its result holds text from outside (mail, file names, web pages).
        timeout_s: seconds after which the call is given up.
        check_outcome: asks whether a call whose outcome is unknown was done: "done", "not_done" or "unknown".
        confirm: the argument that names the target ("order_id"): what a person types before something critical runs. Without it, the
            first argument that the summary shows as it is; without that, the tool's name.
        compensate: reverses a call that was done, from its arguments and its result. May be sent again with the same idempotency key, which is
            another than the call's; ToolError says that it cannot be reversed.
        contact: whom people call when it cannot be reversed: "payments desk, extension 12". Without it, the agent's owner is named.
        own_process: the call, and what reverses it, run in a process group of their own, which a halt ends: a soft signal, two seconds, a hard one.
            Starting it takes about as long as loading the project. Its preview and its check still run in the worker.
        what_if: other implementations by name, which change nothing: dry runs of a run try them in its place ("what if the bank had declined?").

    Raises:
        TypeError: it is a generator, the first parameter has no pydantic model, `confirm` names no argument of it, or what is reversed is not declared reversible, or `what_if` holds no names of functions.
    """

    def declare(call: Callable[[Any, ToolContext], dict[str, Any]]) -> Tool:
        if begins_later(call):
            raise TypeError(f"{name}: a generator returns before its body runs; declare a function that returns when it is done")
        model = _args_model(call)
        if confirm and confirm.partition(".")[0] not in model.model_fields:
            raise TypeError(f"{name}: confirm={confirm!r} is none of its arguments ({', '.join(model.model_fields)})")
        if compensate and not reversible:
            raise TypeError(f"{name}: a tool with compensate= is reversible; say reversible=True")
        others: dict[Any, Any] = dict(what_if or {})
        if wrong := [key for key, other in others.items() if not (isinstance(key, str) and key and key.isprintable() and callable(other))]:
            raise TypeError(f"{name}: what_if={{{wrong[0]!r}: ...}} has to be a name and a function `(args, ctx) -> dict`")
        return Tool(
            name=name,
            args=model,
            call=call,
            risk=risk,
            summary=summary,
            reversible=reversible,
            description=inspect.getdoc(call) or "",
            preview=preview,
            idempotent=idempotent,
            untrusted_output=untrusted_output,
            timeout_s=timeout_s,
            check_outcome=check_outcome,
            confirm=confirm,
            compensate=compensate,
            contact=contact,
            own_process=own_process,
            what_if=others,
        )

    return declare


def _args_model(call: Callable[..., Any]) -> type[BaseModel]:
    first = next(iter(inspect.signature(call).parameters))
    model = typing.get_type_hints(call)[first]
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise TypeError(f"{call.__name__}: annotate the first parameter with a pydantic model")
    return model
