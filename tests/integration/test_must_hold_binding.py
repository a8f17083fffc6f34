"""Must hold: 10,000 changes of one field or one byte between display and claim, and 5,000 uses of an approval that is no longer
one (claimed, run out, of an earlier version, rejected, halted), with workers' clocks ten minutes off. None executes.
"""

import copy
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction

from approvals import envelopes, operations
from approvals.errors import ApprovalError, Stale, Tampered
from approvals.models import Action, Requirement
from approvals.operations import claiming
from approvals.states import ActionState
from audit import canonical
from tests import factories
from tests.factories import decide
from tests.fakes import as_intruder, clock_moved, policy_text

BYTES, FIELDS, FORGED = 6_000, 3_800, 200
REPLAYS, BY_HAND = 5_000, 400
OTHERS: list[Any] = ["", "x", 0, 1, -1, True, None, [], {}, "approve", 10**9]
ARGS = {"to": "ann@example.org", "amount_cents": 1250, "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}], "note": "as agreed"}


@pytest.fixture
def approved(cast):
    """What people saw and approved: the row, its requirement, and the digest the effect was prepared for."""
    action = factories.approved(cast.reviewer, args=ARGS)
    action.refresh_from_db()
    return action, Requirement.objects.get(action=action)


def opens(action: Action, requirement: Requirement, raw: bytes) -> bool:
    changed: Any = SimpleNamespace(envelope=raw, digest=requirement.digest, preview=requirement.preview)
    try:
        envelopes.opened(action, changed)
    except Tampered:
        return False
    return True


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field there is, nested ones too."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*path, key)
        yield from places(one, (*path, key))


def with_other(data: Any, path: tuple[Any, ...], deal: random.Random) -> bytes:
    """The envelope with one field changed, or gone, and canonical again."""
    made = copy.deepcopy(data)
    parent = made
    for key in path[:-1]:
        parent = parent[key]
    before = parent[path[-1]]
    if deal.random() < 0.1:
        del parent[path[-1]]
    else:
        parent[path[-1]] = deal.choice([o for o in OTHERS if canonical.dumps(o) != canonical.dumps(before)])
    return canonical.dumps(made)


def claims(action: Action, digest: str) -> bool:
    """Whether a worker could act; undone either way."""
    try:
        with transaction.atomic():
            operations.claim(action.pk, digest=digest)
            transaction.set_rollback(True)
    except ApprovalError:
        return False
    return True


def test_unchanged_it_executes(approved):
    action, requirement = approved
    assert opens(action, requirement, bytes(requirement.envelope)) and claims(action, action.digest)


def test_no_changed_byte_executes(approved):
    action, requirement = approved
    raw, deal = bytes(requirement.envelope), random.Random(1)
    for number in range(BYTES):
        at = number % len(raw)
        assert not opens(action, requirement, raw[:at] + bytes([raw[at] ^ deal.randrange(1, 256)]) + raw[at + 1 :]), at


def test_no_changed_field_executes_nor_gives_the_digest_that_people_saw(approved):
    action, requirement = approved
    data, deal = canonical.parse(bytes(requirement.envelope)), random.Random(2)
    every = list(places(data))
    for number in range(FIELDS):
        path = every[number % len(every)]
        raw = with_other(data, path, deal)
        assert not opens(action, requirement, raw), path
        assert envelopes.digest_of(raw) != requirement.digest, path


def test_a_forger_who_makes_every_digest_fit_executes_nothing_and_has_nothing_decided(approved, cast):
    """The whole way, in the database: bytes, both digests, and the columns that repeat them; only what people saw cannot be forged."""
    action, requirement = approved
    data, deal = canonical.parse(bytes(requirement.envelope)), random.Random(3)
    seen = action.digest
    paths = [p for p in places(data) if p[0] in {"args", "policy", "tool", "verdicts", "exclude", "need", "nonce", "expires_at"}]
    for number in range(FORGED):
        raw = with_other(data, paths[number % len(paths)], deal)
        digest = envelopes.digest_of(raw)
        with transaction.atomic():
            with as_intruder("approvals_requirement") as cursor:
                cursor.execute("UPDATE approvals_requirement SET envelope = %s, digest = %s WHERE action_id = %s", [raw, digest, action.pk])
            with as_intruder("approvals_action") as cursor:
                cursor.execute("UPDATE approvals_action SET digest = %s WHERE id = %s", [digest, action.pk])
            assert not claims(action, seen), paths[number % len(paths)]
            assert not claims(action, digest), paths[number % len(paths)]
            transaction.set_rollback(True)
    assert claims(action, seen)


def test_what_was_displayed_is_what_is_decided(cast):
    action = factories.action(args=ARGS)
    with pytest.raises(Stale):
        decide(action, cast.reviewer, seen_digest=envelopes.digest_of(b"{}"))


@pytest.fixture
def used_up(cast, policy) -> list[tuple[Action, str]]:
    """Approvals that are none any more, each with the digest somebody may still hold."""
    made = []
    for number in range(4):
        late, taken, edited, no, over = (factories.action(tool=f"do_{number}_{n}") for n in range(5))
        with clock_moved(hours=-1):
            late = factories.action(tool=f"late_{number}", args={"n": number})
            decide(late, cast.reviewer)
        decide(taken, cast.reviewer)
        operations.claim(taken.pk, digest=taken.digest)
        before = edited.digest
        decide(edited, cast.reviewer)
        wanted = operations.request_edit(no.pk, by=cast.second, seen_digest=no.digest, args={"what": "that"}, door="web")
        assert wanted
        decide(over, cast.reviewer, "reject")
        operations.close(edited.pk, ActionState.CANCELLED, reason="superseded", door="web") if number % 2 else None
        made += [
            (late, late.digest),
            (taken, taken.digest),
            (no, no.digest),
            (over, over.digest),
            *([(edited, before)] if number % 2 else []),
        ]
    policy.write_text(policy_text(lambda data: data["levels"].update(medium=26)))  # looser: what was rejected stays rejected
    return made


@pytest.mark.parametrize("minutes", [-10, 10])
def test_an_approval_that_is_none_any_more_executes_nothing_whatever_the_workers_clock_says(used_up, minutes):
    deal = random.Random(minutes)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
        for action, digest in (deal.choice(used_up) for _ in range(BY_HAND // 2)):
            assert not claims(action, digest), action.tool
    # The one statement that takes an action, whoever sends it, as often as it likes.
    values = [
        {"id": action.pk, "digest": digest, "again": again, "version": ""}
        for action, digest in used_up
        for again in ([False] if action.tool.endswith("_1") else [False, True])  # a crashed worker's second claim is allowed
    ]
    with connection.cursor() as cursor:
        cursor.executemany(claiming._CLAIM, [deal.choice(values) for _ in range((REPLAYS - BY_HAND) // 2)])
        assert cursor.rowcount == 0
