"""Slack: a door like the page, and copies of what the database says. Never a second way to decide.

`doors` the four signed addresses, `socket` the same over Socket Mode; both end in `handling`. `verifying` who sent it, `people` who that is
here. `pressing` buttons of a card, `buttons` which copy they count on, `approving` the one that decides at once, `reviewing` what is chosen and submitted in the modal, `besides` what of it decides nothing, `editing` other arguments, `mistakes` what is said of ours, `views` its fields, `desk` and `home` one's own
tab, `halting` and `releasing`, `linking`, `threads`, `oauth` the way of installing. `showing` what may be shown and decided, `cards`, `modals`, `noting`, `blocks`, `text` draw it. `sending` posts and updates, `keeping` looks whether it still stands so,
`later` is for what has to come after the acknowledgement, `client` is the only one that calls Slack, `manifest` describes the app.

Imports operations, queries and the pure parts of `web`. What belongs to the agents' room (a tool's schema, waking its workers) is plugged
in by that room: see `rooms`.
"""
