"""Dry runs over the API: a run replayed from its record, or taken on otherwise, with nothing done."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from ninja.responses import Status

from agents import operations, queries
from agents.api.auth import caller, reader
from agents.api.runs import visible
from agents.api.shapes import PROBLEMS, Page
from agents.api.trial_shapes import TrialIn, TrialRow
from agents.operations.trials import Wanted
from approvals.operations.api_keys import OPERATE

router = Router(tags=["runs"])


@router.post("/{run_id}/trials", response={202: TrialRow, **PROBLEMS}, summary="Order a dry run")
def order(request: HttpRequest, run_id: UUID, body: TrialIn) -> Any:
    """A worker carries it out; look at it until it is `done` or `failed`. A replay is for operators and auditors, a fork for operators. 409 while
    another of this run is under way."""
    wanted = Wanted(body.checkpoint, body.values, body.answers, body.assume, body.policy, body.models, body.model, body.tools)
    made = operations.order_trial(run_id, body.kind, wanted, by=caller(request, OPERATE).user, door="api")
    return Status(202, vars(queries.trial(run_id, made.pk)))


@router.get("/{run_id}/trials", response={200: Page[TrialRow], **PROBLEMS}, summary="Dry runs of a run")
def list_(request: HttpRequest, run_id: UUID) -> Any:
    """The last fifty, the newest first. Agents see those of their own runs."""
    visible(run_id, reader(request))
    return {"items": [vars(one) for one in queries.trials(run_id)], "next": None}


@router.get("/{run_id}/trials/{trial_id}", response={200: TrialRow, **PROBLEMS}, summary="One dry run, and what came of it")
def one(request: HttpRequest, run_id: UUID, trial_id: UUID) -> Any:
    """`state` says whether it is over."""
    visible(run_id, reader(request))
    return vars(queries.trial(run_id, trial_id))
