"""A browser without a browser: signed-in clients, and htmx's header."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from approvals.models import SignIn, User

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def _no_collected_files(settings, tmp_path):
    """The static files are served where they lie; the folder of collected ones only has to exist."""
    settings.STATIC_ROOT = tmp_path


class Browser(Client):
    """Posts forms as browsers and htmx do, not as files."""

    def post(self, path: str, data: Any = None, **more: Any) -> Any:  # type: ignore[override]
        return super().post(path, urlencode(data or {}, doseq=True), content_type="application/x-www-form-urlencoded", **more)


@pytest.fixture
def as_(db) -> Callable[[User], Client]:
    """A client signed in as somebody."""

    def sign_in(user: User) -> Client:
        client = Browser()
        client.force_login(user, backend=BACKEND)
        SignIn.objects.filter(pk=client.session["sign_in"]).update(proof="password")
        return client

    return sign_in


@pytest.fixture
def web(as_, cast) -> Client:
    """The reviewer at their desk."""
    client: Client = as_(cast.reviewer)
    return client
