"""Block Kit, as little of it as is used, each within Slack's documented limits. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from approvals.slack.text import broken, cut

Block = dict[str, Any]
TEXT, HEADER, BUTTON, VALUE, FIELD, OPTION, LABEL, TITLE, PLACEHOLDER, METADATA = 3_000, 150, 75, 2_000, 2_000, 75, 2_000, 24, 150, 3_000
FIELDS, ACTIONS, OPTIONS, INPUT, CHOSEN, BUTTONS = 10, 25, 100, 3_000, 150, 10


def plain(text: str, most: int = TEXT) -> Block:
    return {"type": "plain_text", "text": cut(broken(text), most) or " ", "emoji": False}


def mrkdwn(text: str, most: int = TEXT) -> Block:
    """`text` is put together by us; what comes from elsewhere in it went through `text.safe`."""
    return {"type": "mrkdwn", "text": cut(text, most) or " ", "verbatim": True}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, HEADER)}


def section(text: Block, *, block_id: str = "", accessory: Block | None = None) -> Block:
    return {
        "type": "section",
        "text": text,
        **({"block_id": block_id} if block_id else {}),
        **({"accessory": accessory} if accessory else {}),
    }


def fields(items: Sequence[Block]) -> Block:
    """At most ten; more is somebody's mistake."""
    return {"type": "section", "fields": list(items[:FIELDS])}


def context(*texts: Block) -> Block:
    return {"type": "context", "elements": list(texts[:10])}


def divider() -> Block:
    return {"type": "divider"}


def alert(text: str, level: str = "info") -> Block:
    """In views only."""
    return {"type": "alert", "text": plain(text), "level": level}


def actions(elements: Iterable[Block], *, block_id: str) -> Block:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)[:ACTIONS]}


def button(label: str, action_id: str, *, value: str = "", url: str = "", style: str = "") -> Block:
    extras = {name: found for name, found in (("value", value), ("url", url), ("style", style)) if found}
    return {"type": "button", "action_id": action_id, "text": plain(label, BUTTON), **extras}


def option(label: str, value: str) -> Block:
    """A value that does not fit is a mistake of ours: cut, it would mean something else."""
    if not 1 <= len(value) <= CHOSEN:
        raise ValueError("an option's value has 1 to 150 characters")
    return {"text": plain(label, OPTION), "value": value}


def select(action_id: str, options: Sequence[Block], *, chosen: str = "", placeholder: str = "") -> Block:
    found = next((o for o in options if o["value"] == chosen), None)
    return {
        "type": "static_select", "action_id": action_id, "options": list(options[:OPTIONS]), **({"initial_option": found} if found else {}),
        **({"placeholder": plain(placeholder, PLACEHOLDER)} if placeholder else {}),
    }  # fmt: skip


def time_picker(action_id: str, *, chosen: str = "", placeholder: str = "") -> Block:
    """A time of day; `chosen` as 08:30."""
    return {
        "type": "timepicker", "action_id": action_id, **({"initial_time": chosen} if chosen else {}),
        **({"placeholder": plain(placeholder, PLACEHOLDER)} if placeholder else {}),
    }  # fmt: skip


def radio(action_id: str, options: Sequence[Block], *, chosen: str = "") -> Block:
    found = next((o for o in options if o["value"] == chosen), None)
    return {
        "type": "radio_buttons",
        "action_id": action_id,
        "options": list(options[:BUTTONS]),
        **({"initial_option": found} if found else {}),
    }


def choice(action_id: str, options: Sequence[Block], *, chosen: str = "", placeholder: str = "") -> Block:
    """One of several: all of them in sight as far as Slack draws that, in a menu beyond. Nobody can take a radio button back, only choose another."""
    if len(options) <= BUTTONS:
        return radio(action_id, options, chosen=chosen)
    return select(action_id, options, chosen=chosen, placeholder=placeholder)


def checkboxes(action_id: str, options: Sequence[Block], *, chosen: Iterable[str] = ()) -> Block:
    wanted = set(chosen)
    found = [o for o in options if o["value"] in wanted]
    return {
        "type": "checkboxes",
        "action_id": action_id,
        "options": list(options[:BUTTONS]),
        **({"initial_options": found} if found else {}),
    }


def several(action_id: str, options: Sequence[Block], *, chosen: Iterable[str] = ()) -> Block:
    """Several of several: boxes as far as Slack draws them, a menu beyond."""
    found = checkboxes(action_id, options, chosen=chosen)
    return found if len(options) <= BUTTONS else {**found, "type": "multi_static_select", "options": list(options[:OPTIONS])}


def text_input(action_id: str, *, value: str = "", multiline: bool = False, most: int = INPUT, placeholder: str = "") -> Block:
    return {
        "type": "plain_text_input", "action_id": action_id, "multiline": multiline, "max_length": min(most, INPUT),
        **({"initial_value": value} if value else {}), **({"placeholder": plain(placeholder, PLACEHOLDER)} if placeholder else {}),
    }  # fmt: skip


def number_input(action_id: str, *, value: str = "", decimal: bool) -> Block:
    return {"type": "number_input", "action_id": action_id, "is_decimal_allowed": decimal, **({"initial_value": value} if value else {})}


def external_select(action_id: str, *, placeholder: str) -> Block:
    return {"type": "external_select", "action_id": action_id, "min_query_length": 0, "placeholder": plain(placeholder, PLACEHOLDER)}


def entry(label: str, element: Block, *, block_id: str, optional: bool = False, hint: str = "", acts: bool = False) -> Block:
    """An input with its label; `acts`: choosing in it is told at once."""
    return {
        "type": "input", "block_id": block_id, "label": plain(label, LABEL), "element": element, "optional": optional,
        **({"hint": plain(hint, LABEL)} if hint else {}), **({"dispatch_action": True} if acts else {}),
    }  # fmt: skip


def home(content: Sequence[Block]) -> Block:
    """The app's own tab of one person."""
    return {"type": "home", "blocks": list(content[:100])}


def modal(title: str, content: Sequence[Block], *, callback_id: str, metadata: str = "", submit: str = "", close: str = "") -> Block:
    """Metadata that does not fit is a mistake of ours: it would come back cut."""
    if len(metadata) > METADATA:
        raise ValueError("a view's metadata has at most 3,000 characters")
    return {
        "type": "modal", "title": plain(title, TITLE), "callback_id": callback_id, "private_metadata": metadata, "blocks": list(content[:100]),
        "close": plain(close or "Close", TITLE), **({"submit": plain(submit, TITLE)} if submit else {}),
    }  # fmt: skip
