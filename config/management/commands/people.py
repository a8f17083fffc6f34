"""`manage.py people list|add|roles|groups|lock|unlock|end-sessions|reset-factors|disconnect|same|apart|away|back`: accounts, from the machine they are run on."""

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agents.queries import known_to_policies
from approvals import operations
from approvals.operations import groups, identities, one_person, people, publishing, sign_ins
from approvals.permissions import ROLES
from approvals.queries import groups as group_queries
from approvals.queries import sign_ins as queries
from approvals.web.desks import lacking
from audit.actors import SYSTEM, Actor
from config import commands
from config.management.commands.actions import seconds


class Command(commands.ProductCommand):
    help = "Who there is, with which roles and factors; add somebody, change roles, lock, end sessions, forget lost devices."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="everybody: roles, second factors, open sessions")
        for verb, help_text in (
            ("add", f"a new account without a password; then: login_links USERNAME. Roles: {', '.join(ROLES)}"),
            ("roles", "exactly these of the four roles from now on; other groups stay (people groups)"),
            ("lock", "no sign-in, no decision; open approvals of theirs count no more; sessions end"),
            ("unlock", "let in again"),
            ("end-sessions", "sign them out everywhere; their open pages stop within 30 s"),
            ("reset-factors", "their devices are lost: forget passkeys, app and codes, and end their sessions"),
            ("disconnect", "take the identities of single sign-on from the account; it is no way in any more"),
        ):
            one = verbs.add_parser(verb, help=help_text)
            one.add_argument("username")
            if verb in {"add", "roles"}:
                one.add_argument("roles", nargs="*", help=", ".join(ROLES))
            if verb == "add":
                one.add_argument("--name", default="")
                one.add_argument("--email", default="")
            if verb == "lock":
                one.add_argument("--reason", default="")
            commands.add_by(one)
        away = verbs.add_parser("away", help="leave somebody's desk to a delegate, who decides what they may in that person's stead")
        away.add_argument("username", help="who is away: the one who acts")
        away.add_argument("--to", required=True, metavar="USERNAME", help="the delegate")
        away.add_argument("--for", dest="lasts", default="", help="15m, 2h or 3d; until they are back when not said")
        away.add_argument("--note", default="")
        same = verbs.add_parser(
            "same", help="two accounts of one human: what keeps people apart counts them once; their open votes are void"
        )
        same.add_argument("username")
        same.add_argument("other")
        commands.add_by(same)
        apart = verbs.add_parser("apart", help="the account is a person of its own again")
        apart.add_argument("username")
        commands.add_by(apart)
        back = verbs.add_parser("back", help="they are back")
        back.add_argument("username")
        _add_groups(verbs.add_parser("groups", help="groups that policies ask: list, create, add, remove, delete"))

    def handle(self, *args: Any, **options: Any) -> None:
        with commands.sentences():
            getattr(self, f"_{options['verb'].replace('-', '_')}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        for p in queries.people():
            said = [", ".join(p.groups) or "no role", ", ".join(p.factors) or "no second factor", f"{p.sessions} sessions"]
            self.stdout.write(f"{p.username:<16} {p.name:<20} {' · '.join(said)}{'' if p.active else ' · locked'}")

    def _add(self, options: dict[str, Any]) -> None:
        user = people.ensure_person(
            username=options["username"], name=options["name"], email=options["email"], roles=options["roles"], by=_by(options)
        )
        self.stdout.write(f"{user.username} is there; print a way in with: manage.py login_links {user.username}")

    def _roles(self, options: dict[str, Any]) -> None:
        commands.person({"by": options["username"]})
        people.ensure_person(username=options["username"], roles=options["roles"], by=_by(options))
        self.stdout.write(f"{options['username']} has {', '.join(options['roles']) or 'no role'}")

    def _lock(self, options: dict[str, Any]) -> None:
        people.deactivate(username=options["username"], by=_by(options), reason=options["reason"])
        self.stdout.write(f"{options['username']} is locked")

    def _unlock(self, options: dict[str, Any]) -> None:
        people.unlock(username=options["username"], by=_by(options))
        self.stdout.write(f"{options['username']} is let in again")

    def _groups(self, options: dict[str, Any]) -> None:
        verb, by = options["groups_verb"], commands.person(options) if options.get("by") else None
        group, username = options.get("group", ""), options.get("username", "")
        if verb == "list":
            for row in group_queries.groups():
                said = "role" if row.role else "by single sign-on" if row.sign_on else ""
                members = ", ".join(commands.shown(m.username) for m in group_queries.group_detail(row.id).members)
                self.stdout.write(f"{commands.shown(row.name):<20} {row.people:>4}  {said:<18} {members}".rstrip())
            return
        if verb == "create":
            groups.create(name=group, by=by, door="cli")
            self.stdout.write(f"{group} is there, with nobody in it")
        elif verb == "add":
            groups.add(group=group, username=username, by=by, door="cli")
            self.stdout.write(f"{username} is in {group}")
        elif verb == "remove":
            groups.remove(group=group, username=username, by=by, door="cli")
            self.stdout.write(f"{username} is no longer in {group}")
        else:
            gone = groups.delete(group=group, by=by, door="cli")
            self.stdout.write(f"{group} is deleted; in it was {', '.join(gone) or 'nobody'}")
        for finding in publishing.unmanned_now(known_to_policies(calls=False)):
            self.stderr.write(f"warning: the policy in force, line {finding.line}: {finding.why}")

    def _away(self, options: dict[str, Any]) -> None:
        lasts = timedelta(seconds=seconds(options["lasts"])) if options["lasts"] else None
        by = commands.person({"by": options["username"]})
        done = operations.go_away(by=by, delegate=options["to"], lasts=lasts, note=options["note"], door="cli")
        self.stdout.write(f"{options['username']} is away; {done.moved} reserved actions went to {options['to']}")
        for action, why in done.left:
            self.stdout.write(f"  {action} is free again: {why}")
        for sentence in lacking(options["to"], done.cover):
            self.stderr.write(f"warning: {sentence}")

    def _back(self, options: dict[str, Any]) -> None:
        operations.come_back(by=commands.person({"by": options["username"]}), door="cli")
        self.stdout.write(f"{options['username']} is back")

    def _end_sessions(self, options: dict[str, Any]) -> None:
        count = sign_ins.end_all(user=commands.person({"by": options["username"]}), by=_by(options), door="cli")
        self.stdout.write(f"{count} sessions of {options['username']} have ended")

    def _reset_factors(self, options: dict[str, Any]) -> None:
        count = people.reset_factors(username=options["username"], by=_by(options))
        self.stdout.write(f"{count} factors of {options['username']} are forgotten; print a way in with: manage.py login_links")

    def _disconnect(self, options: dict[str, Any]) -> None:
        count = identities.disconnect(user=commands.person({"by": options["username"]}), by=_by(options), door="cli")
        self.stdout.write(f"{count} identities are no way in to {options['username']} any more")

    def _same(self, options: dict[str, Any]) -> None:
        done = one_person.same(options["username"], options["other"], by=commands.person(options), door="cli")
        self._regrouped(f"{', '.join(done.accounts)} are one person", done)

    def _apart(self, options: dict[str, Any]) -> None:
        self._regrouped(
            f"{options['username']} is a person of their own",
            one_person.apart(options["username"], by=commands.person(options), door="cli"),
        )

    def _regrouped(self, said: str, done: one_person.Regrouped) -> None:
        self.stdout.write(f"{said}; {done.asked_again} actions are asked again, {done.revoked} grants are revoked")


def _add_groups(parser: CommandParser) -> None:
    verbs = parser.add_subparsers(dest="groups_verb", required=True)
    verbs.add_parser("list", help="every group with the people in it")
    for verb, help_text in (
        ("create", "a new group, which policies may name"),
        ("add", "put somebody into it; nobody does that for themselves"),
        ("remove", "take somebody out: what they approved and is not done counts without them"),
        ("delete", "refused while a policy or an open action names it; a group is never renamed"),
    ):
        one = verbs.add_parser(verb, help=help_text)
        one.add_argument("group")
        if verb in {"add", "remove"}:
            one.add_argument("username")
        commands.add_by(one)


def _by(options: dict[str, Any]) -> Actor:
    """Who does it: the account named, or the installation itself when nobody is (the first administrator is made by nobody)."""
    if not options["by"]:
        return SYSTEM
    person = commands.person(options)
    if not person.is_active:
        raise CommandError("Your account is locked; ask an administrator")
    return person.actor
