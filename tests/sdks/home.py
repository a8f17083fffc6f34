"""Where the SDKs are that the client's examples are written for: an environment of their own (`scripts/sdks`)."""

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def python_with_sdks() -> Path:
    """Its Python; the environment is made when it is not there. Without a network and without it, a test that asks says so."""
    (ROOT / "var").mkdir(exist_ok=True)
    with (ROOT / "var" / "sdks.lock").open("w") as mine:  # tests run in several processes, and one makes it
        fcntl.flock(mine, fcntl.LOCK_EX)
        made = subprocess.run([str(ROOT / "scripts" / "sdks")], capture_output=True, text=True, timeout=900)
    if made.returncode:
        pytest.skip(f"the SDKs are not there, and could not be installed: {made.stderr.strip()}")
    return ROOT / os.environ.get("SDKS_HOME", "var/sdks") / "bin" / "python"
