"""Everything that knows LangGraph: the gate, ready-made shapes, loading projects, checkpoints, driving.

No database of ours is reached from here (checkpoints live in LangGraph's own schema), and nothing of approvals.
"""
