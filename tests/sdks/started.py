"""Starts an example of the client with each verdict and says as JSON what came of it. Run by the Python that has the SDKs; nothing else of ours is there.

Each is started twice under one name. "cut": the first start ends as soon as it has heard the first verdict.
"""

import contextlib
import io
import json
import runpy
import sys
from typing import Any

from countersign import Client
from countersign.testing import Desk

VERDICTS: dict[str, Any] = {
    "approve": "approve",
    "edit": lambda tool, args: {"verdict": "approve", "args": {**args, "amount_cents": 1}},
    "reject": lambda tool, args: {"verdict": "reject", "reason": "the goods were not sent back"},
    "cut": "approve",
}


class Ended(Exception):
    pass


def cut(people: Client) -> Client:
    wait = people.wait

    def heard(action: Any, **more: Any) -> Any:
        wait(action, **more)
        raise Ended

    people.wait = heard  # type: ignore[method-assign]
    return people


def started(example: dict[str, Any], case: str) -> dict[str, Any]:
    desk, told, printed = Desk(VERDICTS[case]), [], io.StringIO()
    with contextlib.redirect_stdout(printed):
        for start in range(2):
            people = cut(desk.client()) if case == "cut" and not start else desk.client()
            try:
                told.append(example["run"](people, name="job"))
            except Ended:
                told.append(f"ended, with {len(desk._leaves)} leaves taken")
    return {"asked": desk.asked, "did": printed.getvalue().splitlines(), "told": told, "reported": desk.outcomes}


if __name__ == "__main__":
    example = runpy.run_path(sys.argv[1])
    print(json.dumps({case: started(example, case) for case in VERDICTS}))
