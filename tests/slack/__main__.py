"""`python -m tests.slack --port 8400 --app http://127.0.0.1:8000`: a Slack on this machine, until Ctrl-C."""

import argparse
import os
import signal
import threading

from tests.slack.server import SlackServer
from tests.slack.world import World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.slack", description=__doc__)
    parser.add_argument("--port", type=int, default=8400)
    parser.add_argument("--app", default="http://127.0.0.1:8000", help="where the product listens")
    chosen = parser.parse_args()
    secret = os.environ.get("SLACK_SIGNING_SECRET") or "a signing secret"  # not an argument: those are in every list of processes
    server = SlackServer(World(signing_secret=secret), app=chosen.app, port=chosen.port)
    second = server.world.team(
        "T0SECOND", "Second workspace", token="xoxe.xoxb-second", refresh_token="xoxe-second"
    )  # to be added by OAuth
    server.world.person("U0NINA", second.id, "nina")
    server.world.channel("C0SECOND", second.id, "second-workspace")
    server.serve()
    print(f"The demo's Slack is at {server.url}/", flush=True)
    over = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: over.set())
    over.wait()
    server.close()


if __name__ == "__main__":
    main()
