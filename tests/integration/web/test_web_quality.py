"""Figures of review quality: counted right, of the team, and per person only for those who may see it."""

import csv
import io

from django.db.models.functions import Now
from django.urls import reverse

from approvals import operations
from approvals.models import Decision, Edit
from approvals.queries.quality import STREAK, mine, quality
from tests import factories
from tests.fakes import as_intruder, clock_moved


def test_each_figure_counts_what_it_says(cast):
    for n, looked in enumerate(({"ms": 1_000, "saw_all": 0}, {"ms": 60_000, "saw_all": 1}, {})):
        verdict = "reject" if n == 2 else "approve"
        factories.decide(factories.action(), cast.reviewer, verdict, looked=looked)
    factories.action("low")  # passed by policy: nobody's
    factories.action()
    with clock_moved(hours=2):
        operations.expire_due()
    found = quality(30)
    assert (found.decided, found.expired, found.decisions, found.against) == (3, 1, 3, 1)
    assert (found.timed, found.quick, found.known, found.unseen) == (2, 1, 2, 1)
    (times,) = found.times
    assert times.level == "medium" and times.decided == 3 and 0 <= times.p50 <= times.p95 < 60
    own = mine(found, cast.reviewer)
    assert own and own.decisions == 3 and mine(found, cast.second) is None


def applied(action, by) -> None:
    Edit.objects.create(action=action, version=action.version, args=b"{}", by=by, door="web", state="APPLIED", done_at=Now())


def test_edited_are_those_that_ended_and_no_tests(cast):
    """Edits of what still waits would be a share of nothing, and could pass all there is."""
    decided, waiting, expired = factories.action(), factories.action(), factories.action()
    for action in (decided, waiting, waiting, expired):
        applied(action, cast.second)
    factories.decide(decided, cast.reviewer)
    assert (quality(30).edited, quality(30).decided, quality(30).expired) == (1, 1, 0)
    factories.decide(waiting, cast.reviewer, "reject")
    with clock_moved(hours=2):
        operations.expire_due()
    assert (quality(30).edited, quality(30).decided, quality(30).expired) == (3, 2, 1)


def test_the_time_to_decide_begins_with_the_version_that_was_decided(cast):
    """What was asked an hour ago and edited a minute ago was decided in a minute."""
    action = factories.action()
    with as_intruder("approvals_requirement") as cursor:
        cursor.execute("UPDATE approvals_requirement SET created_at = created_at + interval '20 minutes' WHERE action_id = %s", [action.pk])
    with clock_moved(minutes=21):
        factories.decide(action, cast.reviewer)
        (times,) = quality(30).times
    assert 0 <= times.p50 < 120


def test_never_rejecting_is_a_streak_that_a_rejection_ends(cast):
    for _ in range(STREAK):
        factories.decide(factories.action(), cast.second)
    assert quality(7).streaks == 1
    factories.decide(factories.action(), cast.second, "reject")
    assert quality(7).streaks == 0


def test_the_web_records_how_it_was_read_and_ignores_nonsense(web, cast):
    for said, kept in (
        ({"looked_ms": "1234", "saw_all": "1"}, (1234, True)),
        ({"looked_ms": "9" * 11, "saw_all": "0"}, (86_400_000, False)),
        ({"looked_ms": "-5", "saw_all": "yes"}, (None, None)),
        ({"looked_ms": "\u0661", "saw_all": ""}, (None, None)),
    ):
        action = factories.action()
        answer = web.post(reverse("action-decide", args=[action.pk]), {"verdict": "approve", "seen_digest": action.digest, **said})
        assert answer.status_code == 302
        assert Decision.objects.filter(action=action).values_list("looked_ms", "saw_all").get() == kept


def test_nobody_is_named_unless_the_setting_and_the_role_say_so(as_, cast, settings):
    factories.decide(factories.action(), cast.reviewer)

    def page(user) -> str:
        return as_(user).get(reverse("quality"), {"days": "7"}).content.decode()

    assert "You: 1 verdicts" in page(cast.reviewer) and "rita" not in page(cast.second) and "Per reviewer" not in page(cast.admin)
    settings.QUALITY_BY_PERSON = True
    assert "rita" in page(cast.admin) and "rita" not in page(cast.second)
    assert as_(cast.outsider).get(reverse("quality")).status_code == 403


def test_the_file_has_the_teams_figures_and_no_names(web, cast):
    factories.decide(factories.action(), cast.second, "reject")
    answer = web.get(reverse("quality-csv"), {"days": "; DROP"})
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert answer["Content-Type"].startswith("text/csv") and ["overridden", "", "1", "count", "1", "30"] in rows
    assert "sam" not in answer.content.decode()
