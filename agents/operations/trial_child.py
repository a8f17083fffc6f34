"""One dry run, in the child that `trials` starts: `python -m agents.operations.trial_child PARENT PIPE`. Nothing is written here.

What it came to goes back as JSON, with long values cut: it is looked at, never run.
"""

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from agents.tools import alone
from agents.tools.runner import Ran
from audit import canonical

if TYPE_CHECKING:
    from agents.models import Trial

MOST = 400_000  # bytes of JSON that are kept of it
LIMITS = (20_000, 2_000, 200, 40)  # characters of one text; the next where the whole would be too much
MOST_ASKS, MOST_STEPS = 500, 5_000


def tried(trial: "Trial") -> Ran:
    """What came of it; "failed" with a sentence where it could not be tried.

    Of a fork, `then` is what the run's own state holds otherwise than `state`, the fork's, and `added` names what only that holds.
    """
    from agents import operations
    from agents.errors import AgentError
    from agents.states import TrialKind
    from approvals.errors import ApprovalError

    try:
        if trial.kind == TrialKind.REPLAY:
            return Ran(
                "done",
                _kept(asdict(operations.replay_run(trial.run_id, instead=trial.wanted["answers"], tools=trial.wanted.get("tools")))),
                "",
                "",
            )
        return Ran("done", _forked(trial), "", "")
    except (AgentError, ApprovalError) as refused:
        return Ran("failed", {}, refused.message, "refused")
    except Exception as error:  # of the project's code, or of loading it
        return Ran("failed", {}, f"{type(error).__name__}: {error}"[:4_000], "error")


def _forked(trial: "Trial") -> dict[str, Any]:
    from django.conf import settings

    from agents import history, operations
    from agents.graphs.unpacked import neutral
    from agents.operations.trying import Wanted
    from approvals.policy.rules import parse_stored
    from approvals.queries import policies

    order = trial.wanted
    if order["model"]:
        settings.MODEL = order["model"]  # of this process, which ends with it
    version = policies.version(order["policy"]) if order["policy"] else None
    policy = parse_stored(version.source, number=version.number) if version else None
    wanted = Wanted(
        order["checkpoint"], order["values"], order["answers"], order["assume"], policy, order["models"], order.get("tools", {})
    )
    done = operations.fork_run(trial.run_id, wanted)
    now, then = neutral(done.state), neutral(history.values(trial.run.thread, history.head(trial.run.thread)))
    differing = {name: value for name, value in then.items() if name not in now or _text(now[name]) != _text(value)}
    asks, steps = [asdict(one) for one in done.asks[:MOST_ASKS]], list(done.steps[:MOST_STEPS])
    return _kept(asdict(done) | {"state": now, "then": differing, "added": sorted(set(now) - set(then)), "asks": asks, "steps": steps})


def _text(value: Any) -> bytes:
    return canonical.dumps(canonical.storable(value))


def _kept(value: dict[str, Any]) -> dict[str, Any]:
    """As JSON that PostgreSQL takes and a page can show."""
    found: Any = {}
    for limit in LIMITS:
        found = canonical.storable(value, limit=limit)
        if len(json.dumps(found)) <= MOST:
            break
    else:
        found |= {"state": {}, "then": {}, "added": [], "cut": True}
    return dict(found)


def main(parent: int, pipe: int) -> None:
    alone.end_with(parent)
    job = json.loads(sys.stdin.readline())
    import django

    django.setup()
    from agents.models import Trial

    trial = Trial.objects.get(pk=job["trial"])
    alone.tell(pipe, lambda: tried(trial))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    main(int(sys.argv[1]), int(sys.argv[2]))
