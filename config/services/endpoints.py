"""`var/run/services.json`: how `manage.py ...` in another terminal finds the stack that `make run` started.

`config.env` reads the two addresses from it. Imports nothing of ours.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path


def path(var: Path) -> Path:
    return var / "run" / "services.json"


def write(var: Path, *, database_url: str, redis_url: str, address: str, more: Mapping[str, str] | None = None) -> None:
    """Write the addresses, passwords included, for the owner's eyes only; whole or not at all. `more`: settings made for this start."""
    target = path(var)
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f"{target.name}.{os.getpid()}")
    known = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "ADDRESS": address, "PID": str(os.getpid()), **(more or {})}
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(known, file, indent=1)
    half.replace(target)


def read(var: Path) -> dict[str, str] | None:
    """The running stack's addresses, or None when there is none; a file left by a killed one counts as none."""
    try:
        known = {str(key): str(value) for key, value in json.loads(path(var).read_text(encoding="utf-8")).items()}
        os.kill(int(known["PID"]), 0)
    except PermissionError:
        return known  # alive, somebody else's
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return known


def clear(var: Path) -> None:
    path(var).unlink(missing_ok=True)
