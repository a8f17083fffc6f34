"""Start-up checks: a wrong setting stops the start with advice. Ids are stable; `manage.py doctor` adds what needs a database."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from agents import prices
from approvals.policy.rules import BadPolicy, load


@register()
def policy_loads(app_configs: Any, **_: Any) -> list[CheckMessage]:
    try:
        load(settings.POLICY_FILE)
    except BadPolicy as error:
        return [Error(str(error), hint="Mend the file, or unset COUNTERSIGN_POLICY to use the one that ships", id="countersign.E001")]
    return []


@register()
def prices_load(app_configs: Any, **_: Any) -> list[CheckMessage]:
    try:
        prices.prices()
    except prices.BadPrices as error:
        return [Error(str(error), hint="Mend the file, or unset COUNTERSIGN_PRICES to use the one that ships", id="countersign.E003")]
    return []


@register(deploy=True)
def secret_is_secret(app_configs: Any, **_: Any) -> list[CheckMessage]:
    if settings.SECRET_KEY.startswith("not-secret-"):
        return [Error("SECRET_KEY is not set", hint="Set SECRET_KEY, or start with make run, which makes one", id="countersign.E002")]
    return []


@register(deploy=True)
def addresses_are_set(app_configs: Any, **_: Any) -> list[CheckMessage]:
    missing = [name for name, value in (("DATABASE_URL", settings.DATABASE_URL), ("REDIS_URL", settings.REDIS_URL)) if not value]
    hint = "Start with make run, or set it to your own server"
    return [Warning(f"{name} is not set", hint=hint, id="countersign.W001") for name in missing]
