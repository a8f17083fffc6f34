"""The decision ladder: what a level asks of the very person who decides, beyond being in the right group. Pure.

`operations.step_up` enforces it, pages draw it. Who must agree is the policy's to say; how sure we must be that it is they,
at this moment, is the installation's (its people have passkeys or not), so those limits are settings.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from approvals.legible.findings import faults
from approvals.states import Verdict
from audit.sentences import Frozen, say

DOMAIN = b"hitl/approve/v1"
LEAST, MOST = 3, 80  # characters of a name somebody types: fewer is a reflex, more is a punishment
PASSKEY, ANY = "passkey", "any"  # what COUNTERSIGN_CRITICAL may be
PASSKEY_PROOF, CODE, RECOVERY, PASSWORD, SSO, LINK, UNDATED = (
    Frozen("passkey")(),
    Frozen("authenticator code")(),
    Frozen("recovery code")(),
    Frozen("password")(),
    Frozen("single sign-on")(),
    Frozen("login link")(),
    Frozen("single sign-on that does not say when")(),
)
PROOFS: dict[str, str] = {proof: proof for proof in (PASSKEY_PROOF, CODE, RECOVERY, PASSWORD, SSO, LINK, UNDATED)}
# Having a second factor means being asked for it: a password alone proves nothing more than a stolen one would.
STRONG = frozenset({PASSKEY_PROOF, CODE})
# A printed recovery code lets somebody back in and mend their factors; it approves nothing risky (reliability.md section 10).
WEAK = frozenset({RECOVERY})
# An identity provider that does not say when the person was there may answer from a session of last week: it signs in, and proves nothing.
NO_PROOF = frozenset({"", UNDATED})


def proof_said(kept: str) -> str:
    """The word for a proof as rows keep it."""
    return PROOFS.get(kept, kept)


@dataclass(frozen=True)
class Rung:
    """What is asked of one person for one verdict.

    Attributes:
        typed: the name of the thing, typed exactly.
        fresh_s: the person has signed in, or confirmed that it is they, within so many seconds; None: not asked.
        signed: an assertion of a passkey over this action and verdict, of whoever has a passkey (of everybody when `only_signed`).
        links: a login link counts as a proof.
        viewed: every part of the arguments was opened by this person, in this version.
    """

    typed: bool = False
    fresh_s: int | None = None
    signed: bool = False
    only_signed: bool = False
    links: bool = True
    viewed: bool = False


NOTHING = Rung()


def rung(level: str, verdict: Verdict, *, question: bool, high_s: int, critical_s: int, critical: str = ANY, links: bool = False) -> Rung:
    """Saying no is never made harder, nor is what is harmless; an answer to an agent's question is a yes, and so is taking over.

    Whoever takes over does it by hand and tells the agent that it is done: that asks for as much of them as approving it.

    Args:
        links: at critical, a login link counts: only where people have nothing else, as in the demo. A link is whoever's that holds it.
    """
    outside = verdict is Verdict.TAKE_OVER
    yes = verdict is Verdict.APPROVE or outside or (question and verdict is Verdict.RESPOND)
    if not yes or level not in {"high", "critical"}:
        return NOTHING
    if level == "high":
        return Rung(fresh_s=high_s, viewed=not outside)
    if question:
        return Rung(fresh_s=critical_s, links=links, viewed=not outside)
    return Rung(typed=True, fresh_s=critical_s, signed=True, only_signed=critical == PASSKEY, links=links, viewed=not outside)


def confirm_of(candidates: Sequence[str], tool: str) -> str:
    """What a person types to approve a critical action: the first of these that can be typed and read for what it is, else the tool's name.

    Args:
        candidates: values of the arguments the tool's *author* named, in the author's order (`agents.tools.summaries.names`). Nothing an
            agent can add to its arguments comes first by that; what it can do is make a value short, empty or unreadable, which skips it.
    """
    return next((name for name in candidates if _typeable(name)), tool)


def _typeable(name: str) -> bool:
    return LEAST <= len(name) <= MOST and name == name.strip() and name.isprintable() and not faults(name)


def challenge(digest: str, verdict: str, nonce: str) -> bytes:
    """What a passkey signs: this version of this action, this verdict, once. Anybody can compute it again from the three."""
    return hashlib.sha256(b"\n".join((DOMAIN, digest.encode(), verdict.encode(), nonce.encode()))).digest()


def enough(proof: str, kinds: frozenset[str], *, managing: bool = False, links: bool = True) -> bool:
    """Whether this way of proving oneself counts for a person with these factors ("webauthn", "totp").

    Args:
        managing: for one's own factors and sessions a recovery code counts, too: that is what it is for.
    """
    if proof in NO_PROOF:
        return False
    if proof == LINK and not links:
        return False
    if proof in WEAK:
        return managing
    return proof in STRONG or not kinds & {"webauthn", "totp"}


def age(seconds: float) -> str:
    """How long ago, for a sentence."""
    if seconds < 90:
        return say("%(n)d s", n=max(0, int(seconds)))
    return say("%(n)d min", n=int(seconds // 60)) if seconds < 5400 else say("%(n)d h", n=int(seconds // 3600))
