"""`manage.py runs checkpoints`: what the graph wrote after each step, how each came about, and how two of them differ."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from agents import history, queries
from agents.prices import money
from agents.stepped import Made, made
from approvals.render.reveal import Revealed
from approvals.render.since import compare
from config import commands
from config.management import overrides


def show(options: dict[str, Any], write: Callable[[str], object]) -> None:
    """The list, the newest first; with two named, how they differ."""
    run = queries.run_detail(options["run"])
    rows = history.checkpoints(run.thread, limit=10_000).rows
    if options["compare"]:
        _difference(run.thread, [overrides.one_of(rows, end) for end in options["compare"]], write)
        return
    head, how = history.head(run.thread), made(run.row.id, rows)
    for order in queries.overrides(run.row.id):
        if queries.stands(order, head) == "ASKED":
            asks = f"{order.by} asks to {order.kind} {commands.shown(order.node)} with {commands.shown_json(order.values)}{' --stay' * order.stay}"
            write(f"{asks}: {commands.shown(order.reason)} (another operator confirms by ordering the same)")
    for one in rows:
        where = f"{','.join(one.after) or one.source:<20} -> {','.join(one.next) or 'the end'}"
        said = "".join([" asked people" * one.asked, " failed" * one.failed])
        write(f"{one.id}  {one.step:>4}  {one.at:%Y-%m-%d %H:%M:%S}  {one.version:<16} {where}{said}{_how(how[one.id])}")


def _how(found: Made) -> str:
    """What its step took, on the same line."""
    said = [
        "" if found.took_ms is None else f"{found.took_ms:.0f} ms",
        ", ".join(f"{commands.shown(name)} x{n}" for name, n in found.models.items()),
        f"{found.tokens} tokens, {money(found.micros)}" if found.models else "",
        f"prompt {' '.join(sha256[:12] for sha256 in found.prompts)}" if found.prompts else "",
        f"policy {found.policy}" if found.policy else "",
        f"tools {found.tools[:12]}" if found.tools else "",
        commands.shown(found.error),
    ]
    return f"  ({'; '.join(filter(None, said))})" if any(said) else ""


def _difference(thread: str, picked: list[str], write: Callable[[str], object]) -> None:
    if len(picked) != 2:
        raise CommandError("Name two checkpoints to compare")
    older, newer = sorted(picked)
    found = compare(history.values(thread, older), history.values(thread, newer))
    for line in found.differences:
        sides = [f"{sign} {_text(side)}" for sign, side in (("-", line.before), ("+", line.after)) if side]
        write("\n  ".join([line.path, *sides, *([f"({line.note})"] if line.note else [])]))
    write(f"{len(found.differences)} differ, {found.same} are the same")


def _text(shown: Revealed) -> str:
    """As a terminal may show it: what hides is marked."""
    return "".join(part.text for part in (*shown.head, *shown.middle, *shown.tail))
