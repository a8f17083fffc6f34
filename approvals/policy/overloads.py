"""The operators and functions of the language for the kinds of values it has them for, and for no others.

The library hands most of them to Python, which counts with truths, repeats texts, finds letters in words, takes items from the end of a
list and the length of nothing as 0. All of that fails here, as the language has it (the CEL specification's "List of Standard
Definitions"): the caller counts what cannot be answered the strict way. With `interpreting` and `conditions` the one home of celpy. Pure.
"""

import operator
import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from celpy.celtypes import BoolType, BytesType, DoubleType, DurationType, ListType, MapType, StringType, TimestampType
from celpy.evaluation import CELEvalError, CELFunction, base_functions

NO_OVERLOAD = "no such overload"  # the language's own words
WHOLE, BROKEN = re.compile(r"-?[0-9]+"), re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
SIZED = (str, bytes, ListType, MapType)
TIMES = (TimestampType, DurationType)
# What each kind can be made of; numbers are never truths.
MADE_OF: dict[str, tuple[type, ...]] = {
    "bool": (BoolType, str),
    "bytes": (BytesType, str),
    "double": (float, int, str),
    "duration": (DurationType, str, int),
    "int": (float, int, str, TimestampType),
    "string": (str, float, int, BytesType, BoolType, *TIMES),
    "timestamp": (TimestampType, str, int),
    "uint": (float, int, str),
}


ORDER: dict[str, Callable[[Any, Any], bool]] = {"_<_": operator.lt, "_<=_": operator.le, "_>_": operator.gt, "_>=_": operator.ge}


def failed(tree: Any = None) -> CELEvalError:
    """That the language has nothing of that name for these kinds."""
    return CELEvalError(NO_OVERLOAD, TypeError, (NO_OVERLOAD,), tree=tree)


def _strictly(function: Callable[..., Any]) -> CELFunction:
    """With a failure among its arguments it is that failure; what it raises for the wrong kinds is one."""

    @wraps(function)
    def strict(*values: Any) -> Any:
        for value in values:
            if isinstance(value, CELEvalError):
                return value
        try:
            return function(*values)
        except (TypeError, AttributeError):
            return failed()

    return strict


def number(value: Any) -> bool:
    """Whether it is one for the language: Python takes truths for numbers."""
    return isinstance(value, float | int) and not isinstance(value, BoolType)


def _value(found: Any) -> float | int:
    """A number by its value, whole or broken: Python compares those exactly, as the language does."""
    return float(found) if isinstance(found, float) else int(found)


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, all that is in them, too. Raises TypeError where they cannot be compared and nothing else decides."""
    if isinstance(one, ListType) and isinstance(other, ListType):
        return len(one) == len(other) and not _some_pair(zip(one, other, strict=True), alike=False)
    if isinstance(one, MapType) and isinstance(other, MapType):
        return _keys(one) == _keys(other) and not _some_pair(((one[key], other[key]) for key in one), alike=False)
    if number(one) and number(other):
        return _value(one) == _value(other)
    if isinstance(one, BoolType) is not isinstance(other, BoolType) and (number(one) or number(other)):
        raise TypeError(NO_OVERLOAD)
    found = base_functions["_==_"](one, other)
    if not isinstance(found, BoolType):
        raise TypeError(NO_OVERLOAD)
    return bool(found)


def _keys(mapping: MapType) -> set[tuple[bool, Any]]:
    return {(isinstance(key, BoolType), key) for key in mapping}


def _some_pair(pairs: Iterable[tuple[Any, Any]], *, alike: bool) -> bool:
    """Whether one of the pairs is equal, or is not. One that cannot be compared counts only where no other decides: raises TypeError then."""
    failure = None
    for one, other in pairs:
        try:
            if _alike(one, other) is alike:
                return True
        except TypeError as error:
            failure = error
    if failure:
        raise failure
    return False


def _equal(one: Any, other: Any) -> Any:
    return BoolType(_alike(one, other))


def _unequal(one: Any, other: Any) -> Any:
    return BoolType(not _alike(one, other))


def _among(item: Any, container: Any) -> Any:
    if not isinstance(container, ListType | MapType):
        raise TypeError(NO_OVERLOAD)
    return BoolType(_some_pair(((each, item) for each in container), alike=True))


def _item(container: Any, at: Any) -> Any:
    if isinstance(container, ListType):
        if not number(at) or isinstance(at, float) or at < 0:
            raise TypeError(NO_OVERLOAD)
    elif not isinstance(container, MapType) or (isinstance(at, int) and (isinstance(at, BoolType), at) not in _keys(container)):
        raise TypeError(NO_OVERLOAD)
    return operator.getitem(container, at)


def _ordered(name: str) -> Callable[..., Any]:
    compare = ORDER[name]

    def ordered(one: Any, other: Any) -> Any:
        if number(one) and number(other):
            return BoolType(compare(_value(one), _value(other)))
        if isinstance(one, BoolType) is not isinstance(other, BoolType):
            raise TypeError(NO_OVERLOAD)
        return base_functions[name](one, other)

    return ordered


def _reckoned(name: str, *kinds: type) -> Callable[..., Any]:
    """Of numbers, and of two values of these kinds. JSON has one kind of number: with a broken one, a whole one is broken as well."""

    def reckoned(one: Any, other: Any) -> Any:
        if number(one) and number(other) and isinstance(one, float) is not isinstance(other, float):
            return base_functions[name](DoubleType(one), DoubleType(other))
        if not (number(one) and number(other)) and not (isinstance(one, kinds) and isinstance(other, kinds)):
            raise TypeError(NO_OVERLOAD)
        return base_functions[name](one, other)

    return reckoned


def _of(name: str, *kinds: type | tuple[type, ...]) -> Callable[..., Any]:
    """A function of so many values, each of these kinds."""

    def function(*values: Any) -> Any:
        if len(values) != len(kinds) or not all(isinstance(value, kind) for value, kind in zip(values, kinds, strict=True)):
            raise TypeError(NO_OVERLOAD)
        return base_functions[name](*values)

    return function


def _made(name: str, kinds: tuple[type, ...]) -> Callable[..., Any]:
    """A conversion. Texts of numbers are written as the language writes them: Python takes "1_000", blanks and other digits, too."""

    def made(value: Any) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, BoolType) and BoolType not in kinds):
            raise TypeError(NO_OVERLOAD)
        if isinstance(value, str) and name in {"double", "int", "uint"} and not (BROKEN if name == "double" else WHOLE).fullmatch(value):
            raise TypeError(NO_OVERLOAD)
        if name == "string" and isinstance(value, BoolType):
            return StringType("true" if value else "false")
        return base_functions[name](value)

    return made


OVERLOADS: dict[str, CELFunction] = {
    name: _strictly(function)
    for name, function in {
        "_==_": _equal,
        "_!=_": _unequal,
        "_in_": _among,
        "_[_]": _item,
        **{name: _ordered(name) for name in ORDER},
        **{f"_{sign}_": _reckoned(f"_{sign}_") for sign in ("*", "/", "%")},
        "_+_": _reckoned("_+_", str, bytes, ListType, *TIMES),
        "_-_": _reckoned("_-_", *TIMES),
        "size": _of("size", SIZED),
        **{name: _of(name, str, str) for name in ("contains", "startsWith", "endsWith", "matches")},
        **{name: _made(name, kinds) for name, kinds in MADE_OF.items()},
    }.items()
}
