"""(f) How long `make run` takes to its first page, with nothing there and with everything there."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.stack import ROOT, free_port, remove, wait_ready

OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "COUNTERSIGN_VAR", "PORT", "HOST", "ALLOWED_HOSTS")


@dataclass(frozen=True)
class Starts:
    """Seconds from the command to the first page that answers; the virtual environment exists."""

    cold: float
    warm: float


def measure(folder: Path) -> Starts:
    try:
        return Starts(_start(folder), _start(folder))
    finally:
        remove(folder)


def _start(folder: Path) -> float:
    port = free_port()
    env = {k: v for k, v in os.environ.items() if k not in OURS} | {"COUNTERSIGN_VAR": str(folder), "PORT": str(port)}
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with (folder / "up.out").open("w") as out:
        command = subprocess.Popen([sys.executable, "-m", "config.up"], cwd=ROOT, env=env, stdout=out, stderr=out, start_new_session=True)
    try:
        while True:
            try:
                wait_ready(port, path="/accounts/login/", seconds=0.5)
                return round(time.monotonic() - began, 2)
            except TimeoutError:
                if command.poll() is not None or time.monotonic() - began > 180:
                    raise RuntimeError(f"make run did not start: {(folder / 'up.out').read_text()[-800:]}") from None
    finally:
        command.send_signal(signal.SIGTERM)
        command.wait(60)
