"""Creates the schema `shop` and fills it from `data/*.jsonl`. Running it again changes nothing that is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, LiteralString

from shop_store.db import Row, ShopConnection, connect

DATA = Path(__file__).resolve().parent.parent / "data"
SCHEMA = Path(__file__).resolve().parent / "schema.sql"
SEED_LOCK = 0x5348_4F50  # "SHOP": two seeders at once take turns


def read_jsonl(name: str) -> list[Row]:
    """One data file, one dict a line."""
    with (DATA / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def seed_shop(url: str | None = None) -> None:
    """Schema and data in one transaction; ages are counted back from today, so that the demo never looks stale."""
    with connect(url) as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (SEED_LOCK,))
        connection.execute(SCHEMA.read_bytes())
        row = connection.execute("SELECT EXISTS (SELECT FROM shop.customers) AS seeded").fetchone()
        if row is not None and row["seeded"]:
            return  # never resurrect what an approved action deleted
        _fill(connection)


def _fill(connection: ShopConnection) -> None:
    for file_name, statement, values in TABLES:
        with connection.cursor() as cursor:
            cursor.executemany(statement, [values(row) for row in read_jsonl(file_name)])
    _fill_order_lines(connection)


def _fill_order_lines(connection: ShopConnection) -> None:
    lines, payments = [], []
    for order in read_jsonl("orders.jsonl"):
        for number, item in enumerate(order["items"], start=1):
            lines.append({"order_id": order["id"], "line": number, **item})
        if order["status"] != "unpaid":
            payments.append({**order, "payment_id": order["id"].replace("A-", "P-")})
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO shop.order_items (order_id, line, sku, title, quantity, unit_cents)"
            " VALUES (%(order_id)s, %(line)s, %(sku)s, %(title)s, %(quantity)s, %(unit_cents)s)",
            lines,
        )
        cursor.executemany(
            "INSERT INTO shop.payments (id, order_id, method, currency, amount_cents, refunded_cents, captured_at)"
            " VALUES (%(payment_id)s, %(id)s, %(method)s, %(currency)s, %(total_cents)s, %(refunded_cents)s,"
            " now() - make_interval(days => %(days_ago)s))",
            payments,
        )


def _as_is(row: Row) -> dict[str, Any]:
    return row


def _flat_order(row: Row) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "items"}


TABLES: list[tuple[str, LiteralString, Callable[[Row], dict[str, Any]]]] = [
    (
        "customers.jsonl",
        "INSERT INTO shop.customers (id, name, email, language, country, is_active, newsletter, created_at)"
        " VALUES (%(id)s, %(name)s, %(email)s, %(language)s, %(country)s, %(is_active)s, %(newsletter)s,"
        " now() - make_interval(days => %(days_ago)s))",
        _as_is,
    ),
    (
        "products.jsonl",
        "INSERT INTO shop.products (sku, title, price_cents, stock, discontinued)"
        " VALUES (%(sku)s, %(title)s, %(price_cents)s, %(stock)s, %(discontinued)s)",
        _as_is,
    ),
    (
        "orders.jsonl",
        "INSERT INTO shop.orders (id, customer_id, status, currency, total_cents, placed_at)"
        " VALUES (%(id)s, %(customer_id)s, %(status)s, %(currency)s, %(total_cents)s,"
        " now() - make_interval(days => %(days_ago)s))",
        _flat_order,
    ),
    (
        "tickets.jsonl",
        "INSERT INTO shop.tickets (id, customer_id, language, subject, body, received_at)"
        " VALUES (%(id)s, %(customer_id)s, %(language)s, %(subject)s, %(body)s,"
        " now() - make_interval(hours => %(hours_ago)s))",
        _as_is,
    ),
    (
        "carts.jsonl",
        "INSERT INTO shop.carts (id, customer_id, items, updated_at)"
        " VALUES (%(id)s, %(customer_id)s, %(items)s, now() - make_interval(days => %(days_ago)s))",
        _as_is,
    ),
    (
        "coupons.jsonl",
        "INSERT INTO shop.coupons (code, percent, active, expires_at)"
        " VALUES (%(code)s, %(percent)s, %(active)s, now() + make_interval(days => %(expires_in_days)s))",
        _as_is,
    ),
    (
        "reviews.jsonl",
        "INSERT INTO shop.reviews (id, sku, customer_id, stars, body, is_spam)"
        " VALUES (%(id)s, %(sku)s, %(customer_id)s, %(stars)s, %(body)s, %(is_spam)s)",
        _as_is,
    ),
]
