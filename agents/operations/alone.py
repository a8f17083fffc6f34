"""One call of a tool declared `own_process=True`, in the child that `agents.tools.alone` starts: `python -m agents.operations.alone PARENT PIPE`.

The worker has claimed the call and records what comes of it; nothing is decided or written here.
"""

import json
import math
import os
import sys
from dataclasses import asdict
from typing import Any

from agents.tools import alone
from agents.tools.registry import Tool, ToolContext
from agents.tools.runner import Ran

COMMAND = (sys.executable, "-m", "agents.operations.alone")


def call(tool: Tool, args: Any, ctx: ToolContext, *, code: tuple[str, str, int], covered: str = "", reverse: Any = None) -> Ran:
    """Have the call made beside this process, until a stop order covers it.

    Args:
        code: which project and graph of it declares the tool, and its turn (`Agent.code`).
        covered: the action a stop order has to cover; without it, the context's own.
        reverse: what came of the call, to be reversed now.

    Returns:
        "unknown" with the code "halted" when it was stopped in the middle, "failed" with that code when before it began.
    """
    from django.conf import settings
    from django.db import DatabaseError

    from approvals.operations.entering import may_enter
    from approvals.queries import halted_actions

    def stopped() -> bool:
        try:
            return bool(halted_actions([covered or ctx.action_id]))
        except DatabaseError:  # what has begun goes on until somebody can be asked
            return False

    def may_begin() -> bool:
        try:  # seconds have gone into starting Python
            return may_enter(-math.inf, lambda: bool(halted_actions([covered or ctx.action_id])))
        except DatabaseError:  # an order may be there that nobody can be asked about
            return False

    job = {"code": list(code), "tool": tool.name, "args": args, "ctx": asdict(ctx), "reverse": reverse}
    return alone.run(
        COMMAND,
        job,
        cwd=settings.BASE_DIR,
        timeout_s=tool.timeout_s,
        stopped=stopped,
        may_begin=may_begin,
    )


def main(parent: int, pipe: int) -> None:
    """Raises whatever loading the project does: the worker says that the call never began."""
    alone.end_with(parent)
    job = json.loads(sys.stdin.readline())
    import django

    django.setup()
    from agents.graphs.loader import load_agent
    from agents.tools import runner

    tool, ctx = load_agent(*job["code"]).tools[job["tool"]], ToolContext(**job["ctx"])
    reverse = job["reverse"]
    alone.tell(pipe, lambda: runner.run(tool, job["args"], ctx) if reverse is None else runner.compensate(tool, job["args"], reverse, ctx))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    main(int(sys.argv[1]), int(sys.argv[2]))
