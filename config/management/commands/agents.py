"""`manage.py agents list|import|show`: the door through which projects come in."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agents import operations, queries
from config import commands


class Command(BaseCommand):
    help = "List agents, register a project's graphs, or show one agent."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="every registered agent")
        listing.add_argument("--json", action="store_true")
        importing = verbs.add_parser("import", help="register the graphs of a langgraph.json")
        importing.add_argument("path", type=Path)
        importing.add_argument("--owner", default="", help="the account that answers for these agents")
        showing = verbs.add_parser("show", help="one agent: input schema and tools")
        showing.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            getattr(self, f"_{options['verb']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = queries.agents()
        if options["json"]:
            self.stdout.write(json.dumps([{"slug": r.slug, "title": r.title, "version": r.version, "running": r.running} for r in rows]))
            return
        for r in rows:
            state = "" if r.enabled else "  (switched off)"
            self.stdout.write(f"{r.slug:<20} v{r.version:<3} {len(r.tools):>2} tools  {r.running:>4} running  {r.title}{state}")

    def _import(self, options: dict[str, Any]) -> None:
        for agent in operations.register_project(options["path"], owner_username=options["owner"]):
            row = queries.agent(agent.slug)
            self.stdout.write(f"{row.slug} v{row.version}: {row.title}")
            for tool in row.tools:
                self.stdout.write(f"  {tool['name']:<24} {tool['risk']:<8} {'reversible' if tool['reversible'] else 'cannot be undone'}")
            if not row.tools:
                self.stdout.write("  no declared tools: its interrupts are shown as questions")

    def _show(self, options: dict[str, Any]) -> None:
        row = queries.agent(options["slug"])
        shown = {"slug": row.slug, "title": row.title, "version": row.version, "model": row.model, "input_schema": row.input_schema}
        self.stdout.write(json.dumps({**shown, "tools": row.tools, "drawing": row.drawing}, indent=2))
