"""Socket Mode: the same deliveries over a connection that this side opens. The connection is the proof; everything else is the same."""

import json
import threading
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from approvals.slack import client
from approvals.slack.handling import Malformed, answered, shaped
from approvals.slack.quick import Busy, counted
from approvals.slack.verifying import over_socket

log = structlog.get_logger("approvals.slack")


class Unreachable(Exception):
    """There is no connection to be had."""


def connect() -> SocketModeClient:
    """An open connection that dials again by itself. Raises Unreachable."""
    found = SocketModeClient(app_token=settings.SLACK_APP_TOKEN, web_client=client.bare(), concurrency=4, ping_interval=5)
    found.socket_mode_request_listeners.append(_heard)
    try:
        found.connect()
    except (OSError, SlackClientError) as error:
        raise Unreachable(str(error)) from error
    return found


def serve(over: threading.Event) -> None:
    """Until told to stop; ends as well when the connection cannot be had again, for the supervisor to start it anew."""
    found = connect()
    log.info("slack_socket_open")
    missed = 0
    while not over.wait(5) and missed < 12:
        missed = 0 if found.is_connected() else missed + 1
    found.close()


def _heard(connection: BaseSocketModeClient, request: SocketModeRequest) -> None:
    """One envelope: done (or stored), then acknowledged with its answer. Not acknowledged when the database is away, or busy, or an event could
    not be heard: Slack sends it again, or says that it did not work."""
    try:
        with counted():
            answer = _answer(request)
    except Busy:
        log.info("slack_socket_busy")
    except DatabaseError:
        log.exception("slack_socket_database")
    except Malformed:
        log.warning("slack_socket_malformed")
        _acknowledge(connection, request, {})
    except Exception:
        log.exception("slack_socket_failed")
    else:
        _acknowledge(connection, request, answer)
    finally:
        connections.close_all()  # the SDK's threads come and go


def _acknowledge(connection: BaseSocketModeClient, request: SocketModeRequest, answer: dict[str, Any]) -> None:
    connection.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=answer or None))


def _answer(request: SocketModeRequest) -> dict[str, Any]:
    payload: dict[str, Any] = dict(request.payload or {})
    kind = "command" if request.type == "slash_commands" else str(payload.get("type", ""))
    click = over_socket(json.dumps(payload, sort_keys=True).encode("utf-8", "surrogatepass"), request.envelope_id)
    return dict(answered(kind, shaped(payload), click))
