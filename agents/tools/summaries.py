"""The author's one-line template, filled in from validated arguments. Pure.

`{order_id}` puts an argument in, `{amount_cents|money:currency}` formats it: money (minor units, with the
currency from another argument), bytes, count (length of a list), quote.
"""

import re
from collections.abc import Mapping
from typing import Any

_FIELD = re.compile(r"\{([a-z0-9_.]+)(?:\|([a-z]+)(?::([a-z0-9_.]+))?)?\}")
LIMIT = 200


def summarize(template: str, args: Mapping[str, Any], tool: str = "") -> str:
    """The summary people read first: never agent prose, only arguments in the author's words.

    Values are cut at 80 characters: the whole is shown in "What will run".
    """
    text = _FIELD.sub(lambda m: _format(args, m.group(1), m.group(2) or "", m.group(3) or ""), template)
    return text[:LIMIT] or tool


def _format(args: Mapping[str, Any], path: str, style: str, extra: str) -> str:
    value = _at(args, path)
    if style == "money" and isinstance(value, int):
        return f"{value / 100:,.2f} {_at(args, extra) or ''}".strip()
    if style == "bytes" and isinstance(value, int):
        return human_bytes(value)
    if style == "count":
        return f"{len(value):,}" if isinstance(value, list | dict | str) else "0"
    text = " ".join(str(value).split())
    text = text if len(text) <= 80 else f"{text[:60]}…{text[-15:]}"
    return f"“{text}”" if style == "quote" else text


def names(template: str, args: Mapping[str, Any], confirm: str = "") -> tuple[str, ...]:
    """What the author says the call is about, the best first: the argument `confirm` names, then those the template puts in as they are.

    A person types the first of them that can be typed before something critical runs (`approvals.ladder.confirm_of`). The order is the
    author's and so is the choice: arguments that only an agent's plan brings in are not asked. A value the summary cuts is left out.
    """
    summary = summarize(template, args)
    shown = [m.group(1) for m in _FIELD.finditer(template) if m.group(2) in (None, "quote")]
    values = [*([_named(args, confirm)] if confirm else []), *(v for v in (_named(args, path) for path in shown) if v in summary)]
    return tuple(dict.fromkeys(value for value in values if value))


def _named(args: Mapping[str, Any], path: str) -> str:
    value = _at(args, path)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def human_bytes(size: int) -> str:
    """1536 -> "1.5 kB" (powers of 1000, as file managers show them)."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def _at(args: Any, path: str) -> Any:
    for part in path.split("."):
        args = args.get(part, "") if isinstance(args, Mapping) else ""
    return args
