"""Programs that nothing else starts alone: beat without models and agents, and every part of `make bench` once, on tables of little."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADED = """
from config.celery import app
app.loader.init_worker()
app.finalize()
import sys
print(sorted({name.split(".")[0] for name in sys.modules} & {"agents", "approvals", "langgraph", "langchain_core"}))
print(len(app.conf.beat_schedule), sorted(app.conf.task_routes)[0])
"""
BENCH = """
import sys
from pathlib import Path
from tests.bench import stack
with stack.running(Path(sys.argv[1])) as running:
    import django
    django.setup()
    from tests.bench import cast, cycles, outside, pages
    cast.agent()
    reviewer = cast.reviewer()
    print(cycles.one_by_one(running, reviewer, cycles=1, warm_up=0).whole.n)
    print(pages.measure(running, reviewer, pending=20, events=100, requests=2).inbox.n)
    print(outside.measure(running, pending=20, held=2, cycles=1).propose.n)
"""


def python(script: str, *arguments: str, **more: str) -> list[str]:
    ours = {"DATABASE_URL", "REDIS_URL", "COUNTERSIGN_ROLE", "DJANGO_SETTINGS_MODULE", "SECRET_KEY"}
    env = {k: v for k, v in os.environ.items() if k not in ours} | more
    done = subprocess.run([sys.executable, "-c", script, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()


def test_beat_loads_neither_models_nor_agents_and_knows_every_tick():
    loaded, known = python(LOADED, COUNTERSIGN_ROLE="beat", SECRET_KEY="k" * 50)
    assert loaded == "[]"
    assert known == "12 agents.tasks.answer_ask"


def test_each_part_of_the_bench_measures(tmp_path):
    assert [int(n) > 0 for n in python(BENCH, str(tmp_path / "stack"), COUNTERSIGN_API_RATE="1000000")] == [True, True, True]
