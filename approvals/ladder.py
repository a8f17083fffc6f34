"""The decision ladder: what a level asks of the very person who decides, beyond being in the right group. Pure.

`operations.step_up` enforces it, pages draw it. Who must agree is the policy's to say; how sure we must be that it is they,
at this moment, is the installation's (its people have passkeys or not), so those limits are settings.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from approvals.states import Verdict

DOMAIN = b"hitl/approve/v1"
PASSKEY, ANY = "passkey", "any"  # what COUNTERSIGN_CRITICAL may be
PASSKEY_PROOF, CODE, RECOVERY, PASSWORD, SSO, LINK = (
    "passkey",
    "authenticator code",
    "recovery code",
    "password",
    "single sign-on",
    "login link",
)
# Having a second factor means being asked for it: a password alone proves nothing more than a stolen one would.
STRONG = frozenset({PASSKEY_PROOF, CODE})
# A printed recovery code lets somebody back in and mend their factors; it approves nothing risky (reliability.md section 10).
WEAK = frozenset({RECOVERY})


@dataclass(frozen=True)
class Rung:
    """What is asked of one person for one verdict.

    Attributes:
        typed: the name of the thing, typed exactly.
        fresh_s: the person has signed in, or confirmed that it is they, within so many seconds; None: not asked.
        signed: an assertion of a passkey over this action and verdict, of whoever has a passkey (of everybody when `only_signed`).
    """

    typed: bool = False
    fresh_s: int | None = None
    signed: bool = False
    only_signed: bool = False


NOTHING = Rung()


def rung(level: str, verdict: Verdict, *, question: bool, high_s: int, critical_s: int, critical: str = ANY) -> Rung:
    """Saying no is never made harder, nor is what is harmless; an answer to an agent's question is a yes."""
    yes = verdict is Verdict.APPROVE or (question and verdict is Verdict.RESPOND)
    if not yes or level not in {"high", "critical"}:
        return NOTHING
    if level == "high" or question:
        return Rung(fresh_s=high_s if level == "high" else critical_s)
    return Rung(typed=True, fresh_s=critical_s, signed=True, only_signed=critical == PASSKEY)


def typed_name(summary: str, args: Any, tool: str) -> str:
    """What a person types to approve a critical action: the plainest name in it that the summary shows too."""
    values = args.values() if isinstance(args, dict) else ()
    named = (v for v in values if isinstance(v, str) and 3 <= len(v) <= 40 and v.isascii() and v.isprintable())
    return next((v for v in named if v in summary and v == v.strip()), tool)


def challenge(digest: str, verdict: str, nonce: str) -> bytes:
    """What a passkey signs: this version of this action, this verdict, once. Anybody can compute it again from the three."""
    return hashlib.sha256(b"\n".join((DOMAIN, digest.encode(), verdict.encode(), nonce.encode()))).digest()


def enough(proof: str, kinds: frozenset[str], *, managing: bool = False) -> bool:
    """Whether this way of proving oneself counts for a person with these factors ("webauthn", "totp").

    Args:
        managing: for one's own factors and sessions a recovery code counts, too: that is what it is for.
    """
    if proof in WEAK:
        return managing
    return bool(proof) and (proof in STRONG or not kinds & {"webauthn", "totp"})


def age(seconds: float) -> str:
    """How long ago, for a sentence."""
    if seconds < 90:
        return f"{max(0, int(seconds))} s"
    return f"{int(seconds // 60)} min" if seconds < 5400 else f"{int(seconds // 3600)} h"
