"""Who takes part: one reviewer with a session of theirs, and the bench agent. Uses the product's own operations."""

import secrets
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from agents.operations import register_project
from approvals.models import User
from approvals.operations import people, sign_ins

PROJECT = Path(__file__).parent / "project" / "langgraph.json"
AGENT = "bench"


@dataclass(frozen=True)
class Reviewer:
    """A person and the cookies of their browser."""

    user: User
    asks: User  # who starts the runs: nobody decides what they asked for themselves
    csrf: str
    cookies: str


def reviewer() -> Reviewer:
    """Somebody who may start, decide and read, signed in."""
    user = people.ensure_person(username="bench-reviewer", name="Bench Reviewer", roles=["reviewers", "operators", "auditors"])
    asks = people.ensure_person(username="bench-operator", name="Bench Operator", roles=["operators"])
    session: Any = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    session["sign_in"] = sign_ins.begin(user=user, session_key=session.session_key, device="the bench", proof="password")
    session.save()
    csrf = secrets.token_hex(16)
    return Reviewer(user, asks, csrf, f"{settings.SESSION_COOKIE_NAME}={session.session_key}; {settings.CSRF_COOKIE_NAME}={csrf}")


def agent() -> None:
    register_project(PROJECT, owner_username="")
