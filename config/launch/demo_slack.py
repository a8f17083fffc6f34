"""`SLACK=demo`: a Slack of our own beside the product, so that anyone can try the whole flow with no workspace.

It is the program of `tests/slack`, kept by the same supervisor: a role like the others, on this machine only, with a signing secret made for
this start. What it knows it forgets when it ends; `manage.py slack_demo` installs the app in it anew, and takes it away (`--end`) at the
first start without it, so that nothing meant for it is ever sent to the real Slack. Imports `checks`, `process` and `config.services`.
"""

import http.client
import secrets
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from config.launch.checks import Options
from config.launch.process import Role
from config.services.errors import ServiceError

NAME = "chat"
READY_S = 30.0
# What `tests.slack.world` calls its workspace's token and its app.
SETTINGS = (
    "SLACK_API_URL", "SLACK_AUTHORIZE_URL", "SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_CHANNEL", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET",
)  # fmt: skip
TOKEN, APP_TOKEN, CHANNEL, CLIENT = "xoxb-home", "xapp-demo", "C0AI", ("111.222", "client secret")


def environment(chosen: Options) -> dict[str, str]:
    """What every role is told; a real Slack's settings give way to it."""
    return {
        "SLACK_API_URL": f"{chosen.slack_url}/api/",
        "SLACK_AUTHORIZE_URL": f"{chosen.slack_url}/oauth/v2/authorize",
        "SLACK_SIGNING_SECRET": secrets.token_urlsafe(24),
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN if chosen.slack_socket else "",
        "SLACK_CHANNEL": CHANNEL,
        "SLACK_CLIENT_ID": CLIENT[0],
        "SLACK_CLIENT_SECRET": CLIENT[1],
    }


def told(env: Mapping[str, str]) -> dict[str, str]:
    """What a command in another terminal has to know to speak of this Slack."""
    return {name: env[name] for name in SETTINGS}


def role(chosen: Options, root: Path, env: Mapping[str, str]) -> Role:
    if not (root / "tests" / "slack" / "__main__.py").exists():
        raise ServiceError("SLACK=demo needs the folder tests/slack, which only a checkout has: use one, or connect a real workspace.")
    command = [sys.executable, "-m", "tests.slack", "--port", str(chosen.slack_port), "--app", chosen.address]
    return Role(NAME, command, log=chosen.var / "log" / f"{NAME}.log", cwd=root, env=env, grace=3.0)


def wait_ready(chosen: Options, chat: Role) -> None:
    """Until its page answers. Raises ServiceError."""
    deadline = time.monotonic() + READY_S
    while not _answers(chosen):
        chat.look()
        if time.monotonic() > deadline:
            raise ServiceError(f"The demo's Slack does not start ({' / '.join(chat.tail.last(1))}): see {chat.tail.path}.")
        time.sleep(0.05)


def _answers(chosen: Options) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", chosen.slack_port, timeout=2)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    return False


def marker(chosen: Options) -> Path:
    """Is there when the database may know the demo's workspace."""
    return chosen.var / "run" / "slack-demo"
