"""What can go wrong in the approvals room. A door has one translator: `code`, `status` and the sentence.

ApprovalError
├── NotFound            404  there is no such action (or not for you)
├── NotAllowed          403  the wrong person
├── BadRequest          400  the request itself is wrong
│   └── BadArguments    422  edited arguments do not fit the tool's schema; `fields` says where
└── Conflict            409  the right person, the wrong state
    ├── AlreadyDecided       somebody was first; `receipt` says who
    ├── Stale                the digest you saw is not the digest stored
    ├── Expired              the deadline passed by the database's clock
    ├── Halted               an operator has stopped this
    ├── Checking             an edit is being checked by a worker
    └── Tampered             the stored bytes do not match their digest
"""

from typing import Any


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


class BadRequest(ApprovalError):
    code, status = "bad_request", 400


class BadArguments(BadRequest):
    """Details: `fields`, a dict from argument path to what is wrong with it."""

    code, status = "bad_arguments", 422


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


class Checking(Conflict):
    code = "checking"


class Tampered(Conflict):
    code = "tampered"
