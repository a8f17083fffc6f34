"""Programs beside the running stack: what they run with, people who decide over the API, an agent declared for them."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx

from tests.journeys.conftest import ROOT, Stack

TOOLS = [
    {
        "name": "refund",
        "risk": "write",
        "reversible": True,
        "summary": "Refund {order}",
        "args_schema": {
            "type": "object",
            "required": ["order", "amount_cents"],
            "properties": {"order": {"type": "string"}, "amount_cents": {"type": "integer", "minimum": 1}},
        },
    }
]


def declare(stack: Stack, slug: str, tools: list[dict[str, Any]] = TOOLS) -> None:
    """An agent that runs elsewhere, as an administrator's program declares it."""
    token = token_of(stack, "s.adeyemi", "read,govern")
    body = {"title": slug.title(), "environment": "demo", "tools": tools}
    answer = httpx.put(f"{stack.url}/api/v1/agents/{slug}", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert answer.is_success, answer.text


def token_of(stack: Stack, username: str, scopes: str = "read,decide") -> str:
    return stack.manage("keys", "make", "journey", "--scopes", scopes, "--by", username, "--quiet").strip()


def programs(folder: Path) -> dict[str, str]:
    """What a program is run with: this Python, and the client with its command as if they were installed; nothing of ours in the way."""
    command = folder / "countersign"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m countersign "$@"\n')
    command.chmod(0o755)
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(folder), "PYTHONPATH": str(ROOT / "client"), "PYTHONUNBUFFERED": "1"}


def begun(words: list[str], env: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(words, cwd=env["HOME"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Lines:
    """What a program prints, a line at a time, and not waited for for ever."""

    def __init__(self, program: "subprocess.Popen[str]") -> None:
        self._program = program
        self._lines: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._program.stdout
        with self._program.stdout as out:
            for line in out:
                self._lines.put(line)

    def next(self, seconds: float = 60) -> str:
        """The next one; raises queue.Empty."""
        return self._lines.get(timeout=seconds)

    def end(self) -> None:
        """Of the program, too."""
        assert self._program.stderr
        self._program.kill()
        self._program.wait(10)
        self._program.stderr.close()


def ended(program: "subprocess.Popen[str]") -> str:
    """What a program printed. It came to its end by itself, and well."""
    try:
        out, err = program.communicate(timeout=120)
    finally:
        program.kill()
    assert program.returncode == 0, f"{out}\n{err}"
    return out


class Decider:
    """A person who decides over the API what one agent asks."""

    def __init__(self, stack: Stack, username: str = "m.chen") -> None:
        self.token = token_of(stack, username)
        self._api = f"{stack.url}/api/v1"

    def waiting(self, agent: str) -> list[dict[str, Any]]:
        answer = self._get("/actions", state="PENDING", agent=agent)
        assert answer.is_success, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def asked(self, agent: str, count: int = 1) -> list[dict[str, Any]]:
        """What waits of this agent, as soon as so many do."""
        for _ in range(300):
            if len(found := self.waiting(agent)) >= count:
                return found
            time.sleep(0.2)
        raise AssertionError(f"{agent} asks nothing")

    def decides(self, agent: str, verdict: str = "approve", count: int = 1) -> None:
        for action in self.asked(agent, count):
            body = {"verdict": verdict, "digest": action["digest"], "reason": "a journey"}
            answer = httpx.post(f"{self._api}/actions/{action['id']}/decisions", json=body, headers=self._who(), timeout=60)
            assert answer.is_success, answer.text

    def action(self, action: str) -> dict[str, Any]:
        found: dict[str, Any] = self._get(f"/actions/{action}").json()
        return found

    def _get(self, path: str, **query: str) -> httpx.Response:
        return httpx.get(f"{self._api}{path}", params=query, headers=self._who(), timeout=60)

    def _who(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}
