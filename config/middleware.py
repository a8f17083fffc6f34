"""What every request passes: limits that turn malformed input into a sentence, and the one translator of our errors."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import DataError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from agents.api.problems import PREFIX, problem
from agents.errors import AgentError
from approvals.errors import ApprovalError
from approvals.web.signed_out import wants_json, within_a_page
from audit.languages import told
from audit.sentences import Sentence, say
from config import strangers
from config.database.base import begin, may_have_written
from config.request_log import path_of

log = structlog.get_logger("config.middleware")
Answer = Callable[[HttpRequest], HttpResponse]
LONGEST_PATH = 2_000

SAFE = frozenset({"GET", "HEAD"})

# Slack's own doors: whatever comes there unsigned, however odd, is 401 and said by them.
SIGNED = frozenset({f"/slack/{name}" for name in ("interactivity", "events", "commands", "options")})

# Where Agent Servers hint that something changed: whatever they send along is not read.
HINTS = "/hooks/agent-servers/"

# The fields of ours that say several things: which hidden parts were opened, what may be wrong with test actions.
SEVERAL = frozenset({"opened", "kinds"})


class OwnOrigin:
    """No page of another origin embeds or reads anything of ours, files and refusals included (reliability.md section 10).

    The first middleware: files are answered before the others are asked. Django itself says the opener policy, not this one.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        answer.headers["X-Answered-By"] = "Countersign"  # an open page takes in nothing that something before us answered (trouble.js)
        return answer


class RequestLimits:
    """Refuse what no page of ours sends: NUL or broken UTF-8 in the address, addresses longer than 2,000 characters."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begin()
        if request.path in SIGNED or (request.path.startswith(HINTS) and request.path.isprintable()):
            return self.get_response(request)
        address = request.get_full_path()
        if len(address) > LONGEST_PATH or "\x00" in request.path or "%00" in address or "\ufffd" in request.path:
            return refusal(request, 400, "bad_address", say("That address cannot be read; open the page from the list instead"))
        try:
            if any("\x00" in value for values in request.GET.lists() for value in (values[0], *values[1])):
                return refusal(request, 400, "bad_address", say("That address cannot be read; open the page from the list instead"))
        except (TooManyFieldsSent, UnicodeError, ValueError):
            return refusal(request, 400, "bad_address", say("That address has too many parts; open the page from the list instead"))
        if request.path.startswith(PREFIX):
            return _program(request) or _method(request, strangers.answer(request, self.get_response, refusal))
        if request.method == "POST" and (refused := _unreadable(request)):
            return refused
        return _method(request, self.get_response(request))


def _unreadable(request: HttpRequest) -> HttpResponse | None:
    """Look at a form's bytes before Django does: it repairs broken text, and what people wrote is never repaired here."""
    encoded = request.content_type in {"application/x-www-form-urlencoded", ""}
    if not encoded and request.content_type != "multipart/form-data":
        return refusal(request, 415, "bad_form", say("Send a plain form (application/x-www-form-urlencoded)"))
    try:
        body = request.body
        if encoded and body.count(b"&") >= settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
            return refusal(request, 400, "too_many_fields", say("That form has more than 500 fields, which no page of ours sends"))
        (unquote_to_bytes(body) if encoded else body).decode("utf-8")
        if any("\x00" in text for name, values in request.POST.lists() for text in (name, *values)):
            return refusal(
                request,
                400,
                "bad_text",
                say("The text sent holds a NUL, which no text may; nothing was recorded. Remove it and send it again"),
            )
        if any(len(values) > 1 for name, values in request.POST.lists() if name not in SEVERAL):
            return refusal(request, 400, "repeated_field", say("That form says the same field twice; nothing was recorded"))
    except RequestDataTooBig:
        return refusal(request, 413, "too_large", say("That is too large: at most 768 kB are accepted here"))
    except UnicodeDecodeError:
        return refusal(request, 400, "bad_text", say("The text sent is not valid UTF-8; nothing was recorded"))
    return None


def _program(request: HttpRequest) -> HttpResponse | None:
    """A body for the API is JSON and no larger than a form."""
    try:
        if request.body and request.content_type != "application/json":
            return refusal(request, 415, "not_json", say("Send the body as application/json"))
    except RequestDataTooBig:
        return refusal(request, 413, "too_large", say("That is too large: at most 768 kB are accepted here"))
    return None


