"""Ask people before your program acts.

    from countersign import Client, require_approval

    @require_approval()
    def send_invoice(customer: str, amount_cents: int) -> str: ...

`require_approval` guards a function; `Client` and `AsyncClient` speak the API (docs/api.md) one call at a time; `idempotency` names what happens
once; `countersign.testing` decides by itself in tests. Imports httpx, the anyio that httpx brings, and the standard
library only.
"""

from countersign import testing
from countersign.client import AsyncClient, Client
from countersign.errors import (
    ActedBefore,
    AlreadyDone,
    AlreadyFailed,
    ApiError,
    Conflict,
    CountersignError,
    NotApproved,
    NotConfigured,
    NotDecidedInTime,
    OutcomeUnknown,
    Unreachable,
)
from countersign.guard import request, require_approval, wait
from countersign.keys import idempotency
from countersign.values import Action, Claim

__all__ = [
    "ActedBefore",
    "Action",
    "AlreadyDone",
    "AlreadyFailed",
    "ApiError",
    "AsyncClient",
    "Claim",
    "Client",
    "Conflict",
    "CountersignError",
    "NotApproved",
    "NotConfigured",
    "NotDecidedInTime",
    "OutcomeUnknown",
    "Unreachable",
    "idempotency",
    "request",
    "require_approval",
    "testing",
    "wait",
]
