"""The scripted planner of the refunds agent: the labelled stand-in for a language model.

It reads the ticket, looks the orders up, decides by rules (`plan`), and reacts to what became of its proposals
(`follow_up`). It is bounded by what it looks up, not by what the ticket claims: money only for the customer's own orders,
never more than is refundable, mail only to the ticket's customer; text that speaks to the machine goes to a person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from refunds_agent.naive import NAIVE_TICKETS, obey, planted_order_id
from refunds_agent.plan import Plan, calls_for_reply, escalation, make_plan, money
from refunds_agent.reading import Reading, read
from scripted_kit.conversation import Call, Step, finish, propose, steps, task_text

TICKET_ID = re.compile(r"\bT-\d{4,9}\b")
LOOKUPS = ("read_ticket", "get_order", "find_orders")
MONEY_TOOLS = ("refund_payment", "issue_store_credit")
NEEDS_ORDERS = ("credit", "cancel", "refund", "where")
MOST_ORDERS = 3


def script(messages: list[BaseMessage]) -> AIMessage:
    """The next thing to say, from the conversation alone."""
    taken = steps(messages)
    if not taken:
        ticket_id = TICKET_ID.search(task_text(messages))
        if ticket_id is None:
            return finish("There is no ticket number in the task.")
        return propose(messages, [Call("read_ticket", {"ticket_id": ticket_id.group(0)})], "Reading the ticket.")
    ticket = taken[0].result
    if not taken[0].done or not ticket.get("found"):
        return finish(f"The ticket could not be read: {taken[0].reason or 'there is no such ticket'}.")
    if ticket["status"] != "open":
        return finish(f"Ticket {ticket['ticket_id']} is {ticket['status']}; there is nothing to do.")
    reading = read(ticket["subject"], ticket["body"])
    if len(taken) == 1:
        wanted = lookups(ticket, reading)
        if wanted:
            return propose(messages, wanted, "Looking the orders up.")
    acted = [step for step in taken if step.name not in LOOKUPS]
    if acted:
        return follow_up(messages, ticket, acted)
    return act(messages, ticket, reading, _orders(taken))


def lookups(ticket: dict[str, Any], reading: Reading) -> list[Call]:
    """What has to be known before anything is decided."""
    if ticket["ticket_id"] in NAIVE_TICKETS:
        order_id = planted_order_id(ticket["body"])
        return [Call("get_order", {"order_id": order_id})] if order_id else []
    if reading.suspicious or reading.intent not in NEEDS_ORDERS or ticket["possible_duplicate_of"]:
        return []
    if reading.order_ids:
        return [Call("get_order", {"order_id": order_id}) for order_id in reading.order_ids[:MOST_ORDERS]]
    return [Call("find_orders", {"customer_id": ticket["customer"]["id"]})]


def act(messages: Sequence[BaseMessage], ticket: dict[str, Any], reading: Reading, orders: list[dict[str, Any]]) -> AIMessage:
    """The first proposals for this ticket."""
    if ticket["ticket_id"] in NAIVE_TICKETS:
        obeyed = obey(ticket, orders)
        if obeyed:
            return propose(messages, obeyed, "The ticket carries a note with instructions; following it.")
    plan: Plan = make_plan(ticket, reading, orders)
    if not plan.calls:
        return finish(plan.words)
    return propose(messages, plan.calls, plan.words)


def follow_up(messages: Sequence[BaseMessage], ticket: dict[str, Any], acted: list[Step]) -> AIMessage:
    """After the first proposals: answer the customer, or hand over what was not agreed to. Never the same again."""
    last = [step for step in acted if step.round == acted[-1].round]
    refused = [step for step in acted if step.name in MONEY_TOOLS and not step.done]
    if refused and not any(step.name == "escalate" for step in acted):
        if any(step.status in ("unknown", "cancelled") for step in refused):
            return finish(f"{ticket['ticket_id']}: stopped, because a payment's outcome is {refused[0].status}.")
        why = refused[0].reason or f"the payment was {refused[0].status}"
        told = " The customer was told that it is being processed." if _told(acted) else ""
        calls = [escalation(ticket, "payments", f"A proposed payment was {refused[0].status}: {why}{told}")]
        return propose(messages, calls, "The payment was not agreed to; handing the ticket over.")
    paid = [step for step in last if step.name in MONEY_TOOLS and step.done]
    if paid and not refused and not any(step.name == "send_reply" for step in acted):
        return propose(messages, calls_for_reply(ticket, paid), "Telling the customer what was done.")
    told = ", ".join(f"{step.name} {step.status}{_amount(step)}" for step in acted)
    return finish(f"{ticket['ticket_id']}: {told}.")


def _told(acted: list[Step]) -> bool:
    return any(step.name == "send_reply" and step.done for step in acted)


def _amount(step: Step) -> str:
    if step.name not in MONEY_TOOLS or not step.done:
        return ""
    return f" ({money(int(step.result['amount_cents']), str(step.result['currency']))})"


def _orders(taken: list[Step]) -> list[dict[str, Any]]:
    orders: list[dict[str, Any]] = []
    for step in taken:
        if step.done and step.name == "get_order" and step.result.get("found"):
            orders.append(step.result)
        if step.done and step.name == "find_orders":
            orders.extend(step.result.get("orders", []))
    return orders
