"""The author's one-line template, filled in from validated arguments. Pure.

`{order_id}` puts an argument in, `{amount_cents|money:currency}` formats it: money (minor units, with the
currency from another argument), bytes, count (length of a list; `{files|count:file}` is "1 file", "3 files"), quote.
"""

import re
from collections.abc import Mapping
from typing import Any

_FIELD = re.compile(r"\{([a-z0-9_.]+)(?:\|([a-z]+)(?::([a-z0-9_.]+))?)?\}")
LIMIT = 200
CUTS = (80, 40, 20, 12)  # so much of each value, the most that leaves room for all of the author's line
# What may stand there bare: with anything else in it, a value could go on in words as if the author had written them.
_INNER = str.maketrans("“”„‟", '""""')
_BARE = re.compile(r"[\w.@+#/:-]*")


def summarize(template: str, args: Mapping[str, Any], tool: str = "") -> str:
    """The summary people read first: never agent prose, only arguments in the author's words.

    Values of several words stand in quotation marks, those too long are cut in the middle: the whole is shown in "What will run".
    """
    for most in CUTS:
        text = _FIELD.sub(lambda m, most=most: _format(args, m.group(1), m.group(2) or "", m.group(3) or "", most), template)  # type: ignore[misc]
        if len(text) <= LIMIT:
            return text or tool
    return f"{text[: LIMIT - 1]}…"


def _format(args: Mapping[str, Any], path: str, style: str, extra: str, most: int) -> str:
    value = _at(args, path)
    if style == "money" and isinstance(value, int):
        return f"{value / 100:,.2f} {_worded(_at(args, extra), most)}".strip()
    if style == "bytes" and isinstance(value, int):
        return human_bytes(value)
    if style == "count":
        many = len(value) if isinstance(value, list | dict | str) else 0
        return f"{many:,}" + (f" {extra}{'' if many == 1 else 's'}" if extra else "")
    return _worded(value, most, quoted=style == "quote")


def _worded(value: Any, most: int, *, quoted: bool = False) -> str:
    """A value as it stands among the author's words: it can neither be taken for them nor close its own quotation marks."""
    text = " ".join(str(value).split()).translate(_INNER)
    quoted = quoted or not _BARE.fullmatch(text)
    text = text if len(text) <= most else f"{text[: most * 3 // 4]}…{text[-(most * 3 // 16) :]}"
    return f"“{text}”" if quoted else text


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
