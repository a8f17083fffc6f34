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
