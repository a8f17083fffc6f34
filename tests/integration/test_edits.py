"""Other arguments instead: a new version, scored anew, that voids what was said of the old one."""

from datetime import timedelta

import pytest

from agents import operations as agents
from agents.models import Run
from approvals import envelopes, operations, queries
from approvals.errors import AlreadyDecided, BadArguments, BadRequest, Checking, Expired, NotAllowed, Stale
from approvals.models import Action, Decision, Edit, Requirement
from approvals.operations import editing, people
from approvals.queries import action_detail
from audit import queries as log
from audit.actors import SYSTEM
from tests import factories
from tests.factories import call, decide, lines, work
from tests.fakes import as_intruder, clock_moved, policy_text, with_rules

pytestmark = pytest.mark.usefixtures("agents")


def want(action, by, args, **more):
    seen = Action.objects.get(pk=action.pk).digest
    return operations.request_edit(action.pk, by=by, args=args, door="web", **{"seen_digest": seen, "reason": "a test wants it", **more})


def edited(action, by, args):
    want(action, by, args)
    work()
    action.refresh_from_db()
    return action


@pytest.fixture
def action(cast, world):
    return factories.waiting(cast.operator, call(label="before", times=1), world=world)[1]


def test_an_edit_is_a_new_version_with_its_own_digest(cast, action):
    before = action.digest
    edited(action, cast.second, {"label": "after", "times": 1})
    assert (action.version, action.summary, action.state) == (2, "Append after", "PENDING")
    assert action.digest != before
    assert action_detail(action.pk, reader=cast.reviewer).args == {"label": "after", "times": 1}
    assert [v.why for v in action_detail(action.pk, reader=cast.reviewer).versions] == ["proposed", "edited"]


def test_what_runs_is_what_was_edited_and_the_graph_is_told(cast, action, world):
    edited(action, cast.second, {"label": "after", "times": 1})
    decide(action, cast.reviewer)
    work()
    assert [line.split()[1] for line in lines(world)] == ["after"]
    told = Run.objects.get().output["told"][0]
    assert told["args"] == {"label": "after", "times": 1}


def test_the_digest_seen_before_the_edit_decides_nothing(cast, action):
    before = action.digest
    edited(action, cast.second, {"label": "after", "times": 1})
    with pytest.raises(Stale):
        decide(action, cast.reviewer, seen_digest=before)
    with pytest.raises(Stale):
        want(action, cast.reviewer, {"label": "x"}, seen_digest=before)


def test_an_edit_voids_earlier_approvals(cast, world):
    action = factories.waiting(cast.operator, call("pay", amount_cents=200_000), world=world)[1]
    decide(action, cast.reviewer)
    edited(action, cast.second, {"amount_cents": 190_000, "to": "ada"})
    assert not decide(action, cast.reviewer).resolved
    assert decide(action, factories.another_reviewer()).resolved
    assert Decision.objects.filter(action=action).count() == 3


def test_an_edit_that_raises_the_risk_excludes_its_author(cast, world):
    action = factories.waiting(cast.operator, call("pay", amount_cents=5_000), world=world)[1]
    assert action.level == "medium"
    edited(action, cast.second, {"amount_cents": 20_000, "to": "ada"})
    assert action.level == "high"
    with pytest.raises(NotAllowed):
        decide(action, cast.second)
    assert decide(action, cast.reviewer).resolved


def test_nobody_approves_their_own_edit_alone_but_they_may_take_it_back(cast, action):
    edited(action, cast.second, {"label": "to a friend", "times": 1})
    with pytest.raises(NotAllowed, match="You edited this"):
        decide(action, cast.second)
    assert decide(action, cast.second, "reject").resolved


