"""The decision ladder, enforced: whoever approves something risky shows, at that moment, that it is they and what they mean.

Here and not in a door, so that the page, the plain form, the API and Slack ask the same. Where the ladder asks nothing (low,
medium, every no) it costs no statement.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from approvals import ladder, passkeys
from approvals.envelopes import Envelope
from approvals.errors import BadRequest, NotFound, Stale, StepUp
from approvals.models import Action, Challenge, User
from approvals.operations import sign_ins
from approvals.permissions import Standing, standing
from approvals.policy.basics import said_of
from approvals.states import ActionState, Verdict
from audit import canonical
from audit.sentences import say

SIGN_WITHIN_S = 300
# One-time: of two decisions with the same signature the second finds the row used.
_USE = """
UPDATE approvals_challenge SET used_at = clock_timestamp()
WHERE nonce = %(nonce)s AND user_id = %(user)s AND sign_in_id = %(sign_in)s AND action = %(action)s AND digest = %(digest)s
  AND verdict = %(verdict)s AND used_at IS NULL AND created_at > clock_timestamp() - make_interval(secs => %(within)s)
RETURNING rp_id
"""


@dataclass(frozen=True)
class Proof:
    """What a door knows of the person at it.

    Attributes:
        sign_in: the sign-in of the session (see `operations.sign_ins`); "" at a door that has none.
        typed: the name they typed.
        nonce, assertion: what `ask` gave out, and the passkey's answer to it as JSON text.
        click: from a door that is pressed elsewhere: hash of the body, signature, when and whose; kept and logged, asks nothing less.
    """

    sign_in: str = ""
    typed: str = ""
    nonce: str = ""
    assertion: str = ""
    click: Mapping[str, str] | None = None


NO_PROOF = Proof()


def rung_of(level: str, verdict: Verdict, *, question: bool) -> ladder.Rung:
    """What this installation asks at a level."""
    return ladder.rung(
        level, verdict, question=question,
        high_s=settings.FRESH_HIGH_S, critical_s=settings.FRESH_CRITICAL_S, critical=settings.CRITICAL,
        links=settings.DEMO,
    )  # fmt: skip


def check(action: Action, envelope: Envelope, *, who: Standing, verdict: Verdict, proof: Proof) -> dict[str, Any]:
    """What was proved, to be kept with the Decision; {} where nothing is asked.

    Raises:
        BadRequest: the name typed is not its name.
        StepUp: the person has to confirm that it is they, sign with a passkey, or enrol one first.
    """
    rung = rung_of(str(envelope.data["risk"]["level"]), verdict, question=action.kind == Action.Kind.QUESTION)
    if rung == ladder.NOTHING:
        return {"by": "click", "click": dict(proof.click)} if proof.click else {}
    if rung.typed and proof.typed != envelope.confirm:
        raise BadRequest(say("That is not its name: type it exactly as it stands"))
    found = sign_ins.proved(proof.sign_in, user=who.user)
    if found is None:
        raise StepUp(say("This door does not show who you are well enough for this level: decide it on the web, signed in"), ask="fresh")
    by, age_s, kinds = found
    kept: dict[str, Any] = {"sign_in": proof.sign_in, **({"typed": True} if rung.typed else {})}
    if rung.signed and (rung.only_signed or "webauthn" in kinds):
        return {**kept, "by": ladder.PASSKEY_PROOF, **_signed(action, who, verdict, proof, kinds)}
    if by == ladder.LINK and not rung.links and not kinds:
        raise StepUp(say("A login link is not enough at level %(level)s: add a passkey under Account security, or set a password",
                         level=said_of(str(envelope.data["risk"]["level"]))), ask="enrol")  # fmt: skip
    if rung.fresh_s is not None and (age_s > rung.fresh_s or not ladder.enough(by, kinds, links=rung.links)):
        raise StepUp(_stale(str(envelope.data["risk"]["level"]), by, age_s, rung.fresh_s, kinds), ask="fresh")
    return {**kept, "by": by, "age_s": int(age_s)}


def check_grant(level: str, *, who: Standing, proof: Proof) -> None:
    """A standing approval says yes many times over: whoever gives one is as freshly there as for one of its calls. Raises StepUp."""
    rung = rung_of(level, Verdict.APPROVE, question=False)
    if rung.fresh_s is None:
        return
    found = sign_ins.proved(proof.sign_in, user=who.user)
    if found is None or found[1] > rung.fresh_s or not ladder.enough(found[0], found[2]):
        by, age_s, kinds = found or ("", 0.0, frozenset())
        raise StepUp(_stale(level, by, age_s, rung.fresh_s, kinds), ask="fresh")


def ask(action_id: Any, *, by: User, sign_in: str, verdict: str, seen_digest: str, rp_id: str) -> dict[str, Any]:
    """A one-time challenge over this version and this verdict, as options for the browser. Raises NotFound, Stale, StepUp."""
    with transaction.atomic():
        who = standing(by)
        action = Action.objects.filter(pk=action_id, state=ActionState.PENDING).first()
        if action is None:
            raise NotFound(say("There is nothing to sign: no such action waits for a decision"))
        if not secrets.compare_digest(seen_digest.encode("utf-8", "replace"), action.digest.encode()):
            raise Stale(say("This changed since you opened it; look at what will run now, then decide"))
        mine = passkeys.of(who.user.pk)
        if sign_ins.proved(sign_in, user=who.user) is None or not mine:
            raise StepUp(say("You have no passkey yet: add one under Account security"), ask="enrol")
        asked = Challenge.objects.create(
            nonce=secrets.token_hex(16), user=who.user, sign_in_id=sign_in, action=action.pk, digest=action.digest,
            verdict=str(Verdict(verdict)), rp_id=rp_id,
        )  # fmt: skip
    challenge = ladder.challenge(asked.digest, asked.verdict, asked.nonce)
    return {"nonce": asked.nonce, "publicKey": passkeys.options(mine, challenge=challenge, rp_id=rp_id)}


def said(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What the log says of a proof: how, and a fingerprint, so that a changed row of the decision shows; of a click all of it."""
    if not kept:
        return {}
    return {
        "proof": {"by": kept["by"], "sha256": canonical.fingerprint(dict(kept))},
        **({"click": kept["click"]} if "click" in kept else {}),
    }


