"""Examples for the OpenAPI document: of every body, put together from what its fields are declared with, and else from words of one story.

A body that has an example of its own keeps it. Imports nothing of ours.
"""

from collections.abc import Mapping
from typing import Any

ID, MOMENT = "0199d3a2-7c1e-7f3a-9b51-2f6c0d9e4a11", "2026-11-30T09:15:00Z"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # of "test"
# What fields are called, and what they hold in a refund that a support agent proposes. One that does not fit the field's type is not taken.
STORY: Mapping[str, tuple[Any, ...]] = {
    "agent": ("refunds",),
    "slug": ("refunds",),
    "target": ("refunds",),
    "title": ("Refunds",),
    "tool": ("refund_payment",),
    "name": ("refund_payment",),
    "summary": ("Refund 12.00 EUR of order 1040",),
    "args": ({"order_id": 1040, "amount_cents": 1200, "currency": "EUR"},),
    "input": ({"ticket_id": "T-1040"},),
    "output": ({"text": "Refunded"},),
    "result": ({"refunded": True, "reference": "R-2231"},),
    "values": ({"limit": 50},),
    "reason": ("The customer was charged twice",),
    "why": ("The customer was charged twice",),
    "note": ("Agreed with the payments team",),
    "justification": ("Small refunds need nobody",),
    "source": ("rules:\n  - name: small refunds\n    tools: [refund_payment]\n    when: args.amount_cents < 1000\n    level: low\n",),
    "rationale": ("The ticket names the double charge",),
    "risk": ("money",),
    "level": ("medium",),
    "environment": ("production",),
    "door": ("api",),
    "rule": ("money",),
    "scope": ("agent",),
    "setting": ("ask",),
    "verdict": ("approve",),
    "currency": ("EUR",),
    "money": ("0.50",),
    "by": ("m.chen",),
    "actor": ("m.chen",),
    "owner": ("o.hart",),
    "started_by": ("o.hart",),
    "said_by": ("o.hart",),
    "roles": (["reviewer"],),
    "scopes": (["read", "decide"],),
    "score": (46,),
    "state": ("WAITING",),
    "id": (ID, 1207),
    "run": (ID,),
    "action": (ID,),
    "thread": (ID,),
    "head": (ID,),
    "checkpoint": (ID,),
    "model": ("openai:gpt-5-mini",),
    "url": (f"https://countersign.example/actions/{ID}/",),
    "trace": ("5f" * 16,),
    "digest": (DIGEST,),
    "sha256": (DIGEST,),
    "args_sha256": (DIGEST,),
    "leaf": (DIGEST,),
    "verdicts": (["approve", "reject"],),
    "actions": ([ID],),
    "limit_s": (300,),
    "driven_s": (2,),
    "next": (None, ["ask"]),
    "parts": (["args.note"],),
}
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict, "null": type(None)
}  # fmt: skip
_FILLED: Mapping[str, Any] = {"string": "", "integer": 1, "number": 1, "boolean": False, "array": [], "object": {}, "null": None}
DEEPEST = 8


def add_examples(document: dict[str, Any]) -> None:
    """Put an example to every request and every answer in JSON that has none."""
    known = document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            answers = [answer for status, answer in operation["responses"].items() if int(status) < 400]
            for body, given in [(operation.get("requestBody"), True), *((answer, False) for answer in answers)]:
                content = (body or {}).get("content", {}).get("application/json")
                if content and not {"example", "examples"} & (content.keys() | _resolved(content["schema"], known).keys()):
                    content["example"] = example_of(content["schema"], known, given=given)


def example_of(schema: Mapping[str, Any], known: Mapping[str, Any], *, name: str = "", given: bool = False, depth: int = 0) -> Any:
    """An example of what this JSON Schema describes.

    Args:
        known: the schemas it may refer to, by name. name: of the field it is of.
        given: it is sent to us: what may be left out is.
    """
    schema = _resolved(schema, known)
    if "example" in schema or schema.get("examples"):
        return schema["example"] if "example" in schema else schema["examples"][0]
    if options := schema.get("anyOf"):
        told = [one for one in options if _told(one, name) and one.get("type") != "null"]
        return (
            example_of((told or options)[0], known, name=name, given=given, depth=depth)
            if told or {"type": "null"} not in options
            else None
        )
    if "const" in schema or "enum" in schema:
        return (
            schema["const"] if "const" in schema else next((one for one in STORY.get(name, ()) if one in schema["enum"]), schema["enum"][0])
        )
    if schema.get("format") in {"date-time", "uuid"}:
        return MOMENT if schema["format"] == "date-time" else ID
    if told := _told(schema, name):
        return told[0]
    if properties := schema.get("properties"):
        wanted = {f: one for f, one in properties.items() if not given or f in schema.get("required", ()) or one.get("examples")}
        return {} if depth > DEEPEST else {f: example_of(one, known, name=f, given=given, depth=depth + 1) for f, one in wanted.items()}
    if schema.get("type") == "array" and "$ref" in schema.get("items", {}) and depth <= DEEPEST:
        return [example_of(schema["items"], known, given=given, depth=depth + 1)]
    return _plain(schema)


def _plain(schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type", "object")
    if "default" in schema:
        return schema["default"]
    if kind in {"integer", "number"}:
        return max(_FILLED[kind], schema.get("minimum", 1))
    return ["x"] if kind == "array" and schema.get("minItems") else _FILLED[kind]


def _told(schema: Mapping[str, Any], name: str) -> list[Any]:
    """What the story has for a field of this name that is of its type."""
    types = (
        [schema["type"]] if isinstance(schema.get("type"), str) else list(_TYPES) if "type" not in schema and "$ref" not in schema else []
    )
    return [one for one in STORY.get(name, ()) if any(isinstance(one, _TYPES[kind]) for kind in types)]


def _resolved(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref", "")
    return known[reference.rpartition("/")[2]] if reference else schema
