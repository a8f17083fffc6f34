"""The tools of the refunds agent, in the order they are usually needed."""

from __future__ import annotations

from refunds_agent.lookups import find_orders, get_order, read_ticket
from refunds_agent.messages import escalate, send_reply
from refunds_agent.money import issue_store_credit, refund_payment

TOOLS = [read_ticket, get_order, find_orders, refund_payment, issue_store_credit, send_reply, escalate]
