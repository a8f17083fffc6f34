"""A form out of a JSON Schema, and arguments out of what was posted. Used for edits and for starting runs.

Belongs here: pure functions between JSON values, `Field`s and posted text; no Django but its QueryDict's shape. Simple values get
a typed control, choices are in `choosing`, objects in objects in `nesting`; anything else is a text area of JSON, so that every schema has
a form and nothing is lost on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.render.reveal import Revealed, reveal
from approvals.web import faults
from approvals.web.choosing import FEW, choices, how_many, of_items, words_of
from approvals.web.inputs import PREFIX, Posted, box, in_control, kind_of, offered, parsed, sent_as
from approvals.web.subschemas import nullable, resolved, said
from audit import formats, schemas
from audit.sentences import chain, say

_INPUTS = {"date": "date", "email": "email", "uri": "url"}


@dataclass(frozen=True)
class Option:
    """`value` goes through the form, of one of several as its own `box`; `note` is the constant behind a label that is another one."""

    value: str
    label: str
    chosen: bool = False
    note: str = ""
    box: str = ""


@dataclass(frozen=True)
class Field:
    """One control. `kind`: line, text, integer, number, boolean, enum (one of its options), many (several of them), list (one item a line) or json.

    `label` is the schema's title where it has one; then the key is what it is `called`. `free`: nothing can be chosen. `nothing`: the words of a
    menu for that, or for choosing one; "" where one has to be and is. `input`: of a line, the kind of input that fits its format. `unseen` is the present value revealed, when a control alone would not show all its characters.
    """

    name: str
    key: str
    label: str
    kind: str
    value: Any = ""
    required: bool = False
    help: str = ""
    limits: str = ""
    error: str = ""
    options: tuple[Option, ...] = ()
    called: str = ""
    free: bool = False
    nothing: str = ""
    input: str = "text"
    rows: int = 3
    unseen: Revealed | None = None

    @property
    def id(self) -> str:
        return f"f-{self.name}"

    @property
    def grouped(self) -> bool:
        """Whether its options stand beside each other: several can be ticked, they are few, or have characters that a menu would not show."""
        few = 0 < len(self.options) <= FEW or self.kind == "many"
        return few or any(_unseen(text) for option in self.options for text in (option.label, option.note))


def fields_of(
    schema: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    posted: Posted | None = None,
    errors: Mapping[str, str] | None = None,
) -> tuple[Field, ...]:
    """One field per property, with the present value or what was just posted, and its error beside it.

    `errors` are by path; an error deeper than a property is shown at the property.
    """
    required = set(schema.get("required", ()))
    by_field: dict[str, str] = {}
    for path, why in (errors or {}).items():
        by_field.setdefault(owner(path, schema.get("properties", {})), why)
    return tuple(
        _field(key, resolved(schema, raw), values.get(key), key in required, posted, by_field.get(key, ""), nullable(schema, raw))
        for key, raw in schema.get("properties", {}).items()
    )


def owner(path: str, keys: Iterable[str]) -> str:
    """The key of the field at which something of this path stands, the longest; "" when there is none."""
    fitting = (key for key in keys if path == key or path.startswith((f"{key}.", f"{key}[")))
    return max(fitting, key=len, default="")


def read(schema: Mapping[str, Any], values: Mapping[str, Any], posted: Posted) -> tuple[dict[str, Any], dict[str, str]]:
    """The arguments a form means, and per field what is wrong. Values without a control stay as they are."""
    found: dict[str, Any] = dict(values)
    errors: dict[str, str] = {}
    required = set(schema.get("required", ()))
    for key, raw in schema.get("properties", {}).items():
        sub = resolved(schema, raw)
        if PREFIX + key not in posted and (kind := kind_of(sub, values.get(key))) != "boolean":
            if kind == "enum" and key in required and key not in values:
                errors[key] = say("Choose one")  # of radio buttons none is sent
            continue
        try:
            value = parsed(sub, sent_as(posted, key, sub), values.get(key), nullable(schema, raw))
        except ValueError as error:
            errors[key] = error.args[0]
            continue
        unticked = value is False and kind_of(sub, values.get(key)) == "boolean"  # of radio buttons, No was chosen
        untouched = (value in (None, []) or unticked) and sub.get("default", value) == value
        if key not in values and key not in required and untouched:
            continue  # an untouched control of what was left out leaves it out
        empty = nullable(schema, raw)
        if value is None and key in required and not empty:
            errors[key] = say("Choose one") if choices(sub) else say("This needs a value")
        elif value is None and not empty:
            found.pop(key, None)
        else:
            found[key] = value
    return found, errors or problems(schema, found, values)


def may_be_empty(schema: Mapping[str, Any], one: Field) -> bool:
    """Whether nothing may stand in a control: what is not required, may be null, or is empty as it is; a box that is not ticked is a value."""
    raw = said(schema.get("properties", {}).get(one.key))
    return not one.required or one.kind in {"boolean", "many"} or one.value == "" or nullable(schema, raw)


def problems(schema: Mapping[str, Any], args: Any, before: Any = None) -> dict[str, str]:
    """What a JSON Schema finds wrong, by path, in a sentence each; then which texts, of those that were not there `before`, miss their format."""
    found = sorted(schemas.errors(schema, args), key=lambda e: list(map(str, e.absolute_path)))
    wrong = {".".join(str(part) for part in error.absolute_path): faults.sentence(error) for error in found}
    return wrong or formats.wrong(schema, args, before)


def guessed(values: Mapping[str, Any]) -> dict[str, Any]:
    """A schema for arguments nobody declared one for: each value keeps the type it has now."""
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    properties: dict[str, Any] = {}
    for key, value in values.items():
        properties[key] = {"type": kinds[type(value)]} if type(value) in kinds else {}
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            properties[key]["items"] = {"type": "string"}
    return {"type": "object", "properties": properties, "required": list(values)}


def completed(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A schema under which every value has a control: what it does not declare (it need not name a single property) is guessed."""
    declared = schema.get("properties", {})
    there = {
        key: value for key, value in values.items() if key not in declared and value is not None
    }  # a form cannot tell null from nothing
    return {**schema, "properties": {**declared, **guessed(there)["properties"]}}


