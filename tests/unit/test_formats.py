"""`format`: what people write is held against it, and what an agent itself wrote is passed on and said."""

import pytest

from approvals.errors import BadRequest
from approvals.operations.verdicts import Also, meant
from approvals.web.inputs import PREFIX
from approvals.web.schemaform import fields_of, read
from audit import formats

GOOD = {
    "date": "2026-11-28", "date-time": "2026-11-28T18:00:00.5+01:00", "time": "18:00:00Z", "email": "rita@example.com",
    "uri": "https://example.com/a?b=c#d", "uuid": "5f0c1d3e-8f5b-4c7a-9a64-0c1d3e8f5b4c", "ipv4": "192.0.2.10", "ipv6": "2001:db8::10",
}  # fmt: skip
BAD = {
    "date": "2026-02-30", "date-time": "2026-11-28 at six", "time": "25:00:00Z", "email": "rita at example.com", "uri": "example.com",
    "uuid": "5f0c", "ipv4": "192.0.2.300", "ipv6": "12345::",
}  # fmt: skip


def form(name: str, **more: object) -> dict:
    return {"type": "object", "properties": {"x": {"type": "string", "format": name, **more}}}


@pytest.mark.parametrize("name", GOOD)
def test_each_format_is_asked_for_in_words_and_held_against(name):
    schema = form(name)
    assert read(schema, {}, {PREFIX + "x": GOOD[name]}) == ({"x": GOOD[name]}, {})
    assert read(schema, {}, {PREFIX + "x": BAD[name]})[1] == {"x": formats.words(name)}
    assert str(formats.words(name)) in fields_of(schema, {})[0].limits
    assert read(schema, {}, {PREFIX + "x": ""}) == ({}, {}), "nothing is no wrong address"
    nullable = {"type": "object", "properties": {"x": {"anyOf": [{"type": "string", "format": name}, {"type": "null"}]}}}
    assert formats.wrong(nullable, {"x": BAD[name]}) == {"x": formats.words(name)} and not formats.wrong(nullable, {"x": None})


@pytest.mark.parametrize("name", GOOD)
def test_an_answer_in_json_is_held_against_it_too(name):
    assert meant(f'{{"x": "{GOOD[name]}"}}', form(name), Also(as_json=True)) == {"x": GOOD[name]}
    with pytest.raises(BadRequest, match="such as"):
        meant(f'{{"x": "{BAD[name]}"}}', form(name), Also(as_json=True))


def test_what_the_agent_wrote_itself_is_sent_as_it_is_and_that_is_said():
    for schema, values in ((form("email", default="nobody"), {}), (form("email"), {"x": "nobody"})):
        (field,) = fields_of(schema, values)
        assert "sent as it is" in field.limits and field.input == "text" and field.value == "nobody"
        assert read(schema, values, {PREFIX + "x": "nobody"}) == ({"x": "nobody"}, {})
        assert read(schema, values, {PREFIX + "x": "somebody"})[1]


def test_times_without_an_offset_may_be_changed_where_all_are_written_so():
    schema = form("date-time")
    assert read(schema, {"x": "2026-11-28T18:00:00"}, {PREFIX + "x": "2026-11-28T19:00:00"})[1] == {}
    assert read(schema, {"x": "2026-11-28T18:00:00Z"}, {PREFIX + "x": "2026-11-28T19:00:00"})[1]


def test_the_browsers_input_fits_and_shows_what_is_there():
    assert [fields_of(form(name), {})[0].input for name in ("date", "email", "uri", "uuid")] == ["date", "email", "url", "text"]
    assert fields_of(form("date"), {"x": "tomorrow"})[0].input == "text"


def test_a_format_nobody_knows_refuses_nothing():
    assert read(form("color"), {}, {PREFIX + "x": "red-ish"}) == ({"x": "red-ish"}, {}) and not formats.words("color")
