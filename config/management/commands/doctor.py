"""`manage.py doctor`: what is wrong with this installation, and how to mend it. Exit status 1 when something is."""

import hashlib
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.core.checks import run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from agents import operations as agent_operations
from agents import queries as agent_queries
from approvals import queries
from approvals.notify import mail
from approvals.operations import policies, publishing
from approvals.policy.rules import text_of
from approvals.queries import alike, webhooks
from approvals.queries import sign_ins as sign_in_queries
from approvals.queries.opinions import opinion_standing
from approvals.queries.reaching import delivery_standing
from approvals.queries.untold import untold
from config import commands

LOW_DISK = 500_000_000
LONG_S = 10


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `mend` says what to do when it is not well."""

    what: str
    well: bool
    mend: str = ""


class Command(commands.ProductCommand):
    help = "Say what is wrong and how to mend it."

    def handle(self, *args: Any, **options: Any) -> None:
        ill = 0
        for look in LOOKS:
            for finding in _guarded(look):
                ill += not finding.well
                self.stdout.write(
                    f"{'ok  ' if finding.well else 'MEND'}  {finding.what}" + ("" if finding.well else f"\n      {finding.mend}")
                )
        self.stdout.write("Everything is well" if not ill else f"{ill} to mend")
        sys.exit(1 if ill else 0)


def _guarded(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A look that fails is itself a finding: doctor never ends in a traceback."""
    try:
        yield from look()
    except DatabaseError as error:
        yield Finding(f"{look.__name__.strip('_')}: {str(error).splitlines()[0]}", False, "Mend the database first, then run doctor again")


def _settings() -> Iterator[Finding]:
    yield Finding(f"Python {sys.version.split()[0]}", sys.version_info >= (3, 11), "Install Python 3.11 or newer")
    errors = [m for m in run_checks() if m.is_serious()]
    yield Finding(f"settings: {len(errors)} errors", not errors, "; ".join(f"{e.msg} ({e.hint})" for e in errors))
    folder = settings.VAR_DIR if settings.VAR_DIR.exists() else settings.VAR_DIR.parent
    free = shutil.disk_usage(folder).free
    yield Finding(f"disk: {free / 1e9:.1f} GB free", free > LOW_DISK, f"Make room on the disk of {folder}: at least 500 MB")


def _policy() -> Iterator[Finding]:
    current = policies.in_force()
    same = hashlib.sha256(text_of(settings.POLICY_FILE).encode()).hexdigest() == current.sha256
    hint = "" if same else f" ({settings.POLICY_FILE.name} says something else: it is only the seed; propose it with manage.py policy load)"
    yield Finding(f"policy: version {current.number} is in force{hint}", True)


def _database() -> Iterator[Finding]:
    try:
        connection.ensure_connection()
    except DatabaseError:
        yield Finding("database: no answer", False, "Start the product with make run, or set DATABASE_URL to a server that answers")
        return
    version = int(getattr(connection, "pg_version", 0)) // 10_000
    yield Finding(f"database: PostgreSQL {version}", version >= 15, "Use PostgreSQL 15 or newer")
    executor = MigrationExecutor(connection)
    behind = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    yield Finding(f"migrations: {behind} to apply", behind == 0, "Run: .venv/bin/python manage.py migrate")
    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        yield Finding(
            "database: writes are durable (fsync)", cursor.fetchone()[0] == "on", "Set fsync = on: without it a crash loses decisions"
        )
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%%' AND now() - state_change > interval '10 seconds'"
        )
        stuck = cursor.fetchone()[0]
        cursor.execute("SELECT has_table_privilege('audit_event', 'UPDATE, DELETE, TRUNCATE')" if not behind else "SELECT true")
        only_adds = not cursor.fetchone()[0]
    yield Finding(
        "log: added to and read only" if only_adds else "log: guarded by triggers that this role could switch off (docs/deploy.md)", True
    )
    yield Finding(
        f"database: {stuck} transactions left open", stuck == 0, "Find them in pg_stat_activity; set idle_in_transaction_session_timeout"
    )


