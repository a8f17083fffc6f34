"""Seeding hook of the demo shop, called once by `manage.py seed_demo` before the other examples."""

from __future__ import annotations

import sys
from pathlib import Path


def seed(database_url: str, var_dir: Path) -> None:
    """Create and fill the schema `shop`; nothing is kept under `var_dir`."""
    here = str(Path(__file__).resolve().parent)
    if here not in sys.path:
        sys.path.insert(0, here)
    from shop_store.seeding import seed_shop

    seed_shop(database_url)
