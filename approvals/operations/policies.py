"""Which policy is in force.

The newest published version is in force, in every process at once: it is asked of the database each time, and what was
parsed of it is remembered. The file of the settings is only the seed of version 1 (docs/adr/0013). `publishing` changes it.
"""

from functools import lru_cache

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from approvals.errors import Tampered
from approvals.models import PolicyVersion
from approvals.operations import kept
from approvals.policy.rules import Policy, parse, parse_stored, text_of
from approvals.states import PolicyState
from audit import log
from audit.actors import SYSTEM, Actor
from audit.log import Entry
from audit.sentences import say

_IN_FORCE = "SELECT id, sha256 FROM approvals_policyversion WHERE state = 'PUBLISHED' ORDER BY number DESC LIMIT 1"
# For a statement that needs more than the policy: what `known` makes one of, in one round trip.
IN_FORCE = f"(SELECT ARRAY[id::text, sha256] FROM ({_IN_FORCE}) AS in_force)"  # noqa: S608  a statement of ours
_LOCK = 7_403_219  # one publication at a time


def in_force() -> Policy:
    """The newest published policy; the very first time, the file of the settings becomes version 1.

    Raises:
        BadPolicy: the seed is broken (start-up refuses that), or this version of the product cannot read what is stored.
        Tampered: the stored text does not match its hash.
    """
    with connection.cursor() as cursor:
        cursor.execute(_IN_FORCE)
        row = cursor.fetchone()
    return _parsed(*row) if row else _seed()


def known(found: list[str] | None) -> Policy:
    """The policy in force from what `IN_FORCE` gave in a statement of this transaction. Raises as `in_force` does."""
    return _parsed(int(found[0]), found[1]) if found else in_force()


def entry(version: PolicyVersion, kind: str, by: Actor, door: str, **data: object) -> Entry:
    named = {"version": version.pk, "sha256": version.sha256, "base": version.base}
    return Entry(stream="policy", kind=kind, by=by, door=door, policy=str(version), data={**named, **data})


def one_at_a_time() -> None:
    """Hold publications off until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _seed() -> Policy:
    """The file becomes version 1, once: whoever comes second finds the row of the first."""
    policy = parse(text_of(settings.POLICY_FILE), number=1)
    with transaction.atomic():
        one_at_a_time()
        with connection.cursor() as cursor:
            cursor.execute(_IN_FORCE)
            if row := cursor.fetchone():
                return _parsed(*row)
        why = kept.FIRST()
        version = PolicyVersion.objects.create(
            state=PolicyState.PUBLISHED, number=1, source=policy.source, sha256=policy.sha256, justification=why,
            proposed_name=SYSTEM.name, closed_name=SYSTEM.name, closed_at=Now(), door="cli",
        )  # fmt: skip
        log.append(entry(version, "policy.published", SYSTEM, "cli", number=1, reason=why))
    return policy


@lru_cache(maxsize=8)
def _parsed(version_id: int, sha256: str) -> Policy:
    """A stored policy, parsed once by each process."""
    row = PolicyVersion.objects.values_list("source", "number").get(pk=version_id)
    policy = parse_stored(row[0], number=row[1] or 0)
    if policy.sha256 != sha256:
        raise Tampered(
            say("The policy in force does not match its hash: somebody changed the database. Nothing is scored; tell an operator")
        )
    return policy
