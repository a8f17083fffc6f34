"""The whole stack as `make run` has it, in a folder and on a port of its own, and what each part of it uses."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.launch import prepare, roles
from config.launch.checks import Options
from config.launch.process import Role
from config.services.embedded import Services, start
from config.services.place import forget

ROOT = Path(__file__).resolve().parents[2]
READY_S = 90.0


@dataclass(frozen=True)
class Stack:
    """The running stack: where it is and who belongs to it."""

    options: Options
    services: Services
    roles: list[Role]

    @property
    def parts(self) -> dict[str, list[psutil.Process]]:
        """Every process of the stack by part, children included."""
        found = {role.name: _tree(role.pid) for role in self.roles if role.pid}
        return found | {server.name: _tree(server.pid()) for server in self.services.servers}

    def memory_mb(self) -> dict[str, float]:
        """Proportional set size by part: shared pages are counted once in all."""
        return {name: round(sum(map(_pss, part)) / 1e6, 1) for name, part in self.parts.items()}

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds used since their start, by part, and by this very process."""
        used = {name: sum(map(_cpu, part)) for name, part in self.parts.items()}
        return used | {"load generator": time.process_time()}


@contextmanager
def running(folder: Path, *, workers: int = 2) -> Iterator[Stack]:
    """Services, migrated database, then web, worker and beat; everything is stopped and removed at the end.

    Sets the environment of this process as well, so that Django can be set up on the same database, until the stack is gone.
    """
    options = Options(host="127.0.0.1", port=free_port(), workers=workers, var=folder)
    logs = folder / "log"
    for part in ("log", "run", "static"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.callback(_put_back, dict(os.environ))
        stack.callback(remove, folder)
        services = start(folder, logs=logs)
        stack.callback(services.stop)
        env = roles.environment(options, database_url=services.database_url, redis_url=services.redis_url)
        env["SECRET_KEY"] = prepare.secret_key(folder)
        env["LOG_LEVEL"] = env.get("LOG_LEVEL", "WARNING")
        os.environ.update(env)
        prepare.finish(prepare.manage(ROOT, env, "migrate", "--no-input"), "manage.py migrate", logs / "prepare.log")
        started = roles.all_roles(options, ROOT, env)
        for role in started:
            stack.callback(role.stop)
            role.start()
        wait_ready(options.port)
        wait_workers(services.redis_url, workers)
        yield Stack(options, services, started)


def _put_back(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


def wait_ready(port: int, *, path: str = "/health/ready", seconds: float = READY_S) -> None:
    """Until the page answers 200."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        connection.close()
        time.sleep(0.05)
    raise TimeoutError(f"port {port} did not answer {path} within {seconds:.0f} s")


def wait_workers(redis_url: str, workers: int) -> None:
    """Until the worker fetches from its queues: the broker then knows a blocked client of it."""
    import redis

    client = redis.Redis.from_url(redis_url.replace("redis+socket", "unix").replace("virtual_host", "db"))
    deadline = time.monotonic() + READY_S
    while not any(c["cmd"] in {"brpop", "bzmpop", "blmpop"} for c in client.client_list()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no worker came within {READY_S:.0f} s")
        time.sleep(0.1)
    client.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def remove(folder: Path) -> None:
    forget(folder)
    shutil.rmtree(folder, ignore_errors=True)


def python(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run one of our modules in a process of its own and give back what it printed. Its complaints go to ours.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env={**os.environ, **more}, stdout=subprocess.PIPE, text=True, check=True, timeout=600
    )


def _tree(pid: int | None) -> list[psutil.Process]:
    if pid is None or not psutil.pid_exists(pid):
        return []
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _pss(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.uss))
    return 0


def _cpu(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0
