"""The embedded broker: a Valkey server on a private unix socket. It remembers nothing; PostgreSQL is the queue.

Imports `server` and `binaries`.
"""

import signal
import socket
from pathlib import Path
from urllib.parse import quote

from config.services.binaries import Binary, find_valkey, usable
from config.services.place import Place
from config.services.server import Server


class Broker(Server):
    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, place: Place, log: Path) -> None:
        super().__init__(place, log)
        self.socket = place.sockets / "valkey.sock"
        self._binary: Binary | None = None

    @property
    def url(self) -> str:
        """The address in kombu's form."""
        return f"redis+socket://{quote(str(self.socket), safe='/')}?virtual_host=0"

    def pid_file(self) -> Path:
        return self.place.sockets / "valkey.pid"

    def marker(self) -> str:
        return f"--unixsocket {self.socket} --unixsocketperm"

    def command(self) -> list[str]:
        assert self._binary is not None  # noqa: S101  prepare() came first
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "pidfile": str(self.pid_file()),
            "dir": str(self.place.sockets),
            "save": "",
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",  # a full broker refuses, and the sweeper goes on; it never drops silently
            "set-proc-title": "no",  # the command line stays as given: `marker` looks for it
            "loglevel": "warning",
        }
        return [str(self._binary.path), *(word for key, value in options.items() for word in (f"--{key}", value))]

    def prepare(self) -> None:
        if self._binary is None:
            self._binary = usable(find_valkey(), self.place.account, self.place.home / "programs")

    def answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(3)
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False
