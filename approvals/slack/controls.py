"""A field of a JSON Schema as an input of a view, where one fits it. Pure."""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

from approvals.slack import blocks as b
from approvals.slack.text import broken, spelled
from approvals.web.inputs import PREFIX
from approvals.web.schemaform import Field, Option
from audit.languages import told


def control(one: Field) -> b.Block | None:
    """None where no input shows its value whole, or lets every choice be told from the others."""
    text = str(one.value)
    if one.kind == "boolean":
        return b.checkboxes("value", [b.option(_("yes"), "true")], chosen=["true"] if one.value else [])
    if one.kind == "enum":
        return _one_of(one)
    if one.kind == "many":
        return _several(one)
    if one.kind in {"integer", "number"} and len(text) <= 20:
        return b.number_input("value", value=text, decimal=one.kind == "number")
    if len(text) > b.INPUT or one.unseen:
        return None  # what it does not show whole it does not let anybody edit
    return b.text_input("value", value=text, multiline=one.kind in {"text", "list", "json"} or "\n" in text)


def labelled(one: Field) -> str:
    """Its label; of a title, with the name of what it fills."""
    return spelled(f"{one.label} ({one.called})" if one.called else one.label)


def posted(fields: Iterable[Field], values: Mapping[str, str], prefix: str) -> dict[str, str]:
    """What stands in the inputs of a view as the page's form would send it."""
    several = {one.key: one.options for one in fields if one.kind == "many"}
    found: dict[str, str] = {}
    for name, text in values.items():
        if name.startswith(prefix):
            key = name.removeprefix(prefix)
            found |= {PREFIX + key: "", **_ticked(several[key], text)} if key in several else {PREFIX + key: text}
    return found


def _ticked(options: tuple[Option, ...], text: str) -> dict[str, str]:
    """Each box by its number."""
    numbers = set(text.split(","))
    return {option.box: option.value for number, option in enumerate(options) if str(number) in numbers}


def _one_of(one: Field) -> b.Block | None:
    labels = _labels(one)
    if labels is None or not all(1 <= len(option.value) <= b.CHOSEN for option in one.options):
        return None
    options = [b.option(label, option.value) for label, option in zip(labels, one.options, strict=True)]
    return b.choice("value", options, chosen=str(one.value))


def _several(one: Field) -> b.Block | None:
    """By number: what Slack sends back is one text for all of them."""
    labels = _labels(one)
    if labels is None:
        return None
    options = [b.option(label, str(number)) for number, label in enumerate(labels)]
    return b.several("value", options, chosen=[str(number) for number, option in enumerate(one.options) if option.chosen])


def _labels(one: Field) -> list[str] | None:
    """None where not every choice can be told from the others here, whole and with every character. Where there is room, with what is sent."""
    plain = [broken(spelled(told(option.label))) for option in one.options]
    both = [f"{label} ({broken(spelled(option.note))})" if option.note else label for label, option in zip(plain, one.options, strict=True)]
    fits = [labels for labels in (both, plain) if all(len(label) <= b.OPTION for label in labels)]
    labels = fits[0] if fits else []
    return labels if 1 <= len(set(labels)) == len(one.options) <= b.OPTIONS else None
