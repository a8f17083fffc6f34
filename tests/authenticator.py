"""A passkey made of software: it answers as a browser would, and can be told to answer wrongly."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.utils import websafe_encode

from approvals.models import User

RP = "localhost"


@dataclass
class SoftKey:
    """One key pair, enrolled for one person by `enrol`."""

    rp_id: str = RP
    origin: str = f"http://{RP}"
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def sign(self, options: dict[str, Any], *, flags: int = 0x05, origin: str = "", kind: str = "webauthn.get") -> str:
        """The assertion over these options, as JSON text."""
        client = self._client(kind, options["challenge"], origin)
        data = hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + (1).to_bytes(4, "big")
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return json.dumps(
            {
                "id": websafe_encode(self.credential_id), "rawId": websafe_encode(self.credential_id), "type": "public-key",
                "response": {"clientDataJSON": websafe_encode(client), "authenticatorData": websafe_encode(data), "signature": websafe_encode(signature)},
                "clientExtensionResults": {},
            }
        )  # fmt: skip

    def enrol(self, user: User, name: str = "a key") -> "SoftKey":
        """As allauth keeps it after a registration."""
        point = self.private.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        data = hashlib.sha256(self.rp_id.encode()).digest() + bytes([0x45]) + (0).to_bytes(4, "big")
        data += bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor.encode(cose)
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", websafe_encode(b"x" * 32), "")
        credential = {
            "id": websafe_encode(self.credential_id), "rawId": websafe_encode(self.credential_id), "type": "public-key",
            "response": {"clientDataJSON": websafe_encode(client), "attestationObject": websafe_encode(attestation)},
            "clientExtensionResults": {"credProps": {"rk": True}},
        }  # fmt: skip
        Authenticator.objects.create(user_id=user.pk, type="webauthn", data={"name": name, "credential": credential})
        return self

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin or self.origin, "crossOrigin": False}).encode()
