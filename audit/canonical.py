"""One canonical JSON (RFC 8785) and one digest (SHA-256) for approvals, effects and the log. Pure.

Values are refused, never repaired: a digest over a repaired value would be a digest of something
nobody wrote. The rules are those of reliability.md section 2.
"""

import hashlib
import json
from typing import Any

import rfc8785

from audit.sentences import cause, say

MAX_DEPTH = 32
DEEPEST = 200  # of what is kept to be used again
STORED_DEPTH = 24  # what is stored to be shown lies a few levels deep in an event
TOO_DEEP = f"… [nested deeper than {STORED_DEPTH} levels]"
MAX_BYTES = 256 * 1024
MAX_INT = 2**53 - 1
ANSWERED_INT = 2**63 - 1  # of an answer, which is kept as its text: LangGraph's checkpoints hold it, and so does all that counts in 64 bits
WRITTEN_WITH_EXPONENT = 1e21

Json = Any  # a JSON value: None, bool, int, float, str, list, dict with string keys


class NotCanonical(ValueError):
    """The value has no canonical form; the message is a sentence for the person or agent who sent it."""


def dumps(value: Json) -> bytes:
    """The RFC 8785 bytes of a JSON value.

    Raises:
        NotCanonical: for NUL, lone surrogates, NaN or infinity, integers beyond 2**53-1, keys that
            are not strings, nesting deeper than 32, or more than 256 KiB.
    """
    _check(value, 0, "value")
    try:
        data = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise NotCanonical(say("the value cannot be written as canonical JSON: %(why)s", why=cause(error))) from error
    if len(data) > MAX_BYTES:
        raise NotCanonical(say("the value is %(n)d bytes; at most %(max_bytes)d are accepted", n=len(data), max_bytes=MAX_BYTES))
    return data


def parse(data: bytes | str, *, greatest: int = MAX_INT) -> Json:
    """The value of strict JSON text: one duplicate key, NaN or bad byte and it is refused.

    Args:
        greatest: the whole number that may not be exceeded. More than MAX_INT is only for what is passed on as the text it is, and never digested
            as a value.

    Raises:
        NotCanonical: with the reason, as for `dumps`.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        if len(text) > MAX_BYTES:
            raise NotCanonical(say("the text is %(n)d characters; at most %(max_bytes)d are accepted", n=len(text), max_bytes=MAX_BYTES))
        value = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise NotCanonical(say("the text is not valid UTF-8")) from error
    except json.JSONDecodeError as error:
        raise NotCanonical(
            say("not valid JSON: %(msg)s at line %(lineno)s, column %(colno)s", msg=error.msg, lineno=error.lineno, colno=error.colno)
        ) from error
    except RecursionError as error:
        raise NotCanonical(say("nested deeper than %(max_depth)d levels", max_depth=MAX_DEPTH)) from error
    except ValueError as error:  # an integer of more than 4,300 digits
        raise error if isinstance(error, NotCanonical) else NotCanonical(say("a number is too large")) from error
    _check(value, 0, "value", greatest)
    return value


def digest(domain: str, data: bytes) -> str:
    """Hex SHA-256 of `domain` + newline + canonical bytes; the domain keeps digests of one use out of another."""
    return hashlib.sha256(domain.encode("ascii") + b"\n" + data).hexdigest()


def fingerprint(value: Json) -> str:
    """Hex SHA-256 of a JSON value's canonical bytes, for schemas, policies and results."""
    return hashlib.sha256(dumps(value)).hexdigest()


def storable(value: Json, *, limit: int = 20_000) -> Json:
    """A copy of any value that PostgreSQL's jsonb accepts, for traces and results that are *shown*, never run.

    What jsonb cannot hold is written visibly (``⟨U+0000⟩``), long text is cut with its length said, and so is what is
    nested deeper than a canonical value may be.
    """
    return _storable(value, limit, 0)


