"""The dba runs exactly one approved UPDATE or DELETE on the shop, once, and only on the rows that were approved."""

import dataclasses
import json
import threading
import time
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from agents.tools.registry import BadArgs, ToolContext, ToolError
from dba_agent.requests import understand
from dba_agent.script import script
from dba_agent.statements import Refused, parse, parse_canonical
from dba_agent.tools import TOOLS, list_tables, plan_statement, rehearse_only, run_statement
from shop_store.effects import effect

BY_NAME = {tool.name: tool for tool in TOOLS}
REQUESTS = Path(__file__).resolve().parents[2] / "examples" / "dba" / "requests.jsonl"
EMPTY_CARTS = "DELETE FROM shop.carts WHERE items = 0"
REFUSED = [
    "", ";", "SELECT 1", "SELECT * FROM shop.carts", "INSERT INTO shop.carts VALUES ('x')", "TRUNCATE shop.carts", "DROP TABLE shop.carts",
    "ALTER TABLE shop.carts ADD x int", "COPY shop.carts TO PROGRAM 'id'", "DO $$ BEGIN END $$", "EXPLAIN ANALYZE DELETE FROM shop.carts",
    "MERGE INTO shop.carts USING shop.orders ON true WHEN MATCHED THEN DELETE", "CALL x()", "SET ROLE postgres", "COMMIT",
    "DELETE FROM shop.carts; DELETE FROM shop.reviews", "DELETE FROM shop.carts; COMMIT; DELETE FROM shop.reviews",
    "DELETE FROM carts", "DELETE FROM public.carts", "DELETE FROM other.shop.carts", "DELETE FROM auth_user", "DELETE FROM shop.nothing",
    "DELETE FROM shop.statement_ledger", "UPDATE shop.refunds SET amount_cents = 1", "UPDATE pg_catalog.pg_authid SET rolsuper = true",
    "WITH x AS (DELETE FROM shop.reviews RETURNING *) DELETE FROM shop.carts", "WITH x AS (SELECT 1) DELETE FROM shop.carts",
    "DELETE FROM shop.carts USING shop.orders", "UPDATE shop.carts SET items = 1 FROM shop.orders", "DELETE FROM shop.carts RETURNING *",
    "DELETE FROM shop.carts WHERE pg_sleep(9) IS NULL", "DELETE FROM shop.carts WHERE id = pg_read_file('/etc/passwd')",
    "DELETE FROM shop.carts WHERE lo_import('/etc/passwd') > 0", "DELETE FROM shop.carts WHERE shop.boom(1) > 0",
    "DELETE FROM shop.carts WHERE set_config('a', 'b', false) = 'b'", "DELETE FROM shop.carts WHERE nextval('x') > 0",
    "UPDATE shop.carts SET items = random()", "DELETE FROM shop.carts WHERE id = current_user", "DELETE FROM shop.carts WHERE CURRENT OF c",
    "DELETE FROM shop.carts WHERE id = 'x'::regclass::text", "DELETE FROM shop.carts WHERE id OPERATOR(pg_catalog.=) 'x'",
    "UPDATE shop.customers SET name = (SELECT passwd FROM pg_shadow)", "UPDATE shop.customers SET name = (SELECT max(name) FROM shop.customers)",
    "DELETE FROM shop.carts WHERE id IN (SELECT usename FROM pg_user)", "DELETE FROM shop.carts WHERE id IN (SELECT id FROM shop.carts FOR UPDATE)",
    "UPDATE shop.customers SET name = E'\\x41'", "DELETE FROM shop.carts WHERE id = U&'d!0061'", "DELETE FROM shop.carts WHERE id = $1",
    "DELETE FROM ONLY shop.carts", "UPDATE shop.carts SET (items) = (SELECT 1)", "DELETE FROM shop.carts WHERE id = 'a\0b'",
    "DELETE FROM shop.carts WHERE " + "(" * 1500 + "true" + ")" * 1500, "DELETE FROM shop.carts WHERE " + "NOT " * 900 + "true",
    "DELETE FROM shop.carts WHERE id = '" + "x" * 5000 + "'",
]  # fmt: skip


def count(shop, table="carts"):
    return shop.execute(f"SELECT count(*) AS n FROM shop.{table}").fetchone()["n"]


def planned(call, statement, **more):
    plan = call(plan_statement, {"statement": statement})
    return {"statement": plan["statement"], "expected_rows": plan["rows"], "rows_sha256": plan["rows_sha256"], **more}


@pytest.mark.parametrize("statement", REFUSED, ids=lambda statement: ascii(statement)[:60])
def test_what_is_not_one_plain_update_or_delete_is_refused(statement):
    with pytest.raises(Refused):
        parse(statement)


def test_only_the_planned_spelling_is_run():
    for text in ("delete from shop.carts where items = 0", EMPTY_CARTS + ";", EMPTY_CARTS + " -- and more", "/* x */ " + EMPTY_CARTS):
        assert parse(text).sql == EMPTY_CARTS
        with pytest.raises(Refused):
            parse_canonical(text)
        with pytest.raises(BadArgs):
            run_statement.validate({"statement": text, "expected_rows": 1, "rows_sha256": "0" * 64})


