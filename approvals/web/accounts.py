"""allauth, as we use it. Sign-in is by invitation: accounts are made by an administrator (or by single sign-on), never by a stranger."""

from ipaddress import ip_address, ip_network
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

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Guesses at an account are counted for each neighbourhood of addresses: whoever knows a name must not keep its owner out from afar."""
        return f"{super()._get_login_attempts_cache_key(request, **credentials)}:{_neighbourhood(self.get_client_ip(request))}"

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


def _neighbourhood(address: str) -> str:
    """The network that one stranger may well have all addresses of: /24 of IPv4, /56 of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ip_network(f"{found}/{24 if found.version == 4 else 56}", strict=False))


class Factors(DefaultMFAAdapter):
    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return {**entity, "name": "Countersign"}
