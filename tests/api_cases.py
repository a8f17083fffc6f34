"""Schemathesis against the API in this very process: as many cases as wanted, for each kind of caller, half of them with ids that exist.

For the 10,000 of the requirement: SCHEMATHESIS_CASES=10000 .venv/bin/python -m pytest tests/integration/api/test_api_schema.py -n0
"""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from agents import operations
from approvals import operations as approvals
from approvals.models import Action
from approvals.operations import api_keys
from audit import queries as log
from tests import factories

KINDS = ("nobody", "agent", "reviewer", "operator", "admin", "session")
CHECKS: list[Any] = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance, response_headers_conformance,
]  # fmt: skip
CASES = int(os.environ.get("SCHEMATHESIS_CASES", "240"))


@dataclass
class Done:
    """How many cases there were, how they were answered, and what was wrong."""

    cases: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def sent_by(kind: str, cast: factories.Cast) -> dict[str, dict[str, str]]:
    """What a caller of this kind sends with every request: headers and cookies."""
    if kind == "nobody":
        return {}
    if kind == "session":
        client = Client()
        client.force_login(cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
        client.get("/preferences/")
        cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        return {"cookies": cookies, "headers": {"X-CSRFToken": cookies[settings.CSRF_COOKIE_NAME]}}
    if kind == "agent":
        _, token = operations.make_key(agent="books", name="k", scopes=["propose", "read"], days=None, by=cast.admin, door="web")
    else:
        user = {"reviewer": cast.reviewer, "operator": cast.operator, "admin": cast.admin}[kind]
        _, token = api_keys.make(of=user, name="k", scopes=list(api_keys.OF_PERSON), days=1, by=user, door="web")
    return {"headers": {"Authorization": f"Bearer {token}"}}


def world(cast: factories.Cast) -> Callable[[Any], None]:
    """Something of everything, and what puts it into a case instead of what was made up."""
    factories.register()
    actions = [factories.action(agent="books") for _ in range(3)] + [
        factories.action("high"),
        factories.approved(cast.reviewer, agent="books"),
    ]
    run = factories.run(cast.operator, factories.call())
    factories.work()
    halt = approvals.halt(scope="agent", target="janitor", reason="r", by=cast.operator, door="web")
    dice = random.Random(5)

    def put(case: Any) -> None:
        action = Action.objects.get(pk=dice.choice(actions).pk)
        known = {
            "action_id": str(action.pk),
            "run_id": str(run.pk),
            "halt_id": halt.pk,
            "slug": "books",
            "policy_id": 1,
            "event_id": log.last_event_id(),
        }
        case.path_parameters = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
        if isinstance(case.body, dict):
            more = {"digest": action.digest, "agent": "calls", "scope": "run", "target": str(run.pk)}
            case.body.update({name: value for name, value in more.items() if name in case.body})

    return put


def run(cast: factories.Cast, kind: str, *, cases: int) -> Done:
    """So many cases, spread evenly over all operations, with data that fits the document and data that does not."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    found = [one.ok() for one in schema.get_all_operations()]
    sent, put, done = sent_by(kind, cast), world(cast), Done()
    each = max(2, -(-cases // (2 * len(found))))
    for number, operation in enumerate(found):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _run(operation, mode, sent, put, done, each, number)
    return done


def _run(operation: Any, mode: Any, sent: dict[str, Any], put: Any, done: Done, each: int, number: int) -> None:
    try:
        strategy = operation.as_strategy(generation_mode=mode)
    except Exception:  # an operation without any parameter has nothing that could be wrong
        return

    @seed(number)
    @hypothesis_settings(
        max_examples=each, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )  # fmt: skip
    @given(case=strategy)
    def one(case: Any) -> None:
        done.cases += 1
        if done.cases % 2:
            put(case)
        try:
            answer = case.call(**sent)
            done.statuses[answer.status_code] = done.statuses.get(answer.status_code, 0) + 1
            case.validate_response(answer, checks=CHECKS)
        except Exception as error:
            done.failures.append(f"{operation.method.upper()} {operation.path}: {type(error).__name__}: {str(error)[:1500]}")

    try:
        one()
    except Exception as error:
        if "Unsatisfiable" not in type(error).__name__ and "NegativeData" not in str(type(error)):
            raise
