"""Conditions that can never be answered, found in their text: a part that is no yes or no, a pattern that cannot be read, a sum that always
fails. Saved, such a rule would count as matching, or as not, at every call, and nobody would know why. Pure; asked only when a policy is
saved: what is stored stays readable.
"""

from collections.abc import Callable, Iterator
from typing import Any

import re2
from lark import Tree

from approvals.policy.interpreting import Unanswerable
from approvals.policy.literals import LEAST, MOST, Unsure, constant, only
from audit.sentences import say

TEXT, NUMBER, LIST, FIELDS, BOOL = "text", "number", "list", "fields", "bool"
# What names stand for, where it is always the same kind.
NAMES = {
    "tool": TEXT, "tool_class": TEXT, "agent": TEXT, "customer": TEXT, "environment": TEXT, "args": FIELDS, "figures": FIELDS,
    "approvals_before": NUMBER, "run_calls": NUMBER, "run_failures": NUMBER, "untrusted_text": LIST, "hidden_characters": LIST,
}  # fmt: skip
# What functions give.
GIVES = {
    "size": NUMBER, "int": NUMBER, "uint": NUMBER, "double": NUMBER, "string": TEXT, "bytes": TEXT, "timestamp": TEXT, "duration": TEXT,
    "type": TEXT, "map": LIST, "filter": LIST,
}  # fmt: skip
SAYS = {TEXT: say("a text"), NUMBER: say("a number"), LIST: say("a list"), FIELDS: say("fields")}
WHOLE = {"INT_LIT": (LEAST, MOST), "UINT_LIT": (0, 2**64 - 1)}
NAMES_OR_CALLS = {"ident", "ident_arg", "member_dot", "member_dot_arg"}
# What makes one kind of value of another. Of what is written down, each either always succeeds or never.
CONVERSIONS = {"bool", "bytes", "double", "duration", "int", "string", "timestamp", "uint"}
LITERALS: tuple[tuple[type, str], ...] = ((bool, BOOL), (int, NUMBER), (float, NUMBER), (str, TEXT), (list, LIST))


def never_answered(tree: Tree[Any], reckoned: Callable[[Tree[Any]], Any]) -> str:
    """Why a condition, or a part of it, can never be answered; "" when nothing shows that.

    Args:
        reckoned: what a part that speaks of no call gives; raises Unanswerable.
    """
    return next(_no_yes_or_no(tree), "") or next(_too_large(tree), "") or next(_patterns(tree), "") or next(_failing(tree, reckoned), "")


def _no_yes_or_no(tree: Any) -> Iterator[str]:
    """Parts that have to be yes or no and are something else."""
    try:
        node = only(tree)
    except Unsure:
        return
    if node.data == "expr" and len(node.children) == 3:
        yield from _no_yes_or_no(node.children[0])
        yield from _no_yes_or_no(node.children[1])
        yield from _no_yes_or_no(node.children[2])
    elif node.data in {"conditionalor", "conditionaland"}:
        for child in node.children:
            if isinstance(child, Tree) and child.data.startswith("_"):
                continue
            yield from _no_yes_or_no(child)
    elif node.data == "unary" and _sign(node) == "unary_not":
        yield from _no_yes_or_no(node.children[-1])
    elif (kind := _kind(node)) in SAYS:
        yield say("a part of this condition can never be answered: it is %(kind)s, no yes or no", kind=SAYS[kind])


def _sign(node: Tree[Any]) -> str:
    first = node.children[0]
    return str(first.data) if isinstance(first, Tree) else ""


def _kind(node: Tree[Any]) -> str:
    """The kind of what this always gives; "" when that depends on the call."""
    if node.data == "literal":
        try:
            value = constant(node)
        except Unsure:
            return ""
        return next((kind for kind_of, kind in LITERALS if type(value) is kind_of), "")
    if node.data == "list_lit":
        return LIST
    if node.data == "map_lit":
        return FIELDS
    if node.data == "ident":
        return NAMES.get(str(node.children[0]), "")
    if node.data == "ident_arg":
        return GIVES.get(str(node.children[0]), "")
    if node.data == "member_dot_arg":
        return GIVES.get(str(node.children[1]), "")
    if node.data in {"addition", "multiplication"}:  # of texts and lists, too, but of nothing that gives a yes
        return NUMBER
    return NUMBER if node.data == "unary" and _sign(node) == "unary_neg" else ""


def _too_large(tree: Tree[Any]) -> Iterator[str]:
    """Whole numbers that the language has no value for."""
    for token in tree.scan_values(lambda child: getattr(child, "type", "") in WHOLE):
        least, most = WHOLE[token.type]
        if len(token) > 100 or not least <= int(token.rstrip("uU"), 0 if "x" in token else 10) <= most:
            yield say(
                "a part of this condition can never be answered: %(number)s is more than the 64 bits a whole number has", number=token[:40]
            )


def _patterns(tree: Tree[Any]) -> Iterator[str]:
    """Constant patterns of `matches` that cannot be read."""
    quiet = re2.Options()
    quiet.log_errors = False
    for call in tree.find_pred(lambda t: t.data in {"member_dot_arg", "ident_arg"}):
        name = call.children[1] if call.data == "member_dot_arg" else call.children[0]
        given = call.children[-1].children if isinstance(call.children[-1], Tree) else []
        if str(name) != "matches" or not given:
            continue
        try:
            pattern = constant(given[-1])
        except Unsure:
            continue
        if not isinstance(pattern, str):
            yield say("a part of this condition can never be answered: matches wants a pattern in quotes")
            continue
        try:
            re2.compile(pattern, quiet)
        except re2.error as error:
            why = error.args[0] if error.args else ""
            why = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
            yield say("a part of this condition can never be answered: the pattern %(pattern)s cannot be read: %(why)s", pattern=repr(pattern), why=why)  # fmt: skip


def _reckons(node: Tree[Any]) -> bool:
    return node.data in {"addition", "multiplication"} and len(node.children) > 1


def _converts(node: Any) -> bool:
    return isinstance(node, Tree) and node.data == "ident_arg" and str(node.children[0]) in CONVERSIONS


def _failing(tree: Tree[Any], reckoned: Callable[[Tree[Any]], Any]) -> Iterator[str]:
    """Sums and conversions of constants that always fail, as a division by zero does, or `int('x')`."""
    for part in tree.find_pred(lambda t: _reckons(t) or (t.data == "primary" and _converts(t.children[0]))):
        if next(part.find_pred(lambda t: t.data in NAMES_OR_CALLS and not _converts(t)), None) is not None:
            continue
        try:
            reckoned(part)
        except Unanswerable:
            yield say("a part of this condition can never be answered: what it reckons always fails")
