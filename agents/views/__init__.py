"""Pages of the agents room: agents, runs, starting a run.

Belongs here: function views that translate in, call one operation or query, and translate out; `presenters` (values a template
shows) and `drawing` (pure). Imports `agents.operations` and `agents.queries`, never a model.
"""
