"""A reviewer's question to an agent is answered, in a worker, from where its graph stands. Nothing is driven, nothing is resumed."""

import psycopg
import structlog
from django.db import DatabaseError

from agents import kept
from agents.errors import AgentError
from agents.graphs import checkpoints
from agents.graphs.explaining import standing, transcript
from agents.graphs.loader import Loaded, load_agent
from agents.models import Run
from agents.planner.explaining import configured
from agents.tools.asked import Asked
from approvals import queries as approvals_queries
from approvals.operations import asking
from approvals.operations.asking import TakenAsk

logger = structlog.get_logger("agents.explaining")
NOBODY = kept.NOBODY_EXPLAINS()


def answer_ask(ask_id: int) -> None:
    """Answer one question, if no other worker is at it."""
    taken = asking.take_ask(ask_id)
    if taken is None:
        return
    try:
        answer = _answer(taken)
    except AgentError as error:
        asking.fail_ask(ask_id, error=error.message)
    except (psycopg.Error, DatabaseError):
        checkpoints.drop()
        raise  # the sweeper lets another worker try
    except Exception as error:  # the project's own code, or its model
        logger.exception("explain_failed")
        asking.fail_ask(ask_id, error=kept.EXPLAINING_FAILED(why=f"{type(error).__name__}: {error}"))
    else:
        asking.answer_ask(ask_id, answer=answer) if answer else asking.fail_ask(ask_id, error=NOBODY)


def _answer(taken: TakenAsk) -> str:
    run = Run.objects.select_related("agent").get(pk=taken.run)
    loaded = load_agent(*run.agent.code)
    explain = (loaded.spec.explain if loaded.spec else None) or configured()
    return str(explain(_asked(taken, run, loaded)) or "") if explain else ""


def _asked(taken: TakenAsk, run: Run, loaded: Loaded) -> Asked:
    values = standing(loaded, checkpoints.saver(), run.thread)
    about = approvals_queries.asked_about(taken.action_id)
    return Asked(taken.question, about.tool, about.args, about.rationale, about.evidence, values, transcript(values))
