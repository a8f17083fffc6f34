"""Secrets of others (tokens) as they lie in the database: encrypted and authenticated, by keys that can be changed without losing any.

The first key of `SLACK_TOKEN_KEYS` seals, all of them open; without the setting a key is derived from SECRET_KEY. To change keys: put a new
one in front, run `manage.py slack_check --reseal`, take the old one away.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

INFO = b"countersign/slack-tokens/v1"


class Unsealable(Exception):
    """None of the keys opens it: the settings lost a key. The sentence says what to do."""


def seal(secret: str) -> str:
    return _keys().encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str) -> str:
    """Raises Unsealable."""
    if not sealed:
        return ""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unsealable(
            "The stored token cannot be opened: SLACK_TOKEN_KEYS or SECRET_KEY changed; put the old key back, or install again"
        ) from error


def reseal(sealed: str) -> str:
    """The same secret under the first key. Raises Unsealable."""
    return seal(unseal(sealed))


def _keys() -> MultiFernet:
    given = [Fernet(key.encode()) for key in settings.SLACK_TOKEN_KEYS]
    return MultiFernet(given or [Fernet(_derived())])


def _derived() -> bytes:
    raw = HKDF(algorithm=SHA256(), length=32, salt=None, info=INFO).derive(settings.SECRET_KEY.encode())
    return base64.urlsafe_b64encode(raw)
