"""The supervisor, run for real over a stand-in for the product: `config.up` in a folder of its own, no Django."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from config import up
from config.launch import checks, given
from config.launch.checks import Options
from config.launch.process import Role
from config.launch.roles import all_roles
from config.launch.screen import ROTATE_BYTES, LogTail
from config.services import ServiceError
from config.services.child import command_line, wait_until
from config.services.place import forget

CHECKOUT = Path(__file__).resolve().parents[2]
STAND_IN = {
    "config/__init__.py": "",
    "config/celery.py": "import os\nfrom celery import Celery\napp = Celery('stand-in', broker=os.environ['REDIS_URL'])\n",
    "config/asgi.py": """
import os, psycopg
async def application(scope, receive, send):
    try:
        psycopg.connect(os.environ["DATABASE_URL"]).close()
        code = 200
    except psycopg.Error:
        code = 503
    await send({"type": "http.response.start", "status": code, "headers": []})
    await send({"type": "http.response.body", "body": b""})
""",
    "manage.py": "import sys\nprint('did', *sys.argv[1:])\n",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Checkout:
    def __init__(self, root: Path) -> None:
        self.root, self.port = root, free_port()
        for name in ("services", "launch"):
            shutil.copytree(CHECKOUT / "config" / name, root / "config" / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(CHECKOUT / "config" / "up.py", root / "config" / "up.py")
        for path, text in STAND_IN.items():
            (root / path).write_text(text, encoding="utf-8")
        clean = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL", "COUNTERSIGN_VAR", "HOST"}}
        self.env = {**clean, "PORT": str(self.port), "WORKERS": "1", "SECRET_KEY": ""}

    def up(self, *arguments: str) -> "subprocess.Popen[str]":
        with (self.root / "screen").open("a", encoding="utf-8") as screen:
            command = [sys.executable, "-m", "config.up", *arguments]
            return subprocess.Popen(command, cwd=self.root, env=self.env, stdout=screen, stderr=subprocess.STDOUT, text=True)

    def says(self, text: str, times: int = 1) -> bool:
        return wait_until(lambda: (self.root / "screen").read_text(encoding="utf-8").count(text) >= times, 40)

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def roles(self) -> list[int]:
        return [int(line) for line in (self.root / "var/run/roles.pids").read_text(encoding="ascii").split()]

    def everything(self) -> list[int]:
        return [*self.roles(), int((self.root / "var/postgres/postmaster.pid").read_text(encoding="ascii").split()[0])]


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    root = Path(tempfile.mkdtemp(prefix="cs-up-"))
    root.chmod(0o755)
    yield Checkout(root)
    forget(root / "var")
    shutil.rmtree(root, ignore_errors=True)


def gone(pids: list[int]) -> bool:
    return wait_until(lambda: not any(command_line(pid) for pid in pids), 15)


def test_a_stack_through_its_life(checkout: Checkout) -> None:
    first = checkout.up()
    try:
        assert checkout.says("is running at")
        assert checkout.says("did migrate --no-input", 0) and checkout.says("did login_links")
        assert checkout.up().wait(20) == 1
        assert checkout.says(f"already runs from this folder at http://127.0.0.1:{checkout.port}")

        web = checkout.roles()[0]
        os.kill(web, signal.SIGKILL)
        assert checkout.says("web | was killed by SIGKILL") and checkout.says("web | started again")
        os.kill(checkout.everything()[-1], signal.SIGKILL)
        assert checkout.says("postgres | started again")
        assert wait_until(checkout.ready, 10)

        everything = checkout.everything()
        first.kill()
        first.wait()
        if sys.platform.startswith("linux"):
            assert gone(everything), "a killed supervisor must leave nothing behind"
    finally:
        first.kill()
        first.wait()

    second = checkout.up()
    try:
        assert checkout.says("is running at", 2)
        assert (checkout.root / "screen").read_text(encoding="utf-8").count("Seeding the demo: ") == 1
        everything = checkout.everything()
        second.terminate()
        assert second.wait(30) == 0
        assert gone(everything)
        assert not (checkout.root / "var/run/services.json").exists()
    finally:
        second.kill()
        second.wait()

    assert checkout.up("reset").wait(20) == 0
    assert not (checkout.root / "var").exists()


def test_a_product_that_cannot_start_is_one_sentence(checkout: Checkout) -> None:
    (checkout.root / "config/asgi.py").write_text("raise RuntimeError('no such thing')\n", encoding="utf-8")
    assert checkout.up().wait(60) == 1
    screen = (checkout.root / "screen").read_text(encoding="utf-8")
    assert "web does not start (RuntimeError: no such thing): see " in screen
    assert "Traceback" not in screen.split("does not start")[1]


def test_a_busy_port_is_one_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = int(other.getsockname()[1])
        with pytest.raises(ServiceError, match=f"Port {taken} is in use by another program.*PORT="):
            checks.port(checks.Options("127.0.0.1", taken, 2, Path("var")))


@pytest.mark.parametrize("text", ["0", "65536", "x", "-1", "8000.5", "٨٠٠٠"])
def test_an_impossible_port_is_one_sentence(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", text)
    with pytest.raises(ServiceError, match="write a whole number from 1 to 65535"):
        checks.options(Path())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("REDIS_URL", "http://x", "REDIS_URL is not a Redis address: write redis://"),
        ("REDIS_URL", "redis://:secret@127.0.0.1:1/0", r"REDIS_URL leads to no Redis \(127.0.0.1\): .*refused"),
        ("REDIS_URL", "redis+socket:///nowhere/x.sock?virtual_host=0", r"REDIS_URL leads to no Redis \(/nowhere/x.sock\)"),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL is not a PostgreSQL address: write postgresql://"),
        ("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none", r"no database \(127.0.0.1, database none\): .*refused"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_sentence_before_anything_starts(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv(name, value)
    with pytest.raises(ServiceError, match=said) as found:
        given.answer()
    assert "secret" not in str(found.value) and "\n" not in str(found.value)


def test_with_servers_of_ones_own_the_logs_have_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded servers made it by the way: without them the first start failed, and every one after it."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://given")
    monkeypatch.setenv("REDIS_URL", "redis://given")
    chosen = checks.Options("127.0.0.1", 8000, 2, tmp_path)
    checks.writable(chosen.var)
    assert up.start_services(chosen).servers == []
    assert (tmp_path / "log").is_dir()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(ServiceError, match="cannot be written"):
        checks.writable(tmp_path / "var")


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "DISK_BYTES", 10**18)
    with pytest.raises(ServiceError, match="free at least 500 MB"):
        checks.disk(tmp_path)


def test_log_tail_shows_only_what_tells_and_cuts_a_large_file(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    tail = LogTail(log)
    log.write_text(
        'INFO fine\n[ERROR] broken\n{"level": "error", "event": "lost", "exception": "Trace\\nE: why"}\nlogfile -> [stderr]@%WARNING\n',
        encoding="utf-8",
    )
    assert tail.look() == ["[ERROR] broken", "[error] lost E: why"]
    assert tail.look() == []
    with log.open("ab") as file:
        file.truncate(ROTATE_BYTES + 10)
    tail.look()
    assert log.stat().st_size == 0


def test_a_role_that_keeps_dying_waits_longer_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    role = Role("web", ["false"], log=tmp_path / "web.log", cwd=tmp_path, env=dict(os.environ), grace=1)
    role.start()

    def third_failure() -> bool:
        role.look()
        return role.failures == 3

    assert wait_until(third_failure, 10)
    role.stop()
    shown = capsys.readouterr().out
    assert [f"again in {pause} s" in shown for pause in ("0.2", "1", "2")] == [True, True, True]


@pytest.mark.parametrize("started_by", ["make run", "deploy/Procfile", "deploy/countersign-web.service"])
def test_web_keeps_idle_connections_longer_than_clients_and_proxies(started_by):
    """Who closes first must not be us: a request sent at that very moment is lost."""
    if started_by == "make run":
        words = next(role.command for role in all_roles(Options("127.0.0.1", 8260, 2, Path("var")), CHECKOUT, {}) if role.name == "web")
    else:
        words = next(line for line in (CHECKOUT / started_by).read_text().splitlines() if "config.asgi" in line).split()
    config = next(w for w in uvicorn.main.params if w.name == "timeout_keep_alive")
    assert config.opts[0] in words and int(words[words.index(config.opts[0]) + 1]) > 60
