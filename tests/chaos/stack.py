"""The real thing to kill: PostgreSQL, broker, uvicorn, celery and beat as processes, on a folder of their own."""

import http.client
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, connections

from approvals.models import Action, User
from approvals.operations import sign_ins
from config import env
from config.launch.checks import Options
from config.launch.process import Role
from config.launch.roles import all_roles
from config.services.broker import Broker
from config.services.child import wait_until
from config.services.place import forget, settle
from config.services.postgres import Postgres
from tests.bench.stack import free_port

ROOT = Path(__file__).parents[2]
SOON = 30.0  # seconds after which everything must go on


class Stack:
    """One running product, and the means to hurt it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        place = settle(folder)
        self.postgres = Postgres(place, folder / "log" / "postgres.log", durable=False)
        self.broker = Broker(place, folder / "log" / "valkey.log")
        self.options = Options(host="127.0.0.1", port=free_port(), workers=2, var=folder)
        self.roles: dict[str, Role] = {}

    def start(self) -> None:
        for part in ("log", "run", "static"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        self.broker.ensure()
        self.postgres.ensure()
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("DATABASE_", "REDIS_", "PYTEST_"))},
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.broker.url,
            "HOST": "127.0.0.1",
            "PORT": str(self.options.port),
            "COUNTERSIGN_VAR": str(self.folder),
            "COUNTERSIGN_LEASE_S": "3",
            "SECRET_KEY": settings.SECRET_KEY,
            "LOG_LEVEL": "WARNING",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True, timeout=120)
        self.roles = {role.name: role for role in all_roles(self.options, ROOT, environment)}
        for role in self.roles.values():
            points = self._crash_points(role.name)
            points.mkdir(exist_ok=True)
            role.env["COUNTERSIGN_CRASH_POINTS"] = str(points)
            role.launch()
        self.wait_for_web()

    def stop(self) -> None:
        for role in self.roles.values():
            role.stop()
        self.broker.stop()
        self.postgres.stop()
        forget(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def as_database(self) -> Iterator[None]:
        """Django of this very process looks into the stack's database."""
        connection.close()
        before = dict(connections.settings["default"])
        connections.settings["default"].update(env.database(self.postgres.url, pooled=False))
        try:
            yield
        finally:
            connection.close()
            connections.settings["default"].update(before)

    # -- hurting ------------------------------------------------------------------------------------------------
    def kill(self, name: str) -> None:
        """SIGKILL to a role and whatever it has forked."""
        role = self.roles[name]
        assert role.pid is not None
        os.killpg(role.pid, signal.SIGKILL)
        assert wait_until(lambda: not role.running(), 10)

    def launch(self, name: str) -> None:
        self.roles[name].launch()

    def will_crash(self, name: str, point: str) -> Path:
        """From now on a process of this role dies at this point, once for each time the marker is there."""
        marker = self._crash_points(name) / point
        marker.touch()
        return marker

    def crashes_no_more(self) -> None:
        for name in self.roles:
            for marker in self._crash_points(name).iterdir():
                marker.unlink()

    def _crash_points(self, name: str) -> Path:
        return self.folder / "run" / f"crash-{name}"

    def again(self, name: str) -> None:
        """Started again: what it was is killed, if it still runs."""
        if self.roles[name].running():
            self.kill(name)
        self.launch(name)
        if name == "web":
            self.wait_for_web()

    def kill_broker(self) -> None:
        pid = self.broker.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: not self.broker.alive(), 10)

    @contextmanager
    def frozen_broker(self) -> Iterator[None]:
        """It is there, takes connections, and answers nobody."""
        pid = self.broker.pid()
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def crash_postgres(self) -> None:
        """The immediate stop: no checkpoint, every connection cut."""
        pid = self.postgres.pid()
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)
        assert wait_until(lambda: not self.postgres.alive(), 20)

    # -- the doors ----------------------------------------------------------------------------------------------
    def wait_for_web(self, seconds: float = 60) -> None:
        assert eventually(lambda: self.get("/health/ready")[0] == 200, seconds), "the web process does not answer"

    def get(self, path: str) -> tuple[int, bytes]:
        return self._ask("GET", path)

    def decide(self, action: Action, by: User, verdict: str = "approve") -> int:
        """The button, pressed: the status of the answer, 0 when there was none."""
        form = {
            "verdict": verdict,
            "seen_digest": action.digest,
            "reason": "because",
            "key": "",
            "opened": "all",
            "csrfmiddlewaretoken": "c" * 32,
        }
        cookies = f"{settings.CSRF_COOKIE_NAME}={'c' * 32}; {settings.SESSION_COOKIE_NAME}={session_of(by)}"
        cookies = cookies.replace("_8000=", f"_{self.options.port}=")
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookies, "Accept": "application/json"}
        return self._ask("POST", f"/actions/{action.pk}/decide", urlencode(form), headers)[0]

    def _ask(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        client = http.client.HTTPConnection("127.0.0.1", self.options.port, timeout=15)
        try:
            client.request(method, path, body, headers or {})
            answer = client.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            client.close()


def session_of(user: User) -> str:
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    store["sign_in"] = sign_ins.begin(user=user, session_key=str(store.session_key), device="a test", proof="password")
    store.save()
    return str(store.session_key)


def eventually(true: Callable[[], Any], seconds: float = SOON) -> bool:
    """Wait until it is so; what the database says while it restarts does not count."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if true():
                return True
        except Exception:
            connection.close()
        time.sleep(0.1)
    return False


@contextmanager
def running() -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="countersign-chaos-"))
    folder.chmod(0o755)
    stack = Stack(folder)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
