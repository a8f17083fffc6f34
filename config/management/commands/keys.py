"""`manage.py keys list|make|revoke`: keys of programs, from the machine they are run on."""

from typing import Any

from django.core.management.base import CommandParser

from agents import operations
from approvals.operations import api_keys
from approvals.operations.api_keys import OF_AGENT, OF_PERSON
from approvals.queries import api_keys as queries
from config import commands


class Command(commands.ProductCommand):
    help = "List, make and revoke keys of programs. A key is printed once, when it is made."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="every key, and when it was last used")
        make = verbs.add_parser("make", help="a key for an agent (--agent), or a token of your own")
        make.add_argument("name", help="what it is for, such as the machine")
        make.add_argument("--agent", default="", help="the agent it proposes for; without it the token is yours")
        make.add_argument("--scopes", default="", help=f"of an agent: {','.join(OF_AGENT)} (all); of a person: {','.join(OF_PERSON)}")
        make.add_argument("--days", type=int, default=None, help="how long it holds (a token: 30; an agent's key: until it is revoked)")
        make.add_argument("--quiet", action="store_true", help="print the key and nothing else")
        commands.add_by(make)
        revoke = verbs.add_parser("revoke", help="from the next request on it opens nothing")
        revoke.add_argument("key", type=int)
        commands.add_by(revoke)

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            getattr(self, f"_{options['verb']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        for key in queries.all_keys():
            seen = f"last used {key.seen_at:%Y-%m-%d %H:%M}" if key.seen_at else "never used"
            state = f"revoked by {key.revoked_by}" if key.revoked_at else "over" if key.over else seen
            said = f"{key.id:<5} {key.start}… {commands.shown(key.of):<22} {commands.shown(key.name):<24} {','.join(key.scopes)} · {state}"
            self.stdout.write(said)

    def _make(self, options: dict[str, Any]) -> None:
        by, scopes = commands.person(options), [s.strip() for s in options["scopes"].split(",") if s.strip()]
        if options["agent"]:
            key, token = operations.make_key(
                agent=options["agent"], name=options["name"], scopes=scopes or list(OF_AGENT), days=options["days"], by=by, door="cli"
            )
        else:
            days = options["days"] or 30
            key, token = api_keys.make(of=by, name=options["name"], scopes=scopes or ["read", "decide"], days=days, by=by, door="cli")
        self.stdout.write(token if options["quiet"] else f"Key {key.pk}, shown this once:\n{token}")

    def _revoke(self, options: dict[str, Any]) -> None:
        key = api_keys.revoke(options["key"], by=commands.person(options), door="cli")
        self.stdout.write(f"{key.name} is revoked")
