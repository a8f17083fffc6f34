"""Tools that run in a process of their own: what comes of them, and that a stop order ends them while they run."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from django.db import connections

from agents import operations as agents
from agents.models import Effect
from agents.operations import alone
from agents.operations.compensating import compensate
from agents.operations.executing import execute
from agents.states import EffectState
from agents.tools import alone as tools_alone
from approvals import operations
from audit import queries as log
from tests import factories
from tests.factories import call, decide, lines, work

pytestmark = [pytest.mark.usefixtures("agents"), pytest.mark.django_db(transaction=True)]
SOON = 30.0


def approved(cast, world, label="x", times=0):
    run, action = factories.waiting(cast.reviewer, call("dwell", label=label, times=times), world=world)
    decide(action, cast.second)
    return run, action


def alive(pid: int) -> bool:
    """Whether a process is there and no corpse that only waits to be counted."""
    with suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"
    return False


def eventually(asked, seconds: float = SOON):
    until = time.monotonic() + seconds
    while not (found := asked()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


@contextmanager
def running(action, world) -> Iterator[tuple[list[EffectState | None], int, int]]:
    """The call under way in a thread, as in a worker: what will have come of it, its process, and one that it left behind."""
    came: list[EffectState | None] = []

    def work() -> None:
        came.append(execute(action.pk))
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    assert eventually(lambda: lines(world)), Effect.objects.get(pk=action.pk).error
    _label, pid, heir = lines(world)[0].split()[1].split("-")
    yield came, int(pid), int(heir)
    thread.join(SOON)
    assert not thread.is_alive()


def test_the_call_is_made_elsewhere_and_its_outcome_is_recorded_here(cast, world):
    run, action = approved(cast, world)
    work()
    run.refresh_from_db()
    told = run.output["told"][0]
    assert (run.state, told["status"], told["result"]["dwelt"]) == ("SUCCEEDED", "done", 0)
    assert told["result"]["pid"] != os.getpid()
    assert lines(world)[0].split()[0] == str(action.pk)


@pytest.mark.parametrize("label", ["x", "deaf", "heir"])
def test_a_halt_ends_it_within_five_seconds_with_all_it_has_started(cast, world, label):
    _run, action = approved(cast, world, label, times=600)
    with running(action, world) as (came, pid, heir):
        began = time.monotonic()
        operations.halt(scope="tool", target="dwell", reason="it dwells", by=cast.operator, door="web")
        assert eventually(lambda: came, 5.0), "it still runs"
        took = time.monotonic() - began
    assert took < 5.0 and not alive(pid) and not (heir and alive(heir))
    effect = Effect.objects.get(pk=action.pk)
    assert (came, effect.state) == ([EffectState.UNKNOWN], "UNKNOWN")
    assert "a halt stopped it in the middle" in effect.error
    assert [e.data["code"] for e in log.timeline(action=str(action.pk)) if e.kind == "effect.unknown"] == ["halted"]


def test_a_halt_of_something_else_leaves_it_alone(cast, world):
    _run, action = approved(cast, world, times=1)
    with running(action, world) as (came, _pid, _heir):
        operations.halt(scope="tool", target="append", reason="another one", by=cast.operator, door="web")
    assert came == [EffectState.DONE]


def test_who_gives_no_answer_in_time_is_ended_and_who_dies_of_itself_is_unknown(cast, world):
    for label, why in (("x", "no answer within 3 s"), ("dead", "ended with 9 in the middle")):
        _run, action = approved(cast, world, label, times=600)
        assert execute(action.pk) == EffectState.UNKNOWN
        assert why in Effect.objects.get(pk=action.pk).error
        assert not alive(int(lines(world)[-1].split()[1].split("-")[1]))


def test_a_process_that_never_came_to_the_call_has_done_nothing(cast, world, monkeypatch):
    monkeypatch.setattr(alone, "COMMAND", (sys.executable, "-c", "raise SystemExit(4)"))
    _run, action = approved(cast, world)
    assert execute(action.pk) == EffectState.FAILED
    assert "ended with 4 before the call began" in Effect.objects.get(pk=action.pk).error


def test_a_halt_before_it_came_to_the_call_has_nothing_done(cast, world, monkeypatch):
    monkeypatch.setattr(alone, "COMMAND", (sys.executable, "-c", "import time; time.sleep(600)"))
    run, action = approved(cast, world)
    order = threading.Timer(0.5, _halt_run, (run, cast))
    order.start()
    assert execute(action.pk) == EffectState.FAILED
    order.join()
    assert "nothing was done" in Effect.objects.get(pk=action.pk).error


def _halt_run(run, cast) -> None:
    operations.halt(scope="run", target=str(run.pk), reason="wait", by=cast.operator, door="web")
    connections.close_all()


def test_what_reverses_it_runs_beside_the_worker_too(cast, world):
    run, _action = approved(cast, world)
    work()
    agents.order_compensation(run.pk, reason="not wanted", by=cast.operator, door="web")
    assert compensate(run.pk) == 1
    assert int(lines(world)[-1].split("let-go-")[1]) != os.getpid()


def test_a_child_ends_when_its_parent_is_gone(tmp_path):
    """The worker is killed: nobody would record what came of the call."""
    import subprocess

    grandchild = "import os, sys, time; from agents.tools import alone; alone.end_with(int(sys.argv[1])); print(os.getpid(), flush=True); time.sleep(600)"
    parent = (
        "import os, subprocess, sys, time; "
        f"subprocess.Popen([sys.executable, '-c', {grandchild!r}, str(os.getpid())], start_new_session=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as killed:
        child = int(killed.stdout.readline())
        assert alive(child)
        killed.kill()
    assert eventually(lambda: not alive(child), 5.0)


def test_what_began_in_the_last_moment_is_not_said_never_to_have_begun(tmp_path):
    """Deaf to the soft signal while it loads, it begins just when nobody listens any more."""
    child = "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(2.6); os.write(int(sys.argv[2]), b'\\n'); time.sleep(600)"
    listened = tools_alone._asked_to_end

    def leaves(group: int, descriptor: int) -> bytes:
        said = listened(group, descriptor)
        time.sleep(1.5)
        return said

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tools_alone, "_asked_to_end", leaves)
        ran = tools_alone.run((sys.executable, "-c", child), {}, cwd=tmp_path, timeout_s=5, stopped=lambda: True)
    assert (ran.status, ran.code) == ("unknown", "halted")
