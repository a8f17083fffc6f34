"""The refunds agent's look-ups: a ticket, an order, a customer's orders. They change nothing."""

from __future__ import annotations

import re
from typing import Any, LiteralString

from pydantic import BaseModel, ConfigDict, Field

from agents.tools.registry import RiskClass, ToolContext, tool
from refunds_agent.reading import read
from shop_store.db import Row, ShopConnection
from shop_store.effects import lookup

TICKET_ID = r"^T-[0-9]{4,9}$"
ORDER_ID = r"^A-[0-9]{5,9}$"
CUSTOMER_ID = r"^C-[0-9]{3,9}$"
DUPLICATE_WITHIN_DAYS = 14
DUPLICATE_LIKENESS = 0.6  # of the shorter text's words
MOST_ORDERS = 20
WORD = re.compile(r"\w+")


class Args(BaseModel):
    """What all arguments here have in common: nothing but the declared fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ReadTicketArgs(Args):
    ticket_id: str = Field(pattern=TICKET_ID, description="The ticket's number, like T-1001.")


class GetOrderArgs(Args):
    order_id: str = Field(pattern=ORDER_ID, description="The order's number, like A-10042.")


class FindOrdersArgs(Args):
    customer_id: str = Field(pattern=CUSTOMER_ID, description="The customer whose orders to list, like C-007.")


@tool(
    name="read_ticket",
    risk=RiskClass.READ,
    reversible=True,
    summary="Read support ticket {ticket_id}",
    idempotent=True,
    untrusted_output=True,
    timeout_s=10,
)
def read_ticket(args: ReadTicketArgs, ctx: ToolContext) -> dict[str, Any]:
    """The ticket, its customer, and the earlier open ticket that it seems to repeat."""
    with lookup() as connection:
        ticket = find_ticket(connection, args.ticket_id)
        if ticket is None:
            return {"found": False, "ticket_id": args.ticket_id}
        return {
            "found": True,
            "ticket_id": ticket["id"],
            "status": ticket["status"],
            "language": ticket["language"],
            "subject": ticket["subject"],
            "body": ticket["body"],
            "received_at": ticket["received_at"].isoformat(),
            "customer": {"id": ticket["customer_id"], "name": ticket["name"], "email": ticket["email"]},
            "possible_duplicate_of": _earlier_like(connection, ticket),
        }


@tool(
    name="get_order",
    risk=RiskClass.READ,
    reversible=True,
    summary="Look up order {order_id}",
    idempotent=True,
    timeout_s=10,
)
def get_order(args: GetOrderArgs, ctx: ToolContext) -> dict[str, Any]:
    """One order with its lines and what of it can still be refunded."""
    with lookup() as connection:
        rows = connection.execute(ORDERS + " WHERE o.id = %s", (args.order_id,)).fetchall()
        if not rows:
            return {"found": False, "order_id": args.order_id}
        return {"found": True, **_order(connection, rows[0])}


@tool(
    name="find_orders",
    risk=RiskClass.READ,
    reversible=True,
    summary="List the orders of customer {customer_id}",
    idempotent=True,
    timeout_s=10,
)
def find_orders(args: FindOrdersArgs, ctx: ToolContext) -> dict[str, Any]:
    """A customer's latest orders, newest first."""
    statement = ORDERS + " WHERE o.customer_id = %s ORDER BY o.placed_at DESC, o.id LIMIT %s"
    with lookup() as connection:
        rows = connection.execute(statement, (args.customer_id, MOST_ORDERS)).fetchall()
        return {"customer_id": args.customer_id, "orders": [_order(connection, row) for row in rows]}


def find_ticket(connection: ShopConnection, ticket_id: str) -> Row | None:
    """The ticket with its customer's name and address."""
    return connection.execute(
        "SELECT t.*, c.name, c.email FROM shop.tickets t JOIN shop.customers c ON c.id = t.customer_id WHERE t.id = %s",
        (ticket_id,),
    ).fetchone()


ORDERS: LiteralString = (
    "SELECT o.id, o.customer_id, o.status, o.currency, o.total_cents, o.placed_at,"
    " coalesce(p.refunded_cents, 0) AS refunded_cents,"
    " coalesce(p.amount_cents - p.refunded_cents, 0) AS refundable_cents"
    " FROM shop.orders o LEFT JOIN shop.payments p ON p.order_id = o.id"
)


def _order(connection: ShopConnection, row: Row) -> dict[str, Any]:
    lines = connection.execute(
        "SELECT sku, title, quantity, unit_cents, quantity * unit_cents AS line_cents"
        " FROM shop.order_items WHERE order_id = %s ORDER BY line",
        (row["id"],),
    ).fetchall()
    facts = {key: value for key, value in row.items() if key not in ("id", "placed_at")}
    return {"order_id": row["id"], "placed_at": row["placed_at"].isoformat(), **facts, "items": lines}


def _earlier_like(connection: ShopConnection, ticket: Row) -> str | None:
    """An earlier ticket of the same customer about the same orders in nearly the same words."""
    earlier = connection.execute(
        "SELECT id, subject, body FROM shop.tickets WHERE customer_id = %s AND received_at < %s"
        " AND received_at > %s - make_interval(days => %s) AND status <> 'closed' ORDER BY received_at LIMIT 20",
        (ticket["customer_id"], ticket["received_at"], ticket["received_at"], DUPLICATE_WITHIN_DAYS),
    ).fetchall()
    this = read(ticket["subject"], ticket["body"])
    for row in earlier:
        other = read(row["subject"], row["body"])
        words, other_words = set(WORD.findall(this.text)), set(WORD.findall(other.text))
        alike = len(words & other_words) >= DUPLICATE_LIKENESS * min(len(words), len(other_words))
        if alike and this.order_ids == other.order_ids and this.intent == other.intent:
            return str(row["id"])
    return None
