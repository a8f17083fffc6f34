"""The refunds agent's money: refund a payment, or issue store credit. The database holds the limits.

Each effect is one transaction keyed by the Idempotency-Key: sent again, it answers with what was done the first time.
"""

from __future__ import annotations

from typing import Any, LiteralString

from psycopg.errors import UniqueViolation
from pydantic import Field

from agents.tools.registry import Preview, RiskClass, ToolContext, ToolError, tool
from refunds_agent.lookups import ORDER_ID, TICKET_ID, Args, find_ticket
from shop_store.db import Row, ShopConnection
from shop_store.effects import effect, lookup, only_row

CURRENCY = r"^[A-Z]{3}$"
CREDIT_AT_MOST = 100_000

PAYMENT: LiteralString = (
    "SELECT p.*, o.customer_id, o.status FROM shop.payments p JOIN shop.orders o ON o.id = p.order_id WHERE p.order_id = %s"
)
LOCKED_PAYMENT: LiteralString = PAYMENT + " FOR UPDATE OF p"
BOOKED: dict[str, LiteralString] = {
    "refunds": "SELECT * FROM shop.refunds WHERE idempotency_key = %s",
    "store_credits": "SELECT * FROM shop.store_credits WHERE idempotency_key = %s",
}


class RefundArgs(Args):
    ticket_id: str = Field(pattern=TICKET_ID, description="The ticket that asks for the refund.")
    order_id: str = Field(pattern=ORDER_ID, description="The order to refund.")
    amount_cents: int = Field(gt=0, le=10_000_000, description="How much, in hundredths of the currency.")
    currency: str = Field(pattern=CURRENCY, description="The order's currency, like EUR.")
    reason: str = Field(min_length=1, max_length=500, description="Why, for the shop's books.")


class CreditArgs(Args):
    ticket_id: str = Field(pattern=TICKET_ID, description="The ticket; its customer receives the credit.")
    amount_cents: int = Field(gt=0, le=CREDIT_AT_MOST, description="How much, in hundredths of the currency.")
    currency: str = Field(pattern=CURRENCY, description="The currency, like EUR.")
    reason: str = Field(min_length=1, max_length=500, description="Why, for the shop's books.")


def preview_refund(args: RefundArgs, ctx: ToolContext) -> Preview:
    """The payment before and after, and what a reviewer should notice."""
    with lookup() as connection:
        payment = _payment(connection, args.order_id, lock=False)
        ticket = _ticket(connection, args.ticket_id)
    _check_refundable(payment, args)
    before, refunded = int(payment["refunded_cents"]), int(payment["refunded_cents"]) + args.amount_cents
    columns = ["order_id", "paid_cents", "refunded_cents", "refundable_cents"]
    paid = int(payment["amount_cents"])
    return Preview(
        summary=f"Refund {args.amount_cents / 100:.2f} {args.currency} of {paid / 100:.2f} paid for {args.order_id}",
        facts={"amount_cents": args.amount_cents, "currency": args.currency},
        details={
            "columns": columns,
            "before": [[args.order_id, paid, before, paid - before]],
            "after": [[args.order_id, paid, refunded, paid - refunded]],
            "customer": ticket["name"],
            "warnings": _warnings(payment, ticket),
        },
    )


def outcome_of_refund(args: RefundArgs, ctx: ToolContext) -> str:
    """Whether the refund of this key was booked."""
    with lookup() as connection:
        return "done" if _booked(connection, "refunds", ctx.idempotency_key) is not None else "not_done"


def declined(args: RefundArgs, ctx: ToolContext) -> dict[str, Any]:
    """For dry runs: what if the bank had declined it?"""
    raise ToolError("declined", f"The bank declined to refund order {args.order_id}.")


@tool(
    name="refund_payment",
    risk=RiskClass.MONEY,
    reversible=False,
    summary="Refund {amount_cents|money:currency} to order {order_id}",
    confirm="order_id",
    preview=preview_refund,
    idempotent=True,
    timeout_s=20,
    check_outcome=outcome_of_refund,
    contact="payments desk",
    what_if={"declined": declined},
)
def refund_payment(args: RefundArgs, ctx: ToolContext) -> dict[str, Any]:
    """Book the refund under the payment's row lock; refuses more than is left of the payment."""
    with effect() as connection:
        payment = _payment(connection, args.order_id, lock=True)  # a rival refund waits here, then sees our total
        earlier = _booked(connection, "refunds", ctx.idempotency_key)
        if earlier is not None:
            return _refund_result(_same_request(earlier, args.amount_cents, args.order_id, "order_id"), payment)
        _ticket(connection, args.ticket_id)
        _check_refundable(payment, args)
        payment = _one(
            connection,
            "UPDATE shop.payments SET refunded_cents = refunded_cents + %s WHERE id = %s RETURNING *",
            (args.amount_cents, payment["id"]),
        )
        try:
            refund = _one(
                connection,
                "INSERT INTO shop.refunds (payment_id, order_id, ticket_id, amount_cents, currency, reason,"
                " idempotency_key) VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING *",
                (payment["id"], args.order_id, args.ticket_id, args.amount_cents, args.currency, args.reason,
                 ctx.idempotency_key),
            )  # fmt: skip
        except UniqueViolation as error:  # the same key is being used for another order right now
            raise ToolError("key_reused", "This Idempotency-Key belongs to another refund.") from error
        return _refund_result(refund, payment)


