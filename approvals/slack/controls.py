"""A field of a JSON Schema as an input of a view, where one fits it. Pure."""

from django.utils.translation import gettext as _

from approvals.slack import blocks as b
from approvals.slack.text import broken, spelled
from approvals.web.schemaform import Field


def control(one: Field) -> b.Block | None:
    """None where no input shows its value whole, or lets every choice be told from the others."""
    text = str(one.value)
    if one.kind == "boolean":
        return b.checkboxes("value", [b.option(_("yes"), "true")], chosen=["true"] if one.value else [])
    if one.kind == "enum":
        return _one_of(one)
    if one.kind in {"integer", "number"} and len(text) <= 20:
        return b.number_input("value", value=text, decimal=one.kind == "number")
    if len(text) > b.INPUT or one.unseen:
        return None  # what it does not show whole it does not let anybody edit
    return b.text_input("value", value=text, multiline=one.kind in {"text", "list", "json"} or "\n" in text)


def _one_of(one: Field) -> b.Block | None:
    """None where not every choice can be told from the others here, whole and with every character."""
    labels = {o.value: broken(spelled(o.label)) for o in one.options}
    fit = all(1 <= len(value) <= b.CHOSEN and len(label) <= b.OPTION for value, label in labels.items())
    if not fit or not 1 <= len(labels) == len(one.options) <= b.OPTIONS:
        return None
    return b.choice("value", [b.option(label, value) for value, label in labels.items()], chosen=str(one.value))
