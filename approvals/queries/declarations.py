"""Since when a tool is declared otherwise than a standing approval was given for. What tools are is the agents' room's to say: it plugs in."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

Bound = tuple[str, str, str, str]  # agent, tool, and the fingerprints of its schema and of all it was declared to be


def _unknown(bounds: Collection[Bound]) -> Mapping[Bound, datetime]:
    return {}


_since: Callable[[Collection[Bound]], Mapping[Bound, datetime]] = _unknown


def plug_in(since: Callable[[Collection[Bound]], Mapping[Bound, datetime]]) -> None:
    global _since
    _since = since


def declared_otherwise(bounds: Collection[Bound]) -> Mapping[Bound, datetime]:
    """Those of these that let nothing through any more, with since when; the others are left out."""
    return _since(bounds) if bounds else {}