def _method(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Django refuses a method with nothing, ninja in plain text; here every refusal is a problem, or a page with a sentence."""
    if answer.status_code != HTTPStatus.METHOD_NOT_ALLOWED or "Allow" not in answer.headers:
        return answer
    refused = refusal(request, 405, "wrong_method", say("This address takes %(methods)s", methods=answer.headers.get("Allow", "GET")))
    refused.headers["Allow"] = answer.headers.get("Allow", "GET")
    return refused


class Doors:
    """Translate named errors of the rooms into pages, fragments or problem JSON; keep a restarted database from showing.

    The last middleware, so that everything a view raises passes here first.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, OperationalError | InterfaceError):
            return _translated(request, error)
        log.warning("database_connection_lost", error=str(error), path=path_of(request))
        recover_connections()
        if request.method not in SAFE or request.resolver_match is None:
            return unavailable(request)
        # A restarted server leaves dead connections behind: read again once, on a fresh one; never repeat a write.
        view, args, kwargs = request.resolver_match
        try:
            answer: HttpResponse = view(request, *args, **kwargs)
            return answer
        except (OperationalError, InterfaceError):
            return unavailable(request)
        except Exception as second:
            return _translated(request, second)


def _translated(request: HttpRequest, error: Exception) -> HttpResponse | None:
    if isinstance(error, ApprovalError | AgentError):
        return refusal(request, error.status, error.code, error.message, **error.details)
    if isinstance(error, RequestDataTooBig):
        return refusal(request, 413, "too_large", say("That is too large: at most 768 kB are accepted here"))
    if isinstance(error, TooManyFieldsSent):
        return refusal(request, 400, "too_many_fields", say("That form has more than 500 fields, which no page of ours sends"))
    if isinstance(error, UnicodeError):
        return refusal(request, 400, "bad_text", say("The text sent is not valid UTF-8"))
    if isinstance(error, DataError):
        # The second net, under whatever a door looks up or keeps: PostgreSQL takes no NUL and no number out of its range.
        log.warning("database_refused_value", error=str(error), path=path_of(request))
        return refusal(request, 400, "bad_value", say("A value sent cannot be stored or looked up as it is; nothing was recorded"))
    return None


def unavailable(request: HttpRequest) -> HttpResponse:
    """The database is away: said so, with nothing on the page that would need it. Where it went away during or after a commit, nobody says that nothing was recorded."""
    if request.method in SAFE or not may_have_written():
        sentence = _(
            "The database does not answer, or cannot write; nothing was recorded. Try again in a moment; doctor says why, to an operator"
        )
    else:
        sentence = _(
            "The database went away while this was recorded: whether it is, shows when it is there again. Look before you send it again; "
            "with the same idempotency key nothing happens twice"
        )
    if request.path.startswith(PREFIX):
        return problem(request, 503, "database_unavailable", sentence, retry_after=2)
    if within_a_page(request):
        return within(request, 503, "database_unavailable", sentence)
    return HttpResponse(render_to_string("503.html", {"sentence": sentence}), status=503, headers={"Retry-After": "2"})


def within(request: HttpRequest, status: int, code: str, sentence: str) -> HttpResponse:
    """A sentence in the reader's language for a page that stays open (its script takes in no whole page), with nothing in it that needs the database."""
    answer: HttpResponse = JsonResponse({"status": status, "code": code, "detail": sentence}, status=status)
    if not wants_json(request):
        answer = HttpResponse(render_to_string("_problem.html", {"code": code, "sentence": sentence, "details": {}}), status=status)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = "2"
    return answer


def recover_connections() -> None:
    """Drop the dead connection, so that the next use gets a live one: of the pool's, those that were cut are not lent (config.database)."""
    connection.close()


def refusal(request: HttpRequest, status: int, code: str, sentence: str, **details: Any) -> HttpResponse:
    """One refusal, in the form its asker reads: JSON, a fragment for the open page, or a page."""
    if request.path.startswith(PREFIX):
        return problem(request, status, code, sentence, **details)
    # What the rooms say is English until here; the reader's language is told at the door (docs/adr/0020).
    sentence, details = told(sentence), {name: _told(value) for name, value in details.items()}
    context = {"status": status, "code": code, "sentence": sentence, "details": details}
    if wants_json(request):
        return JsonResponse({"status": status, "code": code, "detail": sentence, **_plain(details)}, status=status)
    template = "_problem.html" if within_a_page(request) else "problem.html"
    return render(request, template, context, status=status)


def _told(value: Any) -> Any:
    """A detail with its sentences told: text is a sentence if a room said it, and stays as it is if it is a name or a word."""
    if isinstance(value, dict):
        return {key: _told(item) for key, item in value.items()}
    return told(value) if isinstance(value, Sentence) else value


def _plain(details: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in details.items() if isinstance(value, str | int | dict | list)}
