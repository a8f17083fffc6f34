"""The refunds agent: reads one support ticket, looks the orders up, proposes refund, store credit, reply or escalation.

`reading` understands the text, `script` plans (the labelled stand-in for a language model), `naive` is the part of the
script that falls for tricks on purpose, `lookups`, `money` and `messages` are the tools, `graph` puts them together.
"""