def test_planning_changes_nothing(shop, call):
    before = count(shop)
    assert call(plan_statement, {"statement": EMPTY_CARTS})["rows"] == 8
    assert count(shop) == before


def test_the_preview_shows_rows_before_and_after(shop, call, look):
    args = planned(call, "UPDATE shop.customers SET country = 'GB' WHERE country = 'UK'")
    preview = look(run_statement, args)
    assert preview.facts == {"rows": 2}
    assert preview.details["columns"] == ["id", "country"]
    assert preview.details["before"] == [["C-043", "UK"], ["C-057", "UK"]]
    assert preview.details["after"] == [["C-043", "GB"], ["C-057", "GB"]]
    assert shop.execute("SELECT count(*) AS n FROM shop.customers WHERE country = 'UK'").fetchone()["n"] == 2


def test_a_sample_is_cut_at_twenty_rows(shop, call, look):
    preview = look(run_statement, planned(call, "UPDATE shop.carts SET items = items + 1 WHERE items > 0"))
    assert (preview.facts["rows"], len(preview.details["before"]), len(preview.details["after"])) == (40, 20, 20)


def test_it_runs_once_per_key(shop, call):
    args = planned(call, "UPDATE shop.products SET stock = stock + 1 WHERE sku = 'CER-MUG-04'")
    results = [call(run_statement, args) for _ in range(4)]
    assert all(result == results[0] for result in results)
    assert shop.execute("SELECT stock FROM shop.products WHERE sku = 'CER-MUG-04'").fetchone() == {"stock": 89}
    assert count(shop, "statement_ledger") == 1


def test_two_workers_with_one_key_both_say_done(shop, call):
    args, outcomes, start = planned(call, EMPTY_CARTS), [], threading.Barrier(4)

    def work():
        start.wait()
        outcomes.append(call(run_statement, args)["rows"])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [8] * 4


def test_a_key_cannot_be_used_for_another_statement(shop, call):
    call(run_statement, planned(call, EMPTY_CARTS))
    with pytest.raises(ToolError) as refusal:
        call(run_statement, planned(call, "DELETE FROM shop.reviews WHERE is_spam"))
    assert refusal.value.code == "key_reused"


@pytest.mark.parametrize(
    "meanwhile",
    [
        "DELETE FROM shop.carts WHERE id = 'K-001'",
        "UPDATE shop.carts SET items = 0 WHERE id = 'K-002'",
        "UPDATE shop.carts SET customer_id = 'C-001' WHERE id = 'K-001'",
        "UPDATE shop.carts SET items = 3 WHERE id = 'K-001'; UPDATE shop.carts SET items = 0 WHERE id = 'K-002'",
    ],
)
def test_it_refuses_when_the_rows_are_not_those_approved(shop, call, look, meanwhile):
    args = planned(call, EMPTY_CARTS)
    shop.execute(meanwhile)
    before = count(shop)
    for attempt in (call, look):
        with pytest.raises(ToolError) as refusal:
            attempt(run_statement, args)
        assert refusal.value.code == "rows_changed"
    assert (count(shop), count(shop, "statement_ledger")) == (before, 0)


def test_a_row_that_somebody_is_changing_is_waited_for_and_then_refused(shop, call, monkeypatch):
    args = planned(call, EMPTY_CARTS)
    monkeypatch.setattr("shop_store.db.LOCK_TIMEOUT_MS", 300)
    with shop.transaction():
        shop.execute("UPDATE shop.carts SET items = 5 WHERE id = 'K-001'")
        with pytest.raises(ToolError) as refusal:
            call(run_statement, args)
    assert (refusal.value.code, count(shop, "statement_ledger")) == ("busy", 0)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM shop.carts", "DELETE FROM shop.carts WHERE 1 = 1", "DELETE FROM shop.carts WHERE items >= 0"]
)
def test_a_whole_table_needs_to_be_meant(shop, call, look, statement):
    args = planned(call, statement)
    with pytest.raises(ToolError) as refusal:
        call(run_statement, args)
    assert (refusal.value.code, count(shop)) == ("whole_table", 48)
    assert look(run_statement, {**args, "allow_whole_table": True}).details["warnings"]
    assert call(run_statement, {**args, "allow_whole_table": True})["rows"] == 48


def test_a_statement_that_breaks_a_constraint_changes_nothing(shop, call):
    for statement in ("DELETE FROM shop.customers WHERE id = 'C-001'", "UPDATE shop.products SET stock = 0 - 5 WHERE sku = 'CER-MUG-04'"):
        with pytest.raises(ToolError) as refusal:
            call(plan_statement, {"statement": statement})
        assert refusal.value.code == "database"


