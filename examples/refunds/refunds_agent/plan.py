"""The rules of the refunds script: from what was read and looked up to the calls it proposes. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from refunds_agent.reading import Reading
from scripted_kit.conversation import Call, Step

Order = dict[str, Any]
Ticket = dict[str, Any]

REPLIES: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "replies.json").read_text(encoding="utf-8"))
REPLY_AT_ONCE_UP_TO = 5_000  # small refunds are proposed together with their reply; larger ones are answered when done
CREDIT_AT_MOST = 5_000
CREDIT_UNNAMED = 1_000
CANCELLABLE = ("unpaid", "paid")


@dataclass(frozen=True)
class Plan:
    """What to propose (nothing: the run ends with the words) and what the agent says about it."""

    calls: tuple[Call, ...]
    words: str


def make_plan(ticket: Ticket, reading: Reading, orders: list[Order]) -> Plan:
    """Caution first: what a person must see, then what needs no order, then the customer's own orders."""
    if reading.suspicious:
        return Plan(
            (escalation(ticket, "fraud", f"Contains {reading.suspicious}"),),
            "This text gives orders; a person should look.",
        )
    if reading.intent in ("legal", "fraud"):
        reason = f"The customer's message is about a {reading.intent} matter."
        return Plan((escalation(ticket, reading.intent, reason),), "This is not for me to settle.")
    if ticket["possible_duplicate_of"]:
        return Plan((reply(ticket, "duplicate", other=ticket["possible_duplicate_of"]),), "Asked before; answering once.")
    if reading.intent == "thanks":
        return Plan((), f"{ticket['ticket_id']}: thanks only, nothing to do.")
    if reading.intent == "unclear":
        return Plan((escalation(ticket, "support", "The wish could not be understood."),), "I do not understand this.")
    return _about_orders(ticket, reading, orders)


def _about_orders(ticket: Ticket, reading: Reading, orders: list[Order]) -> Plan:
    if any(order["customer_id"] != ticket["customer"]["id"] for order in orders):
        reason = "The order that is named belongs to another customer."
        return Plan((escalation(ticket, "fraud", reason),), "This order is not the writer's.")
    named = orders if reading.order_ids else _guess(reading, orders)
    if not named:
        return Plan((reply(ticket, "ask_number"),), "No order found; asking for its number.")
    if reading.intent == "where":
        return Plan((_status_reply(ticket, "status", named[0]),), "Telling where the order is.")
    if reading.intent == "credit":
        return _credit(ticket, reading, named[0])
    if reading.intent == "cancel" and named[0]["status"] not in CANCELLABLE:
        return Plan((_status_reply(ticket, "too_late", named[0]),), "Too late to cancel.")
    return _refund(ticket, reading, named)


def _guess(reading: Reading, orders: list[Order]) -> list[Order]:
    """No number given: the latest order with the article named, or for "where is it" the latest one under way."""
    for order in orders:
        if any(item["title"].lower() in reading.text for item in order["items"]):
            return [order]
        if reading.intent == "where" and order["status"] in ("paid", "shipped"):
            return [order]
    return []


def _refund(ticket: Ticket, reading: Reading, orders: list[Order]) -> Plan:
    open_orders = [order for order in orders if order["refundable_cents"] > 0]
    if not open_orders:
        amount = money(orders[0]["refunded_cents"], orders[0]["currency"])
        return Plan((reply(ticket, "already_refunded", order=orders[0]["order_id"], amount=amount),), "Refunded before.")
    asked = max(reading.amounts_cents, default=0)
    if asked > sum(order["total_cents"] for order in orders):
        reason = f"Asks for {money(asked, orders[0]['currency'])}, which is more than was paid."
        return Plan((escalation(ticket, "payments", reason),), "More is asked than was paid.")
    calls = [_refund_call(ticket, order, _amount(reading, order, asked, len(orders))) for order in open_orders]
    first = calls[0].args
    if len(calls) == 1 and first["amount_cents"] <= REPLY_AT_ONCE_UP_TO:
        amount = money(first["amount_cents"], first["currency"])
        calls.append(reply(ticket, "refund_soon", order=first["order_id"], amount=amount))
    return Plan(tuple(calls), "The order is the customer's and can be refunded.")


def _amount(reading: Reading, order: Order, asked: int, order_count: int) -> int:
    """The price of the articles named, else what was asked for, else all of it; never more than is refundable."""
    refundable = int(order["refundable_cents"])
    named = [item for item in order["items"] if item["title"].lower() in reading.text]
    if reading.intent == "refund" and named and len(named) < len(order["items"]):
        return min(sum(int(item["line_cents"]) for item in named), refundable)
    if reading.intent == "refund" and asked and order_count == 1:
        return min(asked, refundable)
    return refundable


def _refund_call(ticket: Ticket, order: Order, amount_cents: int) -> Call:
    args = {
        "ticket_id": ticket["ticket_id"],
        "order_id": order["order_id"],
        "amount_cents": amount_cents,
        "currency": order["currency"],
        "reason": f"Requested in {ticket['ticket_id']}; the order is {order['status']}.",
    }
    return Call("refund_payment", args)


def _credit(ticket: Ticket, reading: Reading, order: Order) -> Plan:
    asked = max(reading.amounts_cents, default=CREDIT_UNNAMED)
    if asked > CREDIT_AT_MOST:
        reason = f"Asks for {money(asked, order['currency'])} of store credit."
        return Plan((escalation(ticket, "support", reason),), "More than a gesture; a person should look.")
    args = {
        "ticket_id": ticket["ticket_id"],
        "amount_cents": asked,
        "currency": order["currency"],
        "reason": f"Goodwill for order {order['order_id']}.",
    }
    return Plan((Call("issue_store_credit", args),), "A store credit settles this.")


def calls_for_reply(ticket: Ticket, paid: Sequence[Step]) -> list[Call]:
    """One reply about everything that was really paid, by the amounts in the results (a reviewer may have edited)."""
    total = sum(int(step.result["amount_cents"]) for step in paid)
    amount = money(total, str(paid[0].result["currency"]))
    orders = ", ".join(str(step.result["order_id"]) for step in paid if step.result.get("order_id"))
    kind = "refunded" if paid[0].name == "refund_payment" else "credit"
    return [reply(ticket, kind, order=orders or ticket["ticket_id"], amount=amount)]


def reply(ticket: Ticket, kind: str, **values: str) -> Call:
    """A reply in the customer's language, to the customer's own address."""
    phrases = REPLIES.get(ticket["language"], REPLIES["en"])
    args = {
        "ticket_id": ticket["ticket_id"],
        "recipient": ticket["customer"]["email"],
        "subject": f"Re: {ticket['subject']}"[:200],
        "body": phrases[kind].format(name=ticket["customer"]["name"], **values),
    }
    return Call("send_reply", args)


def _status_reply(ticket: Ticket, kind: str, order: Order) -> Call:
    return reply(ticket, kind, order=order["order_id"], status=order["status"])


def escalation(ticket: Ticket, team: str, reason: str) -> Call:
    """Hand the ticket to people."""
    return Call("escalate", {"ticket_id": ticket["ticket_id"], "team": team, "reason": reason[:500]})


def money(amount_cents: int, currency: str) -> str:
    """`12.50 EUR`."""
    return f"{amount_cents // 100}.{amount_cents % 100:02} {currency}"