def _direct_connection() -> Iterator[Finding]:
    try:
        with psycopg.connect(settings.DATABASE_DIRECT_URL, connect_timeout=3, autocommit=True) as direct:
            direct.execute("LISTEN countersign_doctor")
        yield Finding("direct connection: LISTEN works", True)
    except psycopg.Error:
        yield Finding("direct connection: no answer", False, "Set DATABASE_DIRECT_URL to the server itself, not to a pooler")


def _broker() -> Iterator[Finding]:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except Exception:  # whatever the transport raises: it does not answer
        yield Finding("broker: no answer", False, "Start the product with make run, or set REDIS_URL; until then things go on, more slowly")
        return
    yield Finding("broker: answers", True)
    workers = current_app.control.ping(timeout=1.5) or []
    yield Finding(f"workers: {len(workers)} answer", bool(workers), "Start one: celery -A config worker -Q runs,effects,notify")


def _agents() -> Iterator[Finding]:
    rows = agent_queries.agents()
    yield Finding(
        f"agents: {len(rows)} registered", bool(rows), "Register a project: .venv/bin/python manage.py agents import PATH/langgraph.json"
    )
    for project in {agent_queries.project_of(row.slug) for row in rows}:
        yield Finding(
            f"project {Path(project).parent.name}",
            Path(project).exists(),
            f"{project} is gone: put it back, or import it from its new place",
        )


def _code() -> Iterator[Finding]:
    """Files are read, nothing of a project is run."""
    found = agent_operations.not_imported()
    names = ", ".join(f"{slug}{' (a worker runs it)' if driven else ''}" for slug, driven in found)
    yield Finding(
        f"code: {names} not as imported" if found else "code: every agent's is what was imported",
        not found,
        "Import the project again (manage.py agents import PATH/langgraph.json), so that what runs has a version of its own",
    )


def _work() -> Iterator[Finding]:
    late = agent_queries.overdue()
    yield Finding(f"overdue: {late['runs']} runs, {late['effects']} effects nobody has taken for 30 s", not late["runs"] + late["effects"],
                  "Is a worker running, and beat? If an agent is halted, release it when you are ready")  # fmt: skip
    yield Finding(
        f"unknown outcomes: {late['unknown']}",
        not late["unknown"],
        "Look whether each was done, then: .venv/bin/python manage.py runs resolve ACTION done --result JSON|--anyway --reason ... (or not-done --reason ...)",
    )
    if outside := untold():
        yield Finding(
            f"unknown outcomes of agents that run elsewhere, in 30 days: {len(outside)} (manage.py runs unknown lists them)", True
        )
    stops = queries.active_halts()
    yield Finding(
        f"halts: {len(stops)} active",
        not stops,
        "; ".join(f"{s.scope} {s.target} by {s.by}: {s.reason}" for s in stops) + ". Release: .venv/bin/python manage.py halt --release ID",
    )


def _reaching() -> Iterator[Finding]:
    yield Finding(f"mail: {mail.said()}", True)
    found = delivery_standing()
    words = (
        f"deliveries: {found.waiting} waiting, {found.late} late or tried again, {found.failed} failed and {found.unsure} unsure in a day"
    )
    trouble = f"The last trouble: {found.last_error}. " if found.last_error else ""
    yield Finding(
        words, not found.late + found.failed + found.unsure, f"{trouble}Look at /deliveries/; is EMAIL_URL right, is a worker running?"
    )


def _webhooks() -> Iterator[Finding]:
    found = webhooks.standing()
    words = f"webhooks: {found.late} tried again, {found.failed} given up in a day"
    yield Finding(words, not found.failed, "Look at /webhooks/: what does the other side answer?")
    if found.stuck:
        since = int(found.behind.total_seconds())
        yield Finding(
            f"webhooks: for {since} s nobody has looked what is owed, or posted what is due",
            False,
            "Is a worker running, and beat? Its log says why (aside_failed)",
        )


