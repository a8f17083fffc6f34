"""The only writer of the agents room: every function one transaction with its events, or a sequence of such.

registering  projects become Agents and AgentVersions
starting     a Run is created, cancelled, tried again
driving      a Run is claimed, driven and put down (T1 is in `pausing`)
executing    T3 and T4: approved actions are claimed, run and recorded
checking     edited arguments are tried with the tool itself
receiving    what approvals tells us, inside its transactions
recovering   what the sweeper finds that nobody woke
leases, waking   shared
"""

from agents.operations.checking import check_edit
from agents.operations.driving import advance_run
from agents.operations.executing import execute, resolve_unknown
from agents.operations.recovering import recover
from agents.operations.registering import register_project
from agents.operations.starting import cancel_run, retry_run, start_run

__all__ = [
    "advance_run",
    "cancel_run",
    "check_edit",
    "execute",
    "recover",
    "register_project",
    "resolve_unknown",
    "retry_run",
    "start_run",
]
