"""Review quality: a page and a file of the team's figures. Per person only to themself, and to administrators where the setting says so."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from approvals import permissions
from approvals.queries.quality import Quality, mine, quality
from approvals.web.http import Request
from approvals.web.quality import as_csv, figures, own, seconds, share
from audit.languages import number

WINDOWS = (1, 7, 30, 90)
USUAL = 30


@require_safe
def page(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    found = quality(_days(request))
    by_person = settings.QUALITY_BY_PERSON and permissions.ADMINS in permissions.roles(request.user)
    url = reverse("quality")
    context = {
        "found": found,
        "figures": figures(found),
        "times": [(t.level, number(t.decided), seconds(t.p50), seconds(t.p95)) for t in found.times],
        "windows": [(f"{url}?days={n}", _("24 hours") if n == 1 else _("%(n)s days") % {"n": n}, n == found.days) for n in WINDOWS],
        "own": own(mine(found, request.user)),
        "people": _people(found) if by_person else (),
        "csv_url": f"{reverse('quality-csv')}?days={found.days}",
    }
    return render(request, "quality/quality.html", context)


@require_safe
def export(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    found = quality(_days(request))
    answer = HttpResponse(as_csv(found), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="review-quality-{found.days}-days.csv"'
    return answer


def _days(request: Request) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in {str(n) for n in WINDOWS} else USUAL


def _people(found: Quality) -> list[tuple[str, str, str, str]]:
    return [(p.name, number(p.decisions), share(p.against, p.decisions), share(p.quick, p.timed)) for p in found.people]
