"""One webhook out: signed by Standard Webhooks, to an address that was looked up, looked at, and is then the one connected to. No redirects.

A name is resolved once and the connection goes to that very address: what a second look-up would say (DNS rebinding) does not matter. Addresses
that are not public are refused, so that nobody reaches through us what only we can reach; `WEBHOOK_PRIVATE` lifts that on an installation
that serves its own network only.
"""

import http.client
import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from standardwebhooks.webhooks import Webhook

from approvals.notify.errors import NotSent
from approvals.notify.tls import trusted
from audit.sentences import Frozen

CONNECT_S, ANSWER_S = 5, 10
IN_ALL_S = 15  # whoever sends a byte now and then never runs into the time for one
READ = 4_096  # of an answer, which nobody keeps
MOST_ALONE_S = 3_600  # that an answer can ask for

NO_URL = Frozen("That is no address: write https://host/path")
HTTPS_ONLY = Frozen("Only https addresses are called (setting WEBHOOK_PRIVATE allows others on a network of one's own)")
NOT_FOUND = Frozen("%(host)s cannot be resolved")
PRIVATE = Frozen("%(host)s is %(address)s, which is not a public address: it is not called from here (setting WEBHOOK_PRIVATE)")
NOT_REACHED = Frozen("%(host)s cannot be reached: %(name)s")
REDIRECTS = Frozen("It answers %(status)s, a redirect, which is not followed: change the address")
ANSWERS = Frozen("It answers %(status)s")


def refuses(url: str) -> str:
    """Why this address is not called as it is written, "" when it may be. What its name resolves to is asked when it is called."""
    try:
        parts = urlsplit(url)
        fine = bool(parts.hostname) and not parts.username and parts.port != 0 and url.isascii() and url.isprintable() and " " not in url
        if "[" in parts.netloc:  # urlsplit takes addresses of versions to come (v1.x), which nobody can connect to
            ipaddress.IPv6Address(str(parts.hostname))
    except ValueError:
        return NO_URL()
    if not fine or "\\" in parts.netloc or parts.scheme not in {"https", "http"} or len(url) > 1_000:
        return NO_URL()
    if parts.scheme != "https" and not settings.WEBHOOK_PRIVATE:
        return HTTPS_ONLY()
    literal = _literal(str(parts.hostname))
    return "" if literal is None or settings.WEBHOOK_PRIVATE or _public(literal) else PRIVATE(host=parts.hostname, address=literal)


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address a host is written as, also as one number or in hexadecimal (inet_aton), and this machine by its name (RFC 6761, 6.3)."""
    host = host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return ipaddress.IPv4Address("127.0.0.1")
    for read in (ipaddress.ip_address, lambda text: ipaddress.ip_address(socket.inet_aton(text))):
        with suppress(ValueError, OSError):
            return read(host)
    return None


def send(url: str, *, secret: str, message: str, at: datetime, body: str) -> int:
    """Post one message. Returns the answer's status, which is 2xx.

    Raises:
        NotSent: `permanent` when trying again is of no use; `gone` when the address says so (410); `wait_s` where it says how long it wants to
            be left alone. `status` is in its sentence.
    """
    if why := refuses(url):
        raise NotSent(why, permanent=True)
    parts = urlsplit(url)
    at = at.astimezone(UTC)  # what the library takes for granted
    signature = Webhook(secret).sign(message, at, body)
    headers = {
        "Content-Type": "application/json", "User-Agent": "Countersign-Webhooks/1", "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature,
    }  # fmt: skip
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with _connected(parts, _address(str(parts.hostname))) as connection:
            connection.request("POST", path, body.encode(), headers)
            answer = connection.getresponse()
            answer.read(READ)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotSent(NOT_REACHED(host=parts.hostname, name=type(error).__name__)) from error
    return _judged(answer.status, answer.headers.get("Retry-After", ""), at)


def _judged(status: int, retry_after: str, at: datetime) -> int:
    if 200 <= status < 300:
        return status
    if 300 <= status < 400:
        raise NotSent(REDIRECTS(status=status))
    wait_s = _seconds(retry_after, at) if status in {429, 503} else 0
    raise NotSent(ANSWERS(status=status), gone=status == 410, permanent=status == 410, wait_s=wait_s)


def _seconds(retry_after: str, at: datetime) -> float:
    """Of a Retry-After header (RFC 9110, 10.2.3): seconds, or the time until a date; 0 where it is neither."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(int(retry_after[:9]), MOST_ALONE_S)
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return 0
    return min(max(0, (until.replace(tzinfo=until.tzinfo or UTC) - at).total_seconds()), MOST_ALONE_S)


def _address(host: str) -> str:
    """The one address to connect to. Raises NotSent when there is none, or one of them is not public."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise NotSent(NOT_FOUND(host=host)) from error
    for address in sorted(found):
        if not settings.WEBHOOK_PRIVATE and not _public(ipaddress.ip_address(address.partition("%")[0])):
            raise NotSent(PRIVATE(host=host, address=address))
    return min(found, key=lambda address: (":" in address, address))


# What the IANA special-purpose address registries (IPv4 and IPv6) do not call globally reachable, or only within one network, and
# Python's `is_global` does; and what older RFCs set aside, which no registry of IANA lists any more. None leads to the outside.
_INSIDE = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # IETF protocol assignments (RFC 6890)
            "192.88.99.0/24",  # 6to4 relay anycast, given up (RFC 7526)
            "64:ff9b:1::/48",  # IPv4 and IPv6 translated within one network (RFC 8215)
            "3fff::/20",  # documentation (RFC 9637)
            "5f00::/16",  # segment routing's own identifiers (RFC 9602)
            "::/96",  # IPv4-compatible (RFC 4291, 2.5.5.1)
            "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
            "fec0::/10",  # site-local (RFC 3879)
        ),
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # global, as long as the IPv4 address in it is (RFC 6052)


def _public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Of IPv6, also what stands for an IPv4 address inside it."""
    inner = [getattr(address, name, None) for name in ("ipv4_mapped", "sixtofour")]
    if address in _NAT64:
        inner.append(ipaddress.ip_address(int(address) & 0xFFFFFFFF))
    return all(_alone_public(one) for one in (address, *inner) if one is not None)


def _alone_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in _INSIDE)


@contextmanager
def _connected(parts: SplitResult, address: str) -> Iterator[http.client.HTTPConnection]:
    """A connection that is cut when everything on it has taken too long."""
    host, secure = str(parts.hostname), parts.scheme == "https"
    made = http.client.HTTPConnection(host, parts.port or (443 if secure else 80), timeout=ANSWER_S)
    if secure:
        made.default_port = 443  # so that the Host header carries no port where none was written
    plain = socket.create_connection((address, made.port), CONNECT_S)
    plain.settimeout(ANSWER_S)
    with socket.fromfd(plain.fileno(), plain.family, plain.type) as same:  # TLS takes the socket over, and what it hangs in with it
        late = threading.Event()
        cut = threading.Timer(IN_ALL_S, _cut, [same, late])
        cut.daemon = True
        cut.start()
        try:
            made.sock = trusted().wrap_socket(plain, server_hostname=host) if secure else plain
            yield made
            if late.is_set():  # an answer that was cut off may look like a whole one
                raise TimeoutError
        finally:
            cut.cancel()
            made.close()
            plain.close()


def _cut(connected: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
