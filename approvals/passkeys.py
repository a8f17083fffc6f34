"""Passkeys: what a browser is asked to sign, and whether it did. The one home of fido2; keeps no state and writes nothing.

Enrolment and sign-in are allauth's; this is the signature over one decision, and the check of it years later, with no database.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    RegistrationResponse,
)

from approvals import ladder
from audit.sentences import say

TIMEOUT_MS = 120_000
MAX_ASSERTION = 8_000


class NotSigned(Exception):
    """The assertion is not one of this person's passkeys over this challenge."""


@dataclass(frozen=True)
class Passkey:
    """One enrolled passkey of a person."""

    pk: int
    name: str
    data: AttestedCredentialData


def of(user_id: int) -> list[Passkey]:
    """The passkeys a person has enrolled."""
    found = []
    for row in Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.WEBAUTHN).order_by("pk"):
        data = RegistrationResponse.from_dict(row.data["credential"]).response.attestation_object.auth_data.credential_data
        if data is not None:
            found.append(Passkey(row.pk, str(row.data.get("name", "")), data))
    return found


def options(passkeys: list[Passkey], *, challenge: bytes, rp_id: str) -> dict[str, Any]:
    """What `navigator.credentials.get` is called with, bytes as base64url."""
    allowed = [{"type": "public-key", "id": websafe_encode(p.data.credential_id)} for p in passkeys]
    return {
        "challenge": websafe_encode(challenge), "rpId": rp_id, "allowCredentials": allowed, "userVerification": "preferred",
        "timeout": TIMEOUT_MS,
    }  # fmt: skip


def read(text: str) -> dict[str, Any]:
    """The assertion a form carries. Raises NotSigned when it is none."""
    try:
        found = json.loads(text) if len(text) <= MAX_ASSERTION else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NotSigned(say("That is no assertion of a passkey"))
    return found


def check(assertion: Mapping[str, Any], passkeys: list[Passkey], *, challenge: bytes, rp_id: str) -> dict[str, Any]:
    """What to keep of a signature so that it can be checked for ever. Raises NotSigned."""
    server = Fido2Server(PublicKeyCredentialRpEntity(id=rp_id, name="Countersign"))
    state = {"challenge": websafe_encode(challenge), "user_verification": None}
    try:
        response = AuthenticationResponse.from_dict(assertion)
        used = server.authenticate_complete(state, [p.data for p in passkeys], response)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotSigned(say("The passkey did not sign this")) from error
    said = response.response
    return {
        "credential": websafe_encode(used.credential_id),
        "name": next(p.name for p in passkeys if p.data.credential_id == used.credential_id),
        "public_key": websafe_encode(cbor.encode(dict(used.public_key))),
        "client_data": websafe_encode(bytes(said.client_data)),
        "authenticator_data": websafe_encode(bytes(said.authenticator_data)),
        "signature": websafe_encode(said.signature),
        "rp_id": rp_id,
        "user_verified": said.authenticator_data.is_user_verified(),
    }


def _key(text: str) -> Mapping[int, Any]:
    found = cbor.decode(websafe_decode(text))
    if not isinstance(found, Mapping):
        raise TypeError("no key")
    return found


def is_of(passkey: Passkey, kept: Mapping[str, Any]) -> bool:
    """Whether a kept signature says that it was made with this passkey."""
    return websafe_encode(passkey.data.credential_id) == kept.get("credential")


def has_key(passkey: Passkey, kept: Mapping[str, Any]) -> bool:
    """Whether the key kept beside a signature is the one this passkey was enrolled with."""
    return websafe_encode(cbor.encode(dict(passkey.data.public_key))) == kept.get("public_key")


def holds(kept: Mapping[str, Any], *, digest: str, verdict: str) -> bool:
    """Whether a kept signature is one over this digest and verdict: only from what is handed in."""
    try:
        client = CollectedClientData(websafe_decode(kept["client_data"]))
        data = AuthenticatorData(websafe_decode(kept["authenticator_data"]))
        key = CoseKey.parse(_key(kept["public_key"]))
        key.verify(bytes(data) + client.hash, websafe_decode(kept["signature"]))
        rp = PublicKeyCredentialRpEntity(id=str(kept["rp_id"]), name="")
        return (
            client.type == CollectedClientData.TYPE.GET
            and client.challenge == ladder.challenge(digest, verdict, str(kept["nonce"]))
            and data.rp_id_hash == rp.id_hash
            and data.is_user_present()
        )
    except Exception:  # whatever a changed byte does to a parser or a signature, it does not hold
        return False