def test_whoever_had_a_hand_in_it_does_not_approve_it_though_another_edited_last(cast, action):
    edited(action, cast.second, {"label": "to a friend", "times": 1})
    edited(action, cast.reviewer, {"label": "to a friend.", "times": 1})
    for editor in (cast.second, cast.reviewer):
        with pytest.raises(NotAllowed, match="You edited this"):
            decide(action, editor)
        shown = action_detail(action.pk, reader=editor)
        assert shown.own_edit and {(cast.second.username, "editor"), (cast.reviewer.username, "editor")} <= set(shown.excluded)
    assert decide(action, factories.another_reviewer()).resolved


def test_an_earlier_editor_may_still_reject_and_what_is_asked_again_keeps_all_editors(cast, action, policy):
    edited(action, cast.second, {"label": "one", "times": 1})
    edited(action, cast.reviewer, {"label": "two", "times": 1})
    decide(action, factories.another_reviewer())
    policy.write_text(policy_text(lambda data: data["requirements"]["medium"].update(need=[{"group": "reviewers", "count": 2}])))
    work()
    action.refresh_from_db()
    assert (action.state, action.version) == ("PENDING", 4)
    with pytest.raises(NotAllowed, match="You edited this"):
        decide(action, cast.second)
    assert decide(action, cast.second, "reject").resolved


def test_going_back_to_the_agents_own_arguments_undoes_what_was_edited_before(cast, action):
    edited(action, cast.second, {"label": "to a friend", "times": 1})
    edited(action, cast.reviewer, {"times": 1, "label": "before"})
    with pytest.raises(NotAllowed):
        decide(action, cast.reviewer)
    assert decide(action, cast.second).resolved


def test_a_policy_that_excludes_editors_since_stops_what_an_editor_approved(cast, world, policy):
    policy.write_text(policy.read_text().replace("    exclude: [requester, owner, editor]\n", "    exclude: []\n", 1))
    action = factories.waiting(cast.operator, call("pay", amount_cents=5_000), world=world)[1]
    edited(action, cast.second, {"amount_cents": 4_000, "to": "ada"})
    decide(action, cast.second)
    policy.write_text(policy_text())
    work()
    assert lines(world) == []
    with pytest.raises(NotAllowed, match="You edited this"):
        decide(action, cast.second)


def test_an_approval_of_somebody_excluded_runs_nothing_however_it_came_there(cast, action, world):
    edited(action, cast.second, {"label": "to a friend", "times": 1})
    third = factories.another_reviewer()
    decide(action, third)
    with as_intruder("approvals_decision") as cursor:
        cursor.execute("UPDATE approvals_decision SET person = %s WHERE person = %s", [cast.second.person, third.person])
    work()
    action.refresh_from_db()
    assert (lines(world), action.state) == ([], "PENDING")


def test_a_policy_may_let_an_editor_approve_what_is_no_riskier(cast, world, policy):
    policy.write_text(policy.read_text().replace("    exclude: [requester, owner, editor]\n", "    exclude: []\n", 1))
    action = factories.waiting(cast.operator, call("pay", amount_cents=5_000), world=world)[1]
    edited(action, cast.second, {"amount_cents": 4_000, "to": "ada"})
    assert decide(action, cast.second).resolved


NOBODY_EXTENDS = {"deadline_s": 60, "extend": None}


def asking(policy, **medium):
    policy.write_text(policy_text(lambda data: data["requirements"]["medium"].update(medium)))


def test_no_number_of_edits_puts_the_deadline_off_where_nobody_may(cast, world, policy):
    asking(policy, **NOBODY_EXTENDS)
    action = factories.waiting(cast.operator, call(label="before", times=1), world=world)[1]
    before = action.expires_at
    for seconds, by in ((20, cast.second), (40, cast.reviewer)):
        with clock_moved(seconds=seconds):
            edited(action, by, {"label": f"at {seconds}", "times": 1})
            assert action.expires_at == before
            shown = queries.desks.desk(str(action.pk), reader=by)
            assert shown is not None and shown.expires_at == before


