"""The examples of the OpenAPI document: of every body, and each as its schema wants it."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from agents.api.door import api


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answers = {str(status): answer for status, answer in operation["responses"].items() if int(status) < 400}
            for where, body in {"request": operation.get("requestBody"), **answers}.items():
                for content in (body or {}).get("content", {}).values():
                    yield f"{method} {path} {where}", content


def test_every_body_has_an_example_that_fits():
    document = api.get_openapi_schema()
    found, known = dict(bodies(document)), document["components"]
    assert len(found) > 80
    for where, content in found.items():
        kind = content["schema"].get("$ref", "").rpartition("/")[2]
        example = content.get("example", known["schemas"].get(kind, {}).get("example"))
        assert example is not None, where
        faults = [fault.message for fault in Draft202012Validator({**content["schema"], "components": known}).iter_errors(example)]
        assert not faults, (where, faults)


def test_an_example_leaves_nothing_to_guess_what_a_call_is_about():
    document = api.get_openapi_schema()
    action = dict(bodies(document))["post /api/v1/actions 201"]["example"]
    assert (action["state"], action["args"]["order_id"], action["resolution"]) == ("PENDING", 1040, None)
