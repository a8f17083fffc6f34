"""`python -m tests.slack --port 8400 --app http://127.0.0.1:8000`: a Slack on this machine, until Ctrl-C."""

import argparse
import signal
import threading

from tests.slack.server import SlackServer
from tests.slack.world import World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.slack", description=__doc__)
    parser.add_argument("--port", type=int, default=8400)
    parser.add_argument("--app", default="http://127.0.0.1:8000", help="where the product listens")
    parser.add_argument("--secret", default="a signing secret")
    chosen = parser.parse_args()
    server = SlackServer(World(signing_secret=chosen.secret), app=chosen.app, port=chosen.port)
    server.serve()
    print(f"The demo's Slack is at {server.url}/", flush=True)
    over = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: over.set())
    over.wait()
    server.close()


if __name__ == "__main__":
    main()