def _field(
    key: str, sub: Mapping[str, Any], value: Any, required: bool, posted: Posted | None, error: str, empty: bool
) -> Field:  # fmt: skip
    value = sub.get("default") if value is None else value
    kind = kind_of(sub, value)
    if posted is not None:
        sent = sent_as(posted, key, sub)
        text: Any = sent if kind == "many" else sent[-1]
    else:
        text = words_of(of_items(sub), value) if kind == "many" else in_control(kind, value, sub)
    options = _options(key, sub, value, kind, text)
    lines = str(text).count("\n") + 1 + len(str(text)) // 80
    return Field(
        name=PREFIX + key,
        key=key,
        label=str(sub.get("title") or key),
        kind=kind,
        value=text == "true" if kind == "boolean" else text,
        required=required,
        help=str(sub.get("description", "")),
        limits=_limits(kind, sub, value if posted is None else None, empty),
        error=error,
        options=options,
        called=key if sub.get("title") not in {None, "", key} else "",
        free=not required or empty,
        nothing=say("Nothing") if not required or empty else "" if any(one.chosen for one in options) else say("Choose one"),
        input=_input(sub, text) if kind == "line" else "text",
        rows=max(2, min(16, lines)),
        unseen=None if options else _unseen(text),
    )


def _input(sub: Mapping[str, Any], text: str) -> str:
    """The browser's own input for a format: only where it shows what stands there as it is."""
    name = str(sub.get("format"))
    return _INPUTS.get(name, "text") if not text or formats.fits(name, text) else "text"


def _unseen(text: Any) -> Revealed | None:
    shown = reveal(str(text))
    return shown if shown.chips or shown.escaped or shown.warnings else None


def _options(key: str, sub: Mapping[str, Any], value: Any, kind: str, text: Any) -> tuple[Option, ...]:
    if kind not in {"enum", "many"}:
        return ()
    found = offered(sub, value) if kind == "enum" else of_items(sub)
    ticked = {text} if isinstance(text, str) else set(text)
    return tuple(
        Option(one.word, one.title, one.word in ticked, "" if one.title == one.word else one.word, box(number, key))
        for number, one in enumerate(found)
    )


def _limits(kind: str, sub: Mapping[str, Any], value: Any, empty: bool) -> str:
    """What its control takes; each part is a sentence."""
    low, high = sub.get("minimum", sub.get("exclusiveMinimum")), sub.get("maximum", sub.get("exclusiveMaximum"))
    said: list[str] = []
    if kind in {"integer", "number"} and (low is not None or high is not None):
        if None not in (low, high):
            said.append(say("From %(low)s to %(high)s.", low=low, high=high))
        else:
            said.append(say("At least %(low)s.", low=low) if high is None else say("At most %(high)s.", high=high))
    if kind == "list":
        said.append(say("One a line."))
    if kind in {"list", "many"}:
        said += [how_many(sub)]
    if kind == "list" and sub.get("uniqueItems"):
        said.append(say("Each only once."))
    if kind in {"line", "text"} and (form := formats.words(sub.get("format"))):
        said.append(say("%(what)s.", what=form))
        if isinstance(value, str) and not formats.fits(sub["format"], value):
            said.append(say("What the agent put here is not one: it is sent as it is unless you change it."))
    if empty and kind in {"line", "text", "integer", "number"}:
        said.append(say("Empty means nothing."))
    if kind == "json":
        said.append("JSON.")
    return chain("%(a)s %(b)s", filter(None, said))
