"""The real Agent Server (`langgraph dev`), a process of its own in an environment of its own, and threads on it as anybody makes them."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client
from django.urls import reverse

from agents import operations as agents
from agents.models import Agent, Run, Server, Thread
from tests import factories
from tests.factories import Cast

ROOT = Path(__file__).resolve().parents[2]
GRAPHS = Path(__file__).parent / "graphs"
START_S = 120  # machines are shared


class Dev:
    """A development server with a folder and a port of its own, which may die and come back."""

    def __init__(self, home: Path, folder: Path) -> None:
        shutil.copytree(GRAPHS, folder, dirs_exist_ok=True)
        self.home, self.folder, self.port = home.absolute(), folder, _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        env = {
            **os.environ,
            "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}",
            "LANGGRAPH_CLI_NO_ANALYTICS": "1",
            "LANGSMITH_TRACING": "false",
        }
        order = [str(self.home / "bin" / "langgraph"), "dev", "--no-browser", "--no-reload", "--allow-blocking", "--port", str(self.port)]
        with (self.folder / "out.txt").open("ab") as out:
            self.process = subprocess.Popen(order, cwd=self.folder, env=env, stdout=out, stderr=out, start_new_session=True)
        until = time.monotonic() + START_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/ok", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.2)
        raise AssertionError((self.folder / "out.txt").read_text()[-3_000:])

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, how)
            self.process.wait(timeout=40)

    def ask(self, method: str, path: str, **body: Any) -> Any:
        answer = httpx.request(method, f"{self.url}{path}", json=body or None, timeout=30)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    def begin(self, graph: str, **state: Any) -> str:
        """A thread on which a run was started; its id."""
        thread: str = self.ask("POST", "/threads", metadata={})["thread_id"]
        self.ask("POST", f"/threads/{thread}/runs", assistant_id=graph, input=state)
        return thread

    def status(self, thread: str) -> str:
        return str(self.ask("GET", f"/threads/{thread}")["status"])

    def waits(self, graph: str, **state: Any) -> str:
        """A thread that waits for people by now."""
        thread = self.begin(graph, **state)
        self.until(thread, "interrupted")
        return thread

    def until(self, thread: str, status: str) -> None:
        until = time.monotonic() + 30
        while self.status(thread) != status:
            assert time.monotonic() < until, f"{self.status(thread)}, not {status}"
            time.sleep(0.1)

    def runs_now(self, thread: str) -> None:
        """Wait until a run there has really begun: one that only queues is cancelled otherwise."""
        until = time.monotonic() + 30
        while "running" not in [run["status"] for run in self.ask("GET", f"/threads/{thread}/runs")]:
            assert time.monotonic() < until
            time.sleep(0.1)

    def ids(self, thread: str) -> list[str]:
        found = self.ask("GET", f"/threads/{thread}/state")
        return [one["id"] for task in found["tasks"] for one in task["interrupts"]]

    def answer(self, thread: str, graph: str, value: Any) -> None:
        """Somebody else answers."""
        before = self.ids(thread)[0]
        self.ask("POST", f"/threads/{thread}/runs", assistant_id=graph, command={"resume": {before: value}})


@pytest.fixture(scope="session")
def home() -> Path:
    """The server's environment, made when it is not there. Without a network and without it, these tests say so."""
    made = subprocess.run([str(ROOT / "scripts" / "agent_server")], capture_output=True, text=True, timeout=900)
    if made.returncode:
        pytest.skip(f"no Agent Server to speak to, and it could not be installed: {made.stderr.strip()}")
    return ROOT / os.environ.get("AGENT_SERVER_HOME", "var/agent-server")


@pytest.fixture(scope="session")
def running(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    server = Dev(home, tmp_path_factory.mktemp("agent-server"))
    server.start()
    yield server
    server.end()


@pytest.fixture
def dev(running: Dev) -> Dev:
    """The server, with no thread of another test."""
    if running.process is None or running.process.poll() is not None:
        running.start()
    while threads := running.ask("POST", "/threads/search", limit=100):
        for thread in threads:
            httpx.delete(f"{running.url}/threads/{thread['thread_id']}", timeout=30)
    return running


@pytest.fixture
def mortal(home: Path, tmp_path: Path, transactional_db: None) -> Iterator["There"]:
    """A server of its own, for a test that ends it."""
    server = Dev(home, tmp_path / "mortal")
    server.start()
    yield There(server, factories.cast())
    server.end(signal.SIGKILL)


@pytest.fixture
def there(dev: Dev, transactional_db: None) -> "There":
    return There(dev, factories.cast())


class There:
    """A registered server, and this test as beat and worker."""

    def __init__(self, dev: Dev, cast: Cast) -> None:
        self.dev, self.cast = dev, cast
        self.server, _ = agents.add_server(url=dev.url, headers={"x-api-key": "a secret"}, by=cast.admin.actor)

    def look(self) -> None:
        """What the beat does, at once."""
        Server.objects.update(look_at="2000-01-01T00:00:00Z")
        parked = agents.look_at_servers()
        factories.work()
        for run in parked:
            agents.follow(run)
        factories.work()

    def found(self, graph: str) -> Run:
        """Look, and give the run that was found last for a graph."""
        self.look()
        return Run.objects.filter(agent=graph).latest("created_at")

    def after(self, run: Run, look: Callable[[], None] | None = None) -> Run:
        """The run as it stands once the work is done."""
        (look or factories.work)()
        run.refresh_from_db()
        return run

    def follow(self, run: Run) -> Run:
        """Look until the run does not go on there any more."""
        for _ in range(60):
            Thread.objects.filter(look_at__isnull=False).update(look_at="2000-01-01T00:00:00Z")
            if self.after(run, self.look).state != "RUNNING":
                return run
        raise AssertionError("it never ends")

    def page(self, name: str) -> str:
        """A page as an administrator sees it."""
        client = Client()
        client.force_login(self.cast.admin, backend="django.contrib.auth.backends.ModelBackend")
        return client.get(reverse(name)).content.decode()

    def agent(self, graph: str) -> Agent:
        return Agent.objects.get(pk=graph)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
