"""What was asked and what was said, whatever the dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents import kept
from audit import schemas

APPROVE, EDIT, REJECT, RESPOND = "approve", "edit", "reject", "respond"
NOT_ASKED = "invalid"  # the status of what was asked of nobody


class Unanswerable(Exception):
    """The dialect cannot say this: nothing may be delivered. The message is a sentence for a person."""


@dataclass(frozen=True)
class Call:
    """One tool call that waits for people. The agent makes it itself once it is told so.

    Attributes:
        takes: which of approve, edit, reject and respond can be said of it. Without "reject" the agent cannot be told no.
        description: the agent's own words about it.
        schema: JSON Schema of its arguments, where the question brings one.
        deaf: that it was rejected can be said of it, and not why.
    """

    tool: str
    args: Any
    takes: tuple[str, ...]
    description: str = ""
    schema: Mapping[str, Any] | None = None
    deaf: bool = False


@dataclass(frozen=True)
class Record:
    """An interrupt, normalised.

    Attributes:
        calls: each is decided by itself; empty for a plain question.
        question: what a plain question asks, in one line. schema: JSON Schema of its answer, if there is one.
        within_s: seconds after which the asker does not wait any longer.
        answer_schema: JSON Schema of the whole answer to calls, where the asker gave one.
        shape: how the answer must be wrapped; the dialect's own affair.
    """

    dialect: str
    calls: tuple[Call, ...] = ()
    question: str = ""
    schema: Mapping[str, Any] | None = None
    expires_at: str = ""
    answer_schema: Mapping[str, Any] | None = None
    shape: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Said:
    """What people said of one call or question.

    Attributes:
        kind: approve, edit, reject or respond.
        args: of an edit, the arguments instead. message: the words that go with a rejection or an answer.
        status: of a rejection, what it was: rejected, expired, cancelled, superseded, failed; NOT_ASKED.
        more: what else is known; of a call that may be made, its action.
    """

    kind: str
    args: Any = None
    message: str = ""
    status: str = "rejected"
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def by_nobody(self) -> bool:
        """Nobody was asked: in no dialect of others may it look like a person's no."""
        return self.status == NOT_ASKED


@dataclass(frozen=True)
class Made:
    """What came of a call the agent made itself: "done", "failed" (the tool said so) or "unknown" (it raised: nobody can say how far it came)."""

    status: str
    result: Any = None
    error: str = ""


@dataclass(frozen=True)
class Quirks:
    """What an agent expects although its dialect does not say so.

    Attributes:
        stringify: values of arguments as text, as Agent Inbox once sent them.
        far: its graph runs elsewhere, where nothing of ours sees to it that a refusal is no yes.
    """

    stringify: bool = False
    far: bool = False


def check(schema: Mapping[str, Any] | None, value: Any) -> None:
    """Raises Unanswerable, naming the place, when a value does not fit."""
    if schema is not None and (why := schemas.why_not(schema, value)):
        raise Unanswerable(kept.ANSWER_DOES_NOT_FIT(why=why))


def not_taken(call: Call, kind: str) -> Unanswerable:
    return Unanswerable(kept.NOT_TAKEN(tool=call.tool, takes=", ".join(call.takes) or "-", kind=kind))


def in_words(call: Call, said: Said) -> str:
    """Why nobody was asked about a call, to be told as an answer in words: a rejection would be one that nobody said.

    Raises:
        Unanswerable: its asker takes no words.
    """
    if RESPOND not in call.takes:
        raise Unanswerable(kept.NO_WORDS(why=said.message))
    return said.message


def one_line(text: Any, limit: int = 120) -> str:
    return " ".join(str(text).split())[:limit]
