"""Where one set of embedded services lives: its home, its sockets, and the account it runs as.

Normally everything is below the data folder that was asked for. As root two things can stand in the way, and neither is
solved by opening anybody's folders: (1) a data folder the unprivileged account cannot reach (a checkout in /root) moves to
a private home in the system's state folder, found again by the hash of the path; (2) a socket path over the kernel's limit
of about 107 bytes moves to a short private folder in the temporary one. Imports `accounts` and `errors`.
"""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.services.accounts import Account, can_use, own_dir, unprivileged
from config.services.errors import ServiceError

SOCKET_LIMIT = 100  # of 104 (macOS) or 108 (Linux) bytes, counting the terminator
LONGEST_SOCKET = ".s.PGSQL.5432.lock"


@dataclass(frozen=True)
class Place:
    home: Path  # postgres/, credentials, lock files; always ours
    sockets: Path  # private to the account
    account: Account | None  # None: as ourselves

    @property
    def data(self) -> Path:
        return self.home / "postgres"


def settle(data_dir: Path) -> Place:
    """Decide where the services of `data_dir` live; the same answer every time, so that survivors are found again."""
    data_dir = data_dir.absolute()
    _make(data_dir)
    account = unprivileged(data_dir / "postgres")
    home = data_dir
    if account and not can_use(account, data_dir):
        home = _state_folder() / f"countersign-{_key(data_dir)}"
        _make(home)
        home.chmod(0o755)  # ours alone, made for this: the account must pass through it
        account = unprivileged(home / "postgres")
    return Place(home, _sockets(home, account), account)


def forget(data_dir: Path) -> None:
    """Remove what `settle` put outside the data folder (for `make reset`); the data folder is the caller's to remove."""
    shutil.rmtree(_short(data_dir.absolute()), ignore_errors=True)
    private = _state_folder() / f"countersign-{_key(data_dir.absolute())}"
    if os.geteuid() == 0 and private.is_dir():
        shutil.rmtree(_short(private), ignore_errors=True)
        shutil.rmtree(private)


def _sockets(home: Path, account: Account | None) -> Path:
    near = home / "sockets"
    if len(os.fsencode(near / LONGEST_SOCKET)) <= SOCKET_LIMIT:
        return own_dir(near, account)
    return own_dir(_short(home), account)


def _short(home: Path) -> Path:
    base = Path(tempfile.gettempdir())
    if len(os.fsencode(base)) > SOCKET_LIMIT // 2:
        base = Path("/tmp")  # noqa: S108  own_dir refuses a folder that somebody else prepared
    return base / f"countersign-{os.geteuid()}-{_key(home)}"


def _state_folder() -> Path:
    """/var/lib, or what the system has instead; the last resort does not survive a reboot on every system."""
    for name in ("/var/lib", "/var/db"):
        if os.access(name, os.W_OK):
            return Path(name)
    return Path(tempfile.gettempdir())


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (PermissionError, FileExistsError, NotADirectoryError, OSError) as error:
        raise ServiceError(f"Cannot make the folder {folder} ({error.strerror}): make its parent writable, or run as its owner.") from error


def _key(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
