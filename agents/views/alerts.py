"""Alerts: what is over its limit now, what was, the rules, and the runbooks they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from agents.operations.alerts import since_look
from agents.views.health import age
from approvals import permissions
from approvals.errors import ApprovalError, BadRequest, NotFound
from approvals.notify.alerts import FLAG, SECONDS, WORDS, figure, state
from approvals.notify.alerts import runbook as runbook_of
from approvals.operations import alerting
from approvals.queries import alerts as queries
from approvals.queries.alerts import AlertRow, Rule
from approvals.web import runbook as runbooks
from approvals.web.http import Request
from audit.languages import number, told
from audit.sentences import say

LATE = timedelta(minutes=1)


@dataclass(frozen=True)
class Line:
    """One alert in words."""

    row: AlertRow
    words: str
    worst: str
    told: str
    runbook_url: str
    ack_url: str


@dataclass(frozen=True)
class RuleLine:
    """One rule in words. `url` opens the form on it; "" for whoever may not set it."""

    name: str
    words: str
    where: str
    by: str
    at: Any
    reason: str
    url: str
    runbook_url: str


def alerts(request: Request) -> HttpResponse:
    """GET: the page; `rule` chooses the one in the form. POST: have a rule count otherwise."""
    permissions.check_read(request.user)
    if request.method != "POST":
        return _page(request)
    said = request.POST
    try:
        alerting.set_rule(
            name=said.get("rule", ""), active=said.get("active") == "1", most=_whole(said, "most"), for_s=_whole(said, "for_s"),
            again_s=60 * _whole(said, "again"), mail=said.get("mail") == "1", slack=said.get("slack", "").strip(),
            webhook=said.get("webhook") == "1", reason=said.get("reason", ""), by=request.user, door="web",
        )  # fmt: skip
    except BadRequest as error:
        return _page(request, error)
    messages.success(request, _("The rule counts from now on."))
    return redirect("alerts")


@require_POST
def acknowledge(request: Request, alert_id: int) -> HttpResponse:
    permissions.check_read(request.user)
    alerting.acknowledge(alert_id, note=request.POST.get("note", ""), by=request.user, door="web")
    messages.success(request, _("Acknowledged. It is not told again, and stays here until it is over."))
    return redirect("alerts")


@require_safe
def runbook(request: Request, name: str) -> HttpResponse:
    """What to do about one kind of trouble."""
    permissions.check_read(request.user)
    found = runbooks.read(name)
    if found is None:
        raise NotFound(say("There is no such runbook"))
    return render(request, "alerts/runbook.html", {"runbook": found, "back_url": reverse("alerts")})


@require_safe
def runbook_list(request: Request) -> HttpResponse:
    permissions.check_read(request.user)
    found = [runbooks.read(name) for name in runbooks.names()]
    lines = [(book.title, reverse("runbook", args=[book.name])) for book in found if book]
    return render(request, "alerts/runbooks.html", {"runbooks": lines, "back_url": reverse("alerts")})


def open_words() -> str:
    """How many are open, for the console; "" when none is."""
    n = len(queries.open_alerts())
    return ngettext("%(n)s alert is open", "%(n)s alerts are open", n) % {"n": number(n)} if n else ""


def _whole(said: Any, name: str) -> int:
    text = said.get(name, "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise BadRequest(say("Write whole numbers"))
    return int(text)


def _page(request: Request, error: ApprovalError | None = None) -> HttpResponse:
    may, rules = permissions.can_halt(request.user), queries.rules()
    before = request.GET.get("before", "")
    before_id = int(before) if before.isascii() and before.isdecimal() and len(before) < 16 else 0
    past = queries.closed_alerts(before=before_id, limit=queries.PAGE + 1)
    more = past[: queries.PAGE] if len(past) > queries.PAGE else []
    looked = since_look()
    context: dict[str, Any] = {
        "open": [_line(row, may) for row in queries.open_alerts()],
        "past": [_line(row, False) for row in past[: queries.PAGE]],
        "rules": [_rule(rule, may) for rule in rules],
        "may": may,
        "form": _form(request, rules) if may else None,
        "error": error.message if error else "",
        "looked": _("never yet") if looked is None else _("%(age)s ago") % {"age": age(looked)},
        "late": looked is None or looked > LATE,
        "back_url": reverse("console"),
        "runbooks_url": reverse("runbooks"),
        "first_url": reverse("alerts") if before_id else "",
        "next_url": f"{reverse('alerts')}?before={more[-1].id}" if more else "",
    }
    return render(request, "alerts/alerts.html", {"alerts": context}, status=getattr(error, "status", 200))


def _form(request: Request, rules: list[Rule]) -> dict[str, Any]:
    posted = request.POST if request.method == "POST" else None
    asked = (posted or request.GET).get("rule", "")
    rule = next((r for r in rules if r.name == asked), rules[0])
    shown = {"most": rule.most, "for_s": rule.for_s, "again": rule.again_s // 60, "slack": rule.slack}
    checked = {"active": rule.active, "mail": rule.mail, "webhook": rule.webhook}
    return {
        "rule": rule.name,
        "name": told(WORDS[rule.name][0]),
        "unit": _("seconds") if WORDS[rule.name][1] == SECONDS else "",
        "reason": posted.get("reason", "") if posted else "",
        **{name: posted.get(name, value) if posted else value for name, value in shown.items()},
        **{name: posted.get(name) == "1" if posted else value for name, value in checked.items()},
    }


def _line(row: AlertRow, may: bool) -> Line:
    worst = _("at worst %(value)s") % {"value": figure(row.rule, row.worst)} if WORDS[row.rule][1] != FLAG else ""
    times = ngettext("told %(n)s time", "told %(n)s times", row.told) % {"n": number(row.told)}
    ack = reverse("alert-ack", args=[row.id]) if may and not row.acked_at and not row.closed_at else ""
    value = row.worst if row.closed_at else row.last
    return Line(row, state(row.rule, value, row.most, row.about), worst, times, _runbook_url(row.rule), ack)


def _rule(rule: Rule, may: bool) -> RuleLine:
    said = {"most": figure(rule.name, rule.most), "for": age(timedelta(seconds=rule.for_s))}
    if not rule.active:
        words = _("off")
    elif WORDS[rule.name][1] == FLAG:
        words = _("when it is so for %(for)s") % said if rule.for_s else _("at once")
    else:
        words = _("from %(most)s on, for %(for)s") % said if rule.for_s else _("from %(most)s on, at once") % said
    where = [_("mail") if rule.mail else "", rule.slack, _("webhooks") if rule.webhook else ""]
    url = f"{reverse('alerts')}?rule={rule.name}#rule" if may else ""
    said_where = ", ".join(filter(None, where)) or _("this page only")
    return RuleLine(told(WORDS[rule.name][0]), words, said_where, rule.by, rule.at, rule.reason, url, _runbook_url(rule.name))


def _runbook_url(rule: str) -> str:
    return reverse("runbook", args=[runbook_of(rule)])
