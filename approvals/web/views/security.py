"""How one signs in, where one is signed in, and confirming that it is oneself; for administrators, everybody's sessions."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from approvals import permissions
from approvals.errors import BadRequest, NotFound
from approvals.operations import identities, sign_ins, step_up
from approvals.operations import people as people_operations
from approvals.queries import sign_ins as queries
from approvals.web.confirming import keep_after, safe, ways
from approvals.web.devices import device_name
from approvals.web.http import Request
from approvals.web.sign_ins import may_manage, sign_in_of, to_confirm
from audit.sentences import say


@require_safe
@never_cache
def page(request: Request) -> HttpResponse:
    """One's own factors and sessions."""
    here = sign_in_of(request)
    rows = [(s, device_name(s.device), s.id == here) for s in queries.open_sign_ins(request.user)]
    context = {
        "factors": queries.factors(request.user), "sessions": rows, "others": sum(not mine for _s, _d, mine in rows),
        "password": request.user.has_usable_password(), "sso": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "ip_address": request.get_host().rpartition(":")[0].replace(".", "").isdigit(), "critical": settings.CRITICAL,
    }  # fmt: skip
    return render(request, "security/page.html", context)


@require_safe
@never_cache
def confirm(request: Request) -> HttpResponse:
    """The ways to show that it is you; where there is one page for it only, that page."""
    after = safe(request, request.GET.get("next", ""))
    keep_after(request, after)
    found = ways(
        queries.factors(request.user), password=request.user.has_usable_password(), username=request.user.get_username(), after=after
    )
    if len(found) == 1 and found[0].url:
        return redirect(found[0].url)
    return render(request, "security/confirm.html", {"ways": found, "after": after})


@require_POST
def end(request: Request, sign_in: UUID) -> HttpResponse:
    """End one session: one's own, or as an administrator anybody's."""
    ended = sign_ins.end(str(sign_in), by=request.user)
    if str(ended.pk) == sign_in_of(request):
        logout(request)
        return redirect("account_login")
    messages.success(request, _("That session has ended. Its open pages stop receiving updates within 30 seconds."))
    return redirect("security" if ended.user_id == request.user.pk else "people")


@require_POST
def end_others(request: Request) -> HttpResponse:
    """End all sessions of one's own except this one."""
    count = sign_ins.end_all(user=request.user, by=request.user.actor, but=sign_in_of(request))
    messages.success(request, ngettext("%(n)s other session has ended.", "%(n)s other sessions have ended.", count) % {"n": count})
    return redirect("security")


@require_POST
def disconnect(request: Request) -> HttpResponse:
    """Take the identities of single sign-on from one's own account: as much as taking a factor away."""
    if not may_manage(request):
        return to_confirm("/security/")
    identities.disconnect(user=request.user, by=request.user.actor, door="web")
    messages.success(request, _("Disconnected: nobody signs in to this account through it any more."))
    return redirect("security")


@require_safe
def people(request: Request) -> HttpResponse:
    """Everybody's roles, factors and sessions, for administrators."""
    permissions.check_people(permissions.standing(request.user))
    return render(request, "security/people.html", {"people": queries.people(), "me": request.user.get_username()})


@require_POST
def end_sessions(request: Request) -> HttpResponse:
    """End all sessions of somebody: an administrator's order, confirmed freshly."""
    permissions.check_people(permissions.standing(request.user))
    if not may_manage(request):
        return to_confirm("/people/")
    user = people_operations.find(request.POST.get("username", ""))
    if user is None:
        raise NotFound(say("There is no such account"))
    count = sign_ins.end_all(user=user, by=request.user.actor, but=sign_in_of(request))
    said = ngettext("%(n)s session of %(name)s has ended.", "%(n)s sessions of %(name)s have ended.", count)
    messages.success(request, said % {"n": count, "name": user.get_username()})
    return redirect("people")


@require_POST
def challenge(request: Request, action_id: UUID) -> HttpResponse:
    """What the passkey is to sign for this very decision."""
    permissions.check_read(request.user)
    verdict = request.POST.get("verdict", "")
    if verdict not in {"approve", "respond", "take_over"}:
        raise BadRequest(say("Only an approval or a take-over is signed"))
    rp_id = request.get_host().rpartition(":")[0] or request.get_host()
    asked = step_up.ask(
        action_id,
        by=request.user,
        sign_in=sign_in_of(request),
        verdict=verdict,
        seen_digest=request.POST.get("seen_digest", ""),
        rp_id=rp_id,
    )
    return JsonResponse(asked, headers={"Cache-Control": "no-store"})
