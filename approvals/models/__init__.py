"""Tables of the approvals room. Written by `approvals.operations`, read by `approvals.queries` and `permissions`.

`people` (who may act), `actions` (what is asked and decided), `asks` (questions to the agent), `policies` (what is asked of
whom), `notices` (what is owed to readers), `reaching` (what is sent to people), `grants`, `halts`, `preferences`, `sign_ins`
(who is signed in where, and what a passkey is asked to sign), `desks` (what a person puts aside, and leaves to others), `comments`, `slack`,
`viewing` (who opened which part of what), `drills` (test actions), `opinions` (of a second model), `keys` (keys of programs, and what an outside agent took leave to do), `webhooks` (where
programs are told).
"""

from approvals.models.actions import Action, Decision, Edit, Requirement
from approvals.models.alerts import Alert, AlertBreach, AlertRule
from approvals.models.asks import Ask
from approvals.models.comments import Comment
from approvals.models.desks import Absence, Snooze
from approvals.models.drills import Drill, DrillPlan
from approvals.models.grants import Grant, GrantGiver
from approvals.models.halts import Halt, HaltRule, Release
from approvals.models.keys import ApiKey, ApiUse, OutsideClaim
from approvals.models.notices import Notification
from approvals.models.opinions import Opinion
from approvals.models.people import LoginLink, User
from approvals.models.policies import Backtest, PolicyVersion
from approvals.models.preferences import Preference
from approvals.models.reaching import Delivery, Device
from approvals.models.sign_ins import Challenge, Shared, SignIn
from approvals.models.slack import SlackChannel, SlackCode, SlackGuess, SlackHeard, SlackMessage, SlackPause, SlackPerson, SlackTeam
from approvals.models.switches import Switch
from approvals.models.viewing import Viewed
from approvals.models.webhooks import Endpoint, Looked, Post

__all__ = [
    "Absence",
    "Action",
    "Alert",
    "AlertBreach",
    "AlertRule",
    "ApiKey",
    "ApiUse",
    "Ask",
    "Backtest",
    "Challenge",
    "Comment",
    "Decision",
    "Delivery",
    "Device",
    "Drill",
    "DrillPlan",
    "Edit",
    "Endpoint",
    "Grant",
    "GrantGiver",
    "Halt",
    "HaltRule",
    "LoginLink",
    "Looked",
    "Notification",
    "Opinion",
    "OutsideClaim",
    "PolicyVersion",
    "Post",
    "Preference",
    "Release",
    "Requirement",
    "Shared",
    "SignIn",
    "SlackChannel",
    "SlackCode",
    "SlackGuess",
    "SlackHeard",
    "SlackMessage",
    "SlackPause",
    "SlackPerson",
    "SlackTeam",
    "Snooze",
    "Switch",
    "User",
    "Viewed",
]
