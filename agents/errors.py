"""What can go wrong in the agents room; each has a `code`, an HTTP `status` and a sentence.

AgentError
├── UnknownAgent, UnknownRun, UnknownEffect, UnknownCheckpoint, UnknownStep, UnknownTrial   404
├── BadInput                                  422  `fields` says where the run's input does not fit
├── BadProject                                400  a langgraph.json or the graph it names cannot be used
├── WrongState                                409  the run or effect is not in a state that allows this
├── Moved                                     409  the run has gone on since what is to be changed was shown
├── OverBudget                                409  what it may spend is spent; `micros` is what the call would cost
├── KeyUsed                                   409  an idempotency key that stands for something else; `run` is what it started
├── ServerTrouble                             502  an Agent Server cannot be reached, or answers what cannot be used
└── LostLease                                 409  another worker took over; whatever was being written is dropped
"""

from typing import Any


class AgentError(Exception):
    """A named refusal; the message is one sentence for a person."""

    code = "error"
    status = 400

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class UnknownAgent(AgentError):
    code, status = "unknown_agent", 404


class UnknownRun(AgentError):
    code, status = "unknown_run", 404


class UnknownEffect(AgentError):
    code, status = "unknown_effect", 404


class UnknownCheckpoint(AgentError):
    code, status = "unknown_checkpoint", 404


class UnknownStep(AgentError):
    code, status = "unknown_step", 404


class UnknownTrial(AgentError):
    code, status = "unknown_trial", 404


class BadInput(AgentError):
    code, status = "bad_input", 422


class BadProject(AgentError):
    code, status = "bad_project", 400


class WrongState(AgentError):
    code, status = "wrong_state", 409


class Moved(AgentError):
    code, status = "moved", 409


class OverBudget(AgentError):
    code, status = "over_budget", 409


class KeyUsed(AgentError):
    code, status = "conflict", 409


class LostLease(AgentError):
    code, status = "lost_lease", 409


class ServerTrouble(AgentError):
    """An Agent Server did not do what it was asked.

    Attributes:
        sent: whether the server may have acted on the request all the same. answered: its status, 0 for none; detail: what it said to that.
        lacks: what a server that is up does not have, "thread" or "graph"; "" of everything else, also of a 404 that a proxy may have said.
    """

    code, status = "server_trouble", 502

    def __init__(self, message: str, *, sent: bool, answered: int = 0, detail: str = "") -> None:
        super().__init__(message)
        self.sent, self.answered, self.detail = sent, answered, detail
        self.lacks = ""
