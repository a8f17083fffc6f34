"""Many at one moment, with real threads and connections: one outcome, and every loser told which."""

import random
from collections import Counter
from typing import Any

import pytest
from django.db import transaction

from agents import operations as agents
from agents.models import Effect, Run
from approvals import operations
from approvals.errors import AlreadyDecided, ApprovalError, Conflict, Halted
from approvals.models import Action, Decision, Edit
from approvals.operations import people
from approvals.states import ActionState
from audit import queries
from audit.actors import SYSTEM
from tests import factories
from tests.factories import another_reviewer, call, decide, lines, work
from tests.fakes import clock_moved, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("agents")]


def kinds(action: Action) -> Counter[str]:
    return Counter(e.kind for e in queries.timeline(action=str(action.pk)))


def held() -> bool:
    return all(isinstance(n, int) for n in queries.verify())


@pytest.mark.parametrize("level", ["medium", "critical"])
def test_two_hundred_decisions_at_once_come_to_one_outcome(cast, level):
    """50 connections at a time, several people, both verdicts: the brief's own trial."""
    everybody = [another_reviewer() for _ in range(10)]
    action = factories.action(level)
    said = [(everybody[n % 10], random.choice(["approve", "reject"])) for n in range(200)]
    results = []
    for start in range(0, 200, 50):
        results += together([lambda p=p, v=v: decide(action, p, v) for p, v in said[start : start + 50]])
    action.refresh_from_db()
    final = action.resolution["verdict"]
    assert action.state in {"APPROVED", "REJECTED"}
    assert Decision.objects.filter(action=action).count() <= (2 if level == "critical" else 1)
    assert kinds(action)[f"action.{action.state.lower()}"] == 1
    for (person, verdict), result in zip(said, results, strict=True):
        if isinstance(result, Exception):
            assert isinstance(result, AlreadyDecided), repr(result)
            assert f"Already {action.state.lower()} by" in result.message or "You have decided" in result.message
        else:
            assert result.decision.person == person.person
            assert (result.decision.verdict, verdict) in {(verdict, verdict)}
            assert level == "critical" or verdict == final
    assert held()


def test_the_same_click_many_times_at_once_is_one_decision(cast):
    action = factories.action()
    results = together([lambda: decide(action, cast.reviewer, idempotency_key="click")] * 20)
    assert {r.decision.pk for r in results} == {Decision.objects.get().pk}
    assert sum(not r.replayed for r in results) == 1


def test_ten_workers_on_one_run_drive_it_once(cast, world):
    run = factories.run(cast.reviewer, call(), world=world)
    results = together([lambda: agents.advance_run(run.pk)] * 6)
    assert Counter(getattr(r, "state", r) for r in results)["WAITING"] == 1
    assert (Action.objects.count(), Run.objects.get(pk=run.pk).fence) == (1, 1)


def test_ten_workers_on_one_effect_act_once(cast, world):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    results = together([lambda: agents.execute(action.pk)] * 10)
    assert Counter(map(str, results)) == {"DONE": 1, "None": 9}
    assert len(lines(world)) == 1
    assert kinds(action)["effect.claimed"] == 1


def test_the_last_two_answers_at_one_moment_still_wake_the_run(cast, world):
    for _ in range(5):
        run, _ = factories.waiting(cast.reviewer, call(label="a"), call(label="b"), call(label="c"), world=world)
        together([lambda a=a: decide(a, cast.second, "reject") for a in factories.asked(run)])
        assert Run.objects.get(pk=run.pk).state == "READY"
        work()
        assert Run.objects.get(pk=run.pk).state == "SUCCEEDED"


def test_decisions_effects_and_drives_all_at_once_lose_nothing(cast, world):
    runs = [factories.waiting(cast.reviewer, call(label="a"), call(label="b"), world=world)[0] for _ in range(4)]
    actions = [a for run in runs for a in factories.asked(run)]
    together([lambda a=a: decide(a, cast.second) for a in actions])
    results = together([lambda a=a: agents.execute(a.pk) for a in actions] * 2)
    assert not [r for r in results if isinstance(r, Exception)], results
    work()
    assert set(Run.objects.values_list("state", flat=True)) == {"SUCCEEDED"}
    assert len(lines(world)) == len({line.split()[0] for line in lines(world)}) == 8
    assert held()


def test_after_halt_has_returned_no_claim_succeeds(cast):
    """Claims and an order at one moment, again and again: what was claimed was claimed before."""
    for _ in range(6):
        actions = [factories.approved(cast.reviewer) for _ in range(12)]
        order: list[Any] = []

        def stop(order=order) -> set[object]:
            order.append(operations.halt(scope="everything", reason="now", by=cast.operator, door="web"))
            return set(Action.objects.filter(claimed_at__isnull=False).values_list("pk", flat=True))

        def take(action: Action) -> object:
            with transaction.atomic():
                return operations.claim(action.pk, digest=action.digest)

        results = together([*(lambda a=a: take(a) for a in actions[:6]), stop, *(lambda a=a: take(a) for a in actions[6:])])
        at_return = results.pop(6)
        claimed = {a.pk for a, r in zip(actions, results, strict=True) if not isinstance(r, Exception)}
        assert claimed <= at_return
        assert all(isinstance(r, Halted) for r in results if isinstance(r, Exception)), results
        factories.release(order[0], cast)


