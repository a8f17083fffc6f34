"""The refunds agent's words to people: a reply to the customer, or a hand-over to a team."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from agents.tools.registry import Preview, RiskClass, ToolContext, ToolError, tool
from refunds_agent.lookups import TICKET_ID, Args, find_ticket
from shop_store.db import Row, ShopConnection
from shop_store.effects import effect, lookup

Team = Literal["support", "payments", "fraud", "legal"]


class ReplyArgs(Args):
    ticket_id: str = Field(pattern=TICKET_ID, description="The ticket to answer.")
    recipient: str = Field(min_length=3, max_length=320, description="The customer's mail address; no other is accepted.")
    subject: str = Field(min_length=1, max_length=200, description="The mail's subject, one line.")
    body: str = Field(min_length=1, max_length=5_000, description="The mail's text.")

    @field_validator("subject")
    @classmethod
    def one_line(cls, subject: str) -> str:
        """A line break in a subject would become a mail header."""
        if any(ord(character) < 32 or character in "\x7f\x85\u2028\u2029" for character in subject):
            raise ValueError("The subject has to be one line.")
        return subject


class EscalateArgs(Args):
    ticket_id: str = Field(pattern=TICKET_ID, description="The ticket to hand over.")
    team: Team = Field(description="Who should look at it.")
    reason: str = Field(min_length=1, max_length=500, description="What they should know.")


def preview_reply(args: ReplyArgs, ctx: ToolContext) -> Preview:
    """The whole mail, and what was sent on this ticket before."""
    with lookup() as connection:
        ticket = _ticket_for(connection, args)
        earlier = connection.execute(
            "SELECT subject, sent_at::text AS sent_at FROM shop.mailbox WHERE ticket_id = %s ORDER BY id",
            (args.ticket_id,),
        ).fetchall()
    return Preview(
        summary=f"Send a reply of {len(args.body)} characters to {ticket['name']}, {args.recipient}",
        facts={"recipients": 1},
        details={"to": args.recipient, "subject": args.subject, "body": args.body, "earlier_replies": earlier},
    )


@tool(
    name="send_reply",
    risk=RiskClass.MESSAGE,
    reversible=False,
    summary="Reply to {recipient} on ticket {ticket_id}",
    preview=preview_reply,
    idempotent=True,
    timeout_s=20,
)
def send_reply(args: ReplyArgs, ctx: ToolContext) -> dict[str, Any]:
    """Put the mail into the shop's mailbox, once, addressed to the ticket's customer and nobody else."""
    with effect() as connection:
        _ticket_for(connection, args)
        connection.execute(
            "INSERT INTO shop.mailbox (ticket_id, recipient, subject, body, idempotency_key)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (idempotency_key) DO NOTHING",
            (args.ticket_id, args.recipient, args.subject, args.body, ctx.idempotency_key),
        )
        sent = connection.execute(
            "SELECT id, ticket_id, recipient, body FROM shop.mailbox WHERE idempotency_key = %s", (ctx.idempotency_key,)
        ).fetchone()
        if sent is None or (sent["ticket_id"], sent["body"]) != (args.ticket_id, args.body):
            raise ToolError("key_reused", "This Idempotency-Key belongs to another mail.")
        _mark(connection, args.ticket_id, "answered")
        return {"mail_id": sent["id"], "ticket_id": sent["ticket_id"], "recipient": sent["recipient"]}


def withdraw(args: EscalateArgs, result: dict[str, Any], ctx: ToolContext) -> dict[str, Any]:
    """Note that the hand-over is withdrawn, and open the ticket again unless somebody has gone on with it."""
    key = ctx.action_id  # the call's own key: which hand-over
    with effect() as connection:
        found = connection.execute(
            "UPDATE shop.escalations SET withdrawn_at = coalesce(withdrawn_at, now()) WHERE idempotency_key = %s RETURNING id", (key,)
        ).fetchone()
        if found is None:
            raise ToolError("no_escalation", "There is no such hand-over; nothing was withdrawn.")
        connection.execute(
            "UPDATE shop.tickets t SET status = 'open' WHERE id = %s AND status = 'escalated'"
            " AND NOT EXISTS (SELECT 1 FROM shop.escalations e WHERE e.ticket_id = t.id AND e.withdrawn_at IS NULL)",
            (args.ticket_id,),
        )
        return {"ticket_id": args.ticket_id, "withdrawn": True}


@tool(
    name="escalate",
    risk=RiskClass.WRITE,
    reversible=True,
    compensate=withdraw,
    summary="Hand ticket {ticket_id} to the {team} team",
    idempotent=True,
    timeout_s=20,
)
def escalate(args: EscalateArgs, ctx: ToolContext) -> dict[str, Any]:
    """Note the hand-over and mark the ticket."""
    with effect() as connection:
        if find_ticket(connection, args.ticket_id) is None:
            raise ToolError("no_ticket", f"There is no ticket {args.ticket_id}.")
        connection.execute(
            "INSERT INTO shop.escalations (ticket_id, team, reason, idempotency_key)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT (idempotency_key) DO NOTHING",
            (args.ticket_id, args.team, args.reason, ctx.idempotency_key),
        )
        _mark(connection, args.ticket_id, "escalated")
        return {"ticket_id": args.ticket_id, "team": args.team}


def _ticket_for(connection: ShopConnection, args: ReplyArgs) -> Row:
    ticket = find_ticket(connection, args.ticket_id)
    if ticket is None:
        raise ToolError("no_ticket", f"There is no ticket {args.ticket_id}.")
    if args.recipient.casefold() != ticket["email"].casefold():
        raise ToolError("wrong_recipient", "A reply goes to the ticket's own customer only.")
    return ticket


def _mark(connection: ShopConnection, ticket_id: str, status: str) -> None:
    connection.execute("UPDATE shop.tickets SET status = %s WHERE id = %s AND status IN ('open', 'answered')", (status, ticket_id))
