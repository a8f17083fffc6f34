"""`make bench`: what the loop costs, measured on the embedded default with the processes `make run` starts.

    stack       services, web, worker, beat in a data folder and on a port of their own; memory and CPU by role
    cast        one reviewer with a signed-in browser, the bench project registered
    client      that browser: pages and decisions over HTTP, hints over the WebSocket
    cycles      (a) (b) one governed run after the other, (c) several in flight
    floor       (d) the same graph on bare LangGraph, no product
    bulk, pages (e) 10,000 pending actions and 1,000,000 events, and the doors on top of them
    starting    (f) cold and warm start of `config.up`
    policy      (g) a policy of 500 rules: one evaluation, a back-test of 10,000 actions
    chat        (h) decisions in Slack: acknowledgement, and how much later than the page
    outside     (i) programs over REST, with 200 long polls held
    report      targets, the table, var/bench.json

Loopback and unix sockets only. `docs/benchmarks.md` says how to read the figures.
"""
