"""The room that knows people and decisions, and nothing of LangGraph. Imports `audit` only.

`operations` is the only writer, `queries` the only reader; doors (web, live, commands, tasks) translate in,
call one operation, translate out. An agent's run and an outside program use the same `operations.open_action`.
"""
