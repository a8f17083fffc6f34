"""Test actions: like any other to the reader, run by nothing, counted by nothing, and told at once."""

from dataclasses import replace
from random import Random
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, transaction
from django.db.models.functions import Now

from agents import operations as agents
from agents.models import Effect, Run
from agents.operations import explaining
from approvals import operations as approvals
from approvals import queries
from approvals.errors import AlreadyDecided, BadRequest, Conflict, NotAllowed
from approvals.models import Action, Decision, Drill, DrillPlan, Edit, Grant
from approvals.operations import granting, seeding, timing
from approvals.operations.claiming import claim
from approvals.operations.granting import Wanted
from approvals.operations.step_up import Proof
from approvals.queries import action_detail, bulk, drills, grants, past, quality
from approvals.queries.drills import NO_DRILL
from approvals.states import DrillKind, DrillState
from audit import queries as audit
from audit.models import Event
from tests import factories
from tests.factories import call, decide, lines, waiting, work
from tests.fakes import as_intruder, clock_moved, together, with_rules

pytestmark = pytest.mark.usefixtures("agents")
EVIDENCE = {"rationale": "It was asked for.", "evidence": [{"title": "Mail", "text": "Please pay 45.00 to ada"}]}


def plan(cast, **more):
    values = {"group": "reviewers", "active": True, "every": 10, "per_day": 5, "kinds": list(DrillKind), "by": cast.admin, "door": "cli"}
    return seeding.set_plan(**{**values, **more})


@pytest.fixture
def real(cast, world) -> Action:
    """A real payment that waits for people."""
    _, action = waiting(cast.operator, call("pay", EVIDENCE, amount_cents=4_500, to="ada"), world=world)
    return action


@pytest.fixture
def drill(cast, real) -> Action:
    """A test action made of it: another amount."""
    plan(cast)
    return Action.objects.get(pk=agents.place_drill("reviewers", kind="amount", chance=Random(3)))


def outcome(action: Action) -> str:
    return Drill.objects.get(pk=action.pk).state


# -- it looks like any other ------------------------------------------------------------------------


def test_it_looks_like_the_real_one_to_everybody(cast, real, drill):
    for reader in (cast.reviewer, cast.admin, cast.auditor):
        a, b = (action_detail(pk, reader=reader) for pk in (real.pk, drill.pk))
        assert (a.row.agent, a.row.run, a.row.tool, a.row.requested_by) == (b.row.agent, b.row.run, b.row.tool, b.row.requested_by)
        assert (a.cannot, a.verdicts, a.needs, a.thread, a.policy) == (b.cannot, b.verdicts, b.needs, b.thread, b.policy)
        assert (a.rationale, a.evidence, a.tool_schema_sha256) == (b.rationale, b.evidence, b.tool_schema_sha256)
        assert len(a.interrupt_id) == len(b.interrupt_id) and b.row.test is None and not b.tampered
    assert b.args["amount_cents"] != a.args["amount_cents"] and b.row.summary != a.row.summary
    assert b.preview["facts"]["amount_cents"] == b.args["amount_cents"]  # the tool's own preview of the wrong call
    assert {r.id for r in queries.inbox().rows} == {str(real.pk), str(drill.pk)}
    assert queries.counts(cast.reviewer)["waiting"] == 2


def test_the_log_never_says_that_the_agent_asked_for_it(cast, drill):
    opened, *_ = audit.timeline(action=str(drill.pk))
    assert (opened.kind, opened.actor, opened.run) == ("action.opened", "Countersign", "")
    placed = Event.objects.get(kind="drill.placed")
    assert placed.actor_name == "Countersign" and placed.action == ""
    assert [b for b in audit.verify() if not isinstance(b, int)] == []


