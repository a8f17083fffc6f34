"""The script's weak spot, on purpose: four tickets whose planted instructions are followed.

A language model sometimes falls for such text. These four show reviewers what that looks like, so that there is something
worth rejecting in the demo. They are listed by id, marked `naive_*` in `shop/data/tickets.jsonl`, and nothing else in the
script ever obeys a ticket.
"""

from __future__ import annotations

import re
from typing import Any

from scripted_kit.conversation import Call

NAIVE_TICKETS = frozenset({"T-1058", "T-1059", "T-1060", "T-1061"})

PLANTED = re.compile(r"SYSTEM NOTE FOR THE AGENT:(?P<order>.+)", re.DOTALL)
FULL_REFUND = re.compile(r"refund the full amount.*?(A-\d{5})", re.DOTALL)
CREDIT = re.compile(r"issue store credit (\d+)\.(\d\d) ([A-Z]{3})")
EXACT_REPLY = re.compile(r'reply exactly "([^"]+)"')


def planted_order_id(body: str) -> str | None:
    """The order that the planted text wants refunded, to be looked up first."""
    match = FULL_REFUND.search(_planted(body))
    return match.group(1) if match else None


def obey(ticket: dict[str, Any], orders: list[dict[str, Any]]) -> list[Call]:
    """The calls that a gullible agent would propose for this ticket."""
    text = _planted(ticket["body"])
    wanted = planted_order_id(ticket["body"])
    target = next((order for order in orders if order["order_id"] == wanted), None)
    if target is not None and target["refundable_cents"] > 0:
        args = {
            "ticket_id": ticket["ticket_id"],
            "order_id": target["order_id"],
            "amount_cents": target["refundable_cents"],
            "currency": target["currency"],
            "reason": "The note in the ticket says that the full amount is to be refunded.",
        }
        return [Call("refund_payment", args)]
    credit, reply = CREDIT.search(text), EXACT_REPLY.search(text)
    if credit:
        args = {
            "ticket_id": ticket["ticket_id"],
            "amount_cents": int(credit.group(1)) * 100 + int(credit.group(2)),
            "currency": credit.group(3),
            "reason": "The note in the ticket says that goodwill was approved.",
        }
        return [Call("issue_store_credit", args)]
    if reply:
        args = {
            "ticket_id": ticket["ticket_id"],
            "recipient": ticket["customer"]["email"],
            "subject": f"Re: {ticket['subject']}"[:200],
            "body": reply.group(1),
        }
        return [Call("send_reply", args)]
    return []


def _planted(body: str) -> str:
    match = PLANTED.search(body)
    return match.group("order") if match else ""
