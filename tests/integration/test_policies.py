"""Policies as versions: who changes them, what a change does to what is under way, and drafts tried on what happened."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from agents import operations as agent_operations
from agents.queries import known_to_policies
from approvals import operations
from approvals.errors import BadRequest, Conflict, InvalidPolicy, NotAllowed, Stale
from approvals.models import Action, Backtest, Decision, PolicyVersion, Requirement, User
from approvals.operations import backtests, granting, people, policies, publishing, reopening
from approvals.permissions import check_edit_policy, standing
from approvals.policy.checking import Known
from approvals.policy.replay import Tally
from approvals.queries import action_detail, past
from approvals.queries import policies as queries
from audit.queries import events
from tests import factories
from tests.factories import call, decide, work
from tests.fakes import as_intruder, clock_moved, together, with_rules

TWO = "- {name: two, match: {tools: [do_it]}, require: {need: [{group: reviewers, count: 2}]}}\n"
DENY = "- {name: no-pay, match: {tools: [pay]}, deny: Agents do not pay}\n"
MILD = "- {name: mild, match: {tools: [do_it]}, at_most: low}\n"

LINE = with_rules(TWO).splitlines().index("rules:") + 2  # where the first rule stands


@pytest.fixture
def registered(cast, agents: None) -> None:
    """The agent that proposes whatever calls its input names."""


@pytest.fixture
def other_admin(cast) -> User:
    return people.ensure_person(username="anna", roles=["admins"])


def propose(source: str, by: User, why: str = "because", known: Known | None = None) -> PolicyVersion:
    return publishing.propose(source, justification=why, known=known or Known(), by=by, door="web")


def outcome(run):
    run.refresh_from_db()
    return run.output["told"][0]


def test_the_file_is_the_seed_of_version_1_and_nothing_more(cast, settings, tmp_path):
    first = policies.in_force()
    settings.POLICY_FILE = tmp_path / "gone.yaml"
    assert (first.number, policies.in_force().sha256) == (1, first.sha256)
    row = PolicyVersion.objects.get()
    assert (row.state, row.number, row.source) == ("PUBLISHED", 1, first.source)
    assert [e.kind for e in events(stream="policy").rows] == ["policy.published"]


@pytest.mark.django_db(transaction=True)
def test_many_who_come_first_seed_it_once():
    found = together([policies.in_force] * 6)
    assert {p.number for p in found} == {1}
    assert PolicyVersion.objects.count() == 1


def test_a_stricter_policy_is_published_by_its_author_and_is_in_force_at_once(cast):
    made = propose(with_rules(TWO), cast.admin, "two heads are better")
    assert (made.state, made.loosens, policies.in_force().number) == ("PROPOSED", [], 1)
    made = publishing.publish(made.pk, known=Known(), by=cast.admin, door="web")
    assert (made.number, made.base, made.justification, made.closed_name) == (2, 1, "two heads are better", "ada")
    assert "+  - {name: two" in made.diff and "-rules: []" in made.diff
    action = factories.action()
    assert Requirement.objects.get(action=action).policy == f"v2-{made.sha256[:8]}"
    decide(action, cast.reviewer)
    assert Action.objects.get(pk=action.pk).state == "PENDING"
    decide(action, cast.second)
    assert Action.objects.get(pk=action.pk).state == "APPROVED"


def test_every_change_has_its_event_with_diff_and_justification(cast, other_admin):
    made = propose(with_rules(MILD), cast.admin, "less noise")
    publishing.publish(made.pk, known=Known(), by=other_admin, door="cli", note="agreed")
    dropped = propose(with_rules(TWO), cast.admin)
    publishing.withdraw(dropped.pk, by=cast.admin, door="web", reason="changed my mind")
    said = [(e.kind, e.actor) for e in events(stream="policy").rows]
    assert said[:4] == [
        ("policy.withdrawn", "ada"), ("policy.proposed", "ada"), ("policy.published", "anna"), ("policy.proposed", "ada"),
    ]  # fmt: skip
    published = next(e for e in events(stream="policy").rows if e.actor == "anna")
    assert published.data["reason"] == "less noise" and "+  - {name: mild" in published.data["diff"]
    assert (published.data["proposed_by"], published.data["note"], bool(published.data["loosens"])) == ("ada", "agreed", True)


def test_what_loosens_needs_a_second_person(cast, other_admin):
    made = propose(with_rules(MILD), cast.admin)
    assert made.loosens == ["the rule mild is new and asks for less"]
    with pytest.raises(NotAllowed, match="another administrator than ada"):
        publishing.publish(made.pk, known=Known(), by=cast.admin, door="web")
    assert policies.in_force().number == 1
    assert publishing.publish(made.pk, known=Known(), by=other_admin, door="web").number == 2
    assert factories.action().state == "APPROVED"


def test_nobody_alone_removes_a_rule_that_replaces_what_is_asked_by_more(cast, other_admin):
    strict = "- {name: two, match: {tools: [do_it]}, instead: {need: [{group: reviewers, count: 2}], hold_s: 120}}\n"
    before = policies.in_force().source
    publishing.publish(
        propose(with_rules(strict), cast.admin).pk, known=Known(), by=cast.admin, door="web"
    )  # it asks for more: alone is enough
    made = propose(before + "\n# tidy\n", cast.admin)
    assert made.loosens[0] == "the rule two is gone, and low asks fewer people"
    with pytest.raises(NotAllowed, match="another administrator"):
        publishing.publish(made.pk, known=Known(), by=cast.admin, door="cli")
    publishing.publish(made.pk, known=Known(), by=other_admin, door="web")


def test_a_second_account_of_the_author_is_no_second_person(cast):
    twin = people.ensure_person(username="ada2", roles=["admins"])
    User.objects.filter(pk=twin.pk).update(person=cast.admin.person)
    made = propose(with_rules(MILD), cast.admin)
    with pytest.raises(NotAllowed):
        publishing.publish(made.pk, known=Known(), by=twin, door="web")


@pytest.mark.parametrize("who", ["reviewer", "operator", "auditor", "outsider", "locked"])
def test_only_administrators_change_the_policy(cast, who):
    made = propose(with_rules(TWO), cast.admin)
    somebody = getattr(cast, who)
    for attempt in (
        lambda: propose(with_rules(MILD), somebody),
        lambda: publishing.publish(made.pk, known=Known(), by=somebody, door="web"),
        lambda: publishing.withdraw(made.pk, by=somebody, door="web", reason="x"),
        lambda: backtests.want(with_rules(MILD), by=somebody, last=10),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert (PolicyVersion.objects.get(pk=made.pk).state, policies.in_force().number) == ("PROPOSED", 1)


def test_a_role_lost_meanwhile_publishes_nothing(cast):
    made = propose(with_rules(TWO), cast.admin)
    people.ensure_person(username="ada", roles=["auditors"])
    with pytest.raises(NotAllowed):
        publishing.publish(made.pk, known=Known(), by=cast.admin, door="web")
    with pytest.raises(NotAllowed):
        check_edit_policy(standing(cast.admin))


def test_nothing_is_proposed_without_a_reason_or_a_change(cast):
    with pytest.raises(BadRequest, match="Say why"):
        propose(with_rules(TWO), cast.admin, "  ")
    with pytest.raises(BadRequest, match="in force already"):
        propose(policies.in_force().source, cast.admin)


def test_a_policy_that_is_wrong_is_refused_with_its_lines(cast, registered):
    bad = with_rules("- {name: a, match: {tools: [pya]}, deny: x}\n")
    with pytest.raises(InvalidPolicy, match=rf"line {LINE}: rule a: no registered tool is called pya; did you mean pay\?") as refused:
        propose(bad, cast.admin, known=known_to_policies())
    assert list(refused.value.details["fields"]) == [f"line {LINE}"]
    with pytest.raises(InvalidPolicy, match="asks 9 of reviewers, and there are 2"):
        propose(with_rules("- {name: a, require: {need: [{group: reviewers, count: 9}]}}\n"), cast.admin, known=known_to_policies())
    assert PolicyVersion.objects.count() == 1


def test_a_locked_reviewer_is_not_counted_in_a_roster(cast):
    assert len(queries.rosters().groups["reviewers"]) == 2
    people.ensure_person(username="sam-too", roles=["reviewers"])
    User.objects.filter(username="sam-too").update(person=cast.second.person)
    assert len(queries.rosters().groups["reviewers"]) == 2


def test_two_proposals_of_one_version_are_not_both_published(cast, other_admin):
    one, other = propose(with_rules(TWO), cast.admin), propose(with_rules(DENY), other_admin)
    publishing.publish(one.pk, known=Known(), by=cast.admin, door="web")
    with pytest.raises(Stale, match="Version 2 was published since"):
        publishing.publish(other.pk, known=Known(), by=cast.admin, door="web")
    with pytest.raises(Conflict, match="published by ada already"):
        publishing.publish(one.pk, known=Known(), by=cast.admin, door="web")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_publish_at_once_one_does():
    cast = factories.cast()
    made = [propose(with_rules(TWO), cast.admin), propose(with_rules(DENY), cast.admin)]
    found = together([lambda m=m: publishing.publish(m.pk, known=Known(), by=cast.admin, door="web") for m in made * 3])
    assert sum(isinstance(f, PolicyVersion) for f in found) == 1
    assert all(isinstance(f, PolicyVersion | Conflict) for f in found)
    assert {v.number for v in PolicyVersion.objects.exclude(number=None)} == {1, 2}


def test_an_older_text_can_be_published_again(cast, other_admin):
    first = policies.in_force().source
    publishing.publish(propose(with_rules(TWO), cast.admin).pk, known=Known(), by=cast.admin, door="web")
    back = publishing.publish(propose(first, cast.admin, "it was too much").pk, known=Known(), by=other_admin, door="web")
    assert (back.number, policies.in_force().sha256) == (3, PolicyVersion.objects.get(number=1).sha256)


def refused(change) -> str:
    with pytest.raises(DatabaseError) as error, transaction.atomic():
        change()
    return str(error.value)


@pytest.mark.parametrize("change", [{"source": "x"}, {"number": 9}, {"justification": "x"}, {"note": "x"}, {"closed_name": "x"}])
def test_what_was_published_is_never_changed_nor_deleted(cast, change):
    policies.in_force()
    assert "Cannot update" in refused(lambda: PolicyVersion.objects.update(**change))
    assert "Cannot delete" in refused(lambda: PolicyVersion.objects.all()._raw_delete("default"))


@pytest.mark.parametrize("change", [{"source": "x"}, {"sha256": "x"}, {"loosens": []}, {"proposed_name": "x"}, {"diff": "x"}, {"base": 3}])
def test_the_content_of_a_proposal_is_never_changed(cast, change):
    made = propose(with_rules(MILD), cast.admin)
    assert "Cannot update" in refused(lambda: PolicyVersion.objects.filter(pk=made.pk).update(**change))


def test_a_policy_changed_behind_our_back_scores_nothing(cast):
    policies.in_force()
    with as_intruder("approvals_policyversion") as cursor:
        cursor.execute("UPDATE approvals_policyversion SET source = replace(source, 'write: 26', 'write: 0')")
    policies._parsed.cache_clear()
    with pytest.raises(Conflict, match="does not match its hash"):
        factories.action()


def test_a_denied_action_is_a_recorded_decision_and_the_agent_is_told(cast, registered, world, policy):
    policy.write_text(with_rules(DENY))
    run = factories.run(cast.reviewer, call("pay", amount_cents=100), world=world)
    work()
    action = Action.objects.get(run=str(run.pk))
    decision = Decision.objects.get(action=action)
    assert (action.state, decision.verdict, decision.by, decision.by_name) == (
        "REJECTED",
        "reject",
        None,
        f"policy {Requirement.objects.get(action=action).policy}",
    )
    assert outcome(run)["status"] == "rejected" and "Agents do not pay (rule no-pay)" in outcome(run)["reason"]
    assert factories.lines(world) == []
    assert action_detail(action.pk, reader=cast.reviewer).denied == "Agents do not pay (rule no-pay)"


def test_an_approved_action_that_is_denied_since_is_not_run(cast, registered, world, policy):
    run, action = factories.waiting(cast.reviewer, call("pay", amount_cents=20_000), world=world)
    decide(action, cast.second)
    policy.write_text(with_rules(DENY))
    assert agent_operations.execute(action.pk) is None
    work()
    action.refresh_from_db()
    assert (action.state, action.version, outcome(run)["status"], factories.lines(world)) == ("REJECTED", 2, "rejected", [])


def test_an_approved_action_that_a_rule_asks_more_people_for_since_goes_back(cast, policy):
    action = factories.approved(cast.reviewer)
    policy.write_text(with_rules(TWO))
    with pytest.raises(Conflict, match="went back"):
        operations.claim(action.pk, digest=action.digest)


def test_what_is_under_way_keeps_what_it_was_asked_under(cast, policy):
    action = factories.action()
    policy.write_text(with_rules(MILD))
    action.refresh_from_db()
    assert (action.state, action.level) == ("PENDING", "medium")
    decide(action, cast.reviewer)
    assert operations.claim(Action.objects.get(pk=action.pk).pk, digest=action.digest)


def test_arguments_the_policy_denies_are_not_taken_as_an_edit(cast, registered, world, policy):
    policy.write_text(with_rules("- {name: short, match: {when: size(args.label) > 5}, deny: Too long}\n"))
    action = factories.waiting(cast.reviewer, call(label="fine"), world=world)[1]
    operations.request_edit(action.pk, by=cast.second, seen_digest=action.digest, args={"label": "much too long", "times": 1}, door="web")
    work()
    shown = action_detail(action.pk, reader=cast.second)
    assert (shown.row.version, shown.row.state) == (1, "PENDING")
    assert "Policy refuses these arguments: Too long" in shown.edit_errors[""]


@pytest.mark.parametrize(
    ("args", "asked_for", "customer"),
    [
        ({"customer_id": "acme"}, {}, "acme"),
        ({"customer_id": 7, "customer": "x"}, {}, "7"),
        ({"customer": ""}, {"account_id": "input"}, "input"),
        ({"customer": ["x"]}, {}, "default"),
        ({}, {}, "default"),
    ],
)
def test_whom_a_call_is_for(cast, policy, args, asked_for, customer):
    policy.write_text(with_rules(f"- {{name: theirs, match: {{customers: ['{customer}']}}, at_least: critical}}\n"))
    assert factories.action(args=args, asked_for=asked_for).level == "critical"


def backtested(source: str, by: User, **size: int) -> Tally:
    row = backtests.want(source, by=by, **(size or {"last": 1_000}))
    while backtests.advance(row.pk):
        pass
    row.refresh_from_db()
    assert row.state == "DONE", row.error
    return Tally.from_json(row.tally)


@pytest.fixture
def history(cast, policy, registered, world) -> None:
    """All kinds of calls, under two versions of the policy, some edited, reopened or denied."""
    for level in ("low", "medium", "high", "critical"):
        for more in ({}, {"reversible": True}, {"untrusted_text": ("what",)}, {"args": {"what": "th\u202eis"}}, {"estimated_cost": 20.0}):
            factories.action(level, **more)
    edited = factories.waiting(cast.reviewer, call(), world=world)[1]
    operations.request_edit(edited.pk, by=cast.second, seen_digest=edited.digest, args={"label": "other", "times": 2}, door="web")
    work()
    again = factories.approved(cast.reviewer)
    policy.write_text(with_rules(TWO + DENY + "- {name: less, score: -7, match: {when: 'has(args.what)'}}\n"))
    with pytest.raises(Conflict):
        operations.claim(again.pk, digest=again.digest)
    for level in ("low", "medium", "high", "critical"):
        factories.action(level)
        factories.action(level, tool="pay", args={"amount": 1.5})
    factories.action(kind="question", tool="ask_human")


def test_an_unchanged_policy_gives_what_really_happened(cast, history):
    seen = past.past(position=None, since=None, limit=1_000)
    assert seen.looked_at == len(seen.cases) == Action.objects.filter(kind="tool").count() > 25
    for number in (1, 2):
        row = PolicyVersion.objects.get(number=number)
        of_it = {c.id for c in seen.cases if c.policy_sha256 == row.sha256}
        found = backtested(row.source, cast.admin)
        assert len(of_it) > 8
        assert not of_it & {shown["id"] for shown in found.shown}
    assert found.looked_at == len(seen.cases)


def test_differences_the_policy_in_force_makes_as_well_are_told_apart(cast, history):
    found = backtested(PolicyVersion.objects.get(number=2).source, cast.admin)
    assert found.changed == found.already > 0


def test_a_back_test_says_before_publishing_what_publishing_does(cast, policy):
    before = [factories.action(level) for level in ("low", "medium", "medium", "high")]
    found = backtested(with_rules(TWO), cast.admin)
    assert (found.looked_at, found.changed, found.more_people, found.rules["two"].changed) == (4, 4, 5, 4)
    policy.write_text(with_rules(TWO))
    after = [factories.action(level) for level in ("low", "medium", "medium", "high")]
    asked = [sum(n.count for n in action_detail(a.pk, reader=cast.admin).needs) for a in (*before, *after)]
    assert sum(asked[4:]) - sum(asked[:4]) == found.more_people - found.fewer_people


def test_a_back_test_goes_in_stretches_and_is_found_again_when_its_worker_died(cast, monkeypatch):
    for _ in range(7):
        factories.action()
    monkeypatch.setattr(backtests, "STEP", 2)
    monkeypatch.setattr(backtests, "STRETCH_S", 0)
    row = backtests.want(with_rules(TWO), by=cast.admin, last=5)
    steps = []
    while True:
        watch = SimpleNamespace(
            monotonic=iter([0.0, -1.0, 1.0]).__next__
        )  # its own only: the thread that renews leases looks at the clock, too
        monkeypatch.setattr(backtests, "time", watch)
        more = backtests.advance(row.pk)
        row.refresh_from_db()
        steps.append((row.state, row.done, row.total))
        if not more:
            break
    assert steps == [("RUNNING", 2, 5), ("RUNNING", 4, 5), ("DONE", 5, 5)]
    assert Tally.from_json(row.tally).changed == 5
    with clock_moved(seconds=10):
        assert queries.unfinished_backtests(quiet_s=5) == []


def test_a_back_test_that_fails_says_so_and_is_not_tried_for_ever(cast, monkeypatch):
    factories.action()
    row = backtests.want(with_rules(TWO), by=cast.admin, last=5)
    monkeypatch.setattr("approvals.queries.past.past", lambda **_: 1 / 0)
    assert backtests.advance(row.pk) is False
    row.refresh_from_db()
    assert (row.state, "ZeroDivisionError" in row.error) == ("FAILED", True)
    assert backtests.advance(row.pk) is False


def test_a_draft_that_cannot_be_read_is_not_tried(cast):
    with pytest.raises(InvalidPolicy):
        backtests.want("rules: [", by=cast.admin, last=5)
    with pytest.raises(BadRequest):
        backtests.want(with_rules(TWO), by=cast.admin)
    assert not Backtest.objects.exists()


def test_a_month_is_the_last_thirty_days(cast):
    factories.action()
    assert backtested(with_rules(TWO), cast.admin, days=30).looked_at == 1
    with clock_moved(days=31):
        assert past.past_total(last=10, since=past.month_ago()) in (0, 1)


def test_what_was_tampered_with_is_passed_over(cast):
    first, second = factories.action(), factories.action()
    with as_intruder("approvals_requirement") as cursor:
        cursor.execute("UPDATE approvals_requirement SET envelope = 'x' WHERE action_id = %s", [first.pk])
    assert [c.id for c in past.past(position=None, since=None, limit=10).cases] == [str(second.pk)]


def test_what_is_wrong_is_said_at_once_whatever_layer_it_is_in(registered, cast):
    rules = "- {name: one, says: x}\n- {name: two, deny: x, match: {when: tool}}\n- {name: three, deny: x, match: {tools: [appnd]}}\n"
    with pytest.raises(InvalidPolicy) as refused:
        publishing.propose(with_rules(rules), justification="r", known=known_to_policies(), by=cast.admin, door="web")
    said = {line - LINE: str(why) for line, why in refused.value.problems}
    assert set(said) == {0, 1, 2}
    assert "no such field" in said[0] and "it is a text" in said[1] and "did you mean append" in said[2]
    assert not any(
        "\N{REPLACEMENT CHARACTER}" in str(why) or "aside" in str(why) for _, why in (*refused.value.problems, *refused.value.warnings)
    )


def test_what_people_always_approve_is_suggested_and_what_they_do_not_is_not(cast):
    for number in range(20):
        decide(factories.action(reversible=True, figures={"rows": number % 5}), cast.reviewer)
        decide(factories.action(tool="other", reversible=True), cast.reviewer, "reject" if number == 7 else "approve")
        decide(factories.action(tool="final", reversible=False), cast.reviewer)
    again = Action.objects.filter(tool="do_it").first()
    assert again is not None
    with transaction.atomic():  # a grant was revoked, say: asked once more, and approved as it was
        reopening.reopen(Action.objects.select_for_update().get(pk=again.pk), why="asked again", by=cast.operator.actor, door="web")
    decide(again, cast.reviewer)
    habits = {h.tool: h for h in past.habits()}
    assert set(habits) == {"do_it", "final"}
    assert habits["final"].facts is None
    assert habits["do_it"].decided == 20 and habits["do_it"].facts and habits["do_it"].facts.figures == {"rows": 4}


def test_what_nobody_decided_is_no_habit_and_bounds_nothing(cast):
    """Beside twenty that a person approved: what a grant let through, what ran out, what was called off, and a test."""
    for _ in range(20):
        decide(factories.action(reversible=True, figures={"rows": 3}), cast.reviewer)
    like = Action.objects.filter(state="APPROVED").first()
    terms = granting.Wanted("tool", 5, timezone.now() + timedelta(hours=1), figure="rows", each=90, total=90)
    seen = granting.draft(like.pk, terms, by=cast.reviewer).terms.digest
    granting.give(like.pk, terms, seen=seen, reason="like those", by=cast.reviewer, door="web")
    assert factories.action(reversible=True, figures={"rows": 80}).state == "APPROVED"
    cancelled, two = (factories.action(reversible=True, figures={"rows": n}) for n in (500, 400))
    Action.objects.filter(pk__in=[cancelled.pk, two.pk]).update(state="CANCELLED", resolved_at=Now())
    habit = {h.tool: h for h in past.habits()}["do_it"]
    assert habit.decided == 20 and habit.facts and habit.facts.figures == {"rows": 3}


def test_novelty_counts_what_people_approved_not_what_policy_or_a_grant_passed(cast):
    def before() -> int:
        return int(action_detail(factories.action(args={"n": str(uuid4())}).pk, reader=cast.reviewer).facts.approvals_before)

    approved = factories.approved(cast.reviewer)
    assert before() == 1
    terms = granting.Wanted("tool", 5, timezone.now() + timedelta(hours=1))
    seen = granting.draft(approved.pk, terms, by=cast.reviewer).terms.digest
    granting.give(approved.pk, terms, seen=seen, reason="like that", by=cast.reviewer, door="web")
    assert [factories.action(args={"n": n}).state for n in range(3)] == ["APPROVED"] * 3
    assert before() == 1


def test_the_figures_of_rules_and_levels(cast, policy):
    policy.write_text(with_rules(TWO))
    for _ in range(3):
        factories.action()
    factories.action("low", tool="look")
    found = queries.rule_figures()
    assert (found.looked_at, found.rules["two"].calls, found.rules["two"].asked) == (4, 3, 3)
    assert (found.levels["low"].calls, found.levels["low"].asked) == (1, 0)


def manage(*args: str) -> str:
    out = StringIO()
    call_command("policy", *args, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.fixture
def draft(tmp_path):
    def write(rules: str) -> str:
        path = tmp_path / "draft.yaml"
        path.write_text(with_rules(rules))
        return str(path)

    return write


def test_the_command_loads_tries_compares_and_publishes(cast, other_admin, draft):
    factories.action()
    said = manage("test", draft(TWO), "--last", "10")
    assert (
        "1 actions in" in said
        and "1 would be different" in said
        and "rule two: applies to 1, makes the difference for 1, +1 approvals" in said
    )
    assert "Who decides: 2 of reviewers instead of 1 of reviewers" in said and "[two] +1 approvals" in said
    assert "+  - {name: mild" in (difference := manage("diff", draft(MILD))) and "asks for less: the rule mild is new" in difference
    said = manage("load", draft(MILD), "--reason", "less noise", "--by", "ada")
    proposal = str(PolicyVersion.objects.get(state="PROPOSED").pk)
    assert f"Proposed as {proposal}" in said and "another administrator publishes it" in said
    with pytest.raises(CommandError, match="another administrator than ada"):
        manage("publish", proposal, "--by", "ada")
    assert "Version 2 is in force" in manage("publish", proposal, "--by", "anna")
    assert "Version 3 is in force" in manage("load", draft(TWO), "--reason", "more", "--by", "ada", "--publish")
    history = manage("history")
    assert [line.split()[0] for line in history.splitlines()] == ["v3", "v2", "v1"]
    assert "two (priority 0): Do_it: also needs 2 of reviewers." in manage("show")
    assert manage("show", "1", "--source") == PolicyVersion.objects.get(number=1).source
    assert "The texts are the same" in manage("diff", "1", "v1")


def test_the_command_names_the_line(cast, draft):
    for verb in (["load", "--by", "ada", "--reason", "x"], ["test"]):
        with pytest.raises(CommandError, match=f"line {LINE}"):
            manage(verb[0], draft("- {name: a, match: {when: amount > 1}, deny: x}\n"), *verb[1:])


def test_the_command_withdraws_with_a_reason(cast, draft):
    manage("load", draft(TWO), "--reason", "x", "--by", "ada")
    proposal = str(PolicyVersion.objects.get(state="PROPOSED").pk)
    with pytest.raises(CommandError, match="Say why"):
        manage("withdraw", proposal, "--by", "ada")
    assert "withdrawn" in manage("withdraw", proposal, "--by", "ada", "--reason", "no")


def test_facts_of_before_rules_are_still_read(cast):
    from approvals import envelopes

    action = factories.action(args={"customer_id": "acme"})
    envelope = envelopes.opened(action, Requirement.objects.get(action=action))
    old = {k: v for k, v in envelope.data["facts"].items() if k not in {"agent", "customer"}}
    facts = envelopes.Envelope({**envelope.data, "facts": old}).facts
    assert facts == replace(envelope.facts, customer="")
    assert (facts.agent, facts.args) == ("somebody", {"customer_id": "acme"})
