"""A process that was forked speaks on connections of its own: two on one socket would be given each other's answers."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import count

import pytest

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
FORKS = """
import os, sys
from countersign import Client
from countersign._calls import Call

people = Client(sys.argv[1], "x")
for _ in range(2):
    people.call(Call("GET", "/me"))
child = os.fork()
people.call(Call("GET", "/me")) if not child else os.waitpid(child, 0)
if child:
    people.call(Call("GET", "/me"))
"""


@pytest.fixture
def server() -> Iterator[tuple[str, list[int]]]:
    """Its address, and of each request the number of its connection."""
    heard: list[int] = []

    def serve(connection: socket.socket, number: int) -> None:
        with connection:
            while connection.recv(65_536):
                heard.append(number)
                connection.sendall(ANSWER)

    def accept(listening: socket.socket) -> None:
        with suppress(OSError):
            for number in count():
                threading.Thread(target=serve, args=(listening.accept()[0], number), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, args=(listening,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard


def test_a_child_does_not_share_its_parents_connection(server):
    address, heard = server
    env = {**os.environ, "PYTHONPATH": "client"}
    subprocess.run([sys.executable, "-c", FORKS, address], check=True, timeout=60, env=env)
    assert heard == [0, 0, 1, 0]
