"""The whole product, started as `make run` starts it, and a real Chromium: one stack for all journeys."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from config.services.child import die_with_parent
from tests.journeys import prepared
from tests.journeys.warm import Commands
from tests.slack.server import SlackServer

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(
    (found for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
UNDER_WAY = re.compile(r" (CREATED|READY|RUNNING) ")
PERSON = re.compile(r"^  (reviewer|second reviewer|operator|auditor|admin|second admin) .*?(http\S+)$", re.MULTILINE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser these say so, plainly, instead of failing."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and not CHROMIUM:
            item.add_marker(pytest.mark.skip(reason="no Chromium on this machine: install the package chromium-headless-shell or chromium"))


@dataclass
class Stack:
    """The running product."""

    url: str
    links: dict[str, str]
    env: dict[str, str]
    slack: str

    @cached_property
    def commands(self) -> Commands:
        return Commands(self.env)

    def manage(self, *args: str, check: bool = True) -> str:
        """What a command printed; it ended well, if that is to be so."""
        code, out, err = self.commands.run(*args)
        assert not check or code == 0, out + err
        return out

    def start_run(self, ticket: str) -> str:
        """A refunds run; returns its id once it waits for people or is over: what comes after a page was opened is offered there, not put in."""
        run = self.manage("runs", "start", "refunds", "--input", f'{{"ticket_id": "{ticket}"}}', "--by", "o.hart").strip()
        for _ in range(50):
            if UNDER_WAY.search(self.manage("runs", "show", run).partition("\n")[0]) is None:
                break
            time.sleep(0.2)
        return run


@pytest.fixture(scope="session")
def stack(common: Path) -> Iterator[Stack]:
    port = free_port()
    slack = SlackServer(app=f"http://127.0.0.1:{port}")
    slack.serve()
    told = {
        "SLACK_SIGNING_SECRET": slack.world.signing_secret,
        "SLACK_BOT_TOKEN": "xoxb-home",
        "SLACK_API_URL": slack.api,
        "SLACK_CHANNEL": "C0AI",
        "WEBHOOK_PRIVATE": "1",
    }
    try:
        with prepared.home(common, _first_start) as folder, started(folder, port, told, slack=slack.url) as running:
            yield running
    finally:
        slack.close()


@pytest.fixture(scope="module")
def demo(common: Path) -> Iterator[Stack]:
    """`make run SLACK=demo`, as a person starts it."""
    port, slack = free_port(), free_port()
    told = {"SLACK": "demo", "SLACK_PORT": str(slack)}
    with prepared.home(common, _first_start) as folder, started(folder, port, told, slack=f"http://127.0.0.1:{slack}") as running:
        yield running


def _first_start(folder: Path) -> None:
    with started(folder, free_port(), {}, slack=""):
        pass


@contextmanager
def started(folder: Path, port: int, more: dict[str, str], *, slack: str) -> Iterator[Stack]:
    """The product in a folder and on a port of its own, until the block ends."""
    env = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("COUNTERSIGN_", "SLACK")) and k not in {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
    }
    env |= {"COUNTERSIGN_VAR": str(folder / "var"), "PORT": str(port), "PYTHONUNBUFFERED": "1", **more}
    with (folder / "out.txt").open("w+") as out:
        ends = die_with_parent(signal.SIGINT)
        process = subprocess.Popen(
            [sys.executable, "-m", "config.up"], cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT, preexec_fn=ends
        )
        try:
            text = _until_ready(process, folder / "out.txt")
            url = f"http://127.0.0.1:{port}"
            running = Stack(url, dict(PERSON.findall(text)), {**env, "PUBLIC_URL": url}, slack)
            with closing(running.commands):
                yield running
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=40)


def _until_ready(process: subprocess.Popen[bytes], out: Path) -> str:
    for _ in range(1_500):  # five minutes: machines are shared
        text = out.read_text()
        if "Ctrl-C stops it" in text:
            return text
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise AssertionError(f"the product did not start:\n{out.read_text()[-3000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for one module: Playwright's event loop runs in this thread while it is open, and Django refuses to work beside one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def sign_in(stack: Stack, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`sign_in("reviewer")` gives an empty page of a browser of their own, signed in. Complaints of the console fail the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    hosts = (stack.url, stack.url.replace("127.0.0.1", "localhost"))  # passkeys belong to the name
    own = (*hosts, *(host.replace("http", "ws") for host in hosts), "data:")

    def enter(persona: str, **options: object) -> Page:
        context = chromium.new_context(base_url=stack.url, **options)  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda r: None if r.url.startswith(own) else complaints.append(r.url),
        )
        page.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
        entered = context.request.get(stack.links[persona], max_redirects=0)  # the page it leads to would be loaded for nothing
        assert entered.status == 302, entered.text()
        return page

    yield enter
    for context in contexts:
        context.close()
    assert not complaints
