"""Which strings the sources have for people: calls of gettext, `say` and `Frozen` in Python, `translate` and `blocktranslate` in templates.

A string that is not written where it is marked cannot be translated; that is a fault, said with its place.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.template.base import DebugLexer, Token, TokenType
from django.utils.translation.template import block_re, constant_re, endblock_re, inline_re, plural_re

from config.catalogues.po import Message

ROOMS = ("agents", "approvals", "audit", "config")
# Name of a marking function: how many of its first arguments are a context, and whether a plural follows.
MARKS = {
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop", "say", "Frozen"), (0, False)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (0, True)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (1, False)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (1, True)),
}
HOMES = {"django.utils.translation", "audit.sentences"}
# These take any string: they are the marking functions themselves.
OPEN = {"audit/sentences.py", "audit/languages.py"}


@dataclass
class Gathered:
    """What was found: strings in the order of the sources, and marks that cannot be read."""

    messages: dict[tuple[str, str], Message] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, message: Message, file: str) -> None:
        known = self.messages.get(message.key)
        if known and known.plural and message.plural and known.plural != message.plural:
            self.faults.append(f"{file}: {message.msgid!r} has two plurals: {known.plural!r} and {message.plural!r}")
        files = known.files if known else ()
        self.messages[message.key] = replace(
            message, plural=(known.plural if known else "") or message.plural, files=files if file in files else (*files, file)
        )


def gather(root: Path) -> Gathered:
    """Every string of the product, templates first."""
    found = Gathered()
    for path in sorted((root / "templates").rglob("*.html")):
        name = str(path.relative_to(root))
        for message in of_template(path.read_text(encoding="utf-8"), name, found.faults):
            found.add(message, name)
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            name = str(path.relative_to(root))
            if name not in OPEN and "/migrations/" not in name:
                for message in of_python(path.read_text(encoding="utf-8"), name, found.faults):
                    found.add(message, name)
    return found


def of_python(source: str, name: str, faults: list[str]) -> Iterator[Message]:
    tree = ast.parse(source)
    marks = _imported(tree)
    for node in _calls(tree):
        called = marks.get(getattr(node.func, "id", ""))
        if called is None:
            continue
        contexts, plural = MARKS[called]
        if called in {"say", "Frozen"}:
            plural = len(node.args) > 1
        texts = [_literal(arg) for arg in node.args[: contexts + 1 + plural]]
        if None in texts or len(texts) < contexts + 1 + plural:
            faults.append(f"{name}:{node.lineno}: {called}() needs its text written out here")
            continue
        said = [str(text) for text in texts]
        yield Message(said[contexts], said[-1] if plural else "", said[0] if contexts else "")


def _imported(tree: ast.AST) -> dict[str, str]:
    """What the marking functions are called in this file."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module in HOMES)
    return {alias.asname or alias.name: alias.name for node in imports for alias in node.names if alias.name in MARKS}


def _calls(tree: ast.AST) -> list[ast.Call]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return sorted(calls, key=lambda node: (node.lineno, node.col_offset))


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def of_template(source: str, name: str, faults: list[str]) -> Iterator[Message]:
    tokens = iter(DebugLexer(source).tokenize())
    for token in tokens:
        if token.token_type in {TokenType.BLOCK, TokenType.VAR}:
            yield from (Message(_unquoted(text)) for text in constant_re.findall(token.contents))
        if token.token_type is not TokenType.BLOCK:
            continue
        if inline := inline_re.match(token.contents):
            text = inline[1]
            if text[0] not in "'\"":
                faults.append(f"{name}:{token.lineno}: translate needs its text written out here")
                continue
            context = re.search(r"""context\s+("[^"]*"|'[^']*')""", token.contents)
            yield Message(_unquoted(text).replace("%", "%%"), "", _unquoted(context[1]) if context else "")
        elif block := block_re.match(token.contents):
            yield _block(tokens, "trimmed" in token.split_contents(), _unquoted(block[1]) if block[1] else "")


def _block(tokens: Iterable[Token], trimmed: bool, context: str) -> Message:
    forms = [""]
    for token in tokens:
        if token.token_type is TokenType.BLOCK:
            if endblock_re.match(token.contents):
                break
            if plural_re.match(token.contents):
                forms.append("")
        else:
            forms[-1] += f"%({token.contents})s" if token.token_type is TokenType.VAR else token.contents.replace("%", "%%")
    if trimmed:
        forms = [" ".join(line.strip() for line in form.strip().splitlines()) for form in forms]
    return Message(forms[0], forms[1] if len(forms) > 1 else "", context)


def _unquoted(text: str) -> str:
    text = text.strip()
    if text.startswith("_("):
        text = text[2:-1].strip()
    return text[1:-1]