# -- verdicts end it -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "more", "state"),
    [
        ("reject", {}, "CAUGHT"),
        ("approve", {}, "MISSED"),
        ("respond", {}, "CAUGHT"),
        ("take_over", {"response": "paid it", "also": approvals.Also(done=True)}, "MISSED"),
        ("take_over", {"response": "that is wrong", "also": approvals.Also(done=False)}, "CAUGHT"),
        ("reject", {"also": approvals.Also(stop_run=True, do_not_retry=True)}, "CAUGHT"),
    ],
)
def test_the_first_verdict_ends_it_and_nothing_runs(cast, world, real, drill, verdict, more, state):
    done = decide(drill, cast.reviewer, verdict, **more)
    assert done.resolved and outcome(drill) == state
    work()
    assert lines(world) == [] and Effect.objects.count() == 0
    row = queries.inbox_row(drill.pk)
    assert row.test and row.test.state == state.lower() and row.test.wrong[0][0] == "amount_cents"
    assert Run.objects.get(pk=real.run).state == "WAITING"  # the run it was made from never heard of it
    assert Action.objects.get(pk=real.pk).state == "PENDING"
    kinds = [e.kind for e in audit.timeline(action=str(drill.pk))]
    assert kinds[-2:] == ["decision.recorded", f"drill.{state.lower()}"]


def test_the_first_verdict_ends_it_also_where_two_are_asked(cast, world, real, policy):
    policy.write_text(policy.read_text().replace("    need: [{group: reviewers, count: 1}]", "    need: [{group: reviewers, count: 2}]"))
    waiting(cast.operator, call("pay", EVIDENCE, amount_cents=4_500, to="ada"), world=world)
    plan(cast)
    drill = Action.objects.get(pk=agents.place_drill("reviewers", kind="amount"))
    assert decide(drill, cast.reviewer, "approve").resolved and outcome(drill) == "MISSED"
    with pytest.raises(AlreadyDecided) as refusal:
        decide(drill, cast.second, "reject")
    assert "rita" not in refusal.value.message


def test_a_repeated_verdict_is_the_recorded_one(cast, drill):
    first = decide(drill, cast.reviewer, "approve", idempotency_key="k", seen_digest=drill.digest)
    again = decide(drill, cast.reviewer, "approve", idempotency_key="k", seen_digest=drill.digest)
    assert (again.replayed, again.decision.pk, outcome(drill)) == (True, first.decision.pk, "MISSED")


@pytest.mark.parametrize(("args", "state"), [({"amount_cents": 4_500, "to": "ada"}, "CAUGHT"), ({"to": "bob"}, "MISSED")])
def test_an_edit_ends_it_caught_when_it_mends_what_was_wrong(cast, drill, args, state):
    now = action_detail(drill.pk, reader=cast.reviewer).args
    edit = approvals.request_edit(drill.pk, by=cast.reviewer, seen_digest=drill.digest, args={**now, **args}, reason="too much", door="web")
    work()
    assert (outcome(drill), Edit.objects.get(pk=edit.pk).state) == (state, "REFUSED")
    assert Action.objects.get(pk=drill.pk).version == 1


def test_it_expires_as_a_test(cast, real, drill):
    with clock_moved(hours=3):
        timing.expire_due()
    assert outcome(drill) == "EXPIRED" and Action.objects.get(pk=drill.pk).outcome == {"status": "test", "test": "expired"}
    assert quality.quality(30).expired == 1  # the real one


def test_switching_off_takes_back_what_is_open(cast, drill):
    plan(cast, active=False)
    assert outcome(drill) == "WITHDRAWN" and queries.inbox_row(drill.pk).test.state == "withdrawn"


def test_a_halt_that_took_its_time_ends_it(cast, drill):
    halt = approvals.halt(scope="everything", reason="why", by=cast.operator, door="web")
    Action.objects.filter(pk=drill.pk).update(expires_at=Now())
    factories.release(halt, cast)
    assert outcome(drill) == "WITHDRAWN" and Action.objects.get(pk=drill.pk).version == 1


def test_a_question_about_it_is_answered_by_the_agent_as_about_any_other(cast, real, drill, monkeypatch):
    monkeypatch.setattr(explaining, "configured", lambda: lambda asked: f"Because of {asked.args['amount_cents']}")
    for action in (real, drill):
        agents.answer_ask(approvals.ask(action.pk, by=cast.reviewer, question="Why so much?", door="web").pk)
    told = [queries.asks(action=str(a.pk))[0] for a in (real, drill)]
    assert [(row.state, row.answer) for row in told] == [
        ("ANSWERED", "Because of 4500"), ("ANSWERED", f"Because of {action_detail(drill.pk, reader=cast.reviewer).args['amount_cents']}"),
    ]  # fmt: skip
    assert len({e.actor_name for e in Event.objects.filter(kind="ask.answered")}) == 1
    assert [row.answer for row in queries.asks(run=drill.run)] == ["Because of 4500"]


