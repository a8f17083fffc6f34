"""allauth, as we use it. Sign-in is by invitation: accounts are made by an administrator (or by single sign-on), never by a stranger."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest

KEPT = "kept_words"  # what somebody wrote before they were asked to confirm that it is they
PROVED_AT = "proved_at"  # what single sign-on says of when the person was there (seconds; None: it does not say)


class ClosedSignup(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Never by allauth: `web.sign_ins` asks before these views are reached, by the database's clock and for the best factor there is."""
        return False

    def add_message(self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any) -> None:
        """Nobody needs telling that they are signed in."""
        if message_template not in {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}:
            super().add_message(request, level, message_template, *args, **kwargs)

    def logout(self, request: HttpRequest) -> None:
        """Single sign-on signs out before it signs the same person in again: what they wrote must survive that. The words carry whose they are."""
        kept = {name: request.session[name] for name in (KEPT, PROVED_AT) if name in request.session}
        super().logout(request)
        if request.resolver_match and request.resolver_match.url_name == "openid_connect_callback":
            request.session.update(kept)


class Factors(DefaultMFAAdapter):
    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return {**entity, "name": "Countersign"}
