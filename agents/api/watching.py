"""Alerts, and the rules by which Countersign tells and halts by itself: for people, by the operations that the pages and `manage.py` use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from ninja import Router
from ninja.params.functions import Path, Query

from agents.api import pages
from agents.api.auth import caller, reader
from agents.api.shapes import PROBLEMS, Page
from agents.api.watching_shapes import Alert, AlertNote, AlertRule, AlertRuleIn, HaltRule, HaltRuleIn
from agents.operations import auto_halts
from approvals.errors import NotAllowed, NotFound
from approvals.notify.alerts import WORDS, runbook, state
from approvals.operations import alerting
from approvals.operations.api_keys import OPERATE
from approvals.queries import alerts as found
from approvals.queries import halt_rules as ruled
from audit.languages import told
from audit.sentences import say

alerts = Router(tags=["alerts"])
halt_rules = Router(tags=["halts"])
ID = Path(..., ge=1, lt=2**63)
NAME = Path(..., max_length=40)


@alerts.get("", response={200: Page[Alert], **PROBLEMS}, summary="List alerts")
def list_(
    request: HttpRequest,
    open: bool = True,
    cursor: str = Query("", max_length=200),
    limit: int = Query(50, ge=1, le=pages.LIMIT),
) -> Any:
    """What is over its limit now, the oldest first; with `open=false` what was, the newest first."""
    _person(request)
    before = int(pages.number(cursor, of="alerts") or 0)
    if open:
        return {"items": [_alert(row) for row in found.open_alerts()], "next": None}
    rows = found.closed_alerts(before=before, limit=limit + 1)
    more = str(rows[limit - 1].id) if len(rows) > limit else ""
    return {"items": [_alert(row) for row in rows[:limit]], "next": pages.opaque(more, of="alerts")}


@alerts.get("/rules", response={200: Page[AlertRule], **PROBLEMS}, summary="List the rules of alerts")
def list_rules(request: HttpRequest) -> Any:
    """Every rule as it counts now."""
    _person(request)
    return {"items": [_rule(rule) for rule in found.rules()], "next": None}


@alerts.get("/rules/{name}", response={200: AlertRule, **PROBLEMS}, summary="One rule of alerts")
def one_rule(request: HttpRequest, name: str = NAME) -> Any:
    """As it counts now."""
    _person(request)
    return _rule(found.rule(name))


@alerts.post("/rules/{name}", response={200: AlertRule, **PROBLEMS}, summary="Have a rule of alerts count otherwise")
def set_rule(request: HttpRequest, body: AlertRuleIn, name: str = NAME) -> Any:
    """Operators only, with a reason. What is not named stays as it is."""
    by, figures = caller(request, OPERATE).user, body.dict(exclude_none=True, exclude={"reason"})
    return _rule(alerting.set_rule(name=found.rule(name).name, reason=body.reason, by=by, door="api", **figures))


@alerts.get("/{alert_id}", response={200: Alert, **PROBLEMS}, summary="One alert")
def one(request: HttpRequest, alert_id: int = ID) -> Any:
    """Open or over."""
    _person(request)
    return _alert(found.alert(alert_id))


@alerts.post("/{alert_id}/acknowledge", response={200: Alert, **PROBLEMS}, summary="Say that somebody sees to an alert")
def acknowledge(request: HttpRequest, body: AlertNote, alert_id: int = ID) -> Any:
    """Operators only. It is not told again, and stays open until it is over. 409 when it is over, or acknowledged already."""
    alerting.acknowledge(alert_id, note=body.note, by=caller(request, OPERATE).user, door="api")
    return _alert(found.alert(alert_id))


@halt_rules.get("", response={200: Page[HaltRule], **PROBLEMS}, summary="List the rules of automatic halts")
def list_halt_rules(request: HttpRequest) -> Any:
    """Of each kind that of all agents first, then those of one."""
    _person(request)
    return {"items": [_halt_rule(rule) for rule in ruled.rules()], "next": None}


@halt_rules.get("/{kind}", response={200: HaltRule, **PROBLEMS}, summary="One rule of automatic halts")
def one_halt_rule(request: HttpRequest, kind: str = NAME, agent: str = Query("", max_length=200)) -> Any:
    """The one that counts for `agent`: its own, else that of all."""
    _person(request)
    return _halt_rule(_counting(kind, agent))


@halt_rules.post("/{kind}", response={200: HaltRule, **PROBLEMS}, summary="Have a rule of automatic halts count otherwise")
def set_halt_rule(request: HttpRequest, body: HaltRuleIn, kind: str = NAME) -> Any:
    """Operators only, with a reason; for one agent, or for all that have none of their own. What is not named stays as it is."""
    by, now, said = caller(request, OPERATE).user, _counting(kind, body.agent), body.dict(exclude_none=True)
    figures = {name: said.get(name, getattr(now, name)) for name in ("active", "most", "share", "window_s")}
    return _halt_rule(auto_halts.set_rule(kind=kind, agent=body.agent, reason=body.reason, by=by, door="api", **figures))


def _person(request: HttpRequest) -> None:
    if reader(request).agent:
        raise NotAllowed(say("Alerts and rules are for people to read"))


def _counting(kind: str, agent: str) -> ruled.Rule:
    if kind not in ruled.KINDS:
        raise NotFound(say("There is no such rule"))
    return ruled.rule_for(ruled.rules(), kind, agent)


def _alert(row: found.AlertRow) -> dict[str, Any]:
    words = state(row.rule, row.worst if row.closed_at else row.last, row.most, row.about)
    return {**vars(row), "words": words, "runbook_url": _runbook(row.rule)}


def _rule(rule: found.Rule) -> dict[str, Any]:
    return {**vars(rule), "words": told(WORDS[rule.name][0]), "runbook_url": _runbook(rule.name)}


def _halt_rule(rule: ruled.Rule) -> dict[str, Any]:
    return {**vars(rule), "scope": rule.scope}


def _runbook(rule: str) -> str:
    return settings.PUBLIC_URL.rstrip("/") + reverse("runbook", args=[runbook(rule)])