def test_where_nobody_explains_that_is_said_of_both(cast, real, drill, monkeypatch):
    monkeypatch.setattr(explaining, "configured", lambda: None)
    for action in (real, drill):
        agents.answer_ask(approvals.ask(action.pk, by=cast.reviewer, question="Why?", door="web").pk)
    assert len({(row.state, row.answer) for a in (real, drill) for row in queries.asks(action=str(a.pk))}) == 1


def test_at_critical_the_name_to_type_is_the_targets_as_of_any_other(cast, world, policy):
    policy.write_text(with_rules("- name: all-critical\n  match: {tools: [pay]}\n  at_least: critical"))
    _, action = waiting(cast.operator, call("pay", EVIDENCE, amount_cents=4_500, to="ada"), world=world)
    plan(cast)
    made = Action.objects.get(pk=agents.place_drill("reviewers", kind="amount", chance=Random(3)))
    assert made.level == "critical" and queries.shown(made.pk).confirm == queries.shown(action.pk).confirm == "ada"


@pytest.mark.django_db(transaction=True)
def test_of_two_verdicts_at_once_one_ends_it(cast, drill):
    found = together([lambda: decide(drill, cast.reviewer, "approve"), lambda: decide(drill, cast.second, "reject")])
    assert sum(isinstance(f, AlreadyDecided) for f in found) == 1
    assert Decision.objects.filter(action=drill).count() == 1


# -- it never runs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"state": "APPROVED", "resolved_at": Now()},
        {"claimed_at": Now()},
        {"claim_by": Now()},
        {"hold_until": Now()},
        {"state": "REJECTED", "resolved_at": Now()},
        {"drill": False},
        {"kind": "question"},
    ],
)
def test_postgresql_lets_it_be_neither_approved_nor_claimed_nor_made_real(drill, change):
    with pytest.raises(DatabaseError, match=r"action_test_never_runs|Cannot update"), transaction.atomic():
        Action.objects.filter(pk=drill.pk).update(**change)


def test_the_claim_refuses_it_whatever_the_state(drill):
    """An intruder has dropped the constraint and approved it: the claim refuses, and so it does when the mark is wiped away."""
    with as_intruder("approvals_action") as cursor:
        cursor.execute("ALTER TABLE approvals_action DROP CONSTRAINT action_test_never_runs")
        cursor.execute(
            "UPDATE approvals_action SET state = 'APPROVED', resolved_at = now(), claim_by = now() + interval '900 s' WHERE drill"
        )
    with pytest.raises(Conflict, match="test action"), transaction.atomic():
        claim(drill.pk, digest=drill.digest)
    with as_intruder("approvals_action") as cursor:
        cursor.execute("UPDATE approvals_action SET drill = false WHERE drill")
    with pytest.raises(Conflict, match="somebody changed the database"), transaction.atomic():
        claim(drill.pk, digest=drill.digest)
    assert action_detail(drill.pk, reader=factories.another_reviewer()).tampered


def test_no_change_of_policy_lets_it_through(cast, world, real, drill, policy):
    """Everything passes now, a halt reopens what waits, the clock runs, workers work: the test is decided by people or by nobody."""
    policy.write_text(policy.read_text().replace("rules: []", "rules: [{name: pass, match: {tools: [pay]}, at_most: low}]"))
    assert factories.action("high", tool="pay", args={"amount_cents": 1, "to": "ada"}).state == "APPROVED"
    halt = approvals.halt(scope="everything", reason="why", by=cast.operator, door="web")
    factories.release(halt, cast)
    timing.expire_due()
    work()
    assert Action.objects.get(pk=drill.pk).state == "PENDING" and outcome(drill) == "OPEN"
    decide(drill, cast.reviewer, "approve")
    work()
    assert outcome(drill) == "MISSED" and lines(world) == [] and Effect.objects.count() == 0


# -- it is counted by nothing ------------------------------------------------------------------------


