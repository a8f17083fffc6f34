"""What can go wrong, each with a sentence that says what to do.

CountersignError
├── NotConfigured      no address or key; set COUNTERSIGN_URL and COUNTERSIGN_KEY
├── Unreachable        nobody answers, after several tries
├── NotDecidedInTime   people have not decided yet; the action waits on, ask again with the same id
├── NotApproved        rejected, expired, withdrawn or answered otherwise; `action` says which, `reason` what was said
├── ActedBefore        people agreed, and this action was acted on before: it is not done a second time
│   ├── AlreadyDone    it was done; `result` is what was reported of it
│   ├── AlreadyFailed  it was reported as failed: nothing was done
│   └── OutcomeUnknown nobody knows whether it happened: claimed and never reported (a crash in between), or reported as unknown
└── ApiError           refused by name: `status`, `code`, `fields`
    └── Conflict       409: the wrong state, such as claimed already, halted or changed since
"""

from typing import Any

from countersign.values import Action


class CountersignError(Exception):
    """Base of all."""


class NotConfigured(CountersignError):
    pass


class Unreachable(CountersignError):
    pass


class NotDecidedInTime(CountersignError):
    def __init__(self, action: Action) -> None:
        super().__init__(f"Nobody has decided yet: {action.url} (wait again with the id {action.id})")
        self.action = action


class NotApproved(CountersignError):
    """It must not be done. `reason` is what people (or the policy) said; `response` their answer, if they gave one instead."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.reason = action.reason
        self.response = action.response
        said = "".join(f": {words}" for words in (self.response, self.reason) if words)  # what was answered instead comes first
        super().__init__(
            f"{action.tool} was not approved ({action.state.lower()}{f' by {action.decided_by}' if action.decided_by else ''}){said}"
        )


class ActedBefore(CountersignError):
    """People agreed, and somebody took the leave before: an earlier start of this program, or another one. Nothing is done now."""

    def __init__(self, action: Action, said: str) -> None:
        super().__init__(f"{action.tool} {said} ({action.url})")
        self.action = action


class AlreadyDone(ActedBefore):
    """It was done; `result` is what was reported of it, None when nothing was."""

    def __init__(self, action: Action) -> None:
        super().__init__(action, "was done before, and is not done again")
        self.result: dict[str, Any] | None = (action.outcome or {}).get("result")


class AlreadyFailed(ActedBefore):
    def __init__(self, action: Action) -> None:
        why = (action.outcome or {}).get("reason") or "no reason was given"
        super().__init__(
            action, f"was agreed to before and failed, nothing was done: {why}. To have it done after all, ask under a new key"
        )


class OutcomeUnknown(ActedBefore):
    """`settled` is False as long as somebody may still report: look what happened, then `report` it."""

    def __init__(self, action: Action) -> None:
        self.settled = action.next == "done"
        why = (action.outcome or {}).get("reason") or "no reason was given"
        said = (
            f"reported as unknown: {why}"
            if self.settled
            else f'never reported (or it is just being done); look, then report("{action.id}", …)'
        )
        super().__init__(action, f"was begun before, and nobody knows whether it happened: {said}")


class ApiError(CountersignError):
    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.fields: dict[str, str] = dict(problem.get("fields") or {})
        self.problem = problem
        super().__init__(str(problem.get("detail") or f"HTTP {status}"))


class Conflict(ApiError):
    pass
