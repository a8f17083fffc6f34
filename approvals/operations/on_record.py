"""Whether the votes an approval rests on were given by this product: each has its leaf in the log, and its proof where one is asked.

Asked at the claim, so that rows written by hand into the database approve nothing. Whoever can also forge leaves is found by
`manage.py audit verify` only through an anchor kept elsewhere; a passkey's signature they cannot forge.
"""

import json
from collections.abc import Mapping
from typing import Any

from django.db import connection

from approvals import passkeys
from approvals.envelopes import Envelope
from approvals.errors import Tampered
from approvals.ladder import LINK, NOTHING, PASSKEY_PROOF
from approvals.models import Action
from approvals.operations.step_up import rung_of
from approvals.queries.records import LEAF, Said, leaf_of
from approvals.states import Verdict
from audit import canonical
from audit.sentences import say

_GIVEN = f"""
SELECT d.nonce, d.verdict, d.digest, d.by_id, d.grant_id, d.proof::text, {LEAF}
FROM approvals_decision d
WHERE d.action_id = %s AND d.version = %s AND d.digest = %s AND d.verdict = 'approve'
"""  # noqa: S608  text of ours only
FORGED = say("An approval of this was written into the database by hand. Nothing will run; tell an operator")


def unproved(action: Action, envelope: Envelope) -> bool:
    """Whether somebody approved it with less proof than this installation asks at its level today.

    Raises:
        Tampered: an approval is not in the log, or is there with another proof, or its signature is not one over this action.
    """
    rung = rung_of(str(envelope.data["risk"]["level"]), Verdict.APPROVE, question=action.kind == Action.Kind.QUESTION)
    lacking = False
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN, [action.pk, action.version, action.digest])
        rows = cursor.fetchall()
    for *row, proof, leaf in rows:
        said, kept = Said(*row), json.loads(proof)
        data = leaf_of(said, leaf)
        if data is None or data.get("proof", {}).get("sha256") != (canonical.fingerprint(kept) if kept else None):
            raise Tampered(FORGED)
        if rung == NOTHING or said.by is None or said.grant is not None:
            continue
        signed = kept.get("by") == PASSKEY_PROOF and "signature" in kept
        if signed:
            _check_signature(action, kept, said.by)
        linked = kept.get("by") == LINK and not rung.links
        lacking = lacking or not kept or linked or (rung.only_signed and not signed)
    return lacking


def _check_signature(action: Action, kept: Mapping[str, Any], user: int) -> None:
    """The signature is over this very approval; if the key is still enrolled, it is this person's."""
    enrolled = [p for p in passkeys.of(user) if passkeys.is_of(p, kept)]
    if not passkeys.holds(kept, digest=action.digest, verdict="approve") or not all(passkeys.has_key(p, kept) for p in enrolled):
        raise Tampered(FORGED)
