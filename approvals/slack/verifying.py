"""Whether a request is Slack's own, and what is kept of it as proof. Every doubt is a refusal, whatever the verifier makes of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from slack_sdk.signature import SignatureVerifier

from approvals.operations import slack_heard


class NotFromSlack(Exception):
    """Refuse it: 401, whatever is wrong with it."""


@dataclass(frozen=True)
class Click:
    """Proof that something came from Slack.

    Attributes:
        body_sha256: of the bytes as they came.
        signature: of the request, "" over Socket Mode, where the connection is the proof and `envelope` names the delivery.
    """

    body_sha256: str
    received_at: str
    via: str
    signature: str = ""
    envelope: str = ""

    def said(self, **more: str) -> dict[str, str]:
        """For the log, with whose hand it was."""
        return {**{name: value for name, value in vars(self).items() if value}, **more}


def verified(request: HttpRequest) -> tuple[bytes, Click]:
    """The body and its proof. Raises NotFromSlack; also for a signature that was seen already."""
    body, stamp, signature = _parts(request)
    if not settings.SLACK_SIGNING_SECRET or not _holds(body, stamp, signature):
        raise NotFromSlack
    if not slack_heard.signature(signature):
        raise NotFromSlack
    return body, Click(hashlib.sha256(body).hexdigest(), now(), "http", signature)


def over_socket(payload: bytes, envelope: str) -> Click:
    return Click(hashlib.sha256(payload).hexdigest(), now(), "socket", envelope=envelope[:100])


def now() -> str:
    return datetime.now(UTC).isoformat()


def _parts(request: HttpRequest) -> tuple[bytes, str, str]:
    try:
        body = request.body
    except (RequestDataTooBig, UnreadablePostError) as error:
        raise NotFromSlack from error
    headers: Mapping[str, str] = request.headers
    return body, headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")


def _holds(body: bytes, stamp: str, signature: str) -> bool:
    """The SDK's verifier raises on a time that is no number, a body that is no UTF-8, a signature that is no ASCII: all of it is "no"."""
    try:
        return SignatureVerifier(settings.SLACK_SIGNING_SECRET).is_valid(body, stamp, signature)
    except Exception:
        return False
