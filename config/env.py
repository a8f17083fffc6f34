"""Typed readers of the environment; `config.settings` is their only caller.

A wrong value raises `ImproperlyConfigured` with the name of the variable and what to write instead,
so that a bad setting stops start-up with advice. Imports nothing of ours.
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool = False) -> bool:
    value = text(name)
    if not value:
        return default
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}: write 1 or 0")


def address(name: str, default: str) -> str:
    """Where people reach something on the web. Raises ImproperlyConfigured."""
    value = text(name, default)
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured(f"{name} is {value!r}: write an address such as https://countersign.example.org")
    return value


def number(name: str, default: int, *, low: int = 0, high: int = 10**9) -> int:
    value = text(name)
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name} is {value!r}: write a whole number from {low} to {high}")
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}: write {' or '.join(allowed)}")
    return value


def pairs(name: str) -> dict[str, str]:
    """`theirs=ours, theirs=ours`: the groups of an identity provider, and the groups here that they stand for."""
    found = {}
    for word in words(name):
        theirs, _, ours = (part.strip() for part in word.rpartition("="))
        if not theirs or not ours:
            raise ImproperlyConfigured(f"{name} has {word!r}: write theirs=ours, separated by commas")
        found[theirs] = ours
    return found


def issuer(name: str) -> str:
    """The address of an identity provider: over TLS, except on this very machine."""
    value = text(name).rstrip("/")
    host = urlsplit(value).hostname or ""
    if value and not (value.startswith("https://") and host) and not (value.startswith("http://") and host in {"localhost", "127.0.0.1"}):
        raise ImproperlyConfigured(
            f"{name} is {value!r}: write the https address of your identity provider, as its own configuration says it"
        )
    return value


def openid_connect(server: str, name: str) -> dict[str, object]:
    """allauth's entry for the one provider: authorization code with PKCE, the issuer pinned."""
    if not server:
        return {}
    client, secret = text("OIDC_CLIENT_ID"), text("OIDC_CLIENT_SECRET")
    if not client:
        raise ImproperlyConfigured("OIDC_ISSUER is set and OIDC_CLIENT_ID is not: write the client id your identity provider gave you")
    scope = words("OIDC_SCOPE", "openid,profile,email")
    app_settings = {"server_url": server, "oauth_pkce_enabled": True, "scope": scope}
    return {
        "openid_connect": {"APPS": [{"provider_id": "sso", "name": name, "client_id": client, "secret": secret, "settings": app_settings}]}
    }


def fernet_keys(name: str) -> list[str]:
    """Keys that seal stored tokens, the newest first."""
    found = words(name)
    for key in found:
        try:
            Fernet(key.encode())
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} holds something that is no key: make one with python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
            ) from error
    return found


def folder(name: str, default: Path) -> Path:
    return Path(text(name)).expanduser().resolve() if text(name) else default


def service_url(name: str, var_dir: Path) -> str:
    """The address of a service: from the environment, else of the embedded one that `make run` wrote down.

    Returns "" when neither is there: commands that need no database (such as `check`) still work.
    """
    if text(name):
        return text(name)
    try:
        written = json.loads((var_dir / "run" / "services.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(written.get(name, ""))


def database(url: str, *, pooled: bool) -> dict[str, object]:
    """Django's DATABASES entry of a libpq URL (`postgresql://user:pw@host/name`, or `?host=/socket/dir`).

    Args:
        url: the address; "" gives an entry that fails on first use with a plain sentence.
        pooled: True in the ASGI process, where a persistent connection per thread does not help
            (platform.md section 3.3); False in workers and commands, which keep one connection.
    """
    from psycopg import ProgrammingError  # here: beat asks no database, and does without these 10 MB
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(url).items()} if url else {}
    except ProgrammingError as error:
        raise ImproperlyConfigured("DATABASE_URL is not a PostgreSQL address: write postgresql://user:password@host/name") from error
    options: dict[str, object] = {k: v for k, v in parts.items() if k not in {"user", "password", "host", "port", "dbname"}}
    # A governed cycle runs the same sixty statements again and again: parsed and planned once per connection they cost
    # PostgreSQL a third less. Prepared statements live in a connection, so never through pgbouncer (platform.md 4.9).
    prepared = text("DATABASE_DIRECT_URL", url) == url
    options |= {"server_side_binding": prepared, "prepare_threshold": 3 if prepared else None}
    options["application_name"] = f"countersign-{text('COUNTERSIGN_ROLE', 'command')}"
    if pooled:
        # Whoever waits tries to connect for as long as they wait and no longer: what was tried in vain for a minute would be tried again half a minute later.
        size = {"min_size": 2, "max_size": number("DATABASE_POOL", 12, low=2, high=200)}
        options["pool"] = {**size, "timeout": 8, "reconnect_timeout": 8, "max_idle": 300}
    return {
        "ENGINE": "config.database",
        "NAME": parts.get("dbname", "countersign"),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", "/nowhere: start the product with make run, or set DATABASE_URL"),
        "PORT": parts.get("port", ""),
        "CONN_MAX_AGE": 0 if pooled else None,
        "CONN_HEALTH_CHECKS": not pooled,  # of the pool: config.database
        "OPTIONS": options,
    }


def mail(name: str, var_dir: Path) -> dict[str, Any]:
    """Django's mail settings from one address: `smtp://user:password@host:587`, `smtp+tls://` (STARTTLS), `smtps://` (TLS), `console:`.

    Without one, mails are files in `var/mail`: they reach nobody, which the pages and `manage.py doctor` say.
    """
    if text("EMAIL_BACKEND"):
        return {"EMAIL_BACKEND": text("EMAIL_BACKEND"), "EMAIL_FILE_PATH": str(var_dir / "mail")}
    backends = "django.core.mail.backends"
    if not text(name):
        return {"EMAIL_BACKEND": f"{backends}.filebased.EmailBackend", "EMAIL_FILE_PATH": str(var_dir / "mail")}
    try:
        parts = urlsplit(text(name))
        ports = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
        if parts.scheme == "console":
            return {"EMAIL_BACKEND": f"{backends}.console.EmailBackend"}
        if parts.scheme not in ports or not parts.hostname:
            raise ValueError(parts.scheme)
        return {
            "EMAIL_BACKEND": f"{backends}.smtp.EmailBackend",
            "EMAIL_HOST": parts.hostname,
            "EMAIL_PORT": parts.port or ports[parts.scheme],
            "EMAIL_HOST_USER": unquote(parts.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
            "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
            "EMAIL_USE_SSL": parts.scheme == "smtps",
        }
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} is no mail address: write smtp+tls://user:password@host:587, smtp://host or smtps://host"
        ) from error


def secret_key(var_dir: Path) -> str:
    """SECRET_KEY, else the one `make run` made once in `var/`, else a throw-away one for commands."""
    if text("SECRET_KEY"):
        return text("SECRET_KEY")
    try:
        return (var_dir / "secret_key").read_text(encoding="ascii").strip()
    except OSError:
        return "not-secret-" + "0" * 50
