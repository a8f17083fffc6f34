"""What a tool that nobody declared to us most likely does, guessed from its name. Pure.

Only a suggestion: it is shown when a project is imported, and people correct it with a rule of the policy. Unknown verbs write.
"""

import re
from typing import Any

from agents.tools.registry import RiskClass

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


def guessed_class(name: str) -> RiskClass:
    """A suggestion for a tool of this name: the worst that one of its words means."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).lower()
    found = {_OF_WORD[word] for word in re.split(r"[^a-z0-9]+", words) if word in _OF_WORD}
    return next((risk for risk in _WORST_FIRST if risk in found), RiskClass.WRITE)


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
