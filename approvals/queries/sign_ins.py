"""Who is signed in where, which factors people have, and whether a kept signature still holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.sessions.models import Session
from django.db.models import Count, Exists, Max, OuterRef, Q
from django.db.models.functions import Now

from approvals import passkeys
from approvals.models import Decision, SignIn, User
from audit import canonical
from audit.sentences import say

SHOWN = 100


@dataclass(frozen=True)
class OpenSignIn:
    """One browser somebody is signed in with."""

    id: str
    device: str
    proof: str
    proved_at: datetime
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True)
class Factors:
    """What a person can show beside a password: passkeys as (row, name, added, last used)."""

    passkeys: tuple[tuple[int, str, datetime, datetime | None], ...]
    code: bool
    recovery_left: int
    sso: bool

    @property
    def any(self) -> bool:
        return bool(self.passkeys) or self.code


@dataclass(frozen=True)
class Person:
    """One account, as administrators see it."""

    username: str
    name: str
    active: bool
    groups: tuple[str, ...]
    factors: tuple[str, ...]
    sessions: int
    seen_at: datetime | None


def _open() -> Any:
    live = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=Now())
    return SignIn.objects.filter(Exists(live), ended_at=None)


def open_sign_ins(user: User) -> list[OpenSignIn]:
    """A person's live sessions, the one used last first."""
    rows = _open().filter(user=user).order_by("-seen_at", "pk")[:SHOWN]
    return [OpenSignIn(str(r.pk), r.device, r.proof, r.proved_at, r.created_at, r.seen_at) for r in rows]


def factors(user: User) -> Factors:
    rows = list(Authenticator.objects.filter(user_id=user.pk).order_by("pk"))
    recovery = next((r for r in rows if r.type == Authenticator.Type.RECOVERY_CODES), None)
    keys = [(r.pk, str(r.data.get("name", "")), r.created_at, r.last_used_at) for r in rows if r.type == Authenticator.Type.WEBAUTHN]
    return Factors(
        passkeys=tuple(keys),
        code=any(r.type == Authenticator.Type.TOTP for r in rows),
        recovery_left=len(recovery.wrap().get_unused_codes()) if recovery else 0,
        sso=SocialAccount.objects.filter(user_id=user.pk).exists(),
    )


KINDS = {"webauthn": say("passkey"), "totp": say("authenticator app")}


def has_passkey(user: User) -> bool:
    return bool(Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.WEBAUTHN).exists())


def people() -> list[Person]:
    """Every human account."""
    live = {row["user_id"]: row for row in _open().values("user_id").annotate(count=Count("pk"), last=Max("seen_at")).order_by()}
    kinds: dict[int, set[str]] = {}
    for user_id, kind in Authenticator.objects.values_list("user_id", "type"):
        kinds.setdefault(user_id, set()).add(KINDS.get(kind, ""))
    users = User.objects.filter(kind=User.Kind.HUMAN).prefetch_related("groups").order_by("username")
    return [
        Person(
            u.username, u.display_name, u.is_active, tuple(sorted(g.name for g in u.groups.all())), tuple(sorted(kinds.get(u.pk, set()) - {""})),
            live.get(u.pk, {}).get("count", 0), live.get(u.pk, {}).get("last"),
        )
        for u in users
    ]  # fmt: skip


def without_passkey(group: str) -> int:
    """How many active people of a group have none: with COUNTERSIGN_CRITICAL=passkey they cannot approve critical actions."""
    has = Exists(Authenticator.objects.filter(user_id=OuterRef("pk"), type=Authenticator.Type.WEBAUTHN))
    return User.objects.filter(~has, is_active=True, groups__name=group).count()


@dataclass(frozen=True)
class BadProof:
    """A decision whose kept proof is not what was recorded."""

    decision: int
    action: str
    why: str


def verify_proofs(logged: dict[str, str]) -> Iterator[int | BadProof]:
    """Check every kept proof again: its fingerprint against the log's, and a signature against the digest and the verdict.

    Args:
        logged: from the nonce of a decision to the fingerprint of its proof, as the log has it (`audit.queries.proofs_logged`).
    """
    seen = set()
    for number, d in enumerate(Decision.objects.filter(~Q(proof={})).order_by("pk").iterator(), 1):
        seen.add(d.nonce)
        if logged.get(d.nonce) != canonical.fingerprint(d.proof):
            yield BadProof(d.pk, str(d.action_id), "the proof is not the one that was logged")
        elif d.proof.get("signature") and not passkeys.holds(d.proof, digest=d.digest, verdict=str(d.verdict)):
            yield BadProof(d.pk, str(d.action_id), "its signature does not hold over this digest and verdict")
        else:
            yield number
    for nonce in logged.keys() - seen:
        yield BadProof(0, "", f"the log has the proof of the decision with nonce {nonce}, and no decision does")
