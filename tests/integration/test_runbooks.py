"""Every alert has its runbook, and what a runbook says to do exists: its commands are parsed by the commands themselves, its pages are there."""

import re
import shlex
from importlib import import_module

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import CommandError
from django.urls import Resolver404, resolve, reverse

from approvals.notify.alerts import runbook as runbook_of
from approvals.queries.alerts import RULES
from approvals.web import runbook as runbooks
from approvals.web.runbook import FOLDER, Block, Piece
from tests.integration.web.conftest import as_  # noqa: F401  (a fixture)

NAMES = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
COMMAND = re.compile(r"(?:^|`)(manage\.py [^`\n]+)", re.MULTILINE)


def test_every_rule_has_its_runbook_and_every_runbook_its_rule():
    assert sorted(map(runbook_of, RULES)) == NAMES == runbooks.names()
    listed = re.findall(r"\]\(([a-z-]+)\.md\)", (FOLDER / "README.md").read_text())
    assert sorted(listed) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_its_commands_exist_with_these_options(name):
    found = COMMAND.findall((FOLDER / f"{name}.md").read_text())
    for line in found:
        _, command, *rest = shlex.split(line.strip())
        assert get_commands().get(command) == "config", line
        try:
            load_command_class("config", command).create_parser("manage.py", command).parse_args(rest)
        except (CommandError, SystemExit) as error:
            raise AssertionError(f"{line}: {error}") from error
    assert found or name == "webhooks"


@pytest.mark.parametrize("name", NAMES)
def test_its_pages_settings_and_programs_exist(name):
    text = (FOLDER / f"{name}.md").read_text()
    for url in re.findall(r"\]\((/[^)?]*)", text):
        try:
            match = resolve(url)
        except Resolver404:
            raise AssertionError(url) from None
        if match.url_name == "runbook":
            assert match.kwargs["name"] in NAMES, url
    settings = (FOLDER.parent / "settings.md").read_text()
    assert all(f"`{word}`" in settings for word in re.findall(r"`([A-Z]+_[A-Z_]+)`", text))
    if "celery -A config" in text:
        assert import_module("config.celery").app.main == "countersign"


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_how_to_see_it_and_what_to_do_and_is_a_page(name, cast, as_):  # noqa: F811
    book = runbooks.read(name)
    assert book is not None
    assert [b.lines[0][0].text for b in book.blocks if b.kind == "h2"] == ["How to see it", "What to do"]
    assert book.blocks[0].kind == "p" and any(b.kind == "ol" for b in book.blocks)
    page = as_(cast.auditor).get(reverse("runbook", args=[name]))
    assert (page.status_code, f"<h1>{book.title}</h1>" in page.content.decode()) == (200, True)


def test_only_what_is_there_is_read(cast, as_):  # noqa: F811
    for name in ("nothing", "..", "README", "../settings"):
        assert runbooks.read(name) is None
    assert as_(cast.operator).get("/alerts/runbooks/nothing/").status_code == 404
    assert b"No worker answers" in as_(cast.operator).get(reverse("runbooks")).content


def test_items_after_commands_go_on_counting():
    assert [b.start for b in runbooks._blocks("1. a\n2. b\n\n```\nx\n```\n\n3. c\n") if b.kind == "ol"] == [1, 3]


def test_lines_are_read_as_they_are_written():
    assert runbooks.pieces("see `a<b>` or [it](/x/) not [that](https://elsewhere.example)") == (
        Piece("see "), Piece("a<b>", code=True), Piece(" or "), Piece("it", url="/x/"), Piece(" not "), Piece("that"),
    )  # fmt: skip
    assert list(runbooks._blocks("a\nb\n\n* one\n  more\n* two\n\n```\nx  y\n```\n")) == [
        Block("p", ((Piece("a b"),),)), Block("ul", ((Piece("one more"),), (Piece("two"),))), Block("pre", text="x  y"),
    ]  # fmt: skip
