"""The key this installation signs its pushes with (VAPID): from the setting, else made once under `var/`."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

CURVE = ec.SECP256R1()


def new_key() -> str:
    """A private key, as the setting VAPID_PRIVATE_KEY holds it: 32 bytes in base64url."""
    return _text(ec.generate_private_key(CURVE).private_numbers().private_value.to_bytes(32, "big"))


def private_key() -> str:
    """The key in force; made, for this data folder, when there is none."""
    return settings.VAPID_PRIVATE_KEY or _kept(settings.VAR_DIR / "vapid_private_key")


def public_key() -> str:
    """What browsers subscribe with: the uncompressed point, in base64url."""
    return _public(private_key())


@lru_cache(maxsize=4)
def _public(private: str) -> str:
    number = int.from_bytes(urlsafe_b64decode(private + "=" * (-len(private) % 4)), "big")
    point = ec.derive_private_key(number, CURVE).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return _text(point)


def _kept(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(new_key())
    try:
        with suppress(FileExistsError):  # whoever was first is right: another process may have made one meanwhile
            os.link(half, path)
    finally:
        half.unlink()
    return path.read_text(encoding="ascii").strip()


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
