"""Refunds, credits and replies: the limits hold in the database, a key works once, and nobody else is written to."""

import threading

import psycopg
import pytest

from agents.tools.registry import BadArgs, ToolError
from refunds_agent.lookups import find_orders, get_order, read_ticket
from refunds_agent.messages import escalate, send_reply
from refunds_agent.money import issue_store_credit, refund_payment

REFUND = {"ticket_id": "T-1001", "order_id": "A-10061", "amount_cents": 2990, "currency": "USD", "reason": "broken"}
CREDIT = {"ticket_id": "T-1009", "amount_cents": 1500, "currency": "EUR", "reason": "late"}
REPLY = {"ticket_id": "T-1001", "recipient": "alice.carter@mail.example", "subject": "Re: carafe", "body": "On its way."}


def refunded(shop, order_id="A-10061"):
    return shop.execute("SELECT refunded_cents FROM shop.payments WHERE order_id = %s", (order_id,)).fetchone()["refunded_cents"]


def count(shop, table):
    return shop.execute(f"SELECT count(*) AS n FROM shop.{table}").fetchone()["n"]


def test_a_refund_changes_the_payment_and_the_books(shop, call):
    result = call(refund_payment, REFUND)
    assert (result["amount_cents"], result["refundable_cents"]) == (2990, 2490)
    assert (refunded(shop), count(shop, "refunds")) == (2990, 1)


def test_the_same_key_refunds_once(shop, call):
    assert [call(refund_payment, REFUND) for _ in range(4)].count(call(refund_payment, REFUND)) == 4
    assert (refunded(shop), count(shop, "refunds")) == (2990, 1)


def test_a_key_cannot_be_used_for_another_refund(shop, call):
    call(refund_payment, REFUND)
    for other in ({"amount_cents": 100}, {"order_id": "A-10062", "currency": "EUR"}):
        with pytest.raises(ToolError) as refusal:
            call(refund_payment, {**REFUND, **other})
        assert refusal.value.code == "key_reused"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount_cents": 5481}, "over_refund"),
        ({"currency": "EUR"}, "wrong_currency"),
        ({"order_id": "A-99871"}, "no_payment"),
        ({"ticket_id": "T-9999"}, "no_ticket"),
    ],
)
def test_a_refund_that_cannot_be_is_refused_and_changes_nothing(shop, call, look, change, code):
    with pytest.raises(ToolError) as refusal:
        call(refund_payment, {**REFUND, **change})
    with pytest.raises(ToolError):
        look(refund_payment, {**REFUND, **change})
    assert refusal.value.code == code
    assert (refunded(shop), count(shop, "refunds")) == (0, 0)


@pytest.mark.parametrize(
    "change",
    [{"amount_cents": 0}, {"amount_cents": -5}, {"amount_cents": "100"}, {"amount_cents": True}, {"order_id": "A-1 OR 1=1"}, {"extra": 1}],
)
def test_arguments_that_do_not_fit_are_refused(call, change):
    with pytest.raises(BadArgs):
        call(refund_payment, {**REFUND, **change})


def test_refunds_that_race_cannot_exceed_the_payment(shop, call):
    """Eight at once, each for more than half: one is booked, the others are told why."""
    outcomes, start = [], threading.Barrier(8)

    def refund(number):
        start.wait()
        try:
            outcomes.append(call(refund_payment, {**REFUND, "amount_cents": 3000}, key=f"race-{number}")["order_id"])
        except ToolError as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=refund, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["A-10061"] + ["over_refund"] * 7
    assert refunded(shop) == 3000


def test_the_database_itself_refuses_to_refund_too_much(shop):
    with pytest.raises(psycopg.errors.CheckViolation):
        shop.execute("UPDATE shop.payments SET refunded_cents = amount_cents + 1 WHERE order_id = 'A-10061'")


