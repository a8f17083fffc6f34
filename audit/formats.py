"""What `format` says of a text (a date, an e-mail address), held against what people write. Pure.

Belongs here beside `schemas`, because forms and answers in JSON are refused alike. Only people's words are held against it: a schema's
`format` is a remark to whoever writes, so what an agent itself proposed, or gave as a default, is passed on as it is.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, time
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError

from audit import schemas
from audit.sentences import say

CHECKER = jsonschema.FormatChecker(("date", "ipv4", "ipv6", "uuid"))
_OFFSET = re.compile(r"(?:[Zz]|[+-]\d\d:\d\d)$")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_URI = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+""")


def _in_words() -> dict[str, str]:
    return {
        "date": say("A date, such as 2026-11-28"),
        "date-time": say("A date and a time with its offset from UTC, such as 2026-11-28T18:00:00Z"),
        "time": say("A time with its offset from UTC, such as 18:00:00Z"),
        "email": say("An e-mail address, such as rita@example.com"),
        "uri": say("A whole address, such as https://example.com/orders"),
        "uuid": say("A UUID, such as 5f0c1d3e-8f5b-4c7a-9a64-0c1d3e8f5b4c"),
        "ipv4": say("An IPv4 address, such as 192.0.2.10"),
        "ipv6": say("An IPv6 address, such as 2001:db8::10"),
    }


@CHECKER.checks("date-time")
def _date_time(value: object) -> bool:
    return not isinstance(value, str) or (_reads(datetime, _MOMENT, value) and bool(_OFFSET.search(value)))


@CHECKER.checks("time")
def _time(value: object) -> bool:
    return not isinstance(value, str) or (_reads(time, _TIME, value) and bool(_OFFSET.search(value)))


@CHECKER.checks("email")
def _email(value: object) -> bool:
    return not isinstance(value, str) or bool(_EMAIL.fullmatch(value))


@CHECKER.checks("uri")
def _uri(value: object) -> bool:
    return not isinstance(value, str) or bool(_URI.fullmatch(value))


def _reads(kind: type[datetime] | type[time], pattern: re.Pattern[str], text: str) -> bool:
    try:
        return bool(pattern.fullmatch(text)) and kind.fromisoformat(text.upper()) is not None
    except ValueError:
        return False


def fits(name: str, value: Any) -> bool:
    """Whether a value is of a format; of one that is not looked at, everything is."""
    return CHECKER.conforms(value, name)


def words(name: Any) -> str:
    """What a format asks for, "" where it is not looked at."""
    return _in_words().get(name, "") if isinstance(name, str) else ""


def wrong(schema: Mapping[str, Any], value: Any, before: Any = None) -> dict[str, str]:
    """Which texts are not of their format, by path, in a sentence each. For a value that fits its schema otherwise.

    Args:
        before: what stood there. What was not changed, or is the schema's own default, is nobody's mistake here; and where that had no offset
            from UTC, none is asked for.
    """
    found = {}
    for error in schemas.errors(schema, value, CHECKER)[: schemas.MOST]:
        leaf = _leaf(error)
        own = [_at(before, error.absolute_path), error.schema.get("default") if isinstance(error.schema, Mapping) else None]
        if leaf is None or any(one == leaf.instance or _alike(leaf.validator_value, leaf.instance, one) for one in own):
            continue
        found[".".join(map(str, error.absolute_path))] = words(leaf.validator_value)
    return found


def _leaf(error: ValidationError) -> ValidationError | None:
    """The format within "any of these" that was not met."""
    return next((one for one in _all(error) if one.validator == "format"), None)


def _all(error: ValidationError) -> Iterator[ValidationError]:
    yield error
    for one in error.context or ():
        yield from _all(one)


def _at(value: Any, path: Any) -> Any:
    for part in path:
        if (isinstance(value, Mapping) and part in value) or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            value = value[part]
        else:
            return None
    return value


def _alike(name: Any, value: Any, before: Any) -> bool:
    """Both without an offset from UTC, as some write all their times."""
    kinds: dict[Any, tuple[Any, re.Pattern[str]]] = {"date-time": (datetime, _MOMENT), "time": (time, _TIME)}
    if name not in kinds or not isinstance(value, str) or not isinstance(before, str) or _OFFSET.search(before):
        return False
    return _reads(*kinds[name], before) and _reads(*kinds[name], value)
