"""The only writer of the approvals room: one module per verb, every function one transaction with its events.

opening    T1: `open_action`            an agent proposes
viewing    `open_parts`, `check`        a person opens what is to be approved
deciding   T2: `decide`                 a person decides
editing    `request_edit`, `apply_edit` other arguments, checked by a worker
verdicts, repeating, stopping   what a verdict says beside its words; the same thing proposed again
undoing    `undo`                       a held approval is taken back
asking     `ask`, `answer`, ...         a question to the agent; decides nothing
claiming   T3: `claim`, `unclaim`       the executor asks leave for the last time; leave that was not used
settling   T4: `settle`, `close`        the outcome becomes a fact
staging    whose turn it is; `counting` what the votes add up to; `standing_in` deciding in somebody's stead
reserving  `reserve`, `put_back`, `pass_on`; `reassigning` the same by an operator, for others; `snoozing`, `extending`, `absences`: a person's time and desk
moments    `pass_due`                   reminders and escalation; `telling` puts a notice on a desk
timing     `expire_due`, `prune`        what the database's clock ends
halts      `halt`                       stop orders
releasing  `release`                    lifting one, all of it or step by step
seeding    `set_plan`, `place`          test actions among the real ones; `drills` ends them
publishing `propose`, `publish`, ...    the policy changes
backtests  `want`, `advance`            a draft tried on past actions
preferences `choose`, `save_view`, `look_at`  a person's own desk; not audited
people, sign_ins, identities            accounts, where they are signed in, and by which identity elsewhere
one_person `same`, `apart`              which accounts are one human
policies, notices, events               what the others share
"""

from approvals.operations.absences import come_back, decline, go_away
from approvals.operations.asking import ask
from approvals.operations.claiming import Claim, claim, unclaim
from approvals.operations.deciding import Decided, decide
from approvals.operations.editing import apply_edit, refuse_edit, request_edit, take_edit
from approvals.operations.extending import extend
from approvals.operations.halts import halt
from approvals.operations.moments import pass_due
from approvals.operations.notices import Hint, tell
from approvals.operations.opening import open_action
from approvals.operations.proposals import Accepted, Proposal
from approvals.operations.reassigning import end_reservation, reassign
from approvals.operations.releasing import Released, release
from approvals.operations.reserving import pass_on, put_back, reserve
from approvals.operations.settling import close, lock, settle, unheard
from approvals.operations.snoozing import snooze, unsnooze
from approvals.operations.timing import expire_due, prune
from approvals.operations.undoing import undo
from approvals.operations.verdicts import Also
from approvals.operations.viewing import open_parts

__all__ = [
    "Accepted",
    "Also",
    "Claim",
    "Decided",
    "Hint",
    "Proposal",
    "Released",
    "apply_edit",
    "ask",
    "claim",
    "close",
    "come_back",
    "decide",
    "decline",
    "end_reservation",
    "expire_due",
    "extend",
    "go_away",
    "halt",
    "lock",
    "open_action",
    "open_parts",
    "pass_due",
    "pass_on",
    "prune",
    "put_back",
    "reassign",
    "refuse_edit",
    "release",
    "request_edit",
    "reserve",
    "settle",
    "snooze",
    "take_edit",
    "tell",
    "unclaim",
    "undo",
    "unheard",
    "unsnooze",
]
