"""Every icon that a template or a table names is one the wheel has: a missing one is an error page for somebody."""

import re
from pathlib import Path
from typing import Any

import pytest

from agents.views import run_story, states
from approvals.templatetags.render import icon
from approvals.web import card, receipts
from audit.views import words

ROOT = Path(__file__).parents[2]
IN_TEMPLATES = re.compile(r'{% icon "([a-z0-9-]+)"')


def in_templates() -> set[str]:
    return {name for path in (ROOT / "templates").rglob("*.html") for name in IN_TEMPLATES.findall(path.read_text())}


def in_tables() -> set[str]:
    looks: list[Any] = [*states.RUNS.values(), *states.EFFECTS.values(), *states.SPANS.values(), states.HALTED, states.OFF]
    receipt = [*receipts.STATES.values(), *receipts.VERDICTS.values(), *receipts.TESTS.values()]
    lookups = {*words.ACTORS.values(), *card.EVIDENCE_ICONS.values(), *(icon for _, icon, _ in receipts.OUTCOMES.values())}
    return {look.icon for look in [*looks, *receipt] if look.icon} | lookups | {icon for _, icon, _ in run_story.KINDS.values()}


@pytest.mark.parametrize("name", sorted(in_templates() | in_tables()))
def test_an_icon_that_is_named_is_there(name):
    assert "<svg" in icon(name)


def test_icons_are_found_at_all():
    assert len(in_templates()) > 20
    assert len(in_tables()) > 10
