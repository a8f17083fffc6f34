"""The demo agents' tools on a real PostgreSQL: one server, one seeded template, a copy of it per test."""

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
for _folder in ("scripted", "shop", "refunds", "janitor", "dba"):
    if str(EXAMPLES / _folder) not in sys.path:
        sys.path.insert(0, str(EXAMPLES / _folder))

from agents.tools.registry import Preview, Tool, ToolContext  # noqa: E402
from shop_store.db import ShopConnection, connect  # noqa: E402
from shop_store.seeding import seed_shop  # noqa: E402

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A PostgreSQL that may be filled with throw-away databases."""
    given = os.environ.get("DATABASE_URL", "").strip()
    if given:
        yield given
        return
    from config.services import embedded

    with embedded(durable=False) as services:
        yield services.database_url


@pytest.fixture(scope="session")
def shop_template(server_url: str) -> Iterator[str]:
    """A database with the seeded shop, never worked in."""
    name = f"shop_template_{os.getpid()}"
    _create(server_url, name)
    seed_shop(_url(server_url, name))
    yield name
    _drop(server_url, name)


@pytest.fixture
def shop(server_url: str, shop_template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ShopConnection]:
    """A fresh shop that the tools find by themselves, and a connection to look into it."""
    name = f"shop_{os.getpid()}_{next(_numbers)}"
    _create(server_url, name, template=shop_template)
    url = _url(server_url, name)
    monkeypatch.setenv("SHOP_DATABASE_URL", url)
    with connect(url) as connection:
        yield connection
    if "DATABASE_URL" in os.environ:  # an embedded server goes as a whole; dropping one by one takes longer than the tests
        _drop(server_url, name)


Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call() -> Call:
    """Validate arguments and call a tool, as the executor would; ToolError passes through."""

    def call_tool(tool: Tool, args: dict[str, Any], key: str = "key-1", **run_input: Any) -> dict[str, Any]:
        model, _ = tool.validate(args)
        return tool.call(model, ToolContext("action-1", "run-1", "test", key, run_input, "demo"))

    return call_tool


@pytest.fixture
def look() -> Callable[..., Preview]:
    """Preview a tool's call."""

    def preview(tool: Tool, args: dict[str, Any], **run_input: Any) -> Preview:
        model, _ = tool.validate(args)
        assert tool.preview is not None
        return tool.preview(model, ToolContext("action-1", "run-1", "test", "key-1", run_input, "demo"))

    return preview


def _url(server_url: str, name: str) -> str:
    return make_conninfo(**{**conninfo_to_dict(server_url), "dbname": name})


def _create(server_url: str, name: str, template: str = "template0") -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


def _drop(server_url: str, name: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