def test_an_edit_by_somebody_who_may_extend_counts_as_extending(cast, world, policy):
    asking(policy, deadline_s=60, extend={"by": ["reviewers"], "at_most_s": 100})
    action = factories.waiting(cast.operator, call(label="before", times=1), world=world)[1]
    before = action.expires_at
    with clock_moved(seconds=30):
        edited(action, cast.second, {"label": "one", "times": 1})
    first = (action.expires_at - before).total_seconds()
    assert 29 <= first <= 32
    with clock_moved(seconds=80):
        edited(action, cast.reviewer, {"label": "two", "times": 1})
        assert 79 <= (action.expires_at - before).total_seconds() <= 82
        with pytest.raises(BadRequest, match="as far as the policy allows"):  # less than a minute is left of what it allows
            operations.extend(action.pk, by=cast.second, seconds=60, reason="more", door="web")
    second = action.expires_at
    with clock_moved(seconds=130):
        edited(action, cast.second, {"label": "three", "times": 1})
    assert action.expires_at == second


def test_an_edit_never_leaves_more_than_was_left_to_whoever_may_not_extend(cast, world, policy):
    asking(policy, deadline_s=60, extend={"by": ["operators"], "at_most_s": 600})
    action = factories.waiting(cast.operator, call(label="before", times=1), world=world)[1]
    before = action.expires_at
    operations.extend(
        action.pk, by=people.ensure_person(username="oz", roles=["operators", "reviewers"]), seconds=300, reason="more", door="web"
    )
    with clock_moved(seconds=200):
        edited(action, cast.second, {"label": "one", "times": 1})
    assert action.expires_at <= before + timedelta(seconds=300)
    envelope = envelopes.parse(Requirement.objects.get(action=action, version=2))
    assert (envelope.put_off_s, envelope.extend.at_most_s) == (300, 300)


def test_an_edit_keeps_the_agents_own_deadline(cast, world):
    action = factories.waiting(cast.operator, call(extra={"timeout_s": 60}), world=world)[1]
    before = action.expires_at - action.created_at
    edited(action, cast.second, {"label": "x", "times": 1})
    assert action.expires_at - Requirement.objects.get(action=action, version=2).created_at <= before


@pytest.mark.parametrize("meanwhile", ["it expired", "the editor was locked", "the editor left the group"])
def test_an_edit_overtaken_by_events_is_refused(cast, action, meanwhile):
    edit = want(action, cast.second, {"label": "x", "times": 1})
    if meanwhile == "the editor was locked":
        people.deactivate(username=cast.second.username, by=SYSTEM, reason="left")
        agents.check_edit(edit.pk)
    elif meanwhile == "the editor left the group":
        people.ensure_person(username=cast.second.username, roles=["auditors"], by=SYSTEM)
        agents.check_edit(edit.pk)
    else:
        with clock_moved(minutes=31):
            agents.check_edit(edit.pk)
    assert (Edit.objects.get().state, Requirement.objects.count()) == ("REFUSED", 1)
    if meanwhile == "the editor left the group":
        assert "may not decide it any more" in Edit.objects.get().errors[""]


def test_an_edit_that_lowers_the_risk_keeps_who_was_excluded(cast, world):
    action = factories.waiting(cast.reviewer, call("pay", amount_cents=20_000), world=world)[1]
    edited(action, cast.second, {"amount_cents": 100, "to": "ada"})
    assert action.level == "medium"
    with pytest.raises(NotAllowed):
        decide(action, cast.reviewer)


def test_what_a_person_edited_is_never_passed_by_policy(cast, world, policy):
    action = factories.waiting(cast.operator, call(), world=world)[1]
    policy.write_text(policy.read_text().replace("write: 26", "write: 0"))
    edited(action, cast.second, {"label": "x", "times": 1})
    assert (action.level, action.state) == ("medium", "PENDING")