def test_a_name_without_quotes_is_read_as_postgresql_reads_it(shop, call):
    """In capitals it named no column of the preview, and the look-up ended as a call that nobody could say anything about."""
    plan = call(plan_statement, {"statement": "UPDATE SHOP.Products SET Price_Cents = 1 WHERE Stock = 0"})
    assert plan["statement"] == "UPDATE shop.products SET price_cents = 1 WHERE stock = 0"
    with pytest.raises(ToolError, match="primary keys"):
        call(plan_statement, {"statement": "UPDATE shop.carts SET ID = 'K-999' WHERE id = 'K-001'"})
    with pytest.raises(ToolError, match="nothing was done"):
        call(plan_statement, {"statement": 'UPDATE shop.products SET "Price_Cents" = 1 WHERE stock = 0'})


def test_a_mistake_of_the_tools_own_is_rolled_back_and_says_that_nothing_was_done(shop):
    with pytest.raises(ToolError, match="nothing was done: KeyError"), effect() as connection:
        connection.execute("DELETE FROM shop.carts")
        raise KeyError("a column")
    assert count(shop) > 0


def test_hidden_effects_and_key_changes_are_refused(shop, call):
    with pytest.raises(ToolError, match="primary keys"):
        call(plan_statement, {"statement": "UPDATE shop.carts SET id = 'K-999' WHERE id = 'K-001'"})
    shop.execute("CREATE FUNCTION shop.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    shop.execute("CREATE TRIGGER t BEFORE DELETE ON shop.carts FOR EACH ROW EXECUTE FUNCTION shop.t()")
    with pytest.raises(ToolError) as refusal:
        call(plan_statement, {"statement": EMPTY_CARTS})
    assert refusal.value.code == "hidden_effects"


def test_a_function_of_that_name_in_the_shop_is_not_called(shop, call):
    shop.execute("CREATE FUNCTION shop.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'planted' $$")
    plan = call(plan_statement, {"statement": "UPDATE shop.customers SET email = lower(email) WHERE email <> lower(email)"})
    assert plan["rows"] == 3


def test_outcome_can_be_asked_for(shop, call):
    args = planned(call, EMPTY_CARTS)
    model, _ = run_statement.validate(args)
    context = ToolContext("a", "r", "test", "key-1", {})
    assert run_statement.check_outcome(model, context) == "not_done"
    call(run_statement, args)
    assert run_statement.check_outcome(model, context) == "done"


def test_postgresql_itself_takes_one_statement_only(shop, call):
    """Should the parser ever let two through, the protocol does not."""
    two = dataclasses.replace(parse(EMPTY_CARTS), sql="; ".join([EMPTY_CARTS, "DELETE FROM shop.reviews"]))
    with pytest.raises(ToolError, match="multiple commands"):
        rehearse_only(two)


def test_tables_are_listed_without_the_ledger(shop, call):
    tables = call(list_tables, {})["tables"]
    assert "shop.carts" in tables
    assert "shop.statement_ledger" not in tables


def requests():
    return [json.loads(line)["request"] for line in REQUESTS.read_text("utf-8").splitlines()]


def test_a_dozen_kinds_of_request_become_acceptable_statements():
    known = {found.kind: found.statement for found in map(understand, requests()) if found}
    assert len(known) >= 13
    assert all(parse(statement) for kind, statement in known.items() if kind != "SQL as given")


def test_the_script_ends_with_the_rows_it_announced(shop, call):
    """All requests of the demo, one after the other on the same shop."""
    for number, request in enumerate(requests()):
        messages: list[BaseMessage] = [HumanMessage(f"Maintenance request: {request}")]
        ran = []
        while (answer := script(messages)).tool_calls:
            messages.append(answer)
            for one in answer.tool_calls:
                try:
                    outcome = {"status": "done", "result": call(BY_NAME[one["name"]], one["args"], key=f"request-{number}")}
                    ran += [outcome["result"]["rows"]] if one["name"] == "run_statement" else []
                except ToolError as error:
                    outcome = {"status": "failed", "reason": error.message}
                messages.append(ToolMessage(json.dumps(outcome), tool_call_id=one["id"]))
        assert len(messages) < 12
        assert not ran or f"{ran[-1]} rows" in str(answer.content)


def test_changed_rows_are_planned_again_once(shop, call):
    plan = {"statement": EMPTY_CARTS, "rows": 8, "rows_sha256": "0" * 64, "whole_table": False, "table": "shop.carts"}
    changed = {"status": "failed", "reason": "The rows changed. Plan it again."}
    answers = {
        "list_tables": {"status": "done", "result": {}},
        "plan_statement": {"status": "done", "result": plan},
        "run_statement": changed,
    }
    messages: list[BaseMessage] = [HumanMessage("Maintenance request: delete all empty carts")]
    proposed = []
    while (answer := script(messages)).tool_calls:
        one = answer.tool_calls[0]
        proposed.append(one["name"])
        messages += [answer, ToolMessage(json.dumps(answers[one["name"]]), tool_call_id=one["id"])]
    assert proposed == ["list_tables"] + ["plan_statement", "run_statement"] * 2


@pytest.mark.parametrize("words", ["unpaid orders ", "carts ", "raise aaa-", "a@", "update x "])
def test_requests_that_are_made_to_be_slow_are_not(words):
    started = time.monotonic()
    understand(words * (4000 // len(words)))
    assert time.monotonic() - started < 3
