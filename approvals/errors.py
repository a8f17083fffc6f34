"""What can go wrong in the approvals room. A door has one translator: `code`, `status` and the sentence.

ApprovalError
├── NotFound            404  there is no such action (or not for you)
├── NotAllowed          403  the wrong person
├── StepUp              403  the right person, who has to show (again) that it is they
├── BadRequest          400  the request itself is wrong
│   ├── BadArguments    422  edited arguments do not fit the tool's schema; `fields` says where
│   ├── NotViewed       422  parts of what is to be approved were not opened by this person; `parts` says which
│   └── InvalidPolicy   422  a policy's text cannot be used; `fields` says why per line
├── TooMany             429  tried too often: wait, then try again
└── Conflict            409  the right person, the wrong state
    ├── AlreadyDecided       somebody was first; `receipt` says who
    ├── Stale                the digest you saw is not the digest stored
    ├── Expired              the deadline passed by the database's clock
    ├── Halted               an operator has stopped this
    │   └── SwitchedOff      an operator's switch denies this agent or tool
    ├── Overtaken            leave that was given is void: an order came since
    ├── Held                 an approval may still be taken back; nothing is claimed before
    ├── Checking             an edit is being checked by a worker
    └── Tampered             the stored bytes do not match their digest
"""

from collections.abc import Sequence
from typing import Any

from audit.sentences import say


class ApprovalError(Exception):
    """A named refusal. The message is one sentence for the person, saying what to do."""

    code = "error"
    status = 400

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class NotFound(ApprovalError):
    code, status = "not_found", 404


class NotAllowed(ApprovalError):
    code, status = "not_allowed", 403


class StepUp(ApprovalError):
    """Details: `ask`, what would be enough: "fresh" (confirm that it is you), "passkey" (sign this very action), "enrol" (add a passkey first)."""

    code, status = "step_up", 403


class BadRequest(ApprovalError):
    code, status = "bad_request", 400


class BadArguments(BadRequest):
    """Details: `fields`, a dict from argument path to what is wrong with it."""

    code, status = "bad_arguments", 422


class TooMany(ApprovalError):
    code, status = "too_many", 429


class Conflict(ApprovalError):
    code, status = "conflict", 409


class AlreadyDecided(Conflict):
    code = "already_decided"


class Stale(Conflict):
    code = "stale"


class Expired(Conflict):
    code = "expired"


class Halted(Conflict):
    code = "halted"


class SwitchedOff(Halted):
    code = "switched_off"


class Overtaken(Conflict):
    """Leave that was given is void: an order came since, and whoever has not begun must not."""

    code = "overtaken"


class Moved(Conflict):
    code = "moved"


class Held(Conflict):
    code = "held"


class Checking(Conflict):
    code = "checking"


class Tampered(Conflict):
    code = "tampered"


class NotViewed(BadRequest):
    """Details: `parts`, a dict from the name of each part not opened to its words."""

    code, status = "not_viewed", 422


class InvalidPolicy(BadRequest):
    """Details: `fields`, a dict from "line N" to what is wrong there. `problems` has the same as (line, why) pairs; `warnings`, in the same
    form, what was found besides."""

    code, status = "invalid_policy", 422

    def __init__(self, problems: Sequence[tuple[int, str]], warnings: Sequence[tuple[int, str]] = ()) -> None:
        line, why = problems[0]
        first = say("line %(line)s: %(why)s", line=line, why=why) if line else why
        more = len(problems) - 1
        fields: dict[str, str] = {}
        for line, why in problems:
            name = say("line %(line)s", line=line) if line else say("policy")
            fields[name] = say("%(a)s; %(b)s", a=fields[name], b=why) if name in fields else why
        if more:
            message = say("This policy cannot be used: %(what)s (and %(n)d more)", what=first, n=more)
        else:
            message = say("This policy cannot be used: %(what)s", what=first)
        super().__init__(message, fields=fields)
        self.problems, self.warnings = tuple(problems), tuple(warnings)
