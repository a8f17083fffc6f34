"""From a sentence to a statement: the requests that the scripted planner of the dba understands. Pure.

Each rule is a pattern over the lower-cased request and a template. Values are taken from narrow groups (numbers, article
codes, addresses), so nothing a request says can become SQL that the rule did not foresee; and every statement still has to
pass `statements.parse`, the rehearsal and a person. Gaps are bounded, so that no request takes long to read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DAYS = {"day": 1, "tag": 1, "tage": 1, "tagen": 1, "jour": 1, "día": 1, "dia": 1, "dni": 1, "日": 1, "week": 7, "woche": 7,
        "semana": 7, "semaine": 7, "month": 30, "monat": 30, "mois": 30, "mes": 30, "year": 365, "jahr": 365, "año": 365, "an": 365}  # fmt: skip
AGE = r"(?P<number>\d{1,4})\s*(?P<unit>days?|weeks?|months?|years?|tagen?|tage|wochen?|monaten?|jahren?|jours?|semaines?|mois|ans?|días?|dias?|semanas?|mes(?:es)?|años?|dni|日)"
SKU = r"(?P<sku>[a-z]{3}-[a-z0-9]{2,4}-?[a-z0-9]{0,4})"
EMAIL = r"(?P<email>[a-z0-9.+-]{1,60}@[a-z0-9.-]{1,60})"
RAW = re.compile(r"(?is)^\s*(?:```(?:sql)?\s*(?P<fenced>.+?)```|(?P<bare>(?:update\s+\S+\s|delete\s+from\s).+))\s*$")


@dataclass(frozen=True)
class Rule:
    """One kind of request."""

    name: str
    pattern: re.Pattern[str]
    template: str
    whole_table: bool = False  # the request asks for every row, expressly


def rule(name: str, pattern: str, template: str, *, whole_table: bool = False) -> Rule:
    return Rule(name, re.compile(pattern, re.IGNORECASE | re.DOTALL), template, whole_table)


RULES = (
    rule(
        "old carts",
        rf"(?:carts?|warenk[öo]rbe?|paniers?|carritos?|koszyk\w*|カート).{{0,200}}?{AGE}",
        "DELETE FROM shop.carts WHERE updated_at < now() - interval '{days} days'",
    ),
    rule("empty carts", r"\bempty\b.{0,200}carts?|leere.{0,200}warenk", "DELETE FROM shop.carts WHERE items = 0"),
    rule("all carts", r"(?:all|every|alle)\b.{0,200}(?:carts|warenk)", "DELETE FROM shop.carts", whole_table=True),
    rule(
        "expired coupons",
        r"(?:expired|abgelaufene?n?|expirés?|caducad[oa]s|vencid[oa]s|期限切れ).{0,200}(?:coupons?|gutscheine?|cup[oó]n\w*|クーポン)|coupons?.{0,200}(?:expired|expirés?)",
        "UPDATE shop.coupons SET active = false WHERE active AND expires_at < now()",
    ),
    rule(
        "test coupons",
        r"(?:test|development).{0,200}coupons?|coupons?.{0,200}\btest\b",
        "DELETE FROM shop.coupons WHERE code LIKE 'TEST%'",
    ),
    rule(
        "spam reviews",
        r"spam.{0,200}(?:reviews?|bewertung\w*|avis|reseñas?|レビュー)|(?:reviews?|bewertung\w*|avis|reseñas?|レビュー).{0,200}(?:spam)|スパム.{0,200}レビュー",
        "DELETE FROM shop.reviews WHERE is_spam",
    ),
    rule(
        "lower-case addresses",
        r"(?:lower[- ]?case|klein(?:buchstaben|schreib\w*)|minuscules?|minúsculas).{0,200}(?:e-?mail|adress\w*|correo)|(?:e-?mail|adress\w*|correo).{0,200}(?:lower[- ]?case|klein(?:buchstaben|schreib\w*)|minuscules?|minúsculas)",
        "UPDATE shop.customers SET email = lower(email) WHERE email <> lower(email)",
    ),
    rule("country code", r"\buk\b.{0,200}\bgb\b", "UPDATE shop.customers SET country = 'GB' WHERE country = 'UK'"),
    rule(
        "unpaid orders",
        rf"unpaid.{{0,200}}orders?.{{0,200}}?{AGE}|orders?.{{0,200}}unpaid.{{0,200}}?{AGE.replace('number', 'number2').replace('unit', 'unit2')}",
        "UPDATE shop.orders SET status = 'cancelled' WHERE status = 'unpaid' AND placed_at < now() - interval '{days} days'",
    ),
    rule(
        "sold out articles",
        r"(?:sold[- ]out|out of stock|zero stock|no stock|ausverkauft\w*|épuisés?|agotad[oa]s).{0,200}(?:discontinu\w*|auslisten|retir\w*)|(?:discontinue|mark).{0,200}(?:sold[- ]out|out of stock|zero stock|no stock)",
        "UPDATE shop.products SET discontinued = true WHERE stock = 0 AND NOT discontinued",
    ),
    rule(
        "stock of an article",
        rf"(?:stock|bestand|existencias)\D*?{SKU}\D*?(?P<value>\d{{1,5}})\b",
        "UPDATE shop.products SET stock = {value} WHERE sku = '{sku}'",
    ),
    rule(
        "price of an article",
        rf"(?:price|preis|prix|precio)\D*?{SKU}\D*?(?P<euros>\d{{1,5}})[.,](?P<cents>\d\d)\b",
        "UPDATE shop.products SET price_cents = {price_cents} WHERE sku = '{sku}'",
    ),
    rule(
        "price rise",
        r"(?:raise|increase|erhöh\w*|augment\w*).{0,200}?(?P<series>[a-z]{3})-.{0,200}?(?P<percent>\d{1,2})\s*%",
        "UPDATE shop.products SET price_cents = round(price_cents * 1.{percent:0>2})::int WHERE sku LIKE '{series}-%'",
    ),
    rule(
        "unsubscribe",
        rf"(?:unsubscribe|newsletter|abmelden|désabonn\w*|dar de baja).{{0,200}}?{EMAIL}|{EMAIL.replace('email', 'email2')}.{{0,200}}?(?:unsubscribe|newsletter)",
        "UPDATE shop.customers SET newsletter = false WHERE lower(email) = '{email}'",
    ),
    rule(
        "idle customers",
        rf"(?:deactivate|deaktivier\w*|désactiv\w*|desactiv\w*).{{0,200}}?(?:customers?|kunden|clients?|clientes?).{{0,200}}?{AGE}",
        "UPDATE shop.customers AS c SET is_active = false WHERE c.is_active AND NOT EXISTS"
        " (SELECT 1 FROM shop.orders AS o WHERE o.customer_id = c.id AND o.placed_at > now() - interval '{days} days')",
    ),
    rule(
        "close answered tickets",
        r"close.{0,200}(?:answered).{0,200}tickets?|(?:beantwortete).{0,200}tickets?",
        "UPDATE shop.tickets SET status = 'closed' WHERE status = 'answered'",
    ),
    rule(
        "newsletter for everyone",
        r"(?:everyone|everybody|all customers).{0,200}newsletter|newsletter.{0,200}(?:everyone|everybody|all customers)",
        "UPDATE shop.customers SET newsletter = true",
        whole_table=True,
    ),
)


@dataclass(frozen=True)
class Understood:
    """A statement to plan, and whether the request expressly meant the whole table."""

    kind: str
    statement: str
    whole_table: bool


def understand(request: str) -> Understood | None:
    """The statement for a request, or None when no rule knows it."""
    raw = RAW.match(request)
    if raw:
        return Understood("SQL as given", (raw.group("fenced") or raw.group("bare")).strip(), False)
    for known in RULES:
        match = known.pattern.search(request)
        if match:
            return Understood(known.name, known.template.format(**_values(match)), known.whole_table)
    return None


def _values(match: re.Match[str]) -> dict[str, str | int]:
    found = {name.rstrip("2"): value for name, value in match.groupdict().items() if value is not None}
    values: dict[str, str | int] = dict(found)
    if "number" in found:
        values["days"] = int(found["number"]) * _unit_days(found["unit"].lower())
    if "euros" in found:
        values["price_cents"] = int(found["euros"]) * 100 + int(found["cents"])
    for name in ("sku", "series"):
        if name in found:
            values[name] = found[name].upper()
    if "email" in found:
        values["email"] = found["email"].lower().rstrip(".")
    return values


def _unit_days(unit: str) -> int:
    """The longest known word that the unit begins with: `Wochen` is a `woche`."""
    return next((DAYS[word] for word in sorted(DAYS, key=len, reverse=True) if unit.startswith(word)), 1)