def _signed(action: Action, who: Standing, verdict: Verdict, proof: Proof, kinds: frozenset[str]) -> dict[str, Any]:
    """The passkey's signature over this very decision, used up."""
    if "webauthn" not in kinds:
        raise StepUp(say("Critical actions are signed with a passkey here: add one under Account security, then come back"), ask="enrol")
    if not proof.assertion:
        raise StepUp(say("Sign with your passkey: press Approve again and follow what the browser asks (it needs scripts)"), ask="passkey")
    values: dict[str, Any] = {"nonce": proof.nonce[:32], "user": who.user.pk, "sign_in": proof.sign_in, "action": action.pk}
    values |= {"digest": action.digest, "verdict": str(verdict), "within": SIGN_WITHIN_S}
    with connection.cursor() as cursor:
        cursor.execute(_USE, values)
        row = cursor.fetchone()
    if row is None:
        raise StepUp(say("That signature was for something else, was used already or took too long: sign again"), ask="passkey")
    challenge = ladder.challenge(action.digest, str(verdict), proof.nonce)
    try:
        kept = passkeys.check(passkeys.read(proof.assertion), passkeys.of(who.user.pk), challenge=challenge, rp_id=row[0])
    except passkeys.NotSigned as error:
        raise StepUp(say("That is not the signature of one of your passkeys over this action: sign again"), ask="passkey") from error
    return {"nonce": proof.nonce, **kept}


def _stale(level: str, by: str, age_s: float, limit_s: int, kinds: frozenset[str]) -> str:
    if age_s > limit_s and by not in ladder.NO_PROOF:
        return say(
            "You last showed that it is you %(age)s ago; at level %(level)s that must be less than %(limit)s ago. "
            "Confirm that it is you: what you wrote is kept, and nothing is decided by it",
            age=ladder.age(age_s), level=said_of(level), limit=ladder.age(limit_s),
        )  # fmt: skip
    how, risk = ladder.proof_said(by) or say("an older session"), said_of(level)
    if by in ladder.WEAK | ladder.NO_PROOF:
        return say("Signing in by %(how)s is not enough at level %(level)s: confirm that it is you another way", how=how, level=risk)
    return say("You have a second factor: at level %(level)s confirm that it is you with it, not only by %(how)s", level=risk, how=how)
