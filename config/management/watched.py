"""A command that runs a project's code is watched by the process it was started as: code may end its process without a word."""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from config.services.child import die_with_parent

LIMIT_S = float(os.environ.get("COUNTERSIGN_IMPORT_LIMIT_S", "300"))
SLOW_S = LIMIT_S / 20  # told of so often
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


def watched(command: Callable[[], None]) -> None:
    """Do it in a process of its own and end as that ends; say so where it ended before the command had.

    Call it before this process has a connection or a thread. Where there is no `fork` the command runs unwatched.
    """
    if not hasattr(os, "fork"):
        return command()
    sys.stdout.flush()
    (ours, theirs), dies_with_us = os.pipe(), die_with_parent(signal.SIGTERM)
    if child := os.fork():
        os.close(theirs)
        sys.exit(_status(child, ours))
    os.close(ours)
    dies_with_us()
    try:
        command()
    finally:
        os.write(theirs, b".")  # it came to an end of its own, whatever that is
    with suppress(OSError):  # nobody reads on
        sys.stdout.flush()
    os._exit(0)  # threads that the project's code left running would keep it


def _status(child: int, said: int) -> int:
    """What this process ends with, once the child has. Code that goes on for long is told of, and ended at last."""
    passed: list[int] = []
    began = time.monotonic()

    def still(*_: object) -> None:
        for_s = time.monotonic() - began
        if for_s < LIMIT_S:
            sys.stderr.write(
                f"The project's code has been running for {for_s:.0f} s; it is ended after {LIMIT_S:.0f} s, Ctrl-C ends it now\n"
            )
            return
        passed.append(signal.SIGKILL)
        sys.stderr.write(
            f"The project's code was ended after {LIMIT_S:.0f} s: what its modules do when they are imported does not end. What is not listed above was "
            "not imported\n"
        )
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)

    def pass_on(number: int, _: object) -> None:
        passed.append(number)
        with suppress(ProcessLookupError):
            os.kill(child, number)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells the child itself
    for number in _PASSED_ON:
        signal.signal(number, pass_on)
    signal.signal(signal.SIGALRM, still)
    signal.setitimer(signal.ITIMER_REAL, SLOW_S, SLOW_S)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    signal.setitimer(signal.ITIMER_REAL, 0)
    if not os.read(said, 1) and not passed:
        how = f"signal {-code}" if code < 0 else f"status {code}"
        sys.stderr.write(
            f"This process ended ({how}) while the project's code ran: one of its modules calls os._exit, an extension of it crashed, or the "
            "system stopped it. What is not listed above was not imported\n"
        )
        return code if code > 0 else 1 if code == 0 else 128 - code
    return code if code >= 0 else 128 - code
