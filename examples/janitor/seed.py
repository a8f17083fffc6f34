"""Seeding hook of the janitor, called once by `manage.py seed_demo`: makes `var_dir/janitor-demo`."""

from __future__ import annotations

import sys
from pathlib import Path


def seed(database_url: str, var_dir: Path) -> None:
    """Make the demo directory; the shop's database is not needed."""
    here = str(Path(__file__).resolve().parent)
    if here not in sys.path:
        sys.path.insert(0, here)
    from janitor_agent.untidy import make_untidy

    make_untidy(Path(var_dir) / "janitor-demo")
