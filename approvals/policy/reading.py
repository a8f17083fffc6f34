"""YAML with its lines: what is wrong is said where it stands. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from audit.sentences import cause, say

LONGEST = 256 * 1024
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a policy's text.

    Attributes:
        line: counted from 1; 0 when it is about the whole.
        where: the path of the field, e.g. "rules.2.match.when".
    """

    line: int
    where: str
    why: str

    def __str__(self) -> str:
        return ": ".join(part for part in (f"line {self.line}" if self.line else "", self.where, self.why) if part)


class BadPolicy(ValueError):
    """The text cannot be used; the message says where and why, `problems` says it line by line."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(str(p) for p in problems[:20]))
        self.problems = problems


class Lines:
    """Which line of the text a field stands on."""

    def __init__(self, root: yaml.Node | None) -> None:
        self._root = root

    def of(self, path: Sequence[Any]) -> int:
        """The line of the deepest part of this path that is there; 1 when none is."""
        node, line = self._root, 1
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            node, line = found
        return line


def read(source: str) -> tuple[Any, Lines]:
    """The plain data of a text, and its lines. Raises BadPolicy: no YAML, a key twice, references, too long."""
    if len(source) > LONGEST:
        raise BadPolicy(
            Problem(0, "", say("the policy has %(n)d characters; at most %(longest)d are read", n=len(source), longest=LONGEST))
        )
    try:
        root = yaml.compose(source, Loader=_Loader)
        data = yaml.load(source, Loader=_Loader)  # noqa: S506  the safe loader, in C where there is one
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadPolicy(
            Problem(mark.line + 1 if mark else 0, "", say("the policy is not valid YAML: %(problem)s", problem=error.problem))
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadPolicy(Problem(0, "", say("the policy is not valid YAML: %(why)s", why=cause(error)))) from error
    try:
        problems = tuple(_twice(root, set()))
    except RecursionError as error:
        raise BadPolicy(Problem(0, "", say("the policy is nested far deeper than any rule"))) from error
    if problems:
        raise BadPolicy(*problems)
    return data, Lines(root)


def _twice(node: yaml.Node | None, seen: set[int]) -> Iterator[Problem]:
    """Keys that stand twice, of which YAML would silently take the last; and values that refer to others."""
    if node is None or isinstance(node, yaml.ScalarNode):
        return
    if id(node) in seen:
        yield Problem(node.start_mark.line + 1, "", say("write it out: a policy has no references (& and *)"))
        return
    seen.add(id(node))
    keys: set[str] = set()
    for child in node.value:
        key, value = child if isinstance(node, yaml.MappingNode) else (None, child)
        if key is not None and str(key.value) in keys:
            yield Problem(key.start_mark.line + 1, str(key.value), say("this key stands twice; the second would silently win"))
        if key is not None:
            keys.add(str(key.value))
        yield from _twice(value, seen)


def _child(node: yaml.Node | None, step: Any) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if str(key.value) == str(step):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found = node.value[step]
        return found, found.start_mark.line + 1
    return None
