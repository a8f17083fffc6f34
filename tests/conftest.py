"""One PostgreSQL and one broker for the whole run, a database of each process's own in it, and the cast.

`DATABASE_URL` and `REDIS_URL` win; without them the embedded servers are started, once.
"""

import atexit
import faulthandler
import gc
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import astuple
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from _pytest.runner import runtestprotocol
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import TransactionTestCase
from httpx._transports import default
from langgraph._internal import _serde
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from agents.graphs import hazards, loader
from agents.graphs.project import Project
from agents.operations import registering, waking
from approvals import tasks
from config import env
from config.services.embedded import embedded
from tests import databases, factories, fakes
from tests.factories import Cast
from tests.roomy import in_room

SERVERS = pytest.StashKey[ExitStack]()
SHARED = pytest.StashKey[databases.Shared]()
COMMON = pytest.StashKey[str]()
LONGEST_S = 300.0  # that a test may take with all it sets up; the longest take a minute


def pytest_configure() -> None:
    """The policy that ships, without its holds: tests do not wait half a minute. Those about holds publish their own."""
    folder = Path(tempfile.mkdtemp(prefix="countersign-policy-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    text = settings.POLICY_FILE.read_text(encoding="utf-8")
    settings.POLICY_FILE = folder / "policy.yaml"
    settings.POLICY_FILE.write_text(re.sub(r"hold_s: [0-9]+", "hold_s: 0", text), encoding="utf-8")


def pytest_collection_finish() -> None:
    """What is loaded by now stays: looking through all of it for garbage again and again takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """As pytest's own, in room for its frames: a fifth less computing."""
    _watch(item.config)
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    in_room(runtestprotocol, item, nextitem=nextitem)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """pytest itself stops watching where a test fails, and what it tears down then may hang as well."""
    _watch(node.config)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        _watch(session.config)


def _watch(config: pytest.Config) -> None:
    """A process that hangs says where each of its threads is, and ends: its test has failed, another process goes on with the next."""
    faulthandler.dump_traceback_later(LONGEST_S, exit=True, file=config.stash[fault_handler_stderr_fd_key])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """The process that starts those of xdist starts their servers, too."""
    if SERVERS not in node.config.stash:
        node.config.stash[SERVERS] = stack = ExitStack()
        node.config.stash[SHARED] = databases.Shared.of(stack.enter_context(embedded(durable=False)))
        stack.callback(node.config.stash[SHARED].close)
        node.config.stash[COMMON] = stack.enter_context(_folder())
    node.workerinput["shared"] = astuple(node.config.stash[SHARED])
    node.workerinput["common"] = node.config.stash[COMMON]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.scheduling import ByProduct

    return ByProduct(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_unconfigure(config: pytest.Config) -> None:
    if SERVERS in config.stash:
        config.stash[SERVERS].close()


@contextmanager
def _folder() -> Iterator[str]:
    """That the account which PostgreSQL runs as gets to, too."""
    with tempfile.TemporaryDirectory(prefix="countersign-tests-") as folder:
        Path(folder).chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def common(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder of the whole run, whichever process looks."""
    if given := getattr(request.config, "workerinput", {}).get("common"):
        yield Path(given)
        return
    with _folder() as own:
        yield Path(own)


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest) -> Iterator[databases.Shared]:
    """Where PostgreSQL and the broker are."""
    if given := getattr(request.config, "workerinput", {}).get("shared"):
        yield databases.Shared(*given)
        return
    with embedded(durable=False) as services, closing(databases.Shared.of(services)) as found:
        yield found


@pytest.fixture(scope="session")
def django_db_setup(shared: databases.Shared, django_db_blocker: Any) -> Iterator[None]:
    """A migrated database for this process alone."""
    settings.DATABASE_URL = settings.DATABASE_DIRECT_URL = shared.database_url
    settings.CELERY_BROKER_URL = settings.REDIS_URL = shared.redis_url
    entry = connections.settings["default"]
    entry.update(env.database(shared.database_url, pooled=False))

    def migrate(name: str) -> None:
        entry["NAME"] = name
        with django_db_blocker.unblock(), closing(connection):
            call_command("migrate", verbosity=0, interactive=False)
            connection.cursor().execute(fakes.CLOCK)

    with shared.database(migrate) as entry["NAME"]:
        yield
        with django_db_blocker.unblock():
            connection.close()


@pytest.fixture(scope="session", autouse=True)
def _emptied_by_us() -> Iterator[None]:
    """Tests that commit are cleaned up after by emptying every table, which the log's own guard refuses to Django's way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: databases.empty())
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_this_checkout_is_used(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Not its collected files: they may not be there, which whitenoise warns of."""
    settings.STATIC_ROOT = tmp_path_factory.mktemp("static")


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_looked_for_once() -> Iterator[None]:
    """As in a web process: each of a test's clients has middleware of its own, which would look through all folders again."""
    seen: dict[str, Any] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def once(self: WhiteNoiseMiddleware) -> None:
        if not seen:
            look(self)
            seen.update(self.files)
        self.files.update(seen)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _types_are_looked_at_once() -> Iterator[None]:
    """LangGraph reads the annotations of all types of a graph's state at each compile, and tests compile thousands: a tenth of their time."""
    with pytest.MonkeyPatch.context() as patch:
        if look := getattr(_serde, "_safe_get_type_hints", None):
            patch.setattr(_serde, "_safe_get_type_hints", cache(look))
        yield


@pytest.fixture(scope="session", autouse=True)
def _authorities_are_read_once() -> Iterator[None]:
    """Each client of httpx reads all of them, which no test needs: thirty milliseconds of computing, four tenths of what some tests take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "create_ssl_context", cache(httpx.create_ssl_context))
        yield


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[waking.Wake]:
    """What would have been sent to the broker: tests are their own workers."""
    sent: list[waking.Wake] = []
    monkeypatch.setattr(waking, "_send", sent.append)
    return sent


@pytest.fixture(autouse=True)
def _no_morning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks of the sweeper owe nobody a digest, whatever the hour: tests about digests ask for them."""
    monkeypatch.setattr(tasks, "_morning", float("inf"))
    monkeypatch.setattr(tasks, "_slack_morning", float("inf"))


@pytest.fixture
def cast(db: None) -> Cast:
    """The named people."""
    return factories.cast()


@pytest.fixture
def agents(cast: Cast) -> None:
    """The agent that proposes whatever calls its input names."""
    factories.register()


@pytest.fixture
def shapes(cast: Cast) -> None:
    """The graphs of every other shape."""
    factories.register(factories.SHAPES)


@pytest.fixture
def trips(cast: Cast) -> None:
    """The agents whose calls can be reversed."""
    factories.register(factories.SAGA)


@pytest.fixture
def others(transactional_db: None) -> Cast:
    """The agents that nobody wrote for us, and the cast. Committed: tools ask for leave on a connection of their own."""
    found = factories.cast()
    factories.register(factories.OTHERS)
    return found


@pytest.fixture(scope="session", autouse=True)
def _projects_are_loaded_once() -> Iterator[None]:
    """As in a worker: running a project's code again for every test would only take time."""
    found: dict[tuple[object, ...], list[hazards.Hazard]] = {}

    def looked_for_once(project: Project) -> list[hazards.Hazard]:
        """Its syntax is gone through again only where its text is another."""
        text = (project.path, *((name, file.read_bytes()) for name, file in project.files() if file.is_file()))
        return found[text] if text in found else found.setdefault(text, hazards.hazards_of(project))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registering, "load_project", cache(loader.load_project))
        patch.setattr(registering, "hazards_of", looked_for_once)
        yield


@pytest.fixture
def world(tmp_path: Path) -> str:
    """The outside world: a file with a line per call."""
    return str(tmp_path / "world")


@pytest.fixture
def policy(cast: Cast) -> fakes.PolicyInForce:
    """The policy in force, which this test may change."""
    return fakes.PolicyInForce()
