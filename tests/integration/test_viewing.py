"""At high and critical nobody approves what they have not opened: the server's own record of it, per person, version and part."""

import itertools
from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals import operations, queries
from approvals.errors import AlreadyDecided, BadRequest, NotAllowed, NotFound, NotViewed, Stale
from approvals.models import Action, Decision, Requirement, Viewed
from approvals.operations import granting, reopening
from approvals.queries import viewing
from approvals.queries.quality import quality
from approvals.render.changes import with_before
from approvals.render.parts import ALL, folded, parts
from approvals.render.preview import preview_of
from audit.queries import timeline
from tests import factories
from tests.factories import proof

LONG = {"body": "so many words " * 4_000 + " rm -rf /", "rows": [{"n": i} for i in range(60)], "to": "DE12 3456"}


def decide(action, by, verdict="approve", looked=None):
    """As the door would, without anything having been opened."""
    return operations.decide(
        action.pk, by=by, verdict=verdict, seen_digest=Action.objects.get(pk=action.pk).digest, reason="because",
        response="yes" if verdict == "respond" else "", proof=proof(action, by), looked=looked, door="web",
    )  # fmt: skip


def names(action) -> list[str]:
    return [part.name for part in viewing.to_open(action.pk)]


def open_(action, by, *which):
    return operations.open_parts(action.pk, by=by, seen_digest=Action.objects.get(pk=action.pk).digest, parts=which, door="web")


@pytest.mark.parametrize("level", ["high", "critical"])
def test_what_was_not_opened_is_not_approved_and_the_refusal_names_it(cast, level):
    action = factories.action(level, args=LONG)
    wanted = names(action)
    assert wanted[0] == ALL and len(wanted) == 3
    with pytest.raises(NotViewed, match=r"the arguments, to their end; 54,409 hidden characters of body; 20 more rows of rows") as refused:
        decide(action, cast.reviewer)
    assert (refused.value.code, refused.value.status, list(refused.value.details["parts"])) == ("not_viewed", 422, wanted)
    for left_out in wanted:
        fresh = factories.action(level, args=LONG)
        open_(fresh, cast.reviewer, *[name for name in wanted if name != left_out])
        with pytest.raises(NotViewed) as refused:
            decide(fresh, cast.reviewer)
        assert list(refused.value.details["parts"]) == [left_out]
    assert not Decision.objects.filter(action__level=level).exists()
    open_(action, cast.reviewer, *wanted)
    decide(action, cast.reviewer)
    kept = Decision.objects.get(action=action)
    assert (list(kept.viewed), kept.saw_all) == (wanted, True)
    (event,) = [e for e in timeline(action=str(action.pk)) if e.kind == "decision.recorded"]
    assert event.data["looked"] == {"parts": 3, "opened": 3, "saw_all": 1}


def test_opening_is_the_persons_own_and_of_one_version(cast, agents, world):
    action = factories.action("high")
    open_(action, cast.reviewer, ALL)
    with pytest.raises(NotViewed):
        decide(action, cast.second)
    with pytest.raises(Stale):
        operations.open_parts(action.pk, by=cast.second, seen_digest="0" * 64, parts=[ALL], door="web")
    before = action.digest
    with transaction.atomic():
        row = Action.objects.select_for_update().get(pk=action.pk)
        assert reopening.reopen(row, why="as a stricter policy does", by=cast.admin.actor, door="cli")
    assert Action.objects.get(pk=action.pk).digest != before
    with pytest.raises(NotViewed):
        decide(action, cast.reviewer)
    with pytest.raises(Stale):
        operations.open_parts(action.pk, by=cast.reviewer, seen_digest=before, parts=[ALL], door="web")


def test_what_stood_there_before_an_edit_is_a_part_too(cast, agents, world, policy):
    policy.write_text(policy.read_text().replace("rules: []", 'rules:\n  - {name: h, match: {tools: ["*"]}, at_least: high}'))
    _, action = factories.waiting(cast.operator, factories.call(label="was " * 2_000), world=world)
    assert len(names(action)) == 2
    operations.request_edit(action.pk, by=cast.reviewer, seen_digest=action.digest, args={"label": "short"}, reason="shorter", door="web")
    factories.work()
    assert [n[-1] for n in names(action)] == ["l", "b"]
    open_(action, cast.second, ALL)
    with pytest.raises(NotViewed, match=r"hidden characters of what label was"):
        decide(action, cast.second)
    open_(action, cast.second, *names(action))
    assert decide(action, cast.second).resolved


def test_an_answer_to_a_risky_question_is_a_yes_and_everything_else_is_not_asked(cast, policy):
    policy.write_text(policy.read_text().replace("level: medium\n", "level: high\n"))
    question = factories.action(kind="question", args={"question": "Which account?"})
    assert question.level == "high"
    with pytest.raises(NotViewed):
        decide(question, cast.reviewer, "respond")
    assert decide(question, cast.reviewer, "reject").resolved
    assert decide(factories.action("critical"), cast.reviewer, "reject").resolved


