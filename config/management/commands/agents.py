"""`manage.py agents list|import|show|check`: the door through which projects come in."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agents import operations, queries
from config import commands


class Command(BaseCommand):
    help = "List agents, register a project's graphs, show one agent, or check what a deploy would break."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="every registered agent")
        listing.add_argument("--json", action="store_true")
        importing = verbs.add_parser("import", help="register the graphs of a langgraph.json")
        importing.add_argument("path", type=Path)
        importing.add_argument("--owner", default="", help="the account that answers for these agents")
        checking = verbs.add_parser("check", help="which waiting questions the code on disk would break; exit code 1 when any would")
        checking.add_argument("path", type=Path, nargs="?", help="a langgraph.json; without it, every registered project")
        checking.add_argument("--json", action="store_true")
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
            self._drawing(row)
            fields = row.input_schema.get("properties") or {}
            self.stdout.write(f"  starts with   {', '.join(fields) or 'any JSON object'}")
            for tool in row.tools:
                self._tool(tool)
            if not row.tools:
                self.stdout.write("  no tools found: its interrupts are shown as questions")

    def _drawing(self, row: queries.AgentRow) -> None:
        for node in row.drawing["nodes"]:
            after = [
                edge["target"] + (" ?" if edge["conditional"] else "") for edge in row.drawing["edges"] if edge["source"] == node["id"]
            ]
            if after:
                self.stdout.write(f"  {node['id']} -> {', '.join(after)}")

    def _tool(self, tool: dict[str, Any]) -> None:
        """One tool: its class (a guess from its name when nobody declared it), and its arguments."""
        said = "suggested" if tool.get("suggested") else "reversible" if tool["reversible"] else "cannot be undone"
        schema = tool["schema"].get("properties") or {}
        helper = f"  (of {tool['helper']})" if tool.get("helper") else ""
        self.stdout.write(f"  {tool['name']:<24} {tool['risk']:<8} {said:<16} {', '.join(schema)}{helper}")

    def _check(self, options: dict[str, Any]) -> None:
        checked = operations.check_deploy(options["path"])
        certain = [one for one in checked.broken if one.certain]
        if options["json"]:
            self.stdout.write(json.dumps({"looked": checked.looked, "broken": [vars(one) for one in checked.broken]}))
        else:
            for one in checked.broken:
                self.stdout.write(f"{'breaks' if one.certain else 'may break'}  run {one.run}  {one.agent} at {one.node}: {one.why}")
                self.stdout.write("".join(f"    action {action}\n" for action in one.actions).rstrip())
            self.stdout.write(f"{checked.looked} waiting questions looked at, {len(certain)} would break")
        if certain:
            raise SystemExit(1)

    def _show(self, options: dict[str, Any]) -> None:
        row = queries.agent(options["slug"])
        shown = {"slug": row.slug, "title": row.title, "version": row.version, "model": row.model, "input_schema": row.input_schema}
        self.stdout.write(json.dumps({**shown, "tools": row.tools, "drawing": row.drawing}, indent=2))
