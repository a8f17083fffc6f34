"""What a model call costs, and money as whole millionths: never a float. Imports nothing of ours.

A price per million tokens is the same figure as millionths per token, so a call costs `tokens * price`, rounded up.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

_AMOUNT = re.compile(r"[0-9]+([.][0-9]*)?|[.][0-9]+")
MICRO = 1_000_000
MOST_MICROS = 10**15  # a milliard of the currency
MOST_TOKENS = 10**15
CHARACTERS = 4  # of a token, where nobody says how many there are; the usual rule of thumb for English


class BadPrices(ValueError):
    """The file of prices cannot be used; the message says where."""


@dataclass(frozen=True)
class Price:
    """Money per million tokens. `demo`: it is invented."""

    model: str
    input: Decimal
    output: Decimal
    demo: bool = False


@dataclass(frozen=True)
class Prices:
    currency: str
    rows: tuple[Price, ...]


@dataclass(frozen=True)
class Used:
    """What one or several calls used. `unpriced` counts those among them whose model has no known price."""

    tokens: int = 0
    micros: int = 0
    unpriced: int = 0

    def __add__(self, other: "Used") -> "Used":
        return Used(self.tokens + other.tokens, self.micros + other.micros, self.unpriced + other.unpriced)

    def __sub__(self, other: "Used") -> "Used":
        return Used(self.tokens - other.tokens, self.micros - other.micros, self.unpriced - other.unpriced)

    def __bool__(self) -> bool:
        return bool(self.tokens or self.micros or self.unpriced)


def prices() -> Prices:
    """The prices in force in this process. Raises BadPrices."""
    return _read(Path(settings.PRICES))


def price_of(model: str) -> Price | None:
    """The first price whose pattern matches; None: none is known."""
    return next((p for p in prices().rows if fnmatchcase(model.lower(), p.model.lower())), None)


def used(model: str, usage: Mapping[str, Any]) -> Used:
    """What a call used, by what its provider counted. Input from a cache counts as any other."""
    given, came = _count(usage.get("input_tokens")), _count(usage.get("output_tokens"))
    total = _count(usage.get("total_tokens")) or given + came
    price = price_of(model)
    if price is None:
        return Used(total, 0, 1)
    cost = (given * price.input + max(came, total - given) * price.output).to_integral_value(ROUND_CEILING)
    return Used(total, min(int(cost), MOST_MICROS))


def estimated(given: int, came: int) -> dict[str, Any]:
    """What a call used whose provider does not say: four characters of prompt and answer to a token, and a word that it is a guess."""
    tokens = [-(-characters // CHARACTERS) for characters in (given, came)]
    return {"input_tokens": tokens[0], "output_tokens": tokens[1], "total_tokens": sum(tokens), "estimated": True}


def guessed(model: str, characters: int) -> Used:
    """What a call that begins will use at least: its prompt, four characters to a token."""
    return used(model, {"input_tokens": -(-characters // CHARACTERS)})


def to_micros(text: Any) -> int:
    """An amount as people write it. Raises ValueError: not a number, below zero, too large, or finer than a millionth."""
    whole = Decimal(repr(text)) if isinstance(text, float) else text
    said = f"{whole:f}" if isinstance(whole, Decimal) else str(whole).strip()
    if not _AMOUNT.fullmatch(said):  # Decimal reads "1_0", "1e2" and the digits of other scripts as well
        raise ValueError("not a number")
    amount = Decimal(said)
    if len(said) > 28:
        raise ValueError("not an amount")
    if not amount.is_finite() or amount < 0 or amount > MOST_MICROS // MICRO:
        raise ValueError("not an amount")
    if amount and (amount.adjusted() < -6 or amount * MICRO != (amount * MICRO).to_integral_value()):
        raise ValueError("finer than a millionth")
    return int(amount * MICRO)


def cost_micros(said: float | None) -> int:
    """A cost that a tool or an agent estimated, rounded up; 0 where none was said."""
    if said is None:
        return 0
    amount = Decimal(repr(said))
    return min(int((amount * MICRO).to_integral_value(ROUND_CEILING)), MOST_MICROS) if amount.is_finite() and amount > 0 else 0


def amount(micros: int) -> str:
    """As people read it, without the currency: two decimals, more where little was spent."""
    value = Decimal(micros) / MICRO
    if value >= 10 or micros % 10_000 == 0:
        return f"{value:.2f}"
    text = f"{value:.4f}" if micros >= 100 else f"{value:.6f}"
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"


def exact(micros: int) -> str:
    """As a field of a form holds it: no digit is lost."""
    whole, rest = divmod(micros, MICRO)
    return f"{whole}." + f"{rest:06}".rstrip("0").ljust(2, "0")


def marked(micros: int | None, tokens: int | None, seconds: int | None = None) -> str:
    """Limits as a form carries them along, so that what another person set meanwhile is not overwritten."""
    return ",".join("none" if n is None else str(n) for n in (micros, tokens, seconds))


def money(micros: int) -> str:
    return f"{amount(micros)} {prices().currency}"


def _count(value: Any) -> int:
    return min(value, MOST_TOKENS) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


@lru_cache(maxsize=4)
def _read(path: Path) -> Prices:
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        rows = said.get("price", [])
        found = tuple(Price(str(p["model"]), _price(p["input"]), _price(p["output"]), p.get("demo") is True) for p in rows)
        return Prices(str(said.get("currency", "USD"))[:8], found)
    except (OSError, UnicodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadPrices(f"{path} cannot be used as prices: {error}") from error


def _price(said: Any) -> Decimal:
    """A string, or a whole number: a float in the file would not be what was written."""
    if isinstance(said, bool) or not isinstance(said, str | int):
        raise ValueError('write a price in quotes: "0.25"')
    try:
        value = Decimal(str(said))
    except InvalidOperation:
        raise ValueError(f"{said!r} is no price") from None
    if not value.is_finite() or not 0 <= value <= 1_000_000:
        raise ValueError(f"{said!r} is no price")
    return value
