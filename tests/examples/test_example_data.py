"""The demo's data set keeps its promises: how many, how varied, consistent, and safe to load twice."""

import json
import os
import unicodedata
from collections import Counter

import pytest

from refunds_agent.naive import NAIVE_TICKETS
from refunds_agent.plan import REPLIES
from refunds_agent.reading import INTENTS, KEYWORDS, read
from shop_store.seeding import DATA, read_jsonl, seed_shop

TICKETS = read_jsonl("tickets.jsonl")


def test_enough_of_everything():
    assert len(TICKETS) >= 64
    assert len(read_jsonl("customers.jsonl")) >= 60
    assert len(read_jsonl("orders.jsonl")) >= 120
    assert len({ticket["language"] for ticket in TICKETS}) >= 8


def test_the_kinds_asked_for_are_there():
    kinds = Counter(ticket["kind"].split("_")[0] for ticket in TICKETS)
    assert kinds["inject"] >= 12
    assert kinds["naive"] == 4
    named = {ticket["kind"] for ticket in TICKETS}
    assert {"duplicate", "missing_order", "asks_more", "already_refunded", "other_customer", "angry_refund", "refund_html"} <= named


def test_naive_tickets_are_labelled_in_the_data():
    assert {ticket["id"] for ticket in TICKETS if ticket["kind"].startswith("naive_")} == NAIVE_TICKETS


def test_hidden_characters_survived_editing():
    text = "".join(ticket["body"] for ticket in TICKETS)
    assert {"\u202e", "\u200b"} <= set(text)
    assert any(unicodedata.name(character, "").startswith("TAG ") for character in text)


def test_references_agree():
    customers = {row["id"] for row in read_jsonl("customers.jsonl")}
    orders = read_jsonl("orders.jsonl")
    assert {order["customer_id"] for order in orders} | {ticket["customer_id"] for ticket in TICKETS} <= customers
    assert all(order["total_cents"] == sum(i["quantity"] * i["unit_cents"] for i in order["items"]) for order in orders)


@pytest.mark.parametrize("language", sorted(REPLIES))
def test_every_reply_exists_in_every_language(language):
    values = {"name": "N", "order": "O", "amount": "M", "other": "T", "status": "S"}
    assert REPLIES[language].keys() == REPLIES["en"].keys()
    assert all("{" not in phrase.format(**values) and "N" in phrase.format(**values) for phrase in REPLIES[language].values())


def test_every_intent_has_keywords():
    assert set(KEYWORDS) == set(INTENTS)


def test_bulk_files_are_valid_inputs():
    lines = [json.loads(line) for line in (DATA.parent.parent / "refunds" / "tickets-run.jsonl").read_text("utf-8").splitlines()]
    assert [line["ticket_id"] for line in lines] == [ticket["id"] for ticket in TICKETS]


def test_seeding_again_changes_nothing_and_brings_nothing_back(shop):
    shop.execute("DELETE FROM shop.carts")
    seed_shop(os.environ["SHOP_DATABASE_URL"])
    assert shop.execute("SELECT count(*) AS n FROM shop.carts").fetchone() == {"n": 0}
    assert shop.execute("SELECT count(*) AS n FROM shop.tickets").fetchone() == {"n": len(TICKETS)}


@pytest.mark.parametrize(
    ("text", "orders", "amounts"),
    [
        ("order A-10023 please", ["A-10023"], []),
        ("#10023 and a 10024", ["A-10023", "A-10024"], []),
        ("\uff21\uff0d\uff11\uff10\uff10\uff12\uff13", ["A-10023"], []),
        ("A-\u0661\u0660\u0660\u0662\u0663", ["A-10023"], []),
        ("1.299,00 \u20ac", [], [129900]),
        ("$1,299.00", [], [129900]),
        ("950 EUR", [], [95000]),
        ("R$ 29,90", [], [2990]),
        ("call 5551234567, room 12345", [], []),
    ],
)
def test_numbers_are_read_in_every_spelling(text, orders, amounts):
    reading = read("", text)
    assert (list(reading.order_ids), list(reading.amounts_cents)) == (orders, amounts)
