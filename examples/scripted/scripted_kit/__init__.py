"""What the examples' scripted planners share: reading a conversation back and saying the next thing.

A scripted planner stands in for a language model so that the demo needs no key and no network. It is a pure function of
the conversation, so a run that is replayed or recovered says the same thing again.
"""
