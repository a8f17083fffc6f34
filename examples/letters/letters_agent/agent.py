"""A clerk that writes and shreds letters: `create_agent` with LangChain's own human-in-the-loop middleware, changed in no line.

Letters are files below LETTERS_FOLDER (`var/letters` when it is not set). The middleware asks before every letter; Countersign shows each
call as an action of its own, and tells the agent in the middleware's words what people decided.
"""

import os
import re
from pathlib import Path

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.tools import tool

from letters_agent.model import chat_model


def folder() -> Path:
    """Where the letters lie."""
    found = Path(os.environ.get("LETTERS_FOLDER", "var/letters"))
    found.mkdir(parents=True, exist_ok=True)
    return found


@tool
def send_letter(to: str, subject: str, body: str) -> str:
    """Write a letter to somebody; it lies in the folder as a file."""
    name = re.sub(r"[^a-z0-9]+", "-", f"{to} {subject}".lower()).strip("-") or "letter"
    file = folder() / f"{name}.txt"
    file.write_text(f"To: {to}\nSubject: {subject}\n\n{body}\n", encoding="utf-8")
    return f"written to {file.name}"


@tool
def shred_letter(file: str) -> str:
    """Delete a letter for good."""
    path = folder() / Path(file).name
    if not path.exists():
        return f"there is no letter {path.name}: nothing was shredded"
    path.unlink()
    return f"{path.name} is gone"


@tool
def list_letters() -> str:
    """The letters there are."""
    return ", ".join(sorted(path.name for path in folder().glob("*.txt"))) or "none"


agent = create_agent(
    chat_model(),
    [send_letter, shred_letter, list_letters],
    system_prompt="You write letters for a small shop. Use the tools.",
    middleware=[
        HumanInTheLoopMiddleware(
            interrupt_on={
                "send_letter": True,
                "shred_letter": {"allowed_decisions": ["approve", "reject"]},
            }
        )
    ],
)
