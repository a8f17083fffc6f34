"""How values that nobody vouches for are drawn: pure functions from JSON and text to what a page shows, no Django, no HTML, no clock.

reveal      a text as segments: what shows itself, what must be named, what is folded
arguments   arguments as lines, and which parts of them a person has to open
changes     what differs between two versions of them; linediff by lines (linematch: which are the same), highlight in colour (`sqltext`: SQL, where dialects agree)
preview     what a tool found out about a call

Beneath the operations, because what is folded is not only drawn: who approves something risky has opened it (`operations.viewing`).
Imports `approvals.legible`; imported by operations, queries and pages.
"""