def test_no_figure_no_history_and_no_novelty_knows_it(cast, world, real, drill):
    decide(drill, cast.reviewer, "approve", looked={"ms": 10, "saw_all": 0})
    found = quality.quality(30)
    assert (found.decisions, found.decided, found.timed, found.people, found.times) == (0, 0, 0, [], [])
    assert queries.decided().rows == []
    assert [r.id for r in queries.run_actions(real.run)] == [str(real.pk)]
    assert {c.id for c in past.past(position=None, since=None, limit=100).cases} == {str(real.pk)}
    assert grants.examples() == []
    assert [p.id for p in grants.past_calls(agent=real.agent, tool="pay", giver="")] == [str(real.pk)]
    assert queries.policies.rule_figures().looked_at == 1
    assert action_detail(real.pk, reader=cast.reviewer).similar == []
    again = factories.waiting(cast.operator, call("pay", EVIDENCE, amount_cents=4_500, to="ada"), world=world)[1]
    assert action_detail(again.pk, reader=cast.reviewer).facts.approvals_before == 0


def test_a_rejected_one_says_nothing_about_the_same_call_of_its_run(cast, world):
    """Were it counted, the real call would be answered from the rejection of the test."""
    _, real = waiting(cast.operator, call("pay", EVIDENCE, amount_cents=4_500, to="ada"), world=world)
    plan(cast)
    drill = Action.objects.get(pk=agents.place_drill("reviewers", kind="amount"))
    decide(drill, cast.reviewer, "reject", also=approvals.Also(do_not_retry=True))
    later = approvals.open_action(
        factories.proposal(agent="calls", run=real.run, tool="pay", args=action_detail(drill.pk, reader=cast.reviewer).args)
    )
    assert later.state == "PENDING" and later.follows is None


def draft_and_give(action, by) -> Grant:
    wanted = Wanted("tool", 3, action.expires_at, "amount_cents", None, 100_000)
    made = granting.draft(action.pk, wanted, by=by)
    proof = factories.proof(action, by) if action.level == "high" else Proof()
    return granting.give(action.pk, wanted, seen=made.terms.digest, reason="the same again", by=by, proof=proof, door="web")


def test_a_grant_after_it_is_tried_as_any_other_and_refused_as_some_real_ones_are(cast, world, real, drill, monkeypatch):
    with pytest.raises(BadRequest, match="Picked to be looked at by itself, as some are"):
        draft_and_give(drill, cast.reviewer)
    monkeypatch.setattr(granting, "decided_alone", lambda action_id: True)
    with pytest.raises(BadRequest, match="Picked to be looked at by itself, as some are"):
        draft_and_give(real, cast.reviewer)
    assert Grant.objects.count() == 0
    plan(cast, active=False)
    assert draft_and_give(real, cast.reviewer).like_id == real.pk


def test_bulk_leaves_it_out_by_its_id_and_some_real_ones_with_it(cast, real, drill):
    with as_intruder("approvals_action") as cursor:  # as if it were of a level that may be decided together
        cursor.execute("UPDATE approvals_action SET level = 'medium' WHERE drill")
    member = replace(bulk.members([str(drill.pk)])[str(drill.pk)], why="")
    assert "looked at by itself" in bulk.alone(member) and drills.decided_alone(drill.pk)
    ids = [str(factories.action(tool="t").pk) for _ in range(64)]
    by_id = {m.id: bulk.alone(m) for some in (ids[:32], ids[32:]) for m in bulk.members(some).values()}
    assert {pk: said for pk, said in by_id.items() if said} == {pk: bulk.alone(member) for pk in ids if drills.decided_alone(UUID(pk))}
    plan(cast, active=False)
    assert {bulk.alone(m) for m in bulk.members(ids[:32]).values()} == {""}


def test_about_one_in_sixteen_ids_is_picked_and_its_digits_do_not_say_which():
    picked = [found for found in (uuid4() for _ in range(8_000)) if drills.decided_alone(found)]
    assert 350 < len(picked) < 650 and len({found.hex[-1] for found in picked}) == 16


def test_everything_that_counts_decisions_leaves_it_out_in_sql():
    assert "approvals_drill" in NO_DRILL


# -- how often -------------------------------------------------------------------------------------


def verdicts(cast, count: int) -> None:
    for _ in range(count):
        decide(factories.action(), cast.second)


def test_one_is_due_after_so_many_verdicts_when_something_real_waits(cast, world, real):
    plan(cast, kinds=["amount"])
    DrillPlan.objects.update(gap=4)
    verdicts(cast, 3)
    assert agents.place_drills() == 0
    verdicts(cast, 1)
    assert agents.place_drills() == 1
    assert agents.place_drills() == 0  # one at a time
    drill = Drill.objects.get()
    decide(Action.objects.get(pk=drill.pk), cast.reviewer, "reject")
    assert agents.place_drills() == 0  # its own verdict counts for nothing
    later = DrillPlan.objects.get()
    assert later.since > drill.created_at or later.since == drill.created_at
    assert 5 <= later.gap <= 15


