"""What a tool that nobody declared to us most likely does, guessed from its name. Pure.

Only a suggestion: it is shown when a project is imported, and people correct it with a rule of the policy. Unknown verbs write.
"""

import re
from collections.abc import Collection
from typing import Any

from agents.tools.registry import RiskClass
from audit.sentences import say

LIMIT = 200
_WORDS: dict[RiskClass, str] = {
    RiskClass.ADMIN: "admin grant revoke permission permissions role roles user users password shell exec execute bash command sql deploy eval python",
    RiskClass.DELETE: "delete remove drop purge erase destroy truncate wipe cancel unlink rm",
    RiskClass.MONEY: "pay payment refund charge transfer invoice purchase buy order payout withdraw deposit wire credit debit",
    RiskClass.MESSAGE: "send mail email notify message reply post tweet publish sms call invite comment slack",
    RiskClass.READ: "get list search read find fetch look lookup query show count check view describe browse think ls grep glob",
}
_OF_WORD = {word: risk for risk, words in _WORDS.items() for word in words.split()}
_WORST_FIRST = list(_WORDS)
# Names that are made of nothing else ask the person the agent works for: `ask_user`, `AskUserQuestion`, `human_assistance`, `get_user_input`.
_ASKING = frozenset(["ask", "clarify", "elicit", "inquire", "prompt", "question"])
_PERSON = frozenset(["user", "human", "person", "operator"])
_ANSWER = frozenset(["assistance", "clarification", "feedback", "input", "question", "questions"])
_BESIDE = frozenset(
    [
        "a",
        "an",
        "answer",
        "approval",
        "choice",
        "confirmation",
        "follow",
        "followup",
        "for",
        "from",
        "get",
        "help",
        "me",
        "of",
        "permission",
        "request",
        "response",
        "the",
        "to",
        "tool",
        "up",
    ]
)


def guessed_class(name: str) -> RiskClass:
    """A suggestion for a tool of this name: the worst that one of its words means. One that only asks a person changes nothing."""
    words = _words_of(name)
    if _asks(words):
        return RiskClass.READ
    found = {_OF_WORD[word] for word in words if word in _OF_WORD}
    return next((risk for risk in _WORST_FIRST if risk in found), RiskClass.WRITE)


def why_guessed(name: str) -> str:
    """Where the suggestion comes from, for whoever is to correct it."""
    words, risk = _words_of(name), guessed_class(name)
    if _asks(words):
        return say("its name asks a person: all that comes of it is their answer")
    if word := next((word for word in words if _OF_WORD.get(word) is risk), ""):
        return say("“%(word)s” in its name", word=word)
    return say("no word of its name says what it does, so it is taken to change something")


def _words_of(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).lower()) if word]


def _asks(words: Collection[str]) -> bool:
    said = set(words)
    asks = (said & _ASKING and said & (_PERSON | _ANSWER)) or (said & _PERSON and said & _ANSWER)
    return bool(asks) and said <= _ASKING | _PERSON | _ANSWER | _BESIDE


def asked_class(name: str) -> str:
    """The class a call is scored with that its author wanted a person for: never reading, which may ask nobody."""
    guess = guessed_class(name)
    return str(RiskClass.WRITE if guess is RiskClass.READ else guess)


def in_a_line(tool: str, args: Any) -> str:
    """A call in one line, from its arguments only: nobody wrote a summary for it."""
    named = args.items() if isinstance(args, dict) else [("", args)] if args not in (None, "") else []
    parts = [f"{name}: {_short(value)}" if name else _short(value) for name, value in named]
    line = f"{tool} · {', '.join(parts)}" if tool and parts else tool or ", ".join(parts)
    return line if len(line) <= LIMIT else f"{line[: LIMIT - 1]}…"


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:44]}…{text[-12:]}"
