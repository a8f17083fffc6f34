"""The door for programs: `/api/v1`, described by its own OpenAPI document (docs/api.md, docs/adr/0033).

Belongs here: translating a request into one call of an operation or a query of the rooms, and what came of it into JSON. Nothing is decided
here and no table is touched. Stands beside `views`, above `operations`.

auth      whose request it is, and what its key may do at most; `limits` of how often
problems  every refusal as RFC 9457 problem details
shapes    what goes in and out; `pages` of lists
actions, deciding, runs, agents_, governing, watching, trials, records   the operations; `door` puts them together
"""
