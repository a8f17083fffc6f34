"""What is done between the services and the roles: the secret key, migrations, the demo; and the login links.

The commands are Django's own, run as children with the same environment as the roles. Imports `config.services` only.
"""

import hashlib
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from config.services.errors import ServiceError

# A change in any of these may need migrate or seed_demo to run again.
WATCHED = (
    "*/migrations/*.py",
    "config/demo.py",
    "*/apps.py",
    "*/management/commands/*.py",
    "examples/**/*",
    "approvals/policy/*",
    "requirements.lock",
)


def secret_key(var: Path) -> str:
    """SECRET_KEY from the environment, else the one in var/secret_key, made on the first start."""
    given = os.environ.get("SECRET_KEY", "").strip()
    if given:
        return given
    path = var / "secret_key"
    if not path.exists():
        half = path.with_name(f"secret_key.{os.getpid()}")
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(64))
        half.replace(path)
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ServiceError(
            f"{path} cannot be read ({error.strerror}): make it yours (chown), or remove it to sign everybody out."
        ) from error


def fingerprint(root: Path) -> str:
    """A hash of everything that decides whether the database must be brought up to date."""
    digest = hashlib.sha256()
    for pattern in WATCHED:
        for path in sorted(root.glob(pattern)):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def manage(root: Path, env: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=root,
        env={**env, "COUNTERSIGN_ROLE": "command"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(command: "subprocess.Popen[str]", what: str, log: Path) -> str:
    """Wait for a command; its whole output goes to `log`, its failure becomes one sentence."""
    out, err = command.communicate()
    with log.open("a", encoding="utf-8") as file:
        file.write(f"--- {what}\n{out}{err}")
    if command.returncode != 0:
        said = (err.strip().splitlines() or out.strip().splitlines() or ["no reason given"])[-1].strip()
        raise ServiceError(f"{what} failed ({said[:300]}): see {log}.")
    return out
