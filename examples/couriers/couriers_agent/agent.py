"""A clerk that sends parcels: plain `create_agent`, whose tool node runs the tools; `Countersigned()` in the list is the one line of ours.

Listing is low and passes by policy, on record; sending and recalling wait for people. Sending takes a few seconds (COURIER_SECONDS): kill the
worker in the middle, and see that the parcel is not sent twice. `open_safe` is in its hands too, and was not granted (langgraph.json).

Parcels are lines of PARCELS_FILE (`var/parcels.txt` when it is not set).
"""

import os
import time
from pathlib import Path

from langchain.agents import create_agent
from langchain_core.tools import ToolException, tool

from agents.graphs.loops import Countersigned, once
from couriers_agent.model import chat_model


def book() -> Path:
    """Where parcels are written down."""
    found = Path(os.environ.get("PARCELS_FILE", "var/parcels.txt"))
    found.parent.mkdir(parents=True, exist_ok=True)
    return found


def write(line: str) -> str:
    with book().open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    return line


@tool
def list_parcels() -> str:
    """The parcels there are."""
    return book().read_text(encoding="utf-8") if book().exists() else "none"


@tool
def send_parcel(to: str, content: str) -> str:
    """Pack something and send it to somebody."""
    once(f"packed:{to}:{content}", lambda: write(f"packed {content}"))
    time.sleep(float(os.environ.get("COURIER_SECONDS", "5")))
    return write(f"sent {content} to {to}")


@tool
def recall_parcel(to: str) -> str:
    """Have the last parcel to somebody brought back."""
    if f" to {to}\n" not in (book().read_text(encoding="utf-8") if book().exists() else ""):
        raise ToolException(f"there is no parcel to {to}")
    return write(f"recalled what went to {to}")


@tool
def open_safe(code: str) -> str:
    """Open the safe."""
    return write(f"opened the safe with {code}")


agent = create_agent(
    chat_model(),
    [list_parcels, send_parcel, recall_parcel, open_safe],
    system_prompt="You send parcels for a small shop. Use the tools.",
    middleware=[Countersigned()],
)