def _storable(value: Json, limit: int, depth: int) -> Json:
    if isinstance(value, str):
        clean = "".join(f"⟨U+{ord(c):04X}⟩" if c == "\x00" or 0xD800 <= ord(c) <= 0xDFFF else c for c in value[:limit])
        return clean if len(value) <= limit else f"{clean}… [{len(value):,} characters in all]"
    if value is None or isinstance(value, bool | int):
        return value if not isinstance(value, int) or abs(value) <= MAX_INT else str(value)
    if isinstance(value, float):
        plain = value == value and (abs(value) <= MAX_INT or WRITTEN_WITH_EXPONENT <= abs(value) < float("inf"))
        return value if plain else str(value)
    if isinstance(value, dict | list | tuple | set) and depth >= STORED_DEPTH:
        return TOO_DEEP
    if isinstance(value, dict):
        kept: dict[str, Json] = {}
        for key, item in value.items():
            name = str(_storable(str(key), limit, depth))
            while name in kept:  # 1 beside "1": both are shown
                name += f" ⟨{type(key).__name__}⟩"
            kept[name] = _storable(item, limit, depth + 1)
        return kept
    if isinstance(value, list | tuple | set):
        return [_storable(v, limit, depth + 1) for v in value]
    return _storable(str(value), limit, depth)


def usable(value: Json, depth: int = 0) -> Json:
    """A copy of a JSON value that PostgreSQL's jsonb accepts, for what is *used* again, such as a schema that answers are held against.

    Numbers, depth and length stay what they are; only what jsonb cannot hold at all is written as `storable` writes it.
    """
    if isinstance(value, str):
        return storable(value, limit=len(value))
    if isinstance(value, dict | list | tuple | set) and depth < DEEPEST:
        if isinstance(value, dict):
            return {str(usable(str(key))): usable(one, depth + 1) for key, one in value.items()}
        return [usable(one, depth + 1) for one in value]
    if isinstance(value, int) and abs(value) < 10**1_000:
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return int(value) if abs(value) > MAX_INT else value  # all are whole numbers there; its shortest text names another one
    return storable(value)


def text_fingerprint(value: Json) -> str:
    """Hex SHA-256 of a value's JSON text with its keys in order: of what may have no canonical bytes, and is only compared with itself."""
    return hashlib.sha256(json.dumps(usable(value), sort_keys=True).encode()).hexdigest()


def _check(value: Json, depth: int, where: str, greatest: int = MAX_INT) -> None:
    if depth > MAX_DEPTH:
        raise NotCanonical(say("%(where)s is nested deeper than %(max_depth)d levels", where=where[:80], max_depth=MAX_DEPTH))
    if isinstance(value, str):
        _check_text(value, where)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotCanonical(say("%(where)s has a key that is not text: %(key)s", where=where[:80], key=repr(key)))
            _check_text(key, f"a key of {where}")
            _check(item, depth + 1, f"{where}.{key}" if len(where) < 80 else where, greatest)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item, depth + 1, where, greatest)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if abs(value) > greatest:
            raise _too_large(where, greatest)
    elif isinstance(value, float):
        if value != value or abs(value) == float("inf"):
            raise NotCanonical(say("%(where)s is not a finite number", where=where[:80]))
        if greatest < abs(value) < WRITTEN_WITH_EXPONENT:  # RFC 8785 writes it as a whole number, which nobody may read back
            raise _too_large(where, greatest)
    else:
        raise NotCanonical(say("%(where)s is a %(name)s, which JSON has not", where=where[:80], name=type(value).__name__))


def _too_large(where: str, greatest: int) -> NotCanonical:
    if greatest > MAX_INT:
        return NotCanonical(say("%(where)s is a whole number beyond 2^63-1, which an agent cannot keep", where=where[:80]))
    return NotCanonical(
        say(
            "%(where)s is a whole number beyond 2^53-1, which has no exact form that all programs read alike: send it as text if the tool takes "
            "text; a tool that takes only the number cannot be called through Countersign with it",
            where=where[:80],
        )
    )


def _check_text(text: str, where: str) -> None:
    if "\x00" in text:
        raise NotCanonical(say("%(where)s holds a NUL character", where=repr(where[:80])))
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text) if not text.isascii() else False:
        raise NotCanonical(say("%(where)s holds half a character (a lone surrogate)", where=repr(where[:80])))


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise NotCanonical(say("the key %(twice)s stands twice in one object", twice=repr(twice[:80])))
    return found


def _no_constant(name: str) -> None:
    raise NotCanonical(say("%(name)s is not a JSON number", name=name))
