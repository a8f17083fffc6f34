"""The door itself: the OpenAPI document, its page, whose requests are let in, and every refusal as a problem."""

import json
from typing import Any, cast

from csp.decorators import csp_replace
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.docs import DocsBase
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from agents.api import actions, agents_, budgets, deciding, governing, outcomes, records, runs, trials, watching
from agents.api.auth import Caller, Key, Session
from agents.api.problems import CONTENT_TYPE, NO_ADDRESS, NO_KEY, Unreadable, problem
from agents.api.samples import add_examples, example_of
from agents.api.shapes import PROBLEMS, Me
from agents.api.strict import known_only
from agents.errors import AgentError
from approvals import permissions
from approvals.errors import ApprovalError
from audit import canonical
from audit.sentences import cause, say

ABOUT = """
The door for programs. **Agents** propose actions with their own key, wait for people, claim what was approved before they act, and report
what came of it. **People** decide with their session or a personal token, by the same rules as on the page. See docs/api.md.
"""


class StrictParser(Parser):
    """JSON as the rooms read it: one key twice, NaN, a NUL or half a character is refused, never repaired."""

    def parse_body(self, request: HttpRequest) -> Any:
        try:
            return canonical.parse(request.body)
        except canonical.NotCanonical as error:
            request._unreadable = say("The body cannot be read: %(why)s", why=cause(error))  # type: ignore[attr-defined]
            raise


class Door(NinjaAPI):
    """ninja's, with problems named as what they are in the document, and an example of every body."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> OpenAPISchema:
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        for path in schema["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    if int(status) >= 400 and "content" in response:
                        response["content"] = {CONTENT_TYPE: next(iter(response["content"].values()))}
        export = schema["paths"]["/api/v1/export/events"]["get"]["responses"][200]
        line = example_of({"$ref": "#/components/schemas/Event"}, schema["components"]["schemas"])
        export["content"] = {records.NDJSON: {"schema": {"type": "string"}, "example": f"{json.dumps(line)}\n"}}
        add_examples(schema)
        return schema

    def get_openapi_operation_id(self, operation: Any) -> str:
        room = operation.view_func.__module__.rpartition(".")[2].rstrip("_")
        return f"{room}_{operation.view_func.__name__.rstrip('_')}"


class Docs(DocsBase):
    """The page of the document. Swagger UI, from ninja's wheel, writes its own HTML, which our pages may not: on its page only that one rule is
    lifted. It shows the document and nothing of anybody's; scripts and styles come from here alone, and our own start it (js/docs.js)."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        return render(request, "api/docs.html", {"document_url": self.get_openapi_url(api, kwargs)})


api = Door(
    title="Countersign",
    version="1",
    description=ABOUT,
    urls_namespace="api",
    auth=[Key(), Session()],
    parser=StrictParser(),
    docs=Docs(),
    docs_decorator=csp_replace({"require-trusted-types-for": None}),
)
api.add_decorator(known_only)
api.add_router("/actions", actions.router)
api.add_router("/actions", deciding.router)
api.add_router("/runs", runs.router)
api.add_router("/runs", budgets.runs)
api.add_router("/runs", outcomes.runs)
api.add_router("/runs", trials.router)
api.add_router("/budgets", budgets.budgets)
api.add_router("/agents", agents_.router)
api.add_router("/halts", governing.halts)
api.add_router("/switches", governing.switches)
api.add_router("/alerts", watching.alerts)
api.add_router("/halt-rules", watching.halt_rules)
api.add_router("/policies", governing.policies)
api.add_router("", records.router)


@api.get("/me", response={200: Me, **PROBLEMS}, summary="Whose key this is", tags=["me"])
def me(request: HttpRequest) -> Any:
    """Who asks, as the operations see them."""
    who = cast(Caller, request.auth)  # type: ignore[attr-defined]
    roles = sorted(permissions.roles(who.user))
    kind = "agent" if who.agent else "person"
    return {"name": who.user.get_username(), "kind": kind, "agent": who.agent or None, "scopes": sorted(who.scopes), "roles": roles}


@api.exception_handler(ApprovalError)
@api.exception_handler(AgentError)
def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(request, error.status, error.code, error.message, **error.details)


@api.exception_handler(ValidationError)
def _misfit(request: HttpRequest, error: Any) -> HttpResponse:
    # A body's place begins with the name of our own parameter for it.
    places = [(e["loc"][2:] or e["loc"][:1] if e["loc"][:1] == ("body",) else e["loc"], e["msg"]) for e in error.errors[:20]]
    fields = {".".join(map(str, place)): str(why) for place, why in places}
    first = next(iter(fields.items()), ("", ""))
    return problem(request, 422, "bad_request", say("%(path)s: %(why)s", path=first[0], why=first[1]), fields=fields)


@api.exception_handler(AuthenticationError)
def _nobody(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(request, 401, "unauthorized", NO_KEY)


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: Any) -> HttpResponse:
    if error.status_code == 403:
        return problem(request, 403, "csrf", say("A request of a session that changes something carries the header X-CSRFToken"))
    return problem(request, error.status_code, Unreadable.code, getattr(request, "_unreadable", str(error)))


@api.exception_handler(Http404)
def _nowhere(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(request, 404, "not_found", NO_ADDRESS)


def urls() -> Any:
    """The door's addresses. It asks for a key or a session itself, so that a missing one is a problem and not a login page."""
    found = api.urls
    for pattern in found[0]:
        login_not_required(cast(Any, pattern.callback))
    return found
