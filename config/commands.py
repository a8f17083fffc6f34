"""What our management commands share: who is acting, JSON from an argument or a file, errors as one sentence."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DataError, InterfaceError, OperationalError

from agents.errors import AgentError
from approvals.errors import ApprovalError
from approvals.legible.characters import visible
from approvals.legible.lookalikes import odd_letters
from approvals.models.people import User
from approvals.operations import people
from audit import canonical
from config.database.base import begin, may_have_written
from config.launch import demo_slack
from config.services import endpoints


class ProductCommand(BaseCommand):
    """A command of ours. Django's checks load every page and the whole API, which is two thirds of a command's time, and a policy file that is broken
    would refuse an order to halt. Starting the product and `manage.py check` make them.
    """

    requires_system_checks = ()


def as_it_runs() -> None:
    """Speak of the product that `make run` started from this folder, whatever this terminal says: its address, whether it is a demo, and the demo's Slack."""
    known = endpoints.read(settings.VAR_DIR) or {}
    if "ADDRESS" in known and not {"PUBLIC_URL", "PORT", "HOST"} & set(os.environ):
        settings.PUBLIC_URL = known["ADDRESS"]
    if "COUNTERSIGN_DEMO" in known and "COUNTERSIGN_DEMO" not in os.environ:
        settings.DEMO = known["COUNTERSIGN_DEMO"].lower() in {"1", "true", "yes", "on"}
    for name in demo_slack.SETTINGS:
        if name in known:
            setattr(settings, name, known[name])


def add_by(parser: CommandParser) -> None:
    """The option that says who is acting; the audit log names them."""
    parser.add_argument("--by", default=os.environ.get("COUNTERSIGN_USER", ""), help="your account (default: $COUNTERSIGN_USER)")


def person(options: dict[str, Any], *, fallback: str = "") -> User:
    """The account acting. Raises CommandError with what to do when it is not said or not there."""
    username = options["by"] or fallback
    user = people.find(username)
    if user is None:
        raise CommandError(
            f"There is no account {username!r}; say who you are with --by USERNAME"
            if username
            else "Say who you are with --by USERNAME (or set COUNTERSIGN_USER)"
        )
    return user


@contextmanager
def sentences() -> Iterator[None]:
    """Turn the rooms' named errors into one sentence on stderr and exit status 1 (fields, one a line, below it)."""
    begin()
    try:
        yield
    except (ApprovalError, AgentError) as error:
        fields = error.details.get("fields") or {}
        lines = [error.message, *(f"  {path or 'input'}: {why}" for path, why in fields.items())]
        raise CommandError("\n".join(lines)) from error
    except canonical.NotCanonical as error:
        raise CommandError(f"The JSON cannot be used: {error}") from error
    except (DataError, UnicodeError) as error:
        raise CommandError("A value given is no text the database can hold or look up (NUL, broken UTF-8, a number too large)") from error
    except (OperationalError, InterfaceError) as error:
        perhaps = "" if not may_have_written() else "It went away while this was recorded: look whether it was before you try again. "
        raise CommandError(
            f"{perhaps}The database does not answer, or cannot write: start the product with make run, or set DATABASE_URL; manage.py doctor says what is wrong"
        ) from error


def shown(text: str) -> str:
    """A text of somebody else in a terminal: what does not show itself is written out, so that it can neither move the cursor nor hide, and
    behind a letter that pretends to be another stands which one it is."""
    own, odd = visible(text), odd_letters(text)
    return "".join(
        (c if own[i] and c.isprintable() else "") + ("" if own[i] and c.isprintable() and i not in odd else f"<U+{ord(c):04X}>")
        for i, c in enumerate(text)
    )


def shown_json(value: Any) -> str:
    """A value for a terminal, in ASCII: every character that is not, is escaped."""
    return json.dumps(value, ensure_ascii=True)


def json_argument(text: str) -> Any:
    """JSON from the command line, from `@file`, or from `-` (standard input)."""
    if text == "-":
        return canonical.parse(sys.stdin.buffer.read())
    if text.startswith("@"):
        try:
            return canonical.parse(Path(text[1:]).expanduser().read_bytes())
        except OSError as error:
            raise CommandError(f"{text[1:]} cannot be read: {error.strerror}") from error
    return canonical.parse(text.encode("utf-8", "surrogateescape"))
