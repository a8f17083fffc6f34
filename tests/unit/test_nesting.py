from decimal import Decimal
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from approvals.web.nesting import fields_of, read


class Geo(BaseModel):
    lat: float
    exact: bool = False


class Address(BaseModel):
    street: str
    geo: Geo
    kind: Literal["home", "work"] = "home"


class Order(BaseModel):
    name: str
    address: Address
    other: Address | None = None
    items: list[Geo] = []
    price: Decimal = Decimal(1)


SCHEMA = Order.model_json_schema()
NOW: dict[str, Any] = {
    "name": "a",
    "address": {"street": "Elm", "geo": {"lat": 1.5, "unknown": 7}, "kind": "home"},
    "other": {"street": "Oak", "geo": {"lat": 2}},
    "items": [{"lat": 3}],
    "price": "12.340",
}


def sent(schema=SCHEMA, values=NOW, **changes):
    """What a browser posts of this form: boxes only where they are ticked."""
    form = {f.name: f.value if f.kind != "boolean" else "true" for f in fields_of(schema, values) if f.kind != "boolean" or f.value}
    return {**form, **changes}


def test_objects_that_are_there_are_taken_apart_and_no_others():
    kinds = {field.key: (field.kind, field.required, field.called) for field in fields_of(SCHEMA, NOW)}
    assert kinds == {
        "name": ("line", True, "name"),
        "address.street": ("line", True, "address.street"),
        "address.geo.lat": ("number", True, "address.geo.lat"),
        "address.geo.exact": ("boolean", False, "address.geo.exact"),
        "address.kind": ("enum", False, "address.kind"),
        "other": ("json", False, "other"),
        "items": ("json", False, "items"),
        "price": ("line", False, "price"),
    }
    assert next(f.value for f in fields_of(SCHEMA, NOW) if f.key == "price") == "12.340", "no quotes"


def test_a_form_that_is_sent_as_it_is_changes_nothing():
    assert read(SCHEMA, NOW, sent()) == (NOW, {})


@pytest.mark.parametrize(
    ("field", "text", "path", "becomes"),
    [
        ("address.street", "Ash", ("address", "street"), "Ash"),
        ("address.geo.lat", "-4.25", ("address", "geo", "lat"), -4.25),
        ("address.geo.exact", "true", ("address", "geo", "exact"), True),
        ("address.kind", "work", ("address", "kind"), "work"),
        ("price", "9.99", ("price",), "9.99"),
    ],
)
def test_one_value_is_changed_and_all_else_stays(field, text, path, becomes):
    args, errors = read(SCHEMA, NOW, sent(**{f"arg-{field}": text}))
    value = args
    for step in path:
        value = value[step]
    assert (value, errors, args["address"]["geo"]["unknown"]) == (becomes, {}, 7)
    assert NOW["address"]["street"] == "Elm", "what stood there is not touched"


def test_what_is_wrong_stands_at_its_field():
    args, errors = read(SCHEMA, NOW, sent(**{"arg-address.geo.lat": "north", "arg-address.street": ""}))
    assert set(errors) == {"address.geo.lat"}
    shown = {
        f.key: f.error
        for f in fields_of(SCHEMA, args, posted=sent(), errors={"address.geo.lat": "no", "items.0.lat": "neither"})
        if f.error
    }
    assert shown == {"address.geo.lat": "no", "items": "neither"}


def test_an_object_that_has_to_be_is_asked_for_field_by_field():
    form = {"arg-name": "b", "arg-address.street": "Fir", "arg-address.geo.lat": "1"}
    args, errors = read(SCHEMA, {}, form)
    assert (args, errors) == ({"name": "b", "address": {"street": "Fir", "geo": {"lat": 1}}}, {})
    _, errors = read(SCHEMA, {}, {"arg-name": "b", "arg-address.street": "Fir", "arg-address.geo.lat": ""})
    assert set(errors) == {"address.geo.lat"}


def test_what_was_shown_apart_is_read_so_whatever_stands_there_by_now():
    schema = {"type": "object", "properties": {"box": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
    assert read(schema, {}, {"arg-box.a": "3"}) == ({"box": {"a": 3}}, {})
    assert read(schema, {"box": {"a": 1}}, {"arg-box": '{"a": 4}'}) == ({"box": {"a": 4}}, {})


@pytest.mark.parametrize("name", ["a.b", "a[0]"])
def test_names_that_look_like_paths_stay_together(name):
    schema = {"type": "object", "properties": {"box": {"type": "object", "properties": {name: {"type": "integer"}}}}}
    assert [f.key for f in fields_of(schema, {"box": {name: 1}})] == ["box"]
