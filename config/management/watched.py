"""A command that runs a project's code is watched by the process it was started as: code may end its process without a word."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from config.services.child import die_with_parent

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
    """What this process ends with, once the child has."""
    passed: list[int] = []

    def pass_on(number: int, _: object) -> None:
        passed.append(number)
        with suppress(ProcessLookupError):
            os.kill(child, number)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells the child itself
    for number in _PASSED_ON:
        signal.signal(number, pass_on)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not os.read(said, 1) and not passed:
        how = f"signal {-code}" if code < 0 else f"status {code}"
        sys.stderr.write(
            f"This process ended ({how}) while the project's code ran: one of its modules calls os._exit, an extension of it crashed, or the "
            "system stopped it. What is not listed above was not imported\n"
        )
        return code if code > 0 else 1 if code == 0 else 128 - code
    return code if code >= 0 else 128 - code
