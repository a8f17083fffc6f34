"""`manage.py agents list|import|show|costs|accept|check|remote|servers`: the door through which projects and Agent Servers come in."""

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents import operations, queries
from agents.tools.guessing import why_guessed
from audit.actors import SYSTEM
from config import commands
from config.management import costs
from config.management.watched import watched

PERIOD_S = 15


def _header(text: str) -> tuple[str, str]:
    """One `NAME: VALUE`; a value `$VAR` is taken from the environment, so that no key stands in the list of processes."""
    name, colon, value = text.partition(":")
    value = value.strip()
    if not colon or not name.strip() or not value:
        raise CommandError("A header is written 'NAME: VALUE', as in --header 'x-api-key: $AGENT_KEY'")
    if value.startswith("$"):
        if not os.environ.get(value[1:]):
            raise CommandError(f"The environment has no {value[1:]}, which the header {name.strip()} is to be read from")
        value = os.environ[value[1:]]
    return name.strip(), value


def _file(path: Path) -> Path:
    """A project by its folder, too."""
    return path / "langgraph.json" if path.is_dir() else path


class Command(commands.ProductCommand):
    help = "List agents, register a project's graphs or an Agent Server, show one agent, or check what a deploy would break."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="every registered agent")
        listing.add_argument("--json", action="store_true")
        importing = verbs.add_parser("import", help="register the graphs of a langgraph.json")
        importing.add_argument("path", type=Path)
        importing.add_argument("--owner", default="", help="the account that answers for these agents")
        importing.add_argument("--prefix", default="", help="put before the names of its agents")
        importing.add_argument("--replace", action="store_true", help="take over agents of these names: their project was moved to here")
        checking = verbs.add_parser("check", help="which waiting questions the code on disk would break; exit code 1 when any would")
        checking.add_argument("path", type=Path, nargs="?", help="a langgraph.json; without it, every registered project")
        checking.add_argument("--json", action="store_true")
        remote = verbs.add_parser(
            "remote", help="register an Agent Server and every assistant it has; again to find new ones or change its keys"
        )
        remote.add_argument("url")
        remote.add_argument(
            "--header",
            action="append",
            default=[],
            metavar="'NAME: VALUE'",
            help="sent with every request; $VAR is read from the environment",
        )
        remote.add_argument("--prefix", default="", help="put before the names of its agents")
        remote.add_argument("--owner", default="", help="the account that answers for these agents")
        remote.add_argument("--webhook", action="store_true", help="give the runs resumed there our address, so that news come sooner")
        commands.add_by(remote)
        listing = verbs.add_parser("servers", help="every registered Agent Server, and when it was last reached")
        listing.add_argument("--json", action="store_true")
        accepting = verbs.add_parser("accept", help="let a tool of an agent that runs elsewhere count as it is declared now")
        accepting.add_argument("slug")
        accepting.add_argument("tool")
        accepting.add_argument("--declared", type=int, required=True, metavar="VERSION", help="the version you looked at (agents show)")
        accepting.add_argument("--reason", default="")
        commands.add_by(accepting)
        showing = verbs.add_parser("show", help="one agent: input schema and tools")
        showing.add_argument("slug")
        costing = verbs.add_parser(
            "costs", help="what an agent spent by model today, in 7 and in 30 days (UTC), and what its day may come to"
        )
        costing.add_argument("slug")
        costing.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            getattr(self, f"_{options['verb']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = queries.agents()
        if options["json"]:
            names = ("slug", "title", "description", "version", "running")
            self.stdout.write(json.dumps([{name: getattr(r, name) for name in names} for r in rows]))
            return
        for r in rows:
            state = "" if r.enabled else "  (switched off)"
            self.stdout.write(f"{r.slug:<20} v{r.version:<3} {len(r.tools):>2} tools  {r.running:>4} running  {r.title}{state}")

    def run_from_argv(self, argv: list[str]) -> None:
        watched(partial(super().run_from_argv, argv)) if "import" in argv[2:3] else super().run_from_argv(argv)

    def _import(self, options: dict[str, Any]) -> None:
        for why in operations.lacks(_file(options["path"])):
            self.stderr.write(f"warning  {why}")
        agents = operations.register_project(
            _file(options["path"]), owner_username=options["owner"], prefix=options["prefix"], replace=options["replace"]
        )
        for agent in agents:
            row = queries.agent(agent.slug)
            self.stdout.write(f"{row.slug} v{row.version}: {row.title}")
            if row.description:
                self.stdout.write(f"  {commands.shown(' '.join(row.description.split()))}")
            self._drawing(row)
            fields = row.input_schema.get("properties") or {}
            self.stdout.write(f"  starts with   {', '.join(fields) or 'any JSON object'}")
            for tool in row.tools:
                self._tool(tool)
            if not row.tools:
                self.stdout.write(
                    "  no tools found: calls it asks about in a form of LangChain or Agent Inbox are shown as calls, whatever else it asks as questions"
                )
            for why in row.drawing.get("warnings", ()):
                self.stdout.write(f"  warning: {why}")
        self._hazards(agents[0].hazards)
        self._waiting(_file(options["path"]))

    def _waiting(self, path: Path) -> None:
        """What `check` would have named: whoever imports without it hears of it now."""
        found = operations.check_deploy(path)
        if found.would or found.may:
            self.stderr.write(
                f"warning  of {found.looked} questions that wait for people this code breaks {found.would} and may break {found.may}: "
                "`manage.py agents check` names each. They stay as they are until somebody decides them, cancels their runs, or puts the code back"
            )

    def _hazards(self, found: list[dict[str, str]]) -> None:
        for one in found:
            self.stderr.write(f"warning  {one['at']}: {one['why']}")

    def _remote(self, options: dict[str, Any]) -> None:
        by = commands.person(options).actor if options["by"] else SYSTEM
        server, agents = operations.add_server(
            url=options["url"], headers=dict(map(_header, options["header"])), tells=options["webhook"], prefix=options["prefix"],
            owner_username=options["owner"], by=by,
        )  # fmt: skip
        self.stdout.write(f"{server.url}  version {commands.shown(server.version) or 'not said'}")
        for agent in agents:
            row = queries.agent(agent.slug)
            self.stdout.write(f"  {row.slug:<24} v{row.version}: {commands.shown(row.title)}")
            self._drawing(row)
        commands.as_it_runs()
        self.stdout.write(f"  looked at every {PERIOD_S} s; sooner when somebody posts to")
        self.stdout.write(f"  {operations.hook_of(server)}")

    def _accept(self, options: dict[str, Any]) -> None:
        agent = operations.accept_declaration(
            slug=options["slug"], tool=options["tool"], version=options["declared"], reason=options["reason"], by=commands.person(options),
            door="cli",
        )  # fmt: skip
        self.stdout.write(f"{options['tool']} of {agent.pk} counts as it is declared, from version {agent.current.number} on")  # type: ignore[union-attr]

    def _servers(self, options: dict[str, Any]) -> None:
        rows = queries.servers()
        if options["json"]:
            shown = [{**vars(r), "reached_at": r.reached_at.isoformat() if r.reached_at else None} for r in rows]
            self.stdout.write(json.dumps(shown))
            return
        for r in rows:
            reached = f"reached {r.reached_at:%Y-%m-%d %H:%M:%S} UTC" if r.reached_at else "never reached"
            self.stdout.write(f"{r.url}  {reached}  {', '.join(r.agents)}{f'  {r.error}' if r.error else ''}")
            for note in r.note.splitlines():
                self.stdout.write(f"  {commands.shown(note)}")

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
        if tool.get("suggested"):
            self.stdout.write(f"    {tool['risk']}, for {why_guessed(tool['name'])}")
        if kept := tool.get("kept"):
            self.stdout.write(f"    declared by {kept['name']} and accepted by nobody, so the stricter counts: {'; '.join(kept['why'])}")

    def _check(self, options: dict[str, Any]) -> None:
        path = options["path"] and _file(options["path"])
        checked = operations.check_deploy(path)
        hazards = operations.hazards(path)
        counts = {"looked": checked.looked, "fine": checked.fine, "may_break": checked.may, "would_break": checked.would}
        if options["json"]:
            self.stdout.write(json.dumps({**counts, "broken": [vars(one) for one in checked.broken], "warnings": hazards}))
        else:
            for one in checked.broken:
                self.stdout.write(f"{'breaks' if one.certain else 'may break'}  run {one.run}  {one.agent} at {one.node}: {one.why}")
                self.stdout.write("".join(f"    action {action}\n" for action in one.actions).rstrip())
            self._hazards(hazards)
            said = f"{checked.fine} fine, {checked.may} may break, {checked.would} would break"
            self.stdout.write(f"{checked.looked} waiting questions looked at: {said}")
        if checked.would:
            raise SystemExit(1)

    def _show(self, options: dict[str, Any]) -> None:
        row = queries.agent(options["slug"])
        shown = {name: getattr(row, name) for name in ("slug", "title", "description", "version", "model", "input_schema")}
        self.stdout.write(json.dumps({**shown, "tools": row.tools, "drawing": row.drawing}, indent=2))

    def _costs(self, options: dict[str, Any]) -> None:
        costs.show(options["slug"], self.stdout.write, as_json=options["json"])
