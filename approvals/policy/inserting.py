"""Putting one more rule into a policy's text, in the layout its author chose, with all else as it stands. Pure."""

import json
import textwrap

import yaml

from approvals.policy.reading import composed


def with_rule(source: str, rule: str) -> str:
    """A policy's text with this rule as the first of its rules.

    Args:
        source: a valid policy. rule: a list of one in YAML's block layout.
    """
    root = composed(source)
    if not isinstance(root, yaml.MappingNode):  # nobody's policy
        return source
    key, rules = next(((key, value) for key, value in root.value if key.value == "rules"), (None, None))
    if root.flow_style or (isinstance(rules, yaml.SequenceNode) and rules.value and rules.flow_style):
        return _in_brackets(source, root, rules, json.dumps(yaml.safe_load(rule)[0], ensure_ascii=False))
    if key is None or rules is None:
        return _first(source, root.start_mark, "rules:\n" + _indented(rule, 2))
    if isinstance(rules, yaml.SequenceNode) and rules.value:
        return _below(source, key.end_mark.line, _indented(rule, rules.start_mark.column))
    begins, ends = rules.start_mark.index, rules.end_mark.index  # an empty list
    return _below(source[:begins].rstrip(" ") + source[ends:], key.end_mark.line, _indented(rule, 2))


def _first(source: str, mark: yaml.Mark, text: str) -> str:
    """Before the first field, wherever that stands and however the text ends."""
    lines = source.splitlines(keepends=True)
    return "".join([*lines[: mark.line], textwrap.indent(text, " " * mark.column), *lines[mark.line :]])


def _indented(rule: str, blanks: int) -> str:
    return textwrap.indent(textwrap.dedent(rule).strip("\n") + "\n", " " * blanks)


def _below(source: str, line: int, text: str) -> str:
    lines = source.splitlines(keepends=True)
    lines[line] = lines[line].rstrip("\r\n") + "\n"
    return "".join([*lines[: line + 1], text, *lines[line + 1 :]])


def _in_brackets(source: str, root: yaml.Node, rules: yaml.Node | None, rule: str) -> str:
    """The same for a list written as `[...]`, or a whole policy as `{...}` such as JSON."""
    if isinstance(rules, yaml.SequenceNode):
        at, text = rules.start_mark.index + 1, rule + (", " if rules.value else "")
        return source[:at] + text + source[at:]
    at = root.start_mark.index + 1
    return f'{source[:at]}"rules": [{rule}], {source[at:]}'
