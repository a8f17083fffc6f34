"""What Slack's documentation allows in blocks, checked from the outside. Returns problems as Slack words them; none is good.

Numbers: docs.slack.dev/reference/block-kit (section 3,000, header 150, button 75/2,000/3,000, 25 actions, 10 context elements, 10 fields,
option 75/150, 100 options, confirm 300, ids 255, 50 blocks a message, 100 a view, private_metadata 3,000, title 24, alert in modals only).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_BLOCKS = {"message": 50, "modal": 100, "home": 100}
ONLY_VIEWS = {"input", "alert"}
TEXT_LIMITS = {"button": 75, "header": 150, "option": 75, "title": 24, "label": 2_000, "hint": 2_000, "placeholder": 150, "confirm": 300}
IN_ACTIONS = {
    "button", "static_select", "external_select", "users_select", "overflow", "datepicker", "timepicker", "datetimepicker", "checkboxes",
    "radio_buttons",
}  # fmt: skip
INPUTS = {
    "plain_text_input", "number_input", "static_select", "external_select", "multi_static_select", "radio_buttons", "checkboxes", "users_select",
    "datepicker", "timepicker", "datetimepicker", "email_text_input", "url_text_input",
}  # fmt: skip


def message(blocks: Sequence[Mapping[str, Any]], text: str) -> list[str]:
    """What is wrong with a message."""
    found = list(_blocks(blocks, "message"))
    if len(text) > 40_000:
        found.append("msg_too_long")
    return found


def view(found: Mapping[str, Any]) -> list[str]:
    """What is wrong with a modal or a Home tab."""
    kind = found.get("type")
    if kind not in {"modal", "home"}:
        return ["type must be modal or home"]
    problems = list(_blocks(found.get("blocks") or [], str(kind)))
    if len(found.get("private_metadata", "")) > 3_000:
        problems.append("private_metadata: more than 3000 characters")
    if len(found.get("callback_id", "")) > 255:
        problems.append("callback_id: more than 255 characters")
    if kind == "home" and "title" in found:
        problems.append("/view: a home has no title")
    if kind == "modal":
        for part in ("title", "submit", "close"):
            if part == "title" or part in found:
                problems += _text(found.get(part), f"/view/{part}", 24, plain=True)
        if any(b.get("type") == "input" for b in found.get("blocks") or []) and "submit" not in found:
            problems.append("/view: a modal with inputs needs submit")
    return problems


def _blocks(blocks: Sequence[Mapping[str, Any]], where: str) -> Iterator[str]:
    if not isinstance(blocks, list):
        yield "blocks is no list"
        return
    if len(blocks) > MOST_BLOCKS[where]:
        yield f"more than {MOST_BLOCKS[where]} blocks"
    ids = Counter(b["block_id"] for b in blocks if b.get("block_id"))
    yield from (f"block_id {name} stands twice" for name, n in ids.items() if n > 1)
    for i, block in enumerate(blocks):
        at = f"/blocks/{i}"
        kind = str(block.get("type"))
        if len(block.get("block_id", "")) > 255:
            yield f"{at}: block_id over 255"
        if kind in ONLY_VIEWS and where == "message":
            yield f"{at}: {kind} is for views only"
        check = CHECKS.get(kind)
        yield from check(block, at) if check else (f"{at}: unsupported type {kind}",)


def _section(block: Mapping[str, Any], at: str) -> Iterator[str]:
    if not block.get("text") and not block.get("fields"):
        yield f"{at}: section needs text or fields"
    if "text" in block:
        yield from _text(block["text"], f"{at}/text", 3_000)
    fields = block.get("fields", [])
    if len(fields) > 10:
        yield f"{at}: more than 10 fields"
    for i, one in enumerate(fields):
        yield from _text(one, f"{at}/fields/{i}", 2_000)
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory", IN_ACTIONS | {"image"})


def _header(block: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from _text(block.get("text"), f"{at}/text", 150, plain=True)


def _context(block: Mapping[str, Any], at: str) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 10:
        yield f"{at}: context has 1 to 10 elements"
    for i, one in enumerate(elements):
        if one.get("type") == "image":
            yield f"{at}/elements/{i}: this app shows no images"
        else:
            yield from _text(one, f"{at}/elements/{i}", 3_000)


def _actions(block: Mapping[str, Any], at: str) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 25:
        yield f"{at}: actions has 1 to 25 elements"
    ids = Counter(e.get("action_id") for e in elements)
    yield from (f"{at}: action_id {name} stands twice" for name, n in ids.items() if n > 1)
    for i, one in enumerate(elements):
        yield from _element(one, f"{at}/elements/{i}", IN_ACTIONS)


def _input(block: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from _text(block.get("label"), f"{at}/label", 2_000, plain=True)
    if "hint" in block:
        yield from _text(block["hint"], f"{at}/hint", 2_000, plain=True)
    yield from _element(block.get("element") or {}, f"{at}/element", INPUTS)


def _alert(block: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from _text(block.get("text"), f"{at}/text", 3_000)
    if block.get("level", "default") not in {"default", "info", "warning", "error", "success"}:
        yield f"{at}: no such level"


def _divider(block: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from ()


CHECKS = {
    "section": _section, "header": _header, "context": _context, "actions": _actions, "input": _input, "alert": _alert, "divider": _divider,
}  # fmt: skip


def _element(found: Mapping[str, Any], at: str, allowed: set[str]) -> Iterator[str]:
    kind = str(found.get("type"))
    if kind not in allowed:
        yield f"{at}: {kind} is not allowed here"
    if not 1 <= len(found.get("action_id", "")) <= 255:
        yield f"{at}: action_id of 1 to 255 characters"
    if kind == "button":
        yield from _text(found.get("text"), f"{at}/text", 75, plain=True)
        if len(found.get("value", "")) > 2_000 or len(found.get("url", "")) > 3_000:
            yield f"{at}: value over 2000 or url over 3000"
        if found.get("style", "primary") not in {"primary", "danger"}:
            yield f"{at}: no such style"
        if "confirm" in found:
            yield from _confirm(found["confirm"], f"{at}/confirm")
    if "placeholder" in found:
        yield from _text(found["placeholder"], f"{at}/placeholder", 150, plain=True)
    yield from _options(found, at, kind)
    most = found.get("max_length", 3_000)
    if kind == "plain_text_input" and not len(found.get("initial_value", "")) <= most <= 3_000:
        yield f"{at}: max_length at most 3000, initial_value within it"
    if kind == "timepicker" and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", found.get("initial_time", "00:00")):
        yield f"{at}: initial_time is HH:mm"
    if kind == "number_input" and type(found.get("is_decimal_allowed")) is not bool:
        yield f"{at}: is_decimal_allowed is needed"


def _options(found: Mapping[str, Any], at: str, kind: str) -> Iterator[str]:
    if kind not in {"static_select", "radio_buttons", "checkboxes", "overflow", "multi_static_select"}:
        return
    options = found.get("options", [])
    most = {"radio_buttons": 10, "checkboxes": 10, "overflow": 5}.get(kind, 100)
    if not 1 <= len(options) <= most:
        yield f"{at}: 1 to {most} options"
    values = Counter(o.get("value") for o in options)
    yield from (f"{at}: option value {value} stands twice" for value, n in values.items() if n > 1)
    for i, option in enumerate(options):
        yield from _text(option.get("text"), f"{at}/options/{i}/text", 75)
        if not 1 <= len(option.get("value", "")) <= 150:
            yield f"{at}/options/{i}: value of 1 to 150 characters"
        if "description" in option:
            yield from _text(option["description"], f"{at}/options/{i}/description", 75)
    initial = [found["initial_option"]] if "initial_option" in found else found.get("initial_options", [])
    yield from (f"{at}: the initial option is none of the options" for one in initial if one not in options)


def _confirm(found: Mapping[str, Any], at: str) -> Iterator[str]:
    for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        yield from _text(found.get(name), f"{at}/{name}", most)


def _text(found: Any, at: str, most: int, *, plain: bool = False) -> Iterator[str]:
    if not isinstance(found, Mapping) or found.get("type") not in {"plain_text", "mrkdwn"}:
        yield f"{at}: a text object is needed"
        return
    if plain and found["type"] != "plain_text":
        yield f"{at}: plain_text only"
    if not 1 <= len(found.get("text", "")) <= most:
        yield f"{at}: text of 1 to {most} characters, not {len(found.get('text', ''))}"
