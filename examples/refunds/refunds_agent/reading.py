"""What a support ticket says: order numbers, amounts, wishes in ten languages, and text that tries to give orders.

Pure functions of the text. Everything here treats the ticket as *material*: it is searched, never obeyed.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

KEYWORDS: dict[str, list[str]] = json.loads((Path(__file__).parent / "keywords.json").read_text(encoding="utf-8"))
INTENTS = ("legal", "fraud", "credit", "cancel", "refund", "where", "thanks")  # the first that matches wins

ORDER_NUMBER = re.compile(r"(?:\ba[\s-]{0,2}|#)(\d{5})\b", re.IGNORECASE)
MONEY_UNIT = r"(?:€|\$|£|zł|r\$|eur|usd|gbp|pln|brl)"
NUMBER = r"\d{1,3}(?:[.,]\d{3}){1,3}(?:[.,]\d{2})?|\d{1,9}(?:[.,]\d{2})?"
MONEY = re.compile(rf"{MONEY_UNIT}\s?({NUMBER})|(?<![\d.,])({NUMBER})\s?{MONEY_UNIT}", re.IGNORECASE)
NEGATED = re.compile(r"\b(?:don't|do not|not|no|kein\w*|nicht|sin|pas|nie|senza|geen|sem)\W+(?:\w+\W+){0,3}$")
QUOTE_STARTS = re.compile(
    r"(?im)^(?:-{3,}\s*(?:original message|forwarded message|ursprüngliche nachricht).*|on .{5,80} wrote:|am .{5,80} schrieb.*:)$"
)
TAG = re.compile(r"<[^<>]{0,300}>")
HIDDEN_HTML = re.compile(r"(?is)<!--.{0,2000}?-->|<(\w+)[^>]{0,300}(?:display\s*:\s*none|font-size\s*:\s*0)[^>]{0,300}>.{0,2000}?</\1>")
BASE64 = re.compile(r"[A-Za-z0-9+/]{32,}={0,2}")
LONGEST = 20_000  # a longer mail goes to a person: searching it could take too long, by design of its writer
TAG_BLOCK = range(0xE0020, 0xE007F)

# Phrases that address the machine instead of the shop. Any one of them sends the ticket to a person.
ORDERS_TO_THE_MACHINE = re.compile(
    r"(?ix)"
    r"ignor\w*\s+(?:\w+\s+){0,3}(?:previous|prior|above|earlier|instruc|guideline|rules)"
    r"|disregard\s+(?:\w+\s+){0,3}(?:instruction|guideline|rule|polic)"
    r"|(?:vorherige|bisherige)n?\s+anweisungen|instrucciones\s+anteriores|instructions\s+précédentes|instruções\s+anteriores"
    r"|以前の指示|تجاهل|zignoruj|istruzioni\s+precedenti"
    r"|(?:^|[\[\n\#>|])\s*(?:system|assistant|developer|tool)(?:\s+\w+){0,4}\s*:"
    r"|<\|\w+\|>|</?(?:system|tool_call|function_call)\b"
    r"|\"?(?:tool_calls?|function_call|amount_cents)\"?\s*[:=]"
    r"|(?:refund_payment|issue_store_credit|send_reply)\b"
    r"|reviewer(?:'s)?\s+note|pre-?approved|auto(?:matically|-)\s?approve|approve\w*\s+automatically|automatisch\s+freigeben"
    r"|maintenance\s+mode|dear\s+ai\b|you\s+are\s+now\b|as\s+an\s+ai\b"
)


@dataclass(frozen=True)
class Reading:
    """What was understood of one ticket."""

    intent: str  # one of INTENTS, or "unclear"
    order_ids: tuple[str, ...]
    amounts_cents: tuple[int, ...]
    text: str  # what the customer wrote last: lower case, no markup, no quoted mail, nothing hidden
    suspicious: str  # why this looks like an attempt to instruct the agent, "" when it does not


def read(subject: str, body: str) -> Reading:
    """Understand one ticket. Deterministic; never raises on odd text."""
    if len(subject) + len(body) > LONGEST:
        return Reading("unclear", (), (), "", f"a text of {len(subject) + len(body)} characters, too long to be read")
    raw = f"{subject}\n{body}"
    text = plain(f"{subject}\n{unquoted(body)}")
    orders = tuple(dict.fromkeys(f"A-{digits}" for digits in ORDER_NUMBER.findall(text)))
    return Reading(
        intent=intent_of(text),
        order_ids=orders,
        amounts_cents=tuple(_cents(before or after) for before, after in MONEY.findall(text)),
        text=text,
        suspicious=suspicion(raw),
    )


def plain(text: str) -> str:
    """Visible text in one form: no markup, no invisible characters, one kind of digit, lower case."""
    text = TAG.sub(" ", HIDDEN_HTML.sub(" ", text))
    text = unicodedata.normalize("NFKC", html.unescape(text))
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if category == "Nd":
            kept.append(str(unicodedata.digit(character)))
        elif category not in ("Cf", "Co", "Cn") and not 0xE0000 <= ord(character) <= 0xE01EF:
            kept.append(character)
    return "".join(kept).lower().replace("\u2019", "'")


def unquoted(body: str) -> str:
    """The latest message of a thread; the quoted rest was written by somebody else, some other day."""
    start = QUOTE_STARTS.search(body)
    latest = body[: start.start()] if start else body
    own_lines = [line for line in latest.splitlines() if not line.lstrip().startswith(">")]
    return "\n".join(own_lines) if any(line.strip() for line in own_lines) else body


def intent_of(text: str) -> str:
    """The first wish, in order of caution, that is named and not denied."""
    for intent in INTENTS:
        for keyword in KEYWORDS[intent]:
            at = text.find(keyword)
            if at >= 0 and not (intent == "credit" and NEGATED.search(text[:at])):
                return intent
    return "unclear"


def suspicion(raw: str) -> str:
    """Why the text looks as if it speaks to the machine: in plain sight, hidden, reversed or encoded."""
    hidden_tags = "".join(chr(ord(character) - 0xE0000) for character in raw if ord(character) in TAG_BLOCK)
    if hidden_tags:
        return f"hidden text in tag characters: {hidden_tags[:80]!r}"
    for label, text in (
        ("instructions to the agent", plain_keeping_hidden_html(raw)),
        ("reversed instructions", plain_keeping_hidden_html(raw[::-1])),
        *(("encoded instructions", decoded) for decoded in decoded_blobs(raw)),
    ):
        found = ORDERS_TO_THE_MACHINE.search(text)
        if found:
            return f"{label}: {found.group(0).strip()[:60]!r}"
    return ""


def plain_keeping_hidden_html(raw: str) -> str:
    """As `plain`, but with what HTML would hide: for finding it, not for understanding the customer."""
    return plain(raw.replace("<!--", " \n").replace("-->", " \n")) + "\n" + raw.lower()


def decoded_blobs(raw: str) -> list[str]:
    """Base64 runs that turn out to be text."""
    texts = []
    for blob in BASE64.findall(raw):
        try:
            texts.append(base64.b64decode(blob + "=" * (-len(blob) % 4)).decode("utf-8"))
        except (binascii.Error, UnicodeDecodeError):
            continue
    return texts


def _cents(number: str) -> int:
    """`1.299,00`, `1,299.00`, `950` and `34,9` in hundredths."""
    whole, decimals = re.sub(r"[.,](?=\d{3})", "", number), "0"
    if re.search(r"[.,]\d{2}$", whole):
        whole, decimals = whole[:-3], whole[-2:]
    return int(whole) * 100 + int(decimals)
