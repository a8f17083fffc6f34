"""The embedded services with their real binaries, each test in a folder of its own. Nothing here knows Django."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.services import ServiceError, Services, embedded, endpoints
from config.services.accounts import Account, own_dir
from config.services.child import command_line, wait_until
from config.services.embedded import start
from config.services.locks import FileLock
from config.services.place import forget, settle

ROOT = os.geteuid() == 0
LINUX = sys.platform.startswith("linux")
CHECKOUT = Path(__file__).resolve().parents[2]
HOLD = "import sys, time; from pathlib import Path; from config.services.embedded import start; s = start(Path(sys.argv[1])); print('up', flush=True); time.sleep(60)"


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder that every account can pass through (pytest's own is 0700)."""
    made = Path(tempfile.mkdtemp(prefix="cs-"))
    made.chmod(0o755)
    yield made
    forget(made)
    shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def holder(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that keeps the services of `folder` up."""
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True, env=env) as parent:
        try:
            yield parent
        finally:
            parent.kill()


def comes_up(parent: "subprocess.Popen[str]") -> bool:
    return parent.stdout is not None and parent.stdout.readline() == "up\n"


def keep_a_row(services: Services) -> None:
    with psycopg.connect(services.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")


def kept(services: Services) -> object:
    with psycopg.connect(services.database_url) as connection:
        return connection.execute("SELECT number FROM kept").fetchone()


def pids(services: Services) -> list[int]:
    return [pid for server in services.servers if (pid := server.pid())]


def test_first_start_serves_both_and_stop_leaves_no_process(folder: Path) -> None:
    with embedded(folder) as services:
        assert all(server.answers() for server in services.servers)
        running = pids(services)
        assert len(running) == 2
        with psycopg.connect(services.database_url) as connection:
            row = connection.execute("SELECT current_user::text, current_setting('is_superuser'), current_setting('fsync')").fetchone()
        assert row == ("countersign", "off", "on")
    assert [command_line(pid) for pid in running] == ["", ""]


def test_data_is_kept_from_one_start_to_the_next(folder: Path) -> None:
    with embedded(folder) as services:
        keep_a_row(services)
    began = time.monotonic()
    with embedded(folder) as services:
        assert time.monotonic() - began < 3
        assert kept(services) == (7,)


def test_without_a_folder_nothing_is_left_behind() -> None:
    with embedded(durable=False) as services:
        assert services.postgres is not None
        home = services.postgres.place.home
        assert home.is_dir()
    assert not home.exists()


def test_given_addresses_start_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/x")
    monkeypatch.setenv("REDIS_URL", "redis://broker")
    with embedded(folder) as services:
        assert services == Services("postgresql://db/x", "redis://broker", None, None)
    assert list(folder.iterdir()) == []


def test_killed_parent_takes_its_servers_along_and_the_next_start_keeps_rows(folder: Path) -> None:
    with holder(folder) as parent:
        assert comes_up(parent)
        guest = start(folder)
        keep_a_row(guest)
        running = pids(guest)
    try:
        if LINUX:
            assert wait_until(lambda: not any(command_line(pid) for pid in running), 5)
        for server in guest.servers:
            server.ensure()
        assert kept(guest) == (7,)
    finally:
        guest.stop()
    assert pids(guest) == []


def test_a_running_server_is_adopted_and_a_guest_does_not_stop_it(folder: Path) -> None:
    with embedded(folder) as owner:
        running = pids(owner)
        with holder(folder) as parent:
            assert comes_up(parent)
        guest = start(folder)
        assert pids(guest) == running
        guest.stop()
        assert pids(owner) == running


@pytest.mark.parametrize("which", [0, 1])
def test_killed_server_comes_back_by_ensure_with_its_rows(folder: Path, which: int) -> None:
    with embedded(folder) as services:
        keep_a_row(services)
        server = services.servers[which]
        old = server.pid()
        assert old is not None
        os.kill(old, signal.SIGKILL)
        assert wait_until(lambda: not server.alive(), 5)
        server.ensure()
        assert server.pid() != old
        assert kept(services) == (7,)


def test_two_cold_starts_at_once_both_succeed_even_after_a_crashed_one(folder: Path) -> None:
    (folder / "postgres.new-crashed").mkdir()
    with holder(folder) as one, holder(folder) as other:
        assert comes_up(one) and comes_up(other)
    # Both are gone, and the servers follow the one that launched them.
    place = settle(folder)
    assert wait_until(lambda: not (place.data / "postmaster.pid").exists(), 5)
    assert not list(folder.glob("postgres.new-*"))


def test_stale_pid_file_naming_a_foreign_process_is_no_obstacle(folder: Path) -> None:
    with embedded(folder) as services:
        keep_a_row(services)
        assert services.postgres is not None
        pid_file, home = services.postgres.pid_file(), services.postgres.place.home
    victim = subprocess.Popen(["sleep", "30"])
    try:
        pid_file.write_text(f"{victim.pid}\n{home / 'postgres'}\n1\n5432\n{home}\n\n  1 1\nready\n", encoding="ascii")
        with embedded(folder) as services:
            assert kept(services) == (7,)
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


def test_deep_folder_gets_short_sockets_and_odd_characters_work(folder: Path) -> None:
    deep = folder / "ein tiefer Ordner" / ("x" * 90) / "ü"
    with embedded(deep, durable=False) as services:
        assert services.postgres is not None
        sockets = services.postgres.place.sockets
        keep_a_row(services)
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert len(os.fsencode(sockets)) < 80
    forget(deep)
    assert not sockets.exists()


@pytest.mark.skipif(not ROOT, reason="only root has to hand the servers to another account")
def test_below_a_closed_folder_root_uses_a_private_home_and_opens_nothing(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    try:
        with embedded(closed / "var", durable=False) as services:
            assert services.postgres is not None
            assert not services.postgres.place.home.is_relative_to(closed)
            keep_a_row(services)
        with embedded(closed / "var", durable=False) as services:
            assert kept(services) == (7,)
        assert closed.stat().st_mode & 0o777 == 0o700
        assert folder.stat().st_mode & 0o777 == 0o755
    finally:
        forget(closed / "var")


@pytest.mark.skipif(not ROOT, reason="this test becomes an ordinary user, which takes root; otherwise every test here is one")
def test_runs_as_an_ordinary_user(folder: Path) -> None:
    user = next(entry for entry in pwd.getpwall() if entry.pw_uid != 0 and entry.pw_name in {"daemon", "nobody"})
    os.chown(folder, user.pw_uid, user.pw_gid)
    # Our interpreter may live where that user cannot go: so no exec, and everything imported beforehand.
    with embedded(durable=False) as services:
        keep_a_row(services)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            try:
                with embedded(folder, durable=False) as services:
                    keep_a_row(services)
                    code = 0 if kept(services) == (7,) else 2
            except ServiceError as error:
                code = 77 if "cannot be started" in str(error) or "no embedded" in str(error).lower() else 3
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 77:
        pytest.skip("the virtual environment is below a folder that user cannot enter")
    assert code == 0
    assert (folder / "postgres").stat().st_uid == user.pw_uid
    with embedded(folder, durable=False) as services:  # and root takes the same data over, as its owner
        assert kept(services) == (7,)


def test_lock_is_exclusive_and_ends_with_its_holder(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock", wait=0.05)
    assert first.take() and not second.take()
    first.note("here")
    assert second.read_note() == "here"
    with pytest.raises(ServiceError, match="stop it"), second:
        pass
    first.release()
    assert second.take()
    second.release()


def test_prepared_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ServiceError, match="belongs to somebody else"):
        own_dir(tmp_path / "link", Account("me", os.geteuid(), os.getegid()))


def test_endpoints_are_private_and_a_dead_stack_is_none(tmp_path: Path) -> None:
    endpoints.write(tmp_path, database_url="postgresql://a", redis_url="redis://b", address="http://c")
    assert endpoints.path(tmp_path).stat().st_mode & 0o777 == 0o600
    found = endpoints.read(tmp_path)
    assert found is not None and found["DATABASE_URL"] == "postgresql://a"
    gone = subprocess.Popen(["true"])
    gone.wait()
    text = endpoints.path(tmp_path).read_text(encoding="utf-8")
    endpoints.path(tmp_path).write_text(text.replace(f'"{os.getpid()}"', f'"{gone.pid}"'), encoding="utf-8")
    assert endpoints.read(tmp_path) is None
    endpoints.clear(tmp_path)
    assert endpoints.read(tmp_path) is None


def test_the_product_may_add_to_its_log_and_read_it_and_migrations_may_change_it(folder: Path) -> None:
    with embedded(folder, durable=False) as services, psycopg.connect(services.database_url, autocommit=True) as product:
        server = services.postgres
        assert server
        server.lend_log()  # before the first migration there is none
        product.execute("CREATE TABLE audit_event (id bigint GENERATED BY DEFAULT AS IDENTITY, body text)")
        for _ in range(2):
            server.keep_log()
            product.execute("INSERT INTO audit_event (body) VALUES ('said')")
            for forbidden in (
                "UPDATE audit_event SET body = ''",
                "DELETE FROM audit_event",
                "TRUNCATE audit_event",
                "ALTER TABLE audit_event DISABLE TRIGGER ALL",
                "DROP TABLE audit_event",
                "DROP SCHEMA public CASCADE",
                "SET session_replication_role = replica",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    product.execute(forbidden)
        product.execute("CREATE SCHEMA shop")
        product.execute("CREATE TABLE another (id bigint)")
        server.lend_log()
        product.execute("ALTER TABLE audit_event ADD COLUMN more text")
        server.keep_log()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            product.execute("ALTER TABLE audit_event DROP COLUMN more")
        assert product.execute("SELECT count(*) FROM audit_event").fetchone() == (2,)