def test_arguments_the_tool_refuses_change_nothing_and_say_where(cast, action):
    edited(action, cast.second, {"label": "x", "times": "often"})
    shown = action_detail(action.pk, reader=cast.second)
    assert (action.version, Edit.objects.get().state) == (1, "REFUSED")
    assert "times" in shown.edit_errors
    assert shown.edit_args == {"label": "x", "times": "often"}
    assert "edit.refused" in [e.kind for e in log.timeline(action=str(action.pk))]


def test_arguments_that_fit_by_themselves_but_not_in_an_envelope_are_refused(cast, action):
    edited(action, cast.second, {"label": "y" * 261_500, "times": 1})
    assert (action.version, Edit.objects.get().state) == (1, "REFUSED")
    assert decide(action, cast.second).resolved


@pytest.mark.parametrize("args", [None, [], "text", {"tool": "pay"}, {"label": None}, {"label": ["x"]}])
def test_arguments_of_another_shape_never_become_another_tool(cast, action, args):
    edited(action, cast.second, args)
    assert (action.tool, action.version) == ("append", 1)


@pytest.mark.parametrize(
    "args", [{"label": "\x00"}, {"label": "\ud800"}, {"n": 2**53}, {"n": float("nan")}, {"label": "x" * 300_000}, {1: 2}]
)
def test_arguments_without_canonical_form_are_refused_at_the_door(cast, action, args):
    with pytest.raises(BadArguments):
        want(action, cast.second, args)
    assert not Edit.objects.exists()


def test_an_edit_that_changes_nothing_is_refused(cast, action):
    with pytest.raises(BadRequest, match="Nothing was changed"):
        want(action, cast.second, {"times": 1, "label": "before"})


def test_a_question_has_no_arguments(cast):
    question = factories.action(kind="question", args={"question": "?"})
    with pytest.raises(BadRequest, match="answer it"):
        want(question, cast.reviewer, {"question": "!"})


def test_one_edit_at_a_time_and_nothing_is_decided_meanwhile(cast, action):
    want(action, cast.second, {"label": "x"})
    with pytest.raises(Checking):
        want(action, cast.reviewer, {"label": "y"})
    with pytest.raises(Checking):
        decide(action, cast.reviewer)


def test_the_same_edit_asked_for_twice_is_one(cast, action):
    first = want(action, cast.second, {"label": "x", "times": 1})
    assert want(action, cast.second, {"times": 1, "label": "x"}).pk == first.pk
    with pytest.raises(Checking):
        want(action, cast.reviewer, {"label": "x", "times": 1})
    with pytest.raises(Checking):
        want(action, cast.second, {"label": "\ud800"})
    assert [e.kind for e in log.timeline(action=str(action.pk))].count("edit.wanted") == 1


def test_who_may_not_decide_may_not_edit(cast, action):
    for person in (cast.operator, cast.auditor, cast.admin, cast.outsider, cast.locked):
        with pytest.raises(NotAllowed):
            want(action, person, {"label": "x"})


def test_nothing_is_edited_after_the_end(cast, action):
    with clock_moved(minutes=31), pytest.raises(Expired):
        want(action, cast.second, {"label": "x"})
    decide(action, cast.second, "reject")
    with pytest.raises(AlreadyDecided):
        want(action, cast.second, {"label": "x"})


def test_an_edit_answered_too_late_is_refused(cast, action):
    edit = want(action, cast.second, {"label": "x"})
    agents.cancel_run(action.run, reason="over", by=cast.operator, door="web")
    agents.check_edit(edit.pk)
    assert (Edit.objects.get().state, Requirement.objects.count()) == ("REFUSED", 1)
    agents.check_edit(edit.pk)
    agents.check_edit(987654)


def test_what_the_sweeper_finds_of_edits(cast, action):
    edit = want(action, cast.second, {"label": "x"})
    assert agents.recover().edits == []
    with clock_moved(minutes=1):
        assert agents.recover().edits == [edit.pk]


