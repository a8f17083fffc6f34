"""What every page's frame shows: navigation, who is signed in, halts in force, where live updates begin.

Belongs here: the one context processor. Fragments (htmx) get nothing of it: they have no frame.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from approvals import permissions, queries
from approvals.queries import Preferences, Stop, Wanted
from approvals.web.http import Request, preferences_of, waiting_counts
from approvals.web.keys import pressed_to_usual
from approvals.web.live_since import Since, since_of
from audit.languages import number, told
from audit.sentences import say


@dataclass(frozen=True)
class Link:
    """A place in the rail. `key` is its key after G; `count_url` refreshes the figure behind it."""

    label: str
    url: str
    icon: str
    key: str
    current: bool = False
    count: int = 0
    count_url: str = ""
    phone: bool = True  # in the bar of a phone; else under "You"


@dataclass(frozen=True)
class LinkGroup:
    title: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Banner:
    """A halt in force, as every page shows it."""

    scope: str
    by: str
    since: datetime
    frozen: str
    reason: str
    release_url: str


@dataclass(frozen=True)
class Shell:
    groups: tuple[LinkGroup, ...]
    user_name: str
    halts: tuple[Banner, ...]
    halt_url: str
    banner_url: str
    live_since: int
    live_gaps: str
    live_url: str
    catchup_url: str
    logout_url: str
    account_url: str
    people_url: str
    preferences: Preferences
    keys: str


def shell(request: HttpRequest) -> Mapping[str, Any]:
    """The frame's values, read only when a template asks for them. A request refused before sign-in has no frame."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"shell_sso": settings.OIDC_NAME if settings.OIDC_ISSUER else ""}
    if getattr(request, "htmx", False):
        return {}
    return {"shell": SimpleLazyObject(lambda: _shell(cast(Request, request)))}


def _shell(request: Request) -> Shell:
    user = request.user
    reads = bool(permissions.roles(user))
    since = since_of(request) if reads else Since(0, "")
    chosen = preferences_of(request)
    return Shell(
        groups=_groups(request) if reads else (),
        user_name=getattr(user, "display_name", "") or user.get_username(),
        halts=banners(may_release=permissions.can_halt(user)) if reads else (),
        halt_url=reverse("halt") if permissions.can_halt(user) else "",
        banner_url=reverse("halt-banner"),
        live_since=since.last,
        live_gaps=since.gaps,
        live_url="/live/" if reads else "",
        catchup_url=reverse("live-catchup"),
        logout_url=reverse("account_logout"),
        account_url=reverse("security"),
        people_url=reverse("people") if permissions.can_manage_people(user) else "",
        preferences=chosen,
        keys=json.dumps({"off": chosen.keys_off, "map": pressed_to_usual(chosen.keys)}),
    )


def banners(*, may_release: bool) -> tuple[Banner, ...]:
    """Every halt in force, in words."""
    return tuple(
        Banner(
            scope=scope_words(stop),
            by=given_by(stop),
            since=stop.at,
            frozen=_frozen(stop),
            reason=stop.reason,
            release_url=reverse("halt-release", args=[stop.id]) if may_release else "",
        )
        for stop in queries.active_halts()
    )


def scope_words(stop: Stop) -> str:
    """What a stop order covers, as the subject of a sentence."""
    return {
        "everything": _("Everything is halted"),
        "agent": _("The agent %(agent)s is halted") % {"agent": stop.target},
        "version": _("%(version)s is halted") % {"version": stop.target},
        "tool": _("The tool %(tool)s is halted") % {"tool": stop.target},
        "customer": _("What is for the customer %(customer)s is halted") % {"customer": stop.target},
        "run": _("Run %(id)s is halted") % {"id": stop.target[:8]},
    }[stop.scope]


def given_by(stop: Stop) -> str:
    """Whose order it is; of one that no person gave, which rule."""
    return _("%(who)s, automatically (rule %(rule)s)") % {"who": stop.by, "rule": stop.rule} if stop.rule else stop.by


def goes_on(stop: Stop) -> str:
    """What a release has let go on, "" for nothing."""
    names = [*stop.agents_on, *(run[:8] for run in stop.runs_on)]
    return _("Goes on already: %(names)s.") % {"names": ", ".join(names)} if names else ""


def asks(step: Wanted) -> str:
    """Who asks to release what, and why."""
    what = _("all of it") if step.scope == "all" else step.target if step.scope == "agent" else step.target[:8]
    said = {"who": step.by, "what": what, "why": step.reason}
    return _("%(who)s asks to release %(what)s (%(why)s): somebody else has to confirm it.") % said


def came_of(scope: str, *, waits: bool) -> str:
    """What came of a step of a release. `waits`: a second person has to confirm it."""
    if waits:
        return _("Asked for. Somebody else who may release has to confirm it within an hour; nothing goes on before.")
    if scope == "all":
        return _("Released. Approvals given before the halt are asked again; runs go on.")
    return _("It goes on; the halt stands for the rest. Approvals given before the halt are asked again.")


def _frozen(stop: Stop) -> str:
    counts = queries.unsettled_counts(scope=stop.scope, target=stop.target)
    waiting = {"n": number(counts["pending"]), "m": number(counts["approved"])}
    parts = [_("%(n)s waiting and %(m)s approved actions are frozen.") % waiting]
    if counts["in_flight"]:
        parts.append(
            told(
                say(
                    "%(n)d call had begun and has no outcome yet: in a process of its own it is stopped, else it ends with its own, or somebody says what came of it.",
                    "%(n)d calls had begun and have no outcome yet: those in processes of their own are stopped, the others end with their own, or somebody says what came of them.",
                    n=counts["in_flight"],
                )
            )
        )
    if goes := goes_on(stop):
        parts.append(goes)
    return " ".join([*parts, *map(asks, stop.waits)])


def _groups(request: Request) -> tuple[LinkGroup, ...]:
    waiting, path = waiting_counts(request)["waiting"], request.path

    def link(label: str, name: str, icon: str, key: str, *, also: tuple[str, ...] = (), counted: bool = False, phone: bool = True) -> Link:
        url = reverse(name)
        return Link(
            label, url, icon, key,
            current=any(path.startswith(start) for start in (url, *also)),
            count=waiting if counted else 0,
            count_url=reverse("inbox-count") if counted else "",
            phone=phone,
        )  # fmt: skip

    return (
        LinkGroup("", (
            link(_("Inbox"), "inbox", "inbox", "i", also=("/actions/",), counted=True),
            link(_("Decided"), "decided", "stamp", "d"),
        )),
        LinkGroup(_("Operate"), (
            link(_("Console"), "console", "layout-dashboard", "o", also=("/unknown/", "/halts/", "/alerts/"), phone=False),
            link(_("Runs"), "runs", "route", "r"),
            link(_("Agents"), "agents", "bot", "n"),
        )),
        LinkGroup(_("Govern"), (
            link(_("Policies"), "policies", "scale", "p"),
            link(_("Grants"), "grants", "ticket-check", "t", phone=False),
            link(_("Audit"), "events", "scroll-text", "a"),
            link(_("Review quality"), "quality", "gauge", "m", phone=False),
        )),
    )  # fmt: skip
