"""A Slack of our own, for tests and demos: one program that speaks as much of Slack as the product uses.

`world` what there is (workspaces, people, channels, messages, views), `limits` the documented limits of blocks, `methods` the Web API,
`gestures` what people do (press, submit, type) as signed requests or Socket Mode envelopes, `faults` 429, 5xx, slow and lost answers,
`server` the ports, `page.*` a page that looks like the channel. `python -m tests.slack` starts it. Imports nothing of the product, so
that what the product sends is judged by somebody else's reading of Slack's documentation.
"""