def test_low_and_medium_cost_no_statement_and_high_one(cast):
    def statements(level: str) -> int:
        action = factories.action(level)
        known = proof(action, cast.reviewer)
        open_(action, cast.reviewer, ALL)
        with CaptureQueriesContext(connection) as run:
            operations.decide(
                action.pk, by=cast.reviewer, verdict="approve", seen_digest=action.digest, proof=known, reason="r", door="web"
            )
        return sum("approvals_viewed" in q["sql"] for q in run.captured_queries)

    assert (statements("medium"), statements("high")) == (0, 1)


def test_opening_is_refused_with_a_name_where_it_makes_no_sense(cast):
    action = factories.action("high")
    for parts_, error in ((["p0000000000v"], BadRequest), (["\x00"], BadRequest), (["x" * 5_000], BadRequest), ([" "], BadRequest)):
        with pytest.raises(error, match="no part"):
            open_(action, cast.reviewer, *parts_)
    with pytest.raises(NotAllowed):
        open_(action, cast.locked, ALL)
    for nobody in ("0", "00000000-0000-0000-0000-000000000000", "\x00"):
        with pytest.raises(NotFound):
            operations.open_parts(nobody, by=cast.reviewer, seen_digest="", parts=[ALL], door="web")
    decide(action, cast.reviewer, "reject")
    with pytest.raises(AlreadyDecided):
        open_(action, cast.reviewer, ALL)
    assert not Viewed.objects.exists()


def test_the_record_says_when_is_written_once_and_stays(cast):
    action = factories.action("high")
    assert [open_(action, cast.reviewer, ALL), open_(action, cast.reviewer, ALL)] == [1, 1]
    row = Viewed.objects.get()
    assert (row.part, row.person, row.digest, row.door) == (ALL, cast.reviewer.person, action.digest, "web")
    for change in ("UPDATE approvals_viewed SET part = 'x'", "DELETE FROM approvals_viewed"):
        with pytest.raises(ProgrammingError, match="pgtrigger"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
    decide(action, cast.reviewer)
    assert Decision.objects.get().viewed == {ALL: row.created_at.isoformat()}


def test_risky_approvals_count_as_viewed_in_the_figures_and_no_script_can_say_otherwise(cast):
    action = factories.action("high")
    open_(action, cast.reviewer, ALL)
    decide(action, cast.reviewer, looked={"ms": 9_000, "saw_all": 0})
    decide(factories.action(), cast.reviewer, looked={"ms": 9_000, "saw_all": 0})
    found = quality(7)
    assert (found.known, found.unseen) == (2, 1)


LEAVES = st.one_of(
    st.text(max_size=30), st.integers(-9, 9), st.booleans(), st.none(),
    st.builds(lambda n: "x" * n, st.integers(1_990, 2_010)), st.builds(lambda n: "y\n" * n, st.integers(38, 43)),
    st.builds(lambda n: "\u200b" * n, st.sampled_from([10, 250, 450])),
)  # fmt: skip
ARGS = st.dictionaries(
    st.text(min_size=1, max_size=6),
    st.one_of(LEAVES, st.lists(LEAVES, max_size=3), st.integers(0, 70).map(lambda n: [{"n": i} for i in range(n)])),
    max_size=5,
)
SAMPLES = st.builds(
    lambda n, m: {"columns": ["n"], "before": [[i] for i in range(n)], "after": [[i] for i in range(m)]},
    st.integers(0, 45),
    st.integers(0, 45),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(args=ARGS, before=st.one_of(st.none(), ARGS), details=st.one_of(ARGS, SAMPLES))
def test_the_page_and_the_operation_name_the_same_parts(args, before, details):
    """Whatever the arguments are: what the page folds is what the operation asks for, each by a name of its own."""
    preview = {"summary": "s", "details": details}
    asked = [part.name for part in parts(args, preview, before=before)]
    drawn = [part.name for part in folded(with_before(args, before), preview_of(preview))]
    assert asked == [ALL, *drawn] and len(set(asked)) == len(asked)


def test_what_was_opened_is_found_by_an_index(cast):
    action = factories.action("high")
    open_(action, cast.reviewer, ALL)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT part FROM approvals_viewed WHERE action_id = %s AND version = 1 AND person = 'x' AND digest = 'y'", [action.pk]
        )
        assert "viewed_once" in "\n".join(itertools.chain(*cursor.fetchall()))
    assert queries.shown(action.pk) and Requirement.objects.filter(action=action).count() == 1


def test_many_at_high_are_let_through_only_by_who_opened_one(cast):
    action = factories.action("high")
    terms = granting.Wanted("tool", 3, timezone.now() + timedelta(hours=1), figure="amount_cents", each=20_000, total=60_000)
    seen = granting.draft(action.pk, terms, by=cast.reviewer).terms.digest

    def give():
        known = proof(action, cast.reviewer)
        return granting.give(action.pk, terms, seen=seen, reason="because", by=cast.reviewer, proof=known, door="web")

    with pytest.raises(NotViewed):
        give()
    open_(action, cast.reviewer, *names(action))
    assert give().level == "high"
