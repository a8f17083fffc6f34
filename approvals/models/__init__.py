"""Tables of the approvals room. Written by `approvals.operations`, read by `approvals.queries` and `permissions`.

`people` (who may act), `actions` (what is asked and decided), `notices` (what is owed to readers), `halts`.
"""

from approvals.models.actions import Action, Decision, Edit, PolicyVersion, Requirement
from approvals.models.halts import Halt
from approvals.models.notices import Notification
from approvals.models.people import LoginLink, User

__all__ = ["Action", "Decision", "Edit", "Halt", "LoginLink", "Notification", "PolicyVersion", "Requirement", "User"]
