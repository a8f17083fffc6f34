"""`manage.py agents costs`: what an agent spent, as a terminal shows it."""

import json
from collections.abc import Callable

from agents import budgeted, prices, queries, spent
from agents.spent import Part
from config import commands


def show(slug: str, write: Callable[[str], object], *, as_json: bool) -> None:
    found = spent.costs_of(queries.agent(slug).slug)
    if as_json:
        write(json.dumps(spent.plain(found), default=str, indent=2))
        return
    write(_line(f"{slug}, {found.at:%Y-%m-%d %H:%M} UTC", ["today", "7 days", "30 days"]))
    for model, by in [*found.models.items(), ("all of it", found.total)]:
        write(_line(commands.shown(model) or "calls of tools", [_part(by[name]) for name in spent.WINDOWS]))
    begun = [found.begun[name] for name in spent.WINDOWS]
    write(_line("runs that began then", [str(one.runs) for one in begun]))
    write(_line("  each of these", [f"{prices.money(one.micros_each)}, {one.tokens_each} tokens" if one.runs else "-" for one in begun]))
    write(f"today may come to {_guess(found.by_hour)} as it went until now, {_guess(found.by_week)} as the last 7 days ended")
    for day in budgeted.days(scope="agent", target=slug):
        write(f"its budget of the day: {day.words}")
    if unpriced := found.total["month"].unpriced:
        write(f"{unpriced} model calls of these 30 days have no known price: their money is not counted")


def _line(name: str, cells: list[str]) -> str:
    return f"  {name[:32]:<34}" + " ".join(f"{cell:>26}" for cell in cells)


def _part(part: Part) -> str:
    return f"{prices.money(part.micros)}, {part.tokens} tokens"


def _guess(micros: int | None) -> str:
    return "-" if micros is None else prices.money(micros)
