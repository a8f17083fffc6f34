"""One way to reach the shop's database, for every example agent and its tests."""

from __future__ import annotations

import os
from typing import Any

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]
ShopConnection = psycopg.Connection[Row]

STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 3_000


def shop_url() -> str:
    """Where the shop lives: the process environment first (a sandboxed tool has no Django), then the settings."""
    url = os.environ.get("SHOP_DATABASE_URL")
    if url:
        return url
    from django.conf import settings  # imported late: the store also works without Django

    return str(settings.SHOP_DATABASE_URL)


def connect(url: str | None = None) -> ShopConnection:
    """A fresh connection in autocommit, with timeouts, so that every transaction is one that was opened on purpose."""
    options = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=UTC"
    return psycopg.connect(
        url or shop_url(),
        autocommit=True,
        row_factory=dict_row,
        connect_timeout=5,
        options=options,
        application_name="countersign-shop",
        prepare_threshold=None,  # a transaction-mode pooler may stand between
    )
