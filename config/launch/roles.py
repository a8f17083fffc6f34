"""The programs `make run` starts: web, worker, beat and, with an app token, slack, each with its command line. deploy/ starts the same ones.
With SLACK=demo a Slack of our own is one more.

Imports `process`, `demo_slack` and `checks` (for the options).
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from config.launch import demo_slack
from config.launch.checks import Options
from config.launch.process import Role
from config.services.child import command_line, wait_until

QUEUES = "runs,effects,notify"


def environment(chosen: Options, *, database_url: str, redis_url: str) -> dict[str, str]:
    """What every child is told. Values the person set stay as they are."""
    own = {"ALLOWED_HOSTS": f"localhost,127.0.0.1,[::1],{chosen.reachable}"}
    return {
        **own,
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "HOST": chosen.reachable,  # as it is written in addresses
        "PORT": str(chosen.port),
        "COUNTERSIGN_VAR": str(chosen.var),
        "PYTHONUNBUFFERED": "1",
        **(demo_slack.environment(chosen) if chosen.slack_port else {}),
    }


def all_roles(chosen: Options, root: Path, env: Mapping[str, str]) -> list[Role]:
    """In the order they are started; they are stopped the other way round."""
    python = sys.executable
    celery = [python, "-m", "celery", "--quiet", "-A", "config"]
    quiet = ["--loglevel", "warning"]
    commands = {
        "web": [
            *(python, "-m", "uvicorn", "config.asgi:application", "--host", chosen.host, "--port", str(chosen.port)),
            *("--lifespan", "auto", "--ws", "websockets", "--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "5"),
            # Longer than clients and proxies keep an idle connection (nginx and the usual load balancers 60 s): whoever closes first must not be us, or
            # a request sent at that very moment is lost. uvicorn's own 5 s lost those of clients that had just come back from a held poll.
            *("--timeout-keep-alive", "75", "--no-access-log", "--log-level", "warning"),
        ],
        "worker": [
            *(*celery, "worker", "-Q", QUEUES, "-c", str(chosen.workers), "-P", "prefork", "-n", f"worker-{chosen.port}@%h"),
            # Nobody listens to the heartbeat, and sending one while the broker is away is tried for ever: such a worker heard no SIGTERM.
            *("--prefetch-multiplier", "1", "--without-gossip", "--without-mingle", "--without-heartbeat", *quiet),
        ],
        **({"slack": [python, "manage.py", "slack_socket"]} if env.get("SLACK_APP_TOKEN", "").strip() else {}),
        "beat": [*celery, "beat", "--pidfile", "", *quiet],
    }
    others = [demo_slack.role(chosen, root, {**env, "COUNTERSIGN_ROLE": demo_slack.NAME})] if chosen.slack_port else []
    return [
        Role(
            name,
            command,
            log=chosen.var / "log" / f"{name}.log",
            cwd=root,
            env={**env, "COUNTERSIGN_ROLE": name},
            grace=20.0 if name == "worker" else 8.0,
        )
        for name, command in commands.items()
    ] + others


def remember(var: Path, roles: Sequence[Role]) -> None:
    """Write down who runs, for the start after a SIGKILL of ours on a system without parent-death signals."""
    lines = [f"{role.pid}\n" for role in roles if role.pid]
    (var / "run" / "roles.pids").write_text("".join(lines), encoding="ascii")


def end_survivors(var: Path) -> None:
    """End roles of an earlier start of this checkout that are still there. Known by their command, not by number alone."""
    note = var / "run" / "roles.pids"
    with suppress(FileNotFoundError, ValueError):
        for pid in map(int, note.read_text(encoding="ascii").split()):
            if not _is_ours(pid):
                continue
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGTERM)
                if not wait_until(lambda pid=pid: not _is_ours(pid), 5):  # type: ignore[misc]
                    os.killpg(pid, signal.SIGKILL)
    note.unlink(missing_ok=True)


def _is_ours(pid: int) -> bool:
    line = command_line(pid)
    return sys.executable in line and ("config.asgi" in line or "-A config" in line or "slack_socket" in line or "tests.slack" in line)
