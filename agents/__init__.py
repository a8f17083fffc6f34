"""The room that knows graphs and tools. Imports `approvals` (through `open_action` and its kin) and `audit`.

Graphs propose by interrupt and never touch the database; `operations` drives them, claims approved actions,
runs tools and records effects. Doors (views, tasks, commands) call one operation each.
"""
