"""Policies: what is in force and what it does, the editor with its checks and back-tests, versions and their diffs.

Lives in this room because a policy is checked against the registered agents and their tools.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agents.queries import known_to_policies
from approvals import permissions
from approvals.errors import ApprovalError, BadRequest, InvalidPolicy, NotAllowed
from approvals.operations import backtests, policies, publishing
from approvals.policy import words
from approvals.policy.inserting import with_rule
from approvals.policy.rules import Policy
from approvals.policy.suggesting import suggestions
from approvals.queries import past
from approvals.queries import policies as queries
from approvals.web import policies as cards
from approvals.web.http import Request, is_fragment
from audit.languages import told
from audit.sentences import say

LASTS = (
    (1_000, say("the last %(n)d actions", n=1_000)),
    (10_000, say("the last %(n)d actions", n=10_000)),
    (0, say("the actions of 30 days")),
)


@require_safe
def policies_page(request: Request) -> HttpResponse:
    """What is in force, with figures; what waits to be published; what experience suggests; the history."""
    permissions.check_read(request.user)
    current, figures = policies.in_force(), queries.rule_figures()
    may_edit = permissions.can_edit_policy(request.user)
    before = request.GET.get("before", "")
    history = queries.versions(before=int(before) if before.isdecimal() and len(before) < 18 else 0, limit=21)
    context = {
        "policy": current,
        "levels": cards.level_lines(current.data, figures),
        "rules": cards.rule_lines(current.data, figures),
        "points": words.points(current.data),
        "looked_at": figures.looked_at,
        "proposals": [cards.version_line(v, in_force=current.number) for v in queries.proposals()],
        "suggestions": suggestions(current.data, past.habits()) if may_edit else (),
        "history": [cards.version_line(v, in_force=current.number) for v in history[:20]],
        "older_url": f"{reverse('policies')}?before={history[19].id}" if len(history) > 20 else "",
        "edit_url": reverse("policy-edit") if may_edit else "",
        "unmanned": publishing.unmanned_now(known_to_policies(calls=False)),
    }
    return render(request, "policies/policies.html", context)


@require_safe
def version_page(request: Request, version_id: int) -> HttpResponse:
    """One version or proposal: its diff, its rules in words, its text; for administrators what can be done with it."""
    permissions.check_read(request.user)
    return _version(request, version_id)


@require_http_methods(["GET", "HEAD", "POST"])
def editor(request: Request) -> HttpResponse:
    """The editor. Its buttons check a text, try it on past actions, or propose it; nothing here puts anything in force."""
    if not permissions.can_edit_policy(request.user):
        raise NotAllowed(say("Only administrators can change the policy; everybody with a role can read it"))
    if request.method != "POST":
        return _editor(request, _text(request), {})
    source = request.POST.get("source", "").replace("\r\n", "\n")
    do = request.POST.get("do", "check")
    try:
        if do == "propose":
            return _propose(request, source)
        result = _tried(request, source) if do == "test" else _checked(source)
    except InvalidPolicy as error:
        lines = cards.source_lines(source, error.problems)
        result = {"problems": error.problems, "warnings": error.warnings, "lines": cards.around(lines)}
    except BadRequest as error:
        result = {"refused": error.message}
    wrong = "problems" in result or "refused" in result
    return _editor(request, source, result, status=422 if wrong else 200)


@require_safe
def backtest(request: Request, backtest_id: int) -> HttpResponse:
    """A back-test, as a fragment that asks again while it runs, or as a page of its own."""
    permissions.check_read(request.user)
    trial = cards.trial_of(queries.backtest(backtest_id))
    return render(request, "policies/_trial.html" if is_fragment(request) else "policies/trial.html", {"trial": trial})


@require_POST
def publish(request: Request, version_id: int) -> HttpResponse:
    permissions.check_read(request.user)
    try:
        made = publishing.publish(version_id, known=known_to_policies(), by=request.user, door="web", note=request.POST.get("note", ""))
    except ApprovalError as error:
        return _version(request, version_id, error)
    sentence = _("Version %(n)s is in force. Actions asked before keep what they were asked under.")
    messages.success(request, sentence % {"n": made.number})
    return redirect("policy", version_id)


@require_POST
def withdraw(request: Request, version_id: int) -> HttpResponse:
    permissions.check_read(request.user)
    try:
        publishing.withdraw(version_id, by=request.user, door="web", reason=request.POST.get("note", ""))
    except ApprovalError as error:
        return _version(request, version_id, error)
    messages.success(request, _("Withdrawn. It stays in the history and can never be published."))
    return redirect("policy", version_id)


def _version(request: Request, version_id: int, error: ApprovalError | None = None) -> HttpResponse:
    version, current = queries.version(version_id), policies.in_force()
    may_edit = permissions.can_edit_policy(request.user)
    own = bool(version.loosens) and version.proposed_person == request.user.person
    context = {
        "line": cards.version_line(version, in_force=current.number),
        "version": version,
        "diff": cards.diff_lines(version.diff),
        "source": cards.source_lines(version.source),
        # What waits is looked at again: what was found when it was proposed may be mended, or not be all.
        "findings": publishing.found_in(version.source, known=known_to_policies()) if version.state == "PROPOSED" else (),
        "error": error.message if error else "",
        "actions": may_edit and version.state == "PROPOSED",
        "own": own,
        "edit_url": f"{reverse('policy-edit')}?version={version.id}" if may_edit else "",
        **_in_words(version.source),
    }
    return render(request, "policies/version.html", context, status=error.status if error else 200)


def _in_words(source: str) -> dict[str, Any]:
    try:
        policy = backtests.readable(source)
    except InvalidPolicy:
        return {}
    return {"levels": cards.level_lines(policy.data, queries.RuleFigures(0)), "rules": cards.rule_lines(policy.data)}


def _editor(request: Request, source: str, result: dict[str, Any], *, status: int = 200) -> HttpResponse:
    context = {
        "result": result,
        "source": source,
        "rows": max(20, min(60, source.count("\n") + 2)),
        "justification": request.POST.get("justification", ""),
        "post_url": reverse("policy-edit"),
        "lasts": [(value, told(label)) for value, label in LASTS],
    }
    return render(request, "policies/_result.html" if is_fragment(request) else "policies/editor.html", context, status=status)


def _text(request: Request) -> str:
    """Where the editor begins: the policy in force, a version, or the one in force with a suggested rule."""
    current = policies.in_force()
    asked, suggested = request.GET.get("version", ""), request.GET.get("suggestion", "")
    if asked.isdecimal() and len(asked) < 18:
        return queries.version(int(asked)).source
    if suggested and (found := next((s for s in suggestions(current.data, past.habits()) if s.name == suggested), None)):
        return with_rule(current.source, found.rule)
    return current.source


def _checked(source: str) -> dict[str, Any]:
    policy, findings = publishing.examined(source, known=known_to_policies())
    return _said(policy, source) | {"warnings": [(f.line, f.why) for f in findings]}


def _said(policy: Policy, source: str) -> dict[str, Any]:
    current = policies.in_force()
    return {
        "fine": True,
        "same": policy.sha256 == current.sha256,
        "loosens": publishing.less(current.source, source),
        "rules": cards.rule_lines(policy.data),
        "levels": cards.level_lines(policy.data, queries.RuleFigures(0)),
        "diff": cards.diff_lines(publishing.diff_of(current.source, source, "in force", "draft")),
    }


def _tried(request: Request, source: str) -> dict[str, Any]:
    last = request.POST.get("last", "1000")
    size = int(last) if last.isdecimal() and len(last) < 9 else 1_000
    _, findings = publishing.examined(source, known=known_to_policies())
    row = backtests.want(source, by=request.user, last=size, days=0 if size else 30)
    return {"trial": cards.trial_of(queries.backtest(row.pk)), "warnings": [(f.line, f.why) for f in findings]}


def _propose(request: Request, source: str) -> HttpResponse:
    made = publishing.propose(
        source, justification=request.POST.get("justification", ""), known=known_to_policies(), by=request.user, door="web"
    )
    messages.success(request, _("Proposed. It is not in force before it is published."))
    url = reverse("policy", args=[made.pk])
    if is_fragment(request):
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = url
        return answer
    return redirect(url)
