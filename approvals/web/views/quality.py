"""Review quality: a page and a file of the team's figures, and the plan of test actions. Per person only to themself, and to administrators where the setting says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals import permissions
from approvals.errors import BadRequest
from approvals.operations import seeding
from approvals.queries import drills
from approvals.queries.drills import DrillFigures, Tested
from approvals.queries.policies import rosters
from approvals.queries.quality import Quality, mine, quality
from approvals.web.drills import Tests, plan_form, tests_of
from approvals.web.http import Request
from approvals.web.quality import NONE, as_csv, figures, own, seconds, share
from audit.languages import number

WINDOWS = (1, 7, 30, 90)
USUAL = 30


@require_safe
def page(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    return _page(request)


@require_POST
def plan(request: Request) -> HttpResponse:
    """How often a group gets a test action."""
    permissions.check_read(request.user)
    posted = {name: request.POST.get(name, "").strip()[:150] for name in ("group", "every", "per_day")}
    active, kinds = "active" in request.POST, request.POST.getlist("kinds")[:20]
    try:
        seeding.set_plan(
            group=posted["group"], active=active, every=_whole(posted["every"]), per_day=_whole(posted["per_day"]),
            kinds=kinds, by=request.user, door="web",
        )  # fmt: skip
    except BadRequest as error:
        return _page(
            request,
            posted={**posted, "active": active, "kinds": kinds},
            errors=error.details.get("fields") or {"": error.message},
            status=422,
        )
    messages.success(request, _("Kept. Nobody is told which ones they are; once one is decided, whoever decided it is told at once."))
    return redirect(f"{reverse('quality')}?{urlencode({'group': posted['group']})}")


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _page(
    request: Request, *, posted: Mapping[str, Any] | None = None, errors: Mapping[str, str] | None = None, status: int = 200
) -> HttpResponse:
    found = quality(_days(request))
    by_person = settings.QUALITY_BY_PERSON and permissions.ADMINS in permissions.roles(request.user)
    url = reverse("quality")
    tests = drills.drill_figures(found.days)
    context = {
        "found": found,
        "figures": figures(found),
        "times": [(t.level, number(t.decided), seconds(t.p50), seconds(t.p95)) for t in found.times],
        "windows": [(f"{url}?days={n}", _("24 hours") if n == 1 else _("%(n)s days") % {"n": n}, n == found.days) for n in WINDOWS],
        "own": own(mine(found, request.user)),
        "people": _people(found, tests) if by_person else (),
        "tests": _tests(request, tests, posted, errors),
        "csv_url": f"{reverse('quality-csv')}?days={found.days}",
    }
    return render(request, "quality/quality.html", context, status=status)


def _tests(request: Request, found: DrillFigures, posted: Mapping[str, Any] | None, errors: Mapping[str, str] | None) -> Tests:
    plans = drills.plans()
    form = None
    if permissions.can_plan_drills(request.user):
        groups = sorted(name for name, people in rosters().groups.items() if people)
        group = str(posted["group"]) if posted else request.GET.get("group", "")
        form = plan_form(group if group in groups else next(iter([g for g in groups if g == "reviewers"] or groups), ""), groups, plans,
                         posted=posted, errors=errors)  # fmt: skip
    return tests_of(found, mine=drills.tested(found, request.user), ended=drills.ended_drills(found.days), plans=plans, form=form)


@require_safe
def export(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    found = quality(_days(request))
    answer = HttpResponse(as_csv(found, drills.drill_figures(found.days)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="review-quality-{found.days}-days.csv"'
    return answer


def _days(request: Request) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in {str(n) for n in WINDOWS} else USUAL


def _people(found: Quality, tests: DrillFigures) -> list[tuple[str, str, str, str, str]]:
    """One line per reviewer; who only decided test actions in the window has one as well."""
    tested = {t.person: t for t in tests.people}
    lines = [
        (p.name, number(p.decisions), share(p.against, p.decisions), share(p.quick, p.timed), _caught(tested.pop(p.person, None)))
        for p in found.people
    ]
    return lines + [(t.name, "0", NONE, NONE, _caught(t)) for t in tested.values()]


def _caught(tested: Tested | None) -> str:
    return _("%(n)d of %(all)d") % {"n": tested.caught, "all": tested.of} if tested else NONE
