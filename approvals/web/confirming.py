"""Confirming that it is you: which ways a person has, what they wrote meanwhile, and where they come back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from approvals.queries.sign_ins import Factors
from approvals.web.accounts import KEPT

AFTER = "confirm_after"
WORDS = ("verdict", "reason", "response", "given", "typed", "done", "result")


@dataclass(frozen=True)
class Way:
    """One way to show that it is you. `post` is an address that wants a POST; neither address: it is done elsewhere, as `text` says."""

    icon: str
    label: str
    text: str
    url: str = ""
    post: str = ""


def ways(found: Factors, *, password: bool, username: str, after: str) -> tuple[Way, ...]:
    """The ways that count: with a second factor only that, as the operation asks it."""
    back = urlencode({"next": after})
    if found.any:
        keys = Way(
            "fingerprint-pattern",
            _("Use a passkey"),
            _("Your device or security key asks you."),
            f"{reverse('mfa_reauthenticate_webauthn')}?{back}",
        )
        recovery = _("A recovery code lets you mend your factors and approves nothing risky.")
        text = f"{_('The six digits your app shows now.')} {recovery}" if found.code else recovery
        label = _("Enter a code") if found.code else _("Enter a recovery code")
        code = Way("smartphone", label, text, f"{reverse('mfa_reauthenticate')}?{back}")
        return (*((keys,) if found.passkeys else ()), *((code,) if found.code or found.recovery_left else ()))
    found_ways = []
    if password:
        found_ways.append(Way("key-round", _("Enter your password"), "", f"{reverse('account_reauthenticate')}?{back}"))
    if found.sso and settings.OIDC_ISSUER:
        asked = urlencode({"process": "login", "next": after})
        text = _("You sign in there once more and come back.")
        label = _("Go through %(name)s") % {"name": settings.OIDC_NAME}
        found_ways.append(Way("log-in", label, text, post=f"{reverse('openid_connect_login', args=['sso'])}?{asked}"))
    if not found_ways:
        text = _(
            "Your account signs in by login link. Open your link once more in this browser: it is in the terminal where Countersign was "
            "started, or print a new one with: .venv/bin/python manage.py login_links %(name)s"
        ) % {"name": username}
        found_ways.append(Way("link", _("Open your login link again"), text))
    return tuple(found_ways)


def safe(request: HttpRequest, url: str) -> str:
    """An address of ours, or the inbox."""
    return (
        url
        if url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure())
        else reverse("home")
    )


def keep_after(request: HttpRequest, after: str) -> None:
    request.session[AFTER] = after


def take_after(request: HttpRequest) -> str:
    return str(request.session.pop(AFTER, ""))


def keep_words(request: HttpRequest, about: str, said: Mapping[str, Any], *, names: Sequence[str] = WORDS) -> None:
    """What somebody wrote before they were sent to confirm: theirs, about this action (or grant), until something is decided."""
    request.session[KEPT] = {"user": request.user.pk, "action": about, **{name: said.get(name, "") for name in names}}


def kept_words(request: HttpRequest, about: str, *, names: Sequence[str] = WORDS) -> dict[str, str]:
    kept = request.session.get(KEPT) or {}
    mine = kept.get("user") == request.user.pk and kept.get("action") == about
    return {name: str(kept.get(name, "")) for name in names} if mine else {}


def forget_words(request: HttpRequest) -> None:
    if KEPT in request.session:
        del request.session[KEPT]
