"""YAML with its lines: what is wrong is said where it stands. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from approvals.policy.wording import yaml_words
from audit.sentences import say

LONGEST = 256 * 1024
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Plain: Any = yaml.constructor.SafeConstructor
_BOOL = "tag:yaml.org,2002:bool"
_GUESSED = {_BOOL, "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
# Fields whose values are times of day: there YAML's number is read back as one (`calendars`).
CLOCKS = {"opens", "closes", "begins", "ends"}
_CLOCK = re.compile(r"\d{1,2}:\d\d")
_OCTAL = re.compile(r"[-+]?0\d")


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
        self.root = root

    def of(self, path: Sequence[Any]) -> int:
        """The line of the deepest part of this path that is there; 1 when none is."""
        node, line = self.root, 1
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
            Problem(1, "", say("the policy has %(n)d characters; at most %(longest)d are read", n=len(source), longest=LONGEST))
        )
    root = composed(source)
    try:
        problems = tuple(_twice(root, set()))
    except RecursionError as error:
        raise BadPolicy(Problem(1, "", say("the policy is nested far deeper than any rule"))) from error
    if problems:
        raise BadPolicy(*problems)
    try:
        return yaml.load(source, Loader=_Loader), Lines(root)  # noqa: S506  the safe loader, in C where there is one
    except (yaml.MarkedYAMLError, ValueError, KeyError) as error:
        raise BadPolicy(*(tuple(_tagged(root)) or (_marked(error),))) from error


def misread(lines: Lines) -> tuple[Problem, ...]:
    """Plain words that YAML reads as something else than people do: `no` as false, 1:30 as ninety, 012 as ten.

    Not asked of what is stored, which keeps its meaning.
    """
    return tuple(_misread(lines.root))


def composed(source: str) -> yaml.Node | None:
    """The text's nodes, each with its line. Raises BadPolicy."""
    try:
        root: yaml.Node | None = yaml.compose(source, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise BadPolicy(_marked(error)) from error
    except (yaml.reader.ReaderError, UnicodeEncodeError) as error:
        at = error.start if isinstance(error, UnicodeEncodeError) else error.position
        why = say("there is a character that no text has: a control character, or half of one")
        raise BadPolicy(Problem(source.count("\n", 0, at) + 1, "", why)) from error
    except RecursionError as error:
        raise BadPolicy(Problem(1, "", say("the policy is nested far deeper than any rule"))) from error
    return root


def _marked(error: Exception) -> Problem:
    marked = error if isinstance(error, yaml.MarkedYAMLError) else yaml.MarkedYAMLError()
    mark = marked.problem_mark or marked.context_mark
    said = say("the policy is not valid YAML: %(problem)s", problem=yaml_words(marked.problem or ""))
    return Problem(mark.line + 1 if mark else 1, "", said)


def _scalars(node: yaml.Node | None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], yaml.ScalarNode]]:
    """Every single value and every field's name, with the path it stands at."""
    if isinstance(node, yaml.ScalarNode):
        yield path, node
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value)[:80])
            yield from _scalars(key, below)
            yield from _scalars(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield from _scalars(value, (*path, str(i)))


def _tagged(root: yaml.Node | None) -> Iterator[Problem]:
    """Values that say they are something which they are not: `!!int x`, or a day that no month has."""
    for path, node in _scalars(root):
        if node.tag == "tag:yaml.org,2002:merge":
            continue
        try:
            _Plain().construct_object(node)
        except yaml.MarkedYAMLError:
            yield Problem(node.start_mark.line + 1, ".".join(path), say("a policy has no tags (!): write the plain value"))
        except (ValueError, KeyError):
            why = say("%(value)s reads as a number or a date and is none: correct it, or put it in quotes", value=node.value[:60])
            yield Problem(node.start_mark.line + 1, ".".join(path), why)


def _misread(root: yaml.Node | None) -> Iterator[Problem]:
    for path, node in _scalars(root):
        word = node.value
        if node.style or node.tag not in _GUESSED or (path and path[-1] in CLOCKS and _CLOCK.fullmatch(word)):
            continue
        if node.tag == _BOOL and word.lower() not in {"true", "false"}:
            why = say('YAML reads %(word)s as true or false: write one of these, or "%(word)s" in quotes for the word', word=word)
        elif ":" in word:
            why = say(
                'YAML reads %(word)s as a number to the base of 60: write the plain number, or "%(word)s" in quotes for text', word=word
            )
        elif _OCTAL.match(word):
            why = say(
                'YAML reads %(word)s as a number to the base of 8: leave the 0 out, or write "%(word)s" in quotes for text', word=word
            )
        else:
            continue
        yield Problem(node.start_mark.line + 1, ".".join(path), why)


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
