"""A call in a process, and a process group, of its own: what a halt can stop while it runs. No tables.

Not a sandbox: it may do whatever the worker may (ADR 7). What it starts is in its group, and ends with it. Should the worker die, it ends
as well: nobody would record what came of it.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from agents import kept
from agents.tools.runner import Ran

LOOK_S = 0.25  # between two looks for a stop order, and of the child for its parent
SOFT_S = 2.0  # from the soft signal to the hard one (reliability.md section 7.3)
START_S = 60.0  # Python, Django and the project: no part of the tool's own time
_READY, _GO, _BEGUN = b"?", "go\n", b"\n"


def run(
    command: Sequence[str],
    job: Mapping[str, Any],
    *,
    cwd: Path,
    timeout_s: float,
    stopped: Callable[[], bool],
    may_begin: Callable[[], bool] = lambda: True,
) -> Ran:
    """Have another process make the call.

    Args:
        command: a program that reads the job from the first line of its standard input, and in `tell` its leave from the second; its last two arguments are this process, for `end_with`, and the pipe, for `tell`.
        timeout_s: from when the tool is called.
        stopped: whether a stop order covers the call now.
        may_begin: asked when the child has loaded everything and would call the tool next, which it does at once.
    """
    ours, theirs = os.pipe()
    try:
        child = subprocess.Popen(  # noqa: S603  the words are ours
            [*command, str(os.getpid()), str(theirs)], cwd=cwd, stdin=subprocess.PIPE, pass_fds=(theirs,), start_new_session=True
        )
    except OSError as error:
        os.close(ours)
        return Ran("failed", {}, kept.NO_PROCESS(why=error), "no_process")
    finally:
        os.close(theirs)
    try:
        _write(child, json.dumps(job) + "\n")
        said, why = _listen(ours, timeout_s, stopped, lambda: may_begin() and _write(child, _GO))
        if why:
            said += _asked_to_end(child.pid, ours)
    finally:
        with suppress(ProcessLookupError, PermissionError):  # before it is waited for: until then its number is nobody else's
            os.killpg(child.pid, signal.SIGKILL)
        code = child.wait()
        last = _left(ours)
        os.close(ours)
        with suppress(BrokenPipeError):
            cast(IO[bytes], child.stdin).close()
    return _ran((said + last).removeprefix(_READY), why, code, timeout_s)


def _write(child: "subprocess.Popen[bytes]", text: str) -> bool:
    """True in any case: a child that has ended says so by its pipe."""
    with suppress(BrokenPipeError):
        stdin = cast(IO[bytes], child.stdin)
        stdin.write(text.encode())
        stdin.flush()
    return True


def _left(descriptor: int) -> bytes:
    """What it said in its last moment: that the call begins, perhaps, and then nobody may say that it never began."""
    said = b""
    while select.select([descriptor], [], [], 0)[0] and (heard := os.read(descriptor, 65_536)):
        said += heard
    return said


def end_with(parent: int) -> None:
    """In the child, first of all: end, with all it has started, as soon as that process is gone."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def tell(descriptor: int, call: Callable[[], Ran]) -> None:
    """In the child: ask for leave, say that the call begins, make it, and tell what came of it. Without leave nothing is called."""
    os.set_inheritable(descriptor, False)
    os.write(descriptor, _READY)
    if sys.stdin.readline() != _GO:
        return
    os.write(descriptor, _BEGUN)
    ran = call()
    told = json.dumps({"status": ran.status, "result": ran.result, "error": ran.error, "code": ran.code}).encode()
    while told:
        told = told[os.write(descriptor, told) :]
    os.close(descriptor)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os.killpg(0, signal.SIGKILL)


def _listen(descriptor: int, timeout_s: float, stopped: Callable[[], bool], leave: Callable[[], bool]) -> tuple[bytes, str]:
    """What the child said, and why it is listened to no longer: "" when it has ended by itself."""
    said, until, begun = b"", time.monotonic() + START_S, False
    while True:
        if select.select([descriptor], [], [], LOOK_S)[0]:
            heard = os.read(descriptor, 65_536)
            if not heard:
                return said, ""
            said += heard
            if said == _READY:
                if not leave():
                    return said, "halted"
            elif not begun:
                until, begun = time.monotonic() + timeout_s, True
        elif stopped():
            return said, "halted"
        if time.monotonic() > until:
            return said, "timeout"


def _asked_to_end(group: int, descriptor: int) -> bytes:
    """What the child says once its whole group was asked to end, for as long as it may take. Whoever asked kills what is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGTERM)
    said, until = b"", time.monotonic() + SOFT_S
    while (left := until - time.monotonic()) > 0 and select.select([descriptor], [], [], left)[0]:
        heard = os.read(descriptor, 65_536)
        if not heard:  # the pipe is the child's alone: it has ended
            break
        said += heard
    return said


def _told(said: bytes) -> Ran | None:
    """What the child said came of the call; None when it ended before it had said it all."""
    try:
        told = json.loads(said[len(_BEGUN) :])
        return Ran(str(told["status"]), dict(told["result"]), str(told["error"]), str(told["code"]))
    except (ValueError, TypeError, KeyError):
        return None


def _ran(said: bytes, why: str, code: int, timeout_s: float) -> Ran:
    if not said:  # it was never called, whatever ended its process
        reason = kept.STOPPED_BEFORE() if why == "halted" else kept.NEVER_BEGAN(code=code)
        return Ran("failed", {}, reason, why if why == "halted" else "no_process")
    if told := _told(said):
        return told
    if why == "halted":
        return Ran("unknown", {}, kept.STOPPED_MIDWAY(), why)
    if why == "timeout":
        return Ran("unknown", {}, kept.NO_ANSWER(seconds=f"{timeout_s:g}"), why)
    return Ran("unknown", {}, kept.DIED(code=code), "died")
