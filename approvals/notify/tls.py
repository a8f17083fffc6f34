"""Whom we trust with https: the authorities of this system, read once in a process. Reading them takes thirty milliseconds of computing."""

import ssl
from functools import cache


@cache
def trusted() -> ssl.SSLContext:
    """Connections of several threads may share it. Authorities added later are known after a restart."""
    return ssl.create_default_context()
