"""The only reader of the approvals room. Everything given out is a frozen value or a row nobody writes to.

standing   what other rooms ask: settled, known, wanted
stops      stop orders: what is halted, and how far it is lifted
inbox      lists: waiting, decided
outside    one action as programs see it; `api_keys` their keys; `untold` calls of theirs of which nobody knows what came
asks       questions to agents
detail     one action with all a reviewer needs; `viewing` what of it a person has to open, and has
catchup    what a browser missed
policies   versions, rules with their figures, back-tests
opinions   what a second model thinks
drills     test actions that are over, and their plans
past       past calls as they were frozen
alike      accounts that may be one human
preferences  what a person chose, and who has an action open
"""

from approvals.queries.asks import AskRow, asks, wanted_asks
from approvals.queries.catchup import CatchUp, catch_up, last_notification
from approvals.queries.detail import ActionDetail, action_detail
from approvals.queries.glances import Shown, asked_about, shown
from approvals.queries.inbox import (
    Filters,
    InboxRow,
    Page,
    counts,
    decided,
    inbox,
    inbox_row,
    mine_count,
    refused,
    run_actions,
    waiting_names,
)
from approvals.queries.opinions import OpinionRow, opinions_wanted, weighed
from approvals.queries.policies import policy_of, policy_source
from approvals.queries.preferences import Preferences, SavedView, all_viewers, preferences, viewers
from approvals.queries.standing import (
    Settled,
    WantedEdit,
    is_known,
    level_waiting,
    levels,
    same_calls,
    settled,
    unsettled_sql,
    wanted_edit,
    wanted_edits,
)
from approvals.queries.stops import (
    Stop,
    Wanted,
    action_halted_sql,
    active_halts,
    covered,
    halt,
    halted,
    halted_actions,
    halted_sql,
    recent_halts,
    stop_of,
    touches,
    unsettled_by,
    unsettled_counts,
)
from approvals.queries.voted import Vote, votes_of

__all__ = [
    "ActionDetail",
    "AskRow",
    "CatchUp",
    "Filters",
    "InboxRow",
    "OpinionRow",
    "Page",
    "Preferences",
    "SavedView",
    "Settled",
    "Shown",
    "Stop",
    "Vote",
    "Wanted",
    "WantedEdit",
    "action_detail",
    "action_halted_sql",
    "active_halts",
    "all_viewers",
    "asked_about",
    "asks",
    "catch_up",
    "counts",
    "covered",
    "decided",
    "halt",
    "halted",
    "halted_actions",
    "halted_sql",
    "inbox",
    "inbox_row",
    "is_known",
    "last_notification",
    "level_waiting",
    "levels",
    "mine_count",
    "opinions_wanted",
    "policy_of",
    "policy_source",
    "preferences",
    "recent_halts",
    "refused",
    "run_actions",
    "same_calls",
    "settled",
    "shown",
    "stop_of",
    "touches",
    "unsettled_by",
    "unsettled_counts",
    "unsettled_sql",
    "viewers",
    "votes_of",
    "waiting_names",
    "wanted_asks",
    "wanted_edit",
    "wanted_edits",
    "weighed",
]
