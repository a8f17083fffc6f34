"""(d) The floor: the same graph on bare LangGraph with PostgresSaver, one process, no product. `python -m tests.bench.floor N`."""

import json
import os
import sys
import time
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench.numbers import Spread, spread


@dataclass(frozen=True)
class Floor:
    """Cycles a second, one after the other, and milliseconds from the resume to the next step's start."""

    per_s: float
    resume: Spread


def measure(cycles: int, *, warm_up: int = 10) -> Floor:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from langgraph.checkpoint.postgres import PostgresSaver
    from langgraph.types import Command
    from psycopg.rows import dict_row
    from psycopg_pool import ConnectionPool

    from agents.graphs.loader import load_agent
    from tests.bench.cast import AGENT, PROJECT

    kwargs = {"autocommit": True, "prepare_threshold": None, "row_factory": dict_row, "options": "-c search_path=bench_floor"}
    with ConnectionPool[Any](os.environ["DATABASE_URL"], kwargs=kwargs, min_size=2, max_size=4) as pool:
        with pool.connection() as conn:
            conn.execute("CREATE SCHEMA IF NOT EXISTS bench_floor")
        saver = PostgresSaver(pool)
        saver.setup()
        graph = load_agent(str(PROJECT), AGENT).compile(saver)

        def cycle(number: int) -> float:
            config: Any = {"configurable": {"thread_id": str(uuid.uuid4())}}
            paused = graph.invoke({"input": {"number": number}}, config, durability="sync")
            question = paused["__interrupt__"][0]
            answer = {"status": "done", "result": {"noted": number}, "digest": question.value["digest"]}
            resumed = time.time()
            end = graph.invoke(Command(resume={question.id: answer}), config, durability="sync")
            return float(end["result"]["step_started_at"] - resumed)

        for number in range(warm_up):
            cycle(number)
        began = time.monotonic()
        resumes = [cycle(number) for number in range(cycles)]
        per_s = cycles / (time.monotonic() - began)
        with pool.connection() as conn:
            conn.execute("DROP SCHEMA bench_floor CASCADE")
    return Floor(per_s, spread(resumes))


def mean(floors: list[Floor]) -> Floor:
    """Of runs before and after something: the machine is not equally fast all the time."""

    def of(name: str) -> float:
        return round(sum(getattr(one.resume, name) for one in floors) / len(floors), 2)

    resume = Spread(of("p50"), of("p95"), of("p99"), sum(one.resume.n for one in floors))
    return Floor(sum(f.per_s for f in floors) / len(floors), resume)


def in_own_process(cycles: int) -> Floor:
    """One process of its own, as bare LangGraph would have; the stack beside it idles."""
    from tests.bench.stack import python

    found = json.loads(python("-m", "tests.bench.floor", str(cycles)).stdout.strip().splitlines()[-1])
    return Floor(found["per_s"], Spread(**found["resume"]))


if __name__ == "__main__":
    print(json.dumps(asdict(measure(int(sys.argv[1])))))
