"""Identities at the identity provider: connected with an account, taken from it, or found beside one. Each is on record.

An identity that is connected is a way in, and its groups become roles at the next sign-in: `web.sso` asks who is there before it calls this.
"""

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction

from approvals.errors import BadRequest, Conflict
from approvals.models import User
from approvals.queries import alike
from audit import log
from audit.actors import SYSTEM, Actor
from audit.log import Entry
from audit.sentences import say


@transaction.atomic
def connected(*, user: User, subject: str, by: Actor, door: str = "web") -> None:
    """Somebody connected an identity with an account: put on record, in the transaction that did it."""
    log.append(_entry(user, "person.sso_connected", by, door, issuer=settings.OIDC_ISSUER, subject=subject))


@transaction.atomic
def disconnect(*, user: User, by: Actor, door: str) -> int:
    """Take all identities of an account away. Returns how many.

    Raises:
        Conflict: there is none. BadRequest: it is the only way in, and the person would lock themselves out.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    subjects = list(SocialAccount.objects.filter(user_id=user.pk).order_by("pk").values_list("uid", flat=True))
    if not subjects:
        raise Conflict(say("No identity is connected with this account"))
    passkey = Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.WEBAUTHN).exists()
    if by == user.actor and not user.has_usable_password() and not passkey:
        raise BadRequest(say("This is your only way in: set a password or add a passkey first"))
    SocialAccount.objects.filter(user_id=user.pk).delete()
    log.append(_entry(user, "person.sso_disconnected", by, door, issuer=settings.OIDC_ISSUER, subjects=subjects))
    return len(subjects)


@transaction.atomic
def came(*, user: User, verified: bool, by: Actor = SYSTEM, door: str = "web") -> None:
    """An account came into being by single sign-on: told when it has the verified address of another, which may be the same human's.

    Never joined by that: an address is given again, an identity is not. `manage.py doctor` goes on telling it.
    """
    if verified and (others := alike.with_email_of(user)):
        log.append(_entry(user, "person.same_email", by, door, others=list(others)))


def _entry(user: User, kind: str, by: Actor, door: str, **data: object) -> Entry:
    return Entry(stream=f"person:{user.pk}", kind=kind, by=by, door=door, data={"username": user.username, **data})
