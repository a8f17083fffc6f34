"""What must be true before anything is started. Each check fails with one sentence that says what to do.

Imports `config.services` (for its error) and, to see that they are there, a few libraries.
"""

import errno
import importlib
import importlib.util
import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from config.services.errors import ServiceError

DISK_BYTES = 500_000_000
LIBRARIES = ("django", "channels", "celery", "uvicorn", "websockets", "whitenoise", "psycopg", "redis", "langgraph")

DEMO_SOCKET = "demo-socket"


@dataclass(frozen=True)
class Options:
    """What the person may choose, from the environment."""

    host: str
    port: int
    workers: int
    var: Path
    slack_port: int = 0  # of the demo's Slack (SLACK=demo); 0: none
    slack_socket: bool = False  # whether that one delivers over Socket Mode (SLACK=demo-socket)

    @property
    def reachable(self) -> str:
        """The host a browser on this machine uses."""
        wildcard = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104  read, not bound
        return wildcard.get(self.host, f"[{self.host}]" if ":" in self.host else self.host)

    @property
    def address(self) -> str:
        return f"http://{self.reachable}:{self.port}"

    @property
    def slack_url(self) -> str:
        return f"http://127.0.0.1:{self.slack_port}"


def options(root: Path) -> Options:
    var = os.environ.get("COUNTERSIGN_VAR", "").strip()
    port = _number("PORT", 8000, 1, 65535)
    slack = _slack()
    return Options(
        host=os.environ.get("HOST", "").strip() or "127.0.0.1",
        port=port,
        workers=_number("WORKERS", 2, 1, 64),
        var=Path(var).expanduser().resolve() if var else root / "var",
        slack_port=_number("SLACK_PORT", port + 400 if port <= 65_135 else port - 400, 1, 65535) if slack else 0,
        slack_socket=slack == DEMO_SOCKET,
    )


def _slack() -> str:
    wanted = os.environ.get("SLACK", "").strip()
    if wanted not in {"", "demo", DEMO_SOCKET}:
        known = f"write SLACK=demo for a Slack of our own (SLACK={DEMO_SOCKET}: over Socket Mode)"
        raise ServiceError(f"SLACK={wanted[:40]} is not known: {known}, or leave it out (docs/slack.md).")
    return wanted


def _number(name: str, default: int, low: int, high: int) -> int:
    text = os.environ.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise ServiceError(f"{name}={text} is not possible: write a whole number from {low} to {high}, for example {name}={default}.")
    return int(text)


def python() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036  an old .venv may still be around
        raise ServiceError("Countersign needs Python 3.11 or newer: install it, remove .venv and run make again.")


def libraries() -> None:
    for name in LIBRARIES:
        try:
            importlib.import_module(name) if name == "psycopg" else _find(name)
        except ImportError as error:
            raise ServiceError(f"The library {name} is missing or broken ({error}): run make clean, then make run.") from error


def _find(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        raise ImportError("not installed")


def writable(folder: Path) -> None:
    probe = folder / "run" / f"probe-{os.getpid()}"
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise ServiceError(f"The disk below {folder} is full: free at least 500 MB and run again.") from error
        raise ServiceError(
            f"The folder {folder} cannot be written ({error.strerror}): make it yours (chown), or set COUNTERSIGN_VAR to another folder."
        ) from error


def disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < DISK_BYTES:
        raise ServiceError(f"Only {free // 1_000_000} MB are free below {folder}: free at least 500 MB and run again.")


def port(chosen: Options) -> None:
    try:
        family, kind, _, _, where = socket.getaddrinfo(chosen.host, chosen.port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise ServiceError(f"HOST={chosen.host} is no address of this machine: use HOST=127.0.0.1.") from error
    try:
        _listen(family, kind, where)
    except OSError as error:
        raise ServiceError(_why_no_port(chosen, error)) from error
    if not chosen.slack_port:
        return
    try:
        _listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", chosen.slack_port))
    except OSError as error:
        why = f"The demo's Slack cannot listen on port {chosen.slack_port} ({error.strerror})"
        raise ServiceError(f"{why}: choose another with SLACK_PORT={chosen.slack_port + 1} make run SLACK=demo.") from error


def _listen(family: int, kind: int, where: object) -> None:
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(where)  # type: ignore[arg-type]
        probe.listen(1)


def _why_no_port(chosen: Options, error: OSError) -> str:
    other = chosen.port + 1 if chosen.port < 65535 else 8000
    if error.errno == errno.EADDRINUSE:
        return f"Port {chosen.port} is in use by another program: stop that, or choose another with PORT={other} make run."
    if error.errno == errno.EACCES:
        return f"Port {chosen.port} needs root: choose one above 1023, for example PORT=8000 make run."
    return f"HOST={chosen.host} cannot be used ({error.strerror}): use HOST=127.0.0.1."