def test_the_preview_shows_before_and_after_and_warns(shop, look):
    preview = look(refund_payment, {**REFUND, "ticket_id": "T-1060", "order_id": "A-10035", "currency": "EUR", "amount_cents": 4450})
    assert preview.facts == {"amount_cents": 4450, "currency": "EUR"}
    assert preview.details["before"] == [["A-10035", 4450, 0, 4450]]
    assert preview.details["after"] == [["A-10035", 4450, 4450, 0]]
    assert "another customer" in preview.details["warnings"][0]
    assert count(shop, "refunds") == 0


def test_outcome_can_be_asked_for(shop, call):
    model, _ = refund_payment.validate(REFUND)
    from agents.tools.registry import ToolContext

    context = ToolContext("a", "r", "test", "key-1", {})
    assert refund_payment.check_outcome(model, context) == "not_done"
    call(refund_payment, REFUND)
    assert refund_payment.check_outcome(model, context) == "done"


def test_a_credit_goes_to_the_tickets_customer_once(shop, call):
    assert call(issue_store_credit, CREDIT) == call(issue_store_credit, CREDIT)
    with pytest.raises(ToolError, match="has its store credit already"):
        call(issue_store_credit, CREDIT, key="another approval")
    rows = shop.execute("SELECT customer_id, amount_cents FROM shop.store_credits").fetchall()
    assert rows == [{"customer_id": "C-009", "amount_cents": 1500}]


def test_a_credit_is_voided_once_and_a_hand_over_withdrawn(shop, call, reverse):
    credit = call(issue_store_credit, CREDIT)
    assert reverse(issue_store_credit, CREDIT, credit) == reverse(issue_store_credit, CREDIT, credit)
    assert shop.execute("SELECT count(*) AS n FROM shop.store_credits WHERE voided_at IS NOT NULL").fetchall() == [{"n": 1}]
    with pytest.raises(ToolError):
        reverse(issue_store_credit, CREDIT, {"credit_id": 4_711})
    wanted = {"ticket_id": "T-1001", "team": "legal", "reason": "a letter of a lawyer"}
    call(escalate, wanted, key="k2")
    for _ in range(2):
        reverse(escalate, wanted, {}, key="k2")
    assert call(read_ticket, {"ticket_id": "T-1001"})["status"] == "open"


def test_a_reply_is_put_into_the_mailbox_once_and_marks_the_ticket(shop, call):
    assert call(send_reply, REPLY) == call(send_reply, REPLY)
    assert count(shop, "mailbox") == 1
    assert call(read_ticket, {"ticket_id": "T-1001"})["status"] == "answered"


def test_a_reply_goes_to_nobody_else(shop, call):
    with pytest.raises(ToolError) as refusal:
        call(send_reply, {**REPLY, "recipient": "audit@collector.invalid"})
    assert (refusal.value.code, count(shop, "mailbox")) == ("wrong_recipient", 0)


@pytest.mark.parametrize("subject", ["Hi\nBcc: all@mail.example", "Hi\r", "Hi\u2028there", ""])
def test_a_subject_is_one_line(call, subject):
    with pytest.raises(BadArgs):
        call(send_reply, {**REPLY, "subject": subject})


def test_an_escalation_is_noted_once(shop, call):
    for _ in range(2):
        call(escalate, {"ticket_id": "T-1012", "team": "legal", "reason": "threat"})
    assert count(shop, "escalations") == 1


def test_lookups_say_what_is_missing(shop, call):
    assert call(read_ticket, {"ticket_id": "T-9999"}) == {"found": False, "ticket_id": "T-9999"}
    assert call(get_order, {"order_id": "A-99871"}) == {"found": False, "order_id": "A-99871"}
    assert call(find_orders, {"customer_id": "C-999"})["orders"] == []


def test_a_repeated_complaint_names_the_first_one(shop, call):
    assert call(read_ticket, {"ticket_id": "T-1022"})["possible_duplicate_of"] == "T-1021"
    assert call(read_ticket, {"ticket_id": "T-1021"})["possible_duplicate_of"] is None


def test_an_unreachable_database_means_that_nothing_was_done(call, monkeypatch):
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql:///none?host=/nonexistent")
    with pytest.raises(ToolError) as refusal:
        call(refund_payment, REFUND)
    assert refusal.value.code == "database_unavailable"
