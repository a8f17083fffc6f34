"""`manage.py states`: write docs/states.md from the transition tables; `--check` only compares."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from agents.states import (
    COMPENSATION_TRANSITIONS,
    EFFECT_TRANSITIONS,
    HANDOVER_TRANSITIONS,
    OVERRIDE_TRANSITIONS,
    PAUSE_TRANSITIONS,
    RUN_TRANSITIONS,
)
from approvals.states import (
    ACTION_TRANSITIONS,
    ASK_TRANSITIONS,
    BACKTEST_TRANSITIONS,
    DELIVERY_TRANSITIONS,
    DRILL_TRANSITIONS,
    EDIT_TRANSITIONS,
    OPINION_TRANSITIONS,
    POLICY_TRANSITIONS,
    SLACK_TRANSITIONS,
)

MACHINES: dict[str, tuple[str, Mapping[Any, frozenset[Any]]]] = {
    "Run": ("agents/states.py", RUN_TRANSITIONS),
    "Pause": ("agents/states.py", PAUSE_TRANSITIONS),
    "Override": ("agents/states.py", OVERRIDE_TRANSITIONS),
    "Action": ("approvals/states.py", ACTION_TRANSITIONS),
    "Edit": ("approvals/states.py", EDIT_TRANSITIONS),
    "Ask": ("approvals/states.py", ASK_TRANSITIONS),
    "PolicyVersion": ("approvals/states.py", POLICY_TRANSITIONS),
    "Backtest": ("approvals/states.py", BACKTEST_TRANSITIONS),
    "Delivery": ("approvals/states.py", DELIVERY_TRANSITIONS),
    "SlackMessage": ("approvals/states.py", SLACK_TRANSITIONS),
    "Drill": ("approvals/states.py", DRILL_TRANSITIONS),
    "Opinion": ("approvals/states.py", OPINION_TRANSITIONS),
    "Effect": ("agents/states.py", EFFECT_TRANSITIONS),
    "Compensation": ("agents/states.py", COMPENSATION_TRANSITIONS),
    "Handover": ("agents/states.py", HANDOVER_TRANSITIONS),
}


class Command(BaseCommand):
    help = "Generate docs/states.md from the transition tables."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="exit 1 when the file does not match the tables")

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "states.md"
        text = document()
        if not options["check"]:
            path.write_text(text, encoding="utf-8")
            self.stdout.write("docs/states.md written")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            self.stderr.write("docs/states.md does not match the transition tables: run python manage.py states")
            sys.exit(1)


def document() -> str:
    """The whole file: one diagram and one table per machine."""
    parts = ["# States\n\nGenerated from the transition tables by `manage.py states`; PostgreSQL refuses every other step.\n"]
    for name, (source, transitions) in MACHINES.items():
        parts.append(f"\n## {name}\n\nFrom `{source}`.\n\n```mermaid\nstateDiagram-v2\n{_diagram(transitions)}```\n\n{_table(transitions)}")
    return "".join(parts)


def _diagram(transitions: Mapping[StrEnum, frozenset[StrEnum]]) -> str:
    first = next(iter(transitions))
    lines = [f"    [*] --> {first}\n"]
    for state, targets in transitions.items():
        lines += [f"    {state} --> {target}\n" for target in sorted(targets)]
        lines += [f"    {state} --> [*]\n"] if not targets else []
    return "".join(lines)


def _table(transitions: Mapping[StrEnum, frozenset[StrEnum]]) -> str:
    rows = [f"| {state} | {', '.join(sorted(targets)) or 'nothing: final'} |\n" for state, targets in transitions.items()]
    return "| from | may become |\n|---|---|\n" + "".join(rows)
