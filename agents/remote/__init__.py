"""LangGraph Agent Servers: the only home of `langgraph_sdk`, their own client.

calling   one server over HTTP: what can be asked of it and told to it, every failure a `ServerTrouble`
reading   what it answered, as values: threads, the questions they ask, what came of a call

Knows no tables. Imports `agents.dialects`, `agents.graphs.driver` (what a question is) and `agents.errors`.
"""
