"""The room that remembers: events, canonical bytes, traces. Imports no other room of ours.

`log` is the only writer of events, `traces` of spans; `queries` reads; `canonical` is the one canonical
JSON and the one digest that approvals, effects and the log share.
"""