def _signing_in() -> Iterator[Finding]:
    """The demo's people have no second factor; an installation with an address of its own is told what to set."""
    without = sign_in_queries.without_passkey("reviewers")
    if settings.DEMO and settings.SECURE:
        mend = "Set COUNTERSIGN_DEMO=0: the demo's login links work again and again, and count as a proof at critical"
        yield Finding("the demo is on at an https address", False, mend)
    if settings.CRITICAL == "passkey":
        yield Finding(
            f"critical approvals need a passkey: {without} reviewers have none", without == 0, "They add one under Account security"
        )
        return
    said = f"critical approvals: signed by a passkey where there is one ({without} reviewers have none), else a fresh sign-in"
    mend = "Have reviewers add a passkey under Account security, then set COUNTERSIGN_CRITICAL=passkey"
    yield Finding(said, settings.DEMO or not settings.SECURE, mend)


def _places() -> Iterator[Finding]:
    """Whether there are people for every place the policy in force has."""
    lacking = publishing.unmanned_now(agent_queries.known_to_policies(calls=False))
    mend = "Put people into the group (manage.py people groups add GROUP NAME), or ask others in the policy"
    for finding in lacking:
        yield Finding(f"the policy in force, line {finding.line}: {finding.why}", False, mend)
    if not lacking:
        yield Finding("there are people for every place the policy in force has", True)


def _second_opinion() -> Iterator[Finding]:
    if not settings.OPINION_MODEL:
        yield Finding("second opinion: none is asked (COUNTERSIGN_OPINION_MODEL)", True)
        return
    found = opinion_standing()
    said = f"second opinion: {settings.OPINION_MODEL}; {found.given} given, {found.failed} without one and {found.wanted} wanted in a day"
    mend = (
        f"The last trouble: {found.last_error}. Nothing is raised by it until then; are name, key and address right, is a worker running?"
    )
    yield Finding(said, found.last_came or not found.failed, mend)


def _guessing() -> Iterator[Finding]:
    """Limits on guessing count by address: whose address it is, a proxy says."""
    key = f"doctor:{secrets.token_hex(8)}"
    once, again = cache.add(key, "once", timeout=60), cache.add(key, "twice", timeout=60)
    cache.delete(key)
    shared = once and not again and settings.CACHES["default"]["BACKEND"] == "config.shared.SharedCache"
    yield Finding(
        "limits on guessing: counted by all web processes together", shared, "Leave CACHES as it ships: in memory each process counts alone"
    )
    believed = settings.FORWARDED_ALLOW_IPS
    if "*" in believed:
        yield Finding("addresses: anybody says which is theirs (FORWARDED_ALLOW_IPS=*)", False, "Name your proxy's address instead of *")
    elif settings.SECURE_PROXY_SSL_HEADER:
        mend = (
            "Set FORWARDED_ALLOW_IPS to your proxy's address; without it everybody behind it shares one limit, unless it is on this machine"
        )
        yield Finding(f"addresses: X-Forwarded-For is believed of {believed or '127.0.0.1 only'}", bool(believed), mend)


def _people() -> Iterator[Finding]:
    """Rules that keep people apart compare humans; whether two accounts are one only somebody who knows them can say."""
    found = alike.alike()
    for each in found:
        first, *others = each.accounts
        mend = f"If that is one human: manage.py people same {first} {others[0]} --by YOU; if not, correct the address"
        if each.by == "email":
            yield Finding(f"people: {', '.join(each.accounts)} have the same e-mail address", False, mend)
        else:
            said = (
                f"{', '.join(each.accounts)} have the same name (if that is one human: manage.py people same {first} {others[0]} --by YOU)"
            )
            yield Finding(f"people: {said}", True)
    several = "; ".join(" = ".join(names) for names in alike.joined())
    yield Finding(f"people with several accounts: {several or 'nobody'}", True)


LOOKS = (
    _settings,
    _database,
    _direct_connection,
    _broker,
    _agents,
    _code,
    _policy,
    _places,
    _second_opinion,
    _signing_in,
    _guessing,
    _people,
    _work,
    _reaching,
    _webhooks,
)