def test_none_is_placed_where_nothing_real_waits_or_the_day_had_enough(cast, world, real):
    plan(cast, kinds=["amount"], per_day=1)
    DrillPlan.objects.update(gap=1)
    verdicts(cast, 1)
    decide(real, cast.reviewer)
    assert drills.due() == []  # nothing real waits
    waiting(cast.operator, call("pay", EVIDENCE, amount_cents=4_500, to="ada"), world=world)
    assert agents.place_drills() == 1
    decide(Action.objects.get(drill=True), cast.reviewer, "reject")
    DrillPlan.objects.update(gap=1)
    verdicts(cast, 1)
    assert drills.due() == []  # one a day


def test_where_nothing_fits_it_is_left_for_a_while(cast, real):
    plan(cast, kinds=["recipient"])  # there is no address in it
    DrillPlan.objects.update(gap=1)
    verdicts(cast, 1)
    assert len(drills.due()) == 1 and agents.place_drills() == 0
    assert drills.due() == [] and Drill.objects.count() == 0
    with clock_moved(minutes=11):
        assert len(drills.due()) == 1


def test_what_policy_passes_or_refuses_or_asks_others_about_is_not_placed(cast, world, real, policy):
    plan(cast)
    policy.write_text(policy.read_text().replace("rules: []", "rules: [{name: no-pay, match: {tools: [pay]}, deny: not today}]"))
    with pytest.raises(BadRequest, match="Nothing was placed"):
        agents.place_drill("reviewers", kind="amount")


def test_what_is_halted_is_not_made_a_test_of(cast, real):
    plan(cast)
    approvals.halt(scope="agent", target="calls", reason="why", by=cast.operator, door="web")
    assert drills.sources("reviewers") == []


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_places_it(cast, real, monkeypatch):
    monkeypatch.setattr("agents.operations.drilling.LONGEST_S", 60.0)
    plan(cast, kinds=["amount"])
    DrillPlan.objects.update(gap=1)
    verdicts(cast, 1)
    assert sorted(together([agents.place_drills, agents.place_drills])) == [0, 1]


def test_only_administrators_plan_and_what_is_wrong_is_said_by_field(cast):
    with pytest.raises(NotAllowed):
        plan(cast, by=cast.operator)
    with pytest.raises(BadRequest) as refusal:
        plan(cast, group="nobody", every=1, per_day=99, kinds=["nonsense"])
    assert set(refusal.value.details["fields"]) == {"group", "every", "per_day", "kinds"}
    plan(cast)
    plan(cast)
    assert Event.objects.filter(kind="drill.plan_changed").count() == 1  # nothing changed the second time


def test_off_by_default(cast, real):
    assert drills.due() == [] and drills.plans() == []
    with pytest.raises(BadRequest, match="not switched on"):
        agents.place_drill("reviewers")


# -- figures ---------------------------------------------------------------------------------------


def test_caught_and_missed_are_counted_for_the_team_and_for_oneself(cast, world, real, drill):
    decide(drill, cast.reviewer, "approve")
    other = Action.objects.get(pk=agents.place_drill("reviewers", kind="amount"))
    decide(other, cast.second, "reject")
    found = drills.drill_figures(7)
    assert (found.decided, found.of(DrillState.CAUGHT), found.of(DrillState.MISSED, "amount")) == (2, 1, 1)
    mine = drills.tested(found, cast.reviewer)
    assert (mine.caught, mine.of) == (0, 1) and drills.tested(found, cast.admin) is None
    assert [e.ending.state for e in drills.ended_drills(7)] == ["caught", "missed"]
    assert "rita" not in str(drills.ended_drills(7)) and "rita" not in str(queries.inbox_row(drill.pk))
    assert action_detail(drill.pk, reader=cast.second).votes == []


def test_what_a_drill_says_is_fixed(drill):
    changes: list[dict] = [{"wrong": []}, {"group": "x"}, {"kind": "x"}]
    for change in changes:
        with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
            Drill.objects.update(**change)
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
        Drill.objects.all()._raw_delete("default")
