"""Starting, recognising and stopping processes that must not outlive us. Imports `accounts`.

Keep `spawn` on the main thread: Linux sends the parent-death signal when the *thread* that forked ends.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from config.services.accounts import Account, run_as

LINUX = sys.platform.startswith("linux")
PR_SET_PDEATHSIG = 1
# Loaded before any fork: after one, the child of a threaded process must not take the loader's lock.
_LIBC = ctypes.CDLL(None, use_errno=True) if LINUX else None


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session (Ctrl-C reaches only us, who stop children in order), its output appended to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=None if env is None else dict(env),
            start_new_session=True,
            preexec_fn=die_with_parent(death_signal),
            **run_as(account),
        )
    finally:
        os.close(out)


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """What a child of this process calls first, to be sent this signal when this process is gone; nothing where the system knows no such wish."""
    parent = os.getpid()

    def arrange() -> None:
        # Runs after the change of user, which would have cleared the setting.
        if _LIBC is not None:
            _LIBC.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:  # the parent died before the line above
                os._exit(1)

    return arrange


def command_line(pid: int) -> str:
    """The command line of a live process, its words joined by spaces; "" when there is none (or it is a zombie)."""
    if LINUX:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    shown = subprocess.run(["ps", "-ww", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def wait_until(done: Callable[[], bool], seconds: float, *, step: float = 0.02) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(step)
    return True


def end(child: subprocess.Popen[bytes], *, first: signal.Signals, grace: float) -> None:
    """Ask by `first`, wait, then SIGKILL whatever is left of the child's process group."""
    if child.poll() is None:
        child.send_signal(first)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace)
    sweep(child)


def sweep(child: subprocess.Popen[bytes]) -> None:
    """SIGKILL what is left of a child's group: a killed worker must not leave its pool behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
