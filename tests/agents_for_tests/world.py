"""The outside world of the tests: a file that gets a line per call, and never asks whether it has seen the key before."""

import os
import signal
import subprocess
import time
from typing import Any

from pydantic import BaseModel, Field, field_validator

from agents.tools.registry import Preview, RiskClass, ToolContext, ToolError, tool


class Line(BaseModel):
    label: str = Field(max_length=300_000)
    times: int = 1


class Payment(BaseModel):
    amount_cents: int = Field(ge=1)
    to: str = "ada"


class Anything(BaseModel):
    value: Any = None


class Fussy(BaseModel):
    label: str

    @field_validator("label")
    @classmethod
    def crash(cls, value: str) -> str:
        if value == "crash":
            raise KeyError("a validator of somebody else's")
        return value


def write(ctx: ToolContext, label: str) -> None:
    """One line, at once: who was called with which key."""
    out = os.open(ctx.run_input["world"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(out, f"{ctx.idempotency_key} {label[:80]}\n".encode())
    os.close(out)


def _amount(args: Payment, ctx: ToolContext) -> Preview:
    return Preview(facts={"amount_cents": args.amount_cents}, details={"to": args.to})


def _was_appended(args: Line, ctx: ToolContext) -> str:
    """Whether the world has a line of this key; a label of "mute" or "dumb" says what it should not."""
    if args.label == "mute":
        raise RuntimeError("the world does not answer")
    with open(ctx.run_input["world"], encoding="utf-8") as world:
        return "perhaps" if args.label == "dumb" else "done" if ctx.idempotency_key in world.read() else "not_done"


def _says_it_is_full(args: Line, ctx: ToolContext) -> dict[str, Any]:
    raise ToolError("full", f"There is no room for {args.label}")


WHAT_IF = {"louder": lambda args, ctx: {"written": args.label.upper()}, "full": _says_it_is_full}


@tool(name="append", risk=RiskClass.WRITE, summary="Append {label}", check_outcome=_was_appended, what_if=WHAT_IF)
def append(args: Line, ctx: ToolContext) -> dict[str, Any]:
    """Appends a line. What is done twice is there twice."""
    write(ctx, args.label)
    return {"appended": args.label[:80]}


@tool(name="append_again", risk=RiskClass.WRITE, summary="Append {label}, repeatably", idempotent=True)
def append_again(args: Line, ctx: ToolContext) -> dict[str, Any]:
    """Declared idempotent: may be called again with its key."""
    write(ctx, args.label)
    return {"appended": args.label[:80]}


@tool(name="look", risk=RiskClass.READ, summary="Look", idempotent=True)
def look(args: Anything, ctx: ToolContext) -> dict[str, Any]:
    """Reads only: passes by policy. "amiss" is not there."""
    write(ctx, "looked")
    if args.value == "amiss":
        raise ToolError("not_found", "there is no such thing")
    return {"seen": "nothing"}


def _metered(args: Line, ctx: ToolContext) -> Preview:
    return Preview(estimated_cost=float(args.times))


@tool(name="metered", risk=RiskClass.WRITE, summary="Use {label}", preview=_metered)
def metered(args: Line, ctx: ToolContext) -> dict[str, Any]:
    """Costs a dollar each time."""
    return {"used": args.times}


@tool(name="read_much", risk=RiskClass.READ, summary="Read much")
def read_much(args: Anything, ctx: ToolContext) -> dict[str, Any]:
    """Gives back more than a leaf of the log can hold."""
    return {"rows": [f"row {n} " + "x" * 100 for n in range(5_000)]}


@tool(name="browse", risk=RiskClass.READ, summary="Browse", untrusted_output=True)
def browse(args: Anything, ctx: ToolContext) -> dict[str, Any]:
    """Gives back a long page of somebody else's, with what was asked for near its end."""
    return {"page": "all is well here. " * 800 + "\n" + str(args.value)}


@tool(name="read_deep", risk=RiskClass.READ, summary="Read deep")
def read_deep(args: Anything, ctx: ToolContext) -> dict[str, Any]:
    """Gives back something nested far deeper than any leaf."""
    nested: Any = "bottom"
    for _ in range(5_000):
        nested = [nested]
    return {"nested": nested}


@tool(name="answer", risk=RiskClass.READ, summary="Answer whatever it was given")
def answer(args: Anything, ctx: ToolContext) -> dict[str, Any]:
    """Not every author reads that a tool gives back a dict."""
    odd: dict[str, Any] = {"nan": float("nan"), "object": object(), "bytes": b"\xff", "nul": "\x00", "huge": 2**200, "large": 1e17}
    return odd.get(args.value, args.value) if isinstance(args.value, str) else args.value


@tool(name="pay", risk=RiskClass.MONEY, summary="Pay {amount_cents|money} to {to}", preview=_amount)
def pay(args: Payment, ctx: ToolContext) -> dict[str, Any]:
    """Its level follows the amount: from 200.00 high, from 1,000.00 critical."""
    write(ctx, f"paid {args.amount_cents}")
    return {"paid": args.amount_cents}


@tool(name="sleep", risk=RiskClass.WRITE, summary="Sleep", timeout_s=0.2)
def sleep(args: Line, ctx: ToolContext) -> dict[str, Any]:
    """Acts, then gives no answer in time."""
    write(ctx, args.label)
    time.sleep(5)
    return {}


@tool(name="linger", risk=RiskClass.WRITE, summary="Linger", idempotent=False, timeout_s=60)
def linger(args: Line, ctx: ToolContext) -> dict[str, Any]:
    """Acts and takes its time, so that somebody can kill the worker meanwhile."""
    write(ctx, args.label)
    time.sleep(args.times)
    return {"lingered": args.times}


def _let_go(args: Line, result: dict[str, Any], ctx: ToolContext) -> dict[str, Any]:
    write(ctx, f"let-go-{os.getpid()}")
    return {"let_go": args.label}


@tool(name="dwell", risk=RiskClass.WRITE, summary="Dwell on {label}", timeout_s=3, own_process=True, reversible=True, compensate=_let_go)
def dwell(args: Line, ctx: ToolContext) -> dict[str, Any]:
    """Acts beside the worker and takes its time. "deaf" does not hear the soft signal, "heir" leaves a process behind, "dead" dies of itself."""
    heir = subprocess.Popen(["sleep", "300"]).pid if args.label == "heir" else 0
    if args.label == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    write(ctx, f"{args.label}-{os.getpid()}-{heir}")
    if args.label == "dead":
        os._exit(9)
    time.sleep(args.times)
    return {"dwelt": args.times, "pid": os.getpid()}


@tool(name="explode", risk=RiskClass.WRITE, summary="Explode")
def explode(args: Line, ctx: ToolContext) -> dict[str, Any]:
    """Acts, then raises: nobody can say how far it came."""
    write(ctx, args.label)
    raise RuntimeError("boom")


@tool(name="explode_again", risk=RiskClass.WRITE, summary="Explode, repeatably", idempotent=True)
def explode_again(args: Line, ctx: ToolContext) -> dict[str, Any]:
    """Raises every time, and may be called again."""
    write(ctx, args.label)
    raise RuntimeError("boom")


@tool(name="refuse", risk=RiskClass.WRITE, summary="Refuse")
def refuse(args: Line, ctx: ToolContext) -> dict[str, Any]:
    """Knows better, and has done nothing."""
    raise ToolError("not_today", "the world is closed")


@tool(name="fussy", risk=RiskClass.WRITE, summary="Fuss over {label}")
def fussy(args: Fussy, ctx: ToolContext) -> dict[str, Any]:
    """Its model raises what no model should."""
    return {}


def _no_preview(args: Line, ctx: ToolContext) -> Any:
    return {"rows": 3}


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("says nothing")

    __repr__ = __str__


@tool(name="misdrawn", risk=RiskClass.WRITE, summary="Misdraw {label}", preview=_no_preview)
def misdrawn(args: Line, ctx: ToolContext) -> dict[str, Any]:
    """Its preview gives something else than a Preview."""
    return {}


@tool(name="unspeakable", risk=RiskClass.READ, summary="Answer what cannot be written down")
def unspeakable(args: Anything, ctx: ToolContext) -> dict[str, Any]:
    """Acts, and gives back what nobody can record."""
    write(ctx, "acted")
    return {"it": Unspeakable()}


TOOLS = [
    misdrawn,
    unspeakable,
    append,
    append_again,
    look,
    answer,
    read_much,
    metered,
    browse,
    read_deep,
    pay,
    sleep,
    linger,
    dwell,
    explode,
    explode_again,
    refuse,
    fussy,
]