def preview_credit(args: CreditArgs, ctx: ToolContext) -> Preview:
    """Who receives the credit, and what they have received so far."""
    with lookup() as connection:
        ticket = _ticket(connection, args.ticket_id)
        _check_not_credited(connection, args.ticket_id)
        earlier = connection.execute(
            "SELECT amount_cents, currency, reason, created_at::date::text AS day FROM shop.store_credits"
            " WHERE customer_id = %s AND voided_at IS NULL ORDER BY id DESC LIMIT 10",
            (ticket["customer_id"],),
        ).fetchall()
    return Preview(
        summary=f"Give {ticket['name']} {args.amount_cents / 100:.2f} {args.currency} of store credit",
        facts={"amount_cents": args.amount_cents, "currency": args.currency},
        details={"customer": ticket["name"], "customer_id": ticket["customer_id"], "earlier_credits": earlier},
    )


def void_credit(args: CreditArgs, result: dict[str, Any], ctx: ToolContext) -> dict[str, Any]:
    """Void the credit; voided again it stays as it is."""
    with effect() as connection:
        voided = connection.execute(
            "UPDATE shop.store_credits SET voided_at = coalesce(voided_at, now()) WHERE id = %s AND amount_cents = %s AND ticket_id = %s"
            " RETURNING id",
            (result.get("credit_id"), args.amount_cents, args.ticket_id),
        ).fetchone()
        if voided is None:
            raise ToolError("no_credit", "There is no such credit; nothing was voided.")
        return {"credit_id": voided["id"], "voided": True}


@tool(
    name="issue_store_credit",
    risk=RiskClass.MONEY,
    reversible=True,
    compensate=void_credit,
    contact="payments desk",
    summary="Issue {amount_cents|money:currency} of store credit for ticket {ticket_id}",
    confirm="ticket_id",
    preview=preview_credit,
    idempotent=True,
    timeout_s=20,
)
def issue_store_credit(args: CreditArgs, ctx: ToolContext) -> dict[str, Any]:
    """Credit the ticket's customer; nobody else can be named."""
    with effect() as connection:
        ticket = _ticket(connection, args.ticket_id)
        # A rival credit waits here, and so does a second attempt at this very one: what the first has booked is looked for after it.
        connection.execute("SELECT 1 FROM shop.tickets WHERE id = %s FOR UPDATE", (args.ticket_id,))
        if _booked(connection, "store_credits", ctx.idempotency_key) is None:
            _check_not_credited(connection, args.ticket_id)
        connection.execute(
            "INSERT INTO shop.store_credits (customer_id, ticket_id, amount_cents, currency, reason, idempotency_key)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (idempotency_key) DO NOTHING",
            (ticket["customer_id"], args.ticket_id, args.amount_cents, args.currency, args.reason, ctx.idempotency_key),
        )
        booked = _booked(connection, "store_credits", ctx.idempotency_key)
        credit = _same_request(only_row(booked), args.amount_cents, args.ticket_id, "ticket_id")
        keys = ("customer_id", "ticket_id", "amount_cents", "currency")
        return {"credit_id": credit["id"], **{key: credit[key] for key in keys}}


def _payment(connection: ShopConnection, order_id: str, *, lock: bool) -> Row:
    payment = connection.execute(LOCKED_PAYMENT if lock else PAYMENT, (order_id,)).fetchone()
    if payment is None:
        raise ToolError("no_payment", f"There is no payment for order {order_id}.")
    return payment


def _ticket(connection: ShopConnection, ticket_id: str) -> Row:
    ticket = find_ticket(connection, ticket_id)
    if ticket is None:
        raise ToolError("no_ticket", f"There is no ticket {ticket_id}.")
    return ticket


def _check_not_credited(connection: ShopConnection, ticket_id: str) -> None:
    found = connection.execute("SELECT id FROM shop.store_credits WHERE ticket_id = %s AND voided_at IS NULL", (ticket_id,)).fetchone()
    if found is not None:
        raise ToolError("credited", f"Ticket {ticket_id} has its store credit already (credit {found['id']}).")


def _check_refundable(payment: Row, args: RefundArgs) -> None:
    refundable = payment["amount_cents"] - payment["refunded_cents"]
    if args.currency != payment["currency"]:
        raise ToolError("wrong_currency", f"Order {args.order_id} was paid in {payment['currency']}.")
    if args.amount_cents > refundable:
        raise ToolError("over_refund", f"Only {refundable / 100:.2f} {args.currency} of order {args.order_id} can be refunded.")


def _warnings(payment: Row, ticket: Row) -> list[str]:
    warnings = []
    if payment["customer_id"] != ticket["customer_id"]:
        warnings.append("The order belongs to another customer than the ticket.")
    if payment["status"] in ("shipped", "delivered"):
        warnings.append(f"The order is {payment['status']}; no return is recorded.")
    if payment["refunded_cents"]:
        warnings.append("Part of this order was refunded before.")
    return warnings


def _booked(connection: ShopConnection, table: str, key: str) -> Row | None:
    return connection.execute(BOOKED[table], (key,)).fetchone()


def _same_request(booked: Row, amount_cents: int, subject: str, column: str) -> Row:
    if booked["amount_cents"] != amount_cents or booked[column] != subject:
        raise ToolError("key_reused", "This Idempotency-Key belongs to another request.")
    return booked


def _refund_result(refund: Row, payment: Row) -> dict[str, Any]:
    return {
        "refund_id": refund["id"],
        "order_id": refund["order_id"],
        "amount_cents": refund["amount_cents"],
        "currency": refund["currency"],
        "refundable_cents": payment["amount_cents"] - payment["refunded_cents"],
    }


def _one(connection: ShopConnection, statement: LiteralString, values: tuple[object, ...]) -> Row:
    return only_row(connection.execute(statement, values).fetchone())