@pytest.mark.parametrize(("cents", "level"), [(25_000, "high"), (150_000, "critical")])
def test_at_high_and_critical_an_edit_says_why(cast, world, cents, level):
    action = factories.waiting(cast.operator, call("pay", amount_cents=cents), world=world)[1]
    assert action.level == level
    for nothing in ("", "  "):
        with pytest.raises(BadRequest, match="Say why you edit it"):
            want(action, cast.second, {"amount_cents": 4_000, "to": "ada"}, reason=nothing)
    assert want(action, cast.second, {"amount_cents": 4_000, "to": "ada"}, reason="too much").reason == "too much"


def test_what_was_asked_before_edits_needed_reasons_is_edited_without(cast, world, policy):
    policy.write_text(policy_text(lambda data: data["requirements"]["high"].update(reason_for=["reject"])))
    action = factories.waiting(cast.operator, call("pay", amount_cents=25_000), world=world)[1]
    policy.write_text(policy_text())
    assert want(action, cast.second, {"amount_cents": 4_000, "to": "ada"})


@pytest.mark.parametrize(("said", "counts"), [(None, 20.0), (1, 20.0), (30, 30.0)])
def test_of_what_agent_and_tool_say_a_call_costs_the_larger_counts_and_of_an_edited_one_the_tools(cast, world, said, counts):
    extra = {} if said is None else {"estimated_cost": said}
    action = factories.waiting(cast.operator, call("metered", extra, label="the model", times=20), world=world)[1]
    detail = action_detail(action.pk, reader=cast.second)
    assert (detail.facts.estimated_cost, detail.preview["estimated_cost"], action.level) == (counts, 20.0, "high")
    edited(action, cast.second, {"label": "the model", "times": 2})
    assert (action_detail(action.pk, reader=cast.second).facts.estimated_cost, action.level) == (2.0, "medium")


def test_policy_may_let_nobody_edit(cast, policy):
    policy.write_text(with_rules("- {name: as-it-is, require: {may_edit: false}}"))
    action = factories.action()
    assert not action_detail(action.pk, reader=cast.reviewer).editable
    with pytest.raises(BadRequest, match="lets nobody write other arguments"):
        want(action, cast.reviewer, {"n": 2})
    decide(action, cast.reviewer)
    assert not Edit.objects.exists() and Action.objects.get(pk=action.pk).state == "APPROVED"


class Killed(BaseException):
    """What nothing catches: as the worker's own end."""


def test_an_edit_that_kills_its_workers_is_refused_in_the_end(cast, action, monkeypatch):
    """A preview that hangs in C, or takes all memory: the action can be decided again."""

    def kill(*_):
        raise Killed

    monkeypatch.setattr("agents.tools.runner.preview", kill)
    edit = want(action, cast.second, {"label": "after", "times": 1})
    for n in range(editing.MAX_ATTEMPTS):
        with clock_moved(minutes=2 * n):
            assert queries.wanted_edits(limit=9) == ([edit.pk] if n else [])
            with pytest.raises(Killed):
                agents.check_edit(edit.pk)
            agents.check_edit(edit.pk)  # woken twice: a worker is at it
            assert queries.wanted_edits(limit=9) == []
            with pytest.raises(Checking):
                decide(action, cast.reviewer)
    with clock_moved(minutes=2 * editing.MAX_ATTEMPTS):
        agents.check_edit(edit.pk)
        edit.refresh_from_db()
        assert edit.state == "REFUSED" and "ended its worker 3 times" in edit.errors[""]
        assert [e.kind for e in log.timeline(action=str(action.pk))][-1] == "edit.refused"
        assert decide(action, cast.reviewer).resolved


def test_a_preview_that_takes_its_time_is_not_a_worker_that_died(cast, action):
    edit = want(action, cast.second, {"label": "after", "times": 1})
    assert operations.take_edit(edit.pk, seconds=300)
    with clock_moved(minutes=5):
        assert queries.wanted_edits(limit=9) == [] and not operations.take_edit(edit.pk)
    with clock_moved(minutes=7):
        assert queries.wanted_edits(limit=9) == [edit.pk]
