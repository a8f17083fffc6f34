"""The demo agents' tools on a real PostgreSQL: one server, one database, the shop made anew for each test."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
for _folder in ("scripted", "shop", "refunds", "janitor", "dba"):
    if str(EXAMPLES / _folder) not in sys.path:
        sys.path.insert(0, str(EXAMPLES / _folder))

from agents.tools.registry import Preview, Tool, ToolContext
from shop_store.db import ShopConnection, connect
from shop_store.seeding import SCHEMA, seed_shop
from tests.databases import Shared

SEEDED = ("customers", "products", "orders", "order_items", "payments", "tickets", "carts", "coupons", "reviews")


@pytest.fixture(scope="session")
def server_url(shared: Shared) -> str:
    """A PostgreSQL that may be filled with throw-away databases."""
    return shared.database_url


@pytest.fixture(scope="session")
def shop_url(server_url: str) -> Iterator[str]:
    """A database of our own, with the seeded shop kept aside in a second schema."""
    name = f"shop_{os.getpid()}"
    url = make_conninfo(server_url, dbname=name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        seed_shop(url)
        with connect(url) as inside:
            inside.execute("ALTER SCHEMA shop RENAME TO seeded")
        yield url
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def shop(shop_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ShopConnection]:
    """A fresh shop that the tools find by themselves, and a connection to look into it."""
    monkeypatch.setenv("SHOP_DATABASE_URL", shop_url)
    with connect(shop_url) as connection:
        with connection.transaction():
            connection.execute("DROP SCHEMA IF EXISTS shop CASCADE")
            connection.execute(SCHEMA.read_bytes())
            for table in SEEDED:
                names = {"to": sql.Identifier("shop", table), "from_": sql.Identifier("seeded", table)}
                connection.execute(sql.SQL("INSERT INTO {to} SELECT * FROM {from_}").format(**names))
        yield connection


Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call() -> Call:
    """Validate arguments and call a tool, as the executor would; ToolError passes through."""

    def call_tool(tool: Tool, args: dict[str, Any], key: str = "key-1", **run_input: Any) -> dict[str, Any]:
        model, _ = tool.validate(args)
        return tool.call(model, ToolContext("action-1", "run-1", "test", key, run_input, "demo"))

    return call_tool


@pytest.fixture
def reverse() -> Call:
    """Reverse a call that gave this result, as the executor would: under a key of its own."""

    def reverse_call(tool: Tool, args: dict[str, Any], result: dict[str, Any], key: str = "key-1", **run_input: Any) -> dict[str, Any]:
        model, _ = tool.validate(args)
        assert tool.compensate is not None
        return tool.compensate(model, result, ToolContext(key, "run-1", "test", f"compensate-{key}", run_input, "demo"))

    return reverse_call


@pytest.fixture
def look() -> Callable[..., Preview]:
    """Preview a tool's call."""

    def preview(tool: Tool, args: dict[str, Any], **run_input: Any) -> Preview:
        model, _ = tool.validate(args)
        assert tool.preview is not None
        return tool.preview(model, ToolContext("action-1", "run-1", "test", "key-1", run_input, "demo"))

    return preview
