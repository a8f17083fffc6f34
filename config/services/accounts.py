"""Which account the servers run as. PostgreSQL refuses to run as root, so root hands them to an unprivileged one.

We only ever pick an account that exists: nothing is created, and no folder that we did not make is re-moded.
Imports only `errors`.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from config.services.errors import ServiceError

CANDIDATES = ("nobody", "daemon", "postgres", "www-data")


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int


class RunAs(TypedDict):
    """The arguments of `subprocess` that change the account; all None: stay who we are."""

    user: int | None
    group: int | None
    extra_groups: list[int] | None


def run_as(account: Account | None) -> RunAs:
    if account is None:
        return {"user": None, "group": None, "extra_groups": None}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def unprivileged(data: Path) -> Account | None:
    """None for an ordinary user, who runs the servers himself; for root the account to hand them to.

    Data that exists keeps its owner, so that a checkout first run by a user may later be run by root.
    """
    if os.geteuid() != 0:
        _need_entry()
        return None
    if data.is_dir() and data.stat().st_uid != 0:
        return _of(data.stat().st_uid)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise ServiceError(
        "PostgreSQL does not run as root and this system has no account named nobody: run as an ordinary user, or set DATABASE_URL."
    )


def can_use(account: Account, path: Path) -> bool:
    """Whether the account can reach and read `path`: asked of the kernel, since modes alone do not tell (ACLs, namespaces)."""
    test = ["/bin/sh", "-c", 'test -r "$1" && { ! test -d "$1" || test -x "$1"; }', "sh", str(path)]
    return subprocess.run(test, cwd="/", check=False, **run_as(account)).returncode == 0


def own_dir(path: Path, account: Account | None) -> Path:
    """Make `path` (or take our own, from an earlier start) private to the account; refuse one that somebody else made."""
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        found = path.lstat()
        mine = {os.geteuid(), account.uid if account else os.geteuid()}
        if path.is_symlink() or not path.is_dir() or (os.geteuid() != 0 and found.st_uid not in mine):
            raise ServiceError(f"{path} belongs to somebody else: remove it, or run as the account that made it.") from None
    if account:
        os.chown(path, account.uid, account.gid)
    path.chmod(0o700)
    return path


def _of(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise ServiceError(f"The data belongs to user id {uid}, which has no account here: chown it to an existing one.") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _need_entry() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise ServiceError(
            f"User id {os.geteuid()} has no account entry, which PostgreSQL needs: run as a named account, or set DATABASE_URL."
        ) from None
