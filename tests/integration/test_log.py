"""The event log: every change has its leaf in the same transaction, and no leaf can be changed unseen."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from agents import operations as agents
from approvals import operations
from approvals.models import Action, Notification
from approvals.operations import resolving
from audit import canonical, log, queries
from audit.actors import SYSTEM
from audit.log import Entry
from audit.models import Event
from tests import factories
from tests.factories import call, decide, work
from tests.fakes import as_intruder, together


def broken(*, batch: int = 3) -> queries.Broken | None:
    found = list(queries.verify(batch=batch))
    return found[-1] if isinstance(found[-1], queries.Broken) else None


def write(*kinds: str, stream: str = "halt") -> None:
    log.append(*(Entry(stream=stream, kind=kind, by=SYSTEM, door="cli", data={"n": n}) for n, kind in enumerate(kinds)))


@pytest.fixture
def story(agents, cast, world):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    work()
    return action


def test_a_whole_story_holds(story):
    assert broken() is None
    assert sum(n for n in [list(queries.verify())[-1]] if isinstance(n, int)) == Event.objects.count()


def test_each_event_follows_the_one_before_it_in_its_stream(story):
    rows = sorted(queries.timeline(action=str(story.pk)), key=lambda e: e.seq)
    assert [e.seq for e in rows] == list(range(1, len(rows) + 1))
    assert [e.prev for e in rows] == ["", *(e.leaf for e in rows[:-1])]


def test_every_event_says_who_when_what_and_through_which_door(story):
    decided = next(e for e in queries.timeline(action=str(story.pk)) if e.kind == "decision.recorded")
    assert (decided.actor, decided.actor_kind, decided.door, decided.digest) == ("sam", "human", "web", story.digest)
    assert decided.policy.startswith("v1-")
    assert decided.data["verdict"] == "approve"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("body = convert_to(replace(convert_from(body, 'utf8'), 'action', 'Action'), 'utf8')", "body does not give its leaf"),
        ("body = 'x'", "body does not give its leaf"),
        ("leaf = decode(repeat('00', 32), 'hex')", "body does not give its leaf"),
        ("body = '{}', leaf = sha256('\\x00'::bytea || '{}'::bytea)", "cannot be read"),
        ("body = '[]', leaf = sha256('\\x00'::bytea || '[]'::bytea)", "cannot be read"),
        *[
            (f"{column} = {column} || 'x'", f"column {column} says something else")
            for column in ("kind", "actor_kind", "actor_id", "actor_name", "door", "agent", "run", "action", "digest", "policy", "tenant")
        ],
        ("stream = stream || 'x'", "says something else"),
        ("seq = seq + 100", "says something else"),
        ("at = at + interval '1 second'", "column at says something else"),
    ],
)
def test_a_changed_event_is_found(story, change, why):
    target = Event.objects.filter(action=str(story.pk)).order_by("seq")[2]
    with as_intruder("audit_event") as cursor:
        cursor.execute(f"UPDATE audit_event SET {change} WHERE id = %s", [target.pk])
    found = broken(batch=1)  # one that left its stream may stand behind its follower in a larger batch
    assert found is not None
    assert (found.id, why in found.why) == (target.pk, True), found


def test_a_removed_event_is_found(story):
    with as_intruder("audit_event") as cursor:
        cursor.execute("DELETE FROM audit_event WHERE action = %s AND seq = 2", [str(story.pk)])
    assert "event 2 of its stream is missing" in broken().why


def test_swapped_events_are_found(story):
    one, other = Event.objects.filter(action=str(story.pk)).order_by("seq")[1:3]
    with as_intruder("audit_event") as cursor:
        cursor.execute("UPDATE audit_event SET seq = -seq WHERE id IN (%s, %s)", [one.pk, other.pk])
        cursor.execute("UPDATE audit_event SET seq = %s WHERE id = %s", [other.seq, one.pk])
        cursor.execute("UPDATE audit_event SET seq = %s WHERE id = %s", [one.seq, other.pk])
    assert broken() is not None


def test_a_rewritten_event_with_a_fitting_leaf_breaks_the_next_one(story):
    target = Event.objects.filter(action=str(story.pk)).order_by("seq")[1]
    body = {**canonical.parse(bytes(target.body)), "data": {"verdict": "reject"}}
    data = canonical.dumps(body)
    with as_intruder("audit_event") as cursor:
        cursor.execute("UPDATE audit_event SET body = %s, leaf = %s WHERE id = %s", [data, log.leaf_hash(data), target.pk])
    assert "does not follow" in broken().why


def test_an_event_without_its_transaction_is_refused():
    class Outside:
        in_atomic_block = False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "connection", Outside())
        with pytest.raises(RuntimeError, match="in the transaction"):
            write("halt.ordered")


@pytest.mark.django_db
def test_nothing_to_write_writes_nothing():
    log.append()
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_an_event_of_any_size_is_kept_and_what_was_cut_is_said():
    with transaction.atomic():
        log.append(Entry(stream="s", kind="k", by=SYSTEM, door="cli", data={"rows": ["x" * 100] * 5_000, "n": 1}))
    row = queries.events().rows[0]
    assert (row.data["n"], row.data["rows"]["characters"] > 500_000, len(row.data["rows"]["sha256"])) == (1, True, 64)
    assert broken() is None


@pytest.mark.django_db
@pytest.mark.parametrize("value", [1e17, float("nan"), 2**64, "\x00\ud800", {1: {2: 3}}, b"\xff", [[[]]] * 3])
def test_an_event_of_any_content_can_be_read_again(value):
    write("a.b")
    log.append(Entry(stream="halt", kind="k", by=SYSTEM, door="cli", data={"value": value}))
    assert queries.events().rows[0].kind == "k"
    assert broken() is None


# -- no change without its event, no event without its change ---------------------------------------------------
@pytest.mark.parametrize("step", ["open", "decide", "halt", "release", "edit", "start", "cancel", "expire"])
def test_when_the_event_cannot_be_written_nothing_is(agents, cast, world, step, monkeypatch):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    order = operations.halt(scope="agent", target="row", reason="why", by=cast.operator, door="web")
    before = (list(Action.objects.values_list("state", "version")), Event.objects.count(), Notification.objects.count(), count())
    monkeypatch.setattr(connection.ops, "max_name_length", connection.ops.max_name_length)
    monkeypatch.setattr("audit.log._body", fail)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        take(step, cast, action, order)
    assert (list(Action.objects.values_list("state", "version")), Event.objects.count(), Notification.objects.count(), count()) == before


def fail(*_: Any, **__: Any) -> None:
    raise ZeroDivisionError


def count() -> tuple[int, ...]:
    from agents.models import Effect, Pause, Run
    from approvals.models import Decision, Edit, Halt

    return (*(m.objects.count() for m in (Run, Pause, Effect, Decision, Edit)), Halt.objects.filter(released_at=None).count())


def take(step: str, cast, action: Action, order) -> None:
    from tests.fakes import clock_moved

    if step == "open":
        factories.action()
    elif step == "decide":
        decide(action, cast.second)
    elif step == "halt":
        operations.halt(scope="everything", reason="why", by=cast.operator, door="web")
    elif step == "release":
        factories.release(order, cast)
    elif step == "edit":
        operations.request_edit(action.pk, by=cast.second, seen_digest=action.digest, args={"label": "x"}, door="web")
    elif step == "start":
        factories.run(cast.reviewer)
    elif step == "cancel":
        agents.cancel_run(action.run, reason="x", by=cast.operator, door="web")
    else:
        with clock_moved(hours=1):
            operations.expire_due()


def test_when_the_transaction_is_rolled_back_so_are_its_events(cast, monkeypatch):
    action = factories.action()
    before = Event.objects.count()
    monkeypatch.setattr(resolving, "announce", fail)
    with pytest.raises(ZeroDivisionError):
        decide(action, cast.reviewer)
    assert (Event.objects.count(), Action.objects.get(pk=action.pk).state) == (before, "PENDING")


@pytest.mark.django_db(transaction=True)
def test_writers_of_one_stream_at_one_moment_make_one_line():
    def one() -> None:
        with transaction.atomic():
            write("a.b", "c.d", stream="halt")

    assert together([one] * 10) == [None] * 10
    assert list(Event.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 21))
    assert broken() is None


# -- lists ------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_pages_of_events_have_no_gap_and_no_repetition():
    write(*["a.b"] * 7)
    seen, cursor = [], ""
    while True:
        page = queries.events(cursor=cursor, limit=3)
        seen += [e.id for e in page.rows]
        cursor = page.next
        if not cursor:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 7


@pytest.mark.django_db
@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 30, "\x00", "\u0661", "1e5"])
def test_a_cursor_nobody_gave_begins_at_the_beginning(cursor):
    write("a.b")
    assert len(queries.events(cursor=cursor).rows) == 1


@pytest.mark.django_db
def test_events_are_found_by_what_they_concern():
    write("run.started", "action.opened", "action.settled")
    assert [e.kind for e in queries.events(kind="action.").rows] == ["action.settled", "action.opened"]
    assert queries.events(kind="run.started", door="web").rows == []
    assert queries.events(nonsense="x", kind="run.started").rows[0].kind == "run.started"
    since = queries.events(kind="action.opened").rows[0].at
    assert len(queries.events(since=since, until=since).rows) >= 1


@pytest.mark.django_db
@pytest.mark.parametrize("number", [0, -1, 2**63, 10**40, 999_999])
def test_an_event_that_is_not_there(number):
    assert queries.event(number) is None


def test_threads_are_not_left_behind():
    assert threading.active_count() < 40