def test_approve_against_expiry_is_one_or_the_other(cast):
    for _ in range(8):
        action = factories.action()
        close = lambda a=action: operations.close(a.pk, ActionState.EXPIRED, reason="late")  # noqa: E731
        approved, closed = together([lambda a=action: decide(a, cast.reviewer), close])
        action.refresh_from_db()
        assert closed is True, "an approval that nobody has claimed may still run out"
        assert action.state == "EXPIRED"
        assert isinstance(approved, AlreadyDecided) or kinds(action)["action.approved"] == 1
        assert kinds(action)["action.expired"] == 1


def test_edit_against_approve_never_approves_what_was_not_seen(cast, world):
    for _ in range(6):
        _, action = factories.waiting(cast.reviewer, call(), world=world)
        seen = action.digest
        edit = lambda a=action, s=seen: operations.request_edit(a.pk, by=cast.reviewer, seen_digest=s, args={"label": "other"}, door="web")  # noqa: E731
        approve = lambda a=action, s=seen: decide(a, cast.second, seen_digest=s)  # noqa: E731
        together([edit, approve])
        action.refresh_from_db()
        assert (action.state == "APPROVED") != Edit.objects.filter(action=action).exists()
        work()
        if action.state == "APPROVED":
            assert Action.objects.get(pk=action.pk).outcome["args"]["label"] == "a line"


def test_cancel_against_execution_leaves_no_half(cast, world):
    for _ in range(6):
        run, action = factories.waiting(cast.reviewer, call(), world=world)
        decide(action, cast.second)
        together([lambda r=run: agents.cancel_run(r.pk, reason="no", by=cast.operator, door="web"), lambda a=action: agents.execute(a.pk)])
        action.refresh_from_db()
        done = [line for line in lines(world) if line.startswith(str(action.pk))]
        assert len(done) == (action.outcome["status"] == "done")
        work()
        assert Run.objects.get(pk=run.pk).state == "CANCELLED"


def test_locking_somebody_against_their_decision(cast):
    for _ in range(6):
        person, action = another_reviewer(), factories.action()
        results = together([lambda a=action, p=person: decide(a, p), lambda p=person: people.deactivate(username=p.username, by=SYSTEM)])
        assert not isinstance(results[1], Exception)
        if not isinstance(results[0], Exception):
            with pytest.raises(Conflict), transaction.atomic():
                operations.claim(action.pk, digest=action.digest)


def test_the_same_key_at_one_moment_is_one_run(cast):
    start = lambda: agents.start_run(agent="calls", input={}, by=cast.reviewer, door="web", idempotency_key="k")  # noqa: E731
    results = together([start] * 10)
    assert {r.pk for r in results} == {Run.objects.get().pk}


def test_two_operators_halt_and_release_at_one_moment(cast):
    halts = together([lambda: operations.halt(scope="everything", reason="now", by=cast.operator, door="web")] * 6)
    assert sum(not isinstance(h, Exception) for h in halts) == 1
    order = next(h for h in halts if not isinstance(h, Exception))
    lift = lambda person: lambda: operations.release(order.pk, reason="go", by=person, door="web")  # noqa: E731
    released = together([lift(person) for person in [cast.admin] * 4 + [cast.operator] * 4])
    done = [r for r in released if not isinstance(r, Exception)]
    assert sorted(r.waits for r in done) == [False, True] and {r.step.by_name for r in done} <= {"ada", "olga"}
    assert all(isinstance(h, ApprovalError) for h in [*halts, *released] if isinstance(h, Exception))


def test_two_people_resolve_one_unknown_outcome(cast, world):
    _, action = factories.waiting(cast.reviewer, call("explode"), world=world)
    decide(action, cast.second)
    work()
    say = lambda done: agents.resolve_unknown(action.pk, done=done, reason="looked", by=cast.operator, door="web")  # noqa: E731
    results = together([lambda: say(True), lambda: say(False), lambda: say(True), lambda: say(False)])
    assert sum(not isinstance(r, Exception) for r in results) == 1
    action.refresh_from_db()
    assert action.outcome["status"] == {"DONE": "done", "FAILED": "failed"}[Effect.objects.get().state]


def test_many_sweepers_at_once(cast, world):
    factories.run(cast.reviewer, call(), world=world)

    def sweep() -> object:
        with clock_moved(minutes=40):
            operations.expire_due()
            return agents.recover()

    assert not [r for r in together([sweep] * 6) if isinstance(r, Exception)]
