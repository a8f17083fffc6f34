"""Both services as one thing: for tests and the bench a context manager, for the launcher the same pieces by hand.

`DATABASE_URL` and `REDIS_URL` win: for a part that is given, nothing is started.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.services.broker import Broker
from config.services.locks import FileLock
from config.services.place import forget, settle
from config.services.postgres import Postgres
from config.services.server import Server

THROWAWAY = "countersign-tmp-"


@dataclass(frozen=True)
class Services:
    """The two addresses, and the servers behind them when they are ours (None: they were given by the environment)."""

    database_url: str
    redis_url: str
    postgres: Postgres | None
    broker: Broker | None

    @property
    def servers(self) -> list[Server]:
        return [server for server in (self.postgres, self.broker) if server is not None]

    def stop(self) -> None:
        for server in self.servers:
            server.stop()


def start(data_dir: Path, *, logs: Path | None = None, durable: bool = True) -> Services:
    """Start (or adopt) whatever the environment does not give; when this returns, both answer."""
    database_url, redis_url = os.environ.get("DATABASE_URL", "").strip(), os.environ.get("REDIS_URL", "").strip()
    if database_url and redis_url:
        return Services(database_url, redis_url, None, None)
    place = settle(data_dir)
    logs = logs or place.home / "log"
    postgres = None if database_url else Postgres(place, logs / "postgres.log", durable=durable)
    broker = None if redis_url else Broker(place, logs / "valkey.log")
    try:
        for server in (broker, postgres):
            if server is not None:
                server.ensure()
    except BaseException:
        for server in (broker, postgres):
            if server is not None:
                server.stop()
        raise
    return Services(database_url or (postgres.url if postgres else ""), redis_url or (broker.url if broker else ""), postgres, broker)


@contextlib.contextmanager
def embedded(data_dir: Path | None = None, *, durable: bool = True) -> Iterator[Services]:
    """Services for the length of a `with` block.

    Args:
        data_dir: kept, and used again by the next call. None: a folder of our own in the temporary one, removed at the end.
            Tests want None: as root, pytest's `tmp_path` cannot be reached by the account PostgreSQL runs as, and the data
            would go to a private home below the system's state folder (see `place`), which only `place.forget` removes.
        durable: False turns fsync off, for tests that do not cut the power.
    """
    with contextlib.ExitStack() as stack:
        if data_dir is None:
            data_dir = stack.enter_context(_throwaway())
        services = start(data_dir, durable=durable)
        stack.callback(services.stop)
        yield services


@contextlib.contextmanager
def _throwaway() -> Iterator[Path]:
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=THROWAWAY))
    folder.chmod(0o755)
    lock = FileLock(folder / "in-use")
    lock.take()
    try:
        yield folder
    finally:
        forget(folder)
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _remove_abandoned() -> None:
    """Folders of test runs that were killed: ours, and nobody holds their lock any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{THROWAWAY}*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid != os.geteuid() or not (folder / "in-use").exists():
                continue
            lock = FileLock(folder / "in-use")
            if lock.take():
                forget(folder)
                shutil.rmtree(folder, ignore_errors=True)
                lock.release()
