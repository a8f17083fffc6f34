"""The dba's tools: what tables there are, what a statement would do, and running exactly what was approved.

The effect writes a ledger row in its own transaction, keyed by the Idempotency-Key. So it may be sent again after a crash,
and whether it happened can be asked.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agents.tools.registry import Preview, RiskClass, ToolContext, ToolError, tool
from dba_agent.rehearsal import ISOLATION, Rehearsed, rehearse
from dba_agent.statements import LONGEST, SCHEMA, TABLES, Refused, Statement, parse, parse_canonical
from shop_store.db import Row, ShopConnection
from shop_store.effects import effect, lookup


class Args(BaseModel):
    """What all arguments here have in common: nothing but the declared fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ListTablesArgs(Args):
    pass


class PlanArgs(Args):
    statement: str = Field(min_length=1, max_length=LONGEST, description="One UPDATE or DELETE on a table of the schema shop.")


class RunArgs(Args):
    statement: str = Field(min_length=1, max_length=LONGEST, description="The statement, as plan_statement spelled it.")
    expected_rows: int = Field(ge=0, description="How many rows it touches, as planned.")
    rows_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Digest of the rows it touches and their old values, as planned.")
    allow_whole_table: bool = Field(False, description="Set only when every row of the table is really meant.")

    @field_validator("statement")
    @classmethod
    def acceptable(cls, statement: str) -> str:
        """Refused while the action is being opened or edited, not first when it runs."""
        return parse_canonical(statement).sql


@tool(
    name="list_tables",
    risk=RiskClass.READ,
    reversible=True,
    summary="List the shop's tables",
    idempotent=True,
    timeout_s=10,
)
def list_tables(args: ListTablesArgs, ctx: ToolContext) -> dict[str, Any]:
    """The tables that may be maintained, with their columns."""
    with lookup() as connection:
        rows = connection.execute(
            "SELECT table_name, array_agg(column_name || ' ' || data_type ORDER BY ordinal_position) AS columns"
            " FROM information_schema.columns WHERE table_schema = %s AND table_name = ANY (%s) GROUP BY 1 ORDER BY 1",
            (SCHEMA, sorted(TABLES)),
        ).fetchall()
    return {"tables": {f"{SCHEMA}.{row['table_name']}": row["columns"] for row in rows}}


@tool(
    name="plan_statement",
    risk=RiskClass.READ,
    reversible=True,
    summary="Rehearse without keeping it: {statement|quote}",
    idempotent=True,
    timeout_s=20,
)
def plan_statement(args: PlanArgs, ctx: ToolContext) -> dict[str, Any]:
    """Run the statement in a transaction that is rolled back, and say how many rows it touched.

    The rows themselves hold strangers' text and are for the reviewers' eyes only: see `preview_run`.
    """
    statement = _acceptable(args.statement)
    rehearsed = rehearse_only(statement)
    return {
        "statement": statement.sql,
        "table": f"{SCHEMA}.{statement.table}",
        "rows": rehearsed.rows,
        "rows_sha256": rehearsed.rows_sha256,
        "whole_table": rehearsed.whole_table or not statement.where,
    }


def preview_run(args: RunArgs, ctx: ToolContext) -> Preview:
    """The statement, executed and rolled back: how many rows, and a sample before and after."""
    statement = _acceptable(args.statement)
    rehearsed = rehearse_only(statement)
    _check_approved(args, statement, rehearsed)
    warnings = ["Every row of the table is touched."] if rehearsed.whole_table else []
    return Preview(
        summary=f"{statement.verb} {rehearsed.rows} row(s) of {SCHEMA}.{statement.table}",
        facts={"rows": rehearsed.rows},
        details={"statement": statement.sql, "warnings": warnings, **_shown(rehearsed)},
    )


def outcome_of_run(args: RunArgs, ctx: ToolContext) -> str:
    """Whether the statement of this key was committed: the ledger row is in the same transaction."""
    with lookup() as connection:
        return "done" if _ledger(connection, ctx.idempotency_key) is not None else "not_done"


@tool(
    name="run_statement",
    risk=RiskClass.ADMIN,
    reversible=False,
    summary="Change {expected_rows} row(s) by {statement|quote}",
    preview=preview_run,
    idempotent=True,
    timeout_s=30,
    check_outcome=outcome_of_run,
)
def run_statement(args: RunArgs, ctx: ToolContext) -> dict[str, Any]:
    """Run exactly this statement once; rolled back when it touches other rows than those approved."""
    statement = _acceptable(args.statement)
    try:
        done = _run_once(args, ctx.idempotency_key, statement)
    except ToolError:
        with lookup() as connection:  # a second worker with the same key fails on the first one's rows: ask who won
            earlier = _ledger(connection, ctx.idempotency_key)
        if earlier is None:
            raise
        done = earlier
    if (done["statement"], done["rows_sha256"]) != (statement.sql, args.rows_sha256):
        raise ToolError("key_reused", "This Idempotency-Key belongs to another statement.")
    return {"statement": statement.sql, "rows": done["rows_touched"], "rows_sha256": done["rows_sha256"]}


def _run_once(args: RunArgs, key: str, statement: Statement) -> Row:
    """The statement and its ledger row in one transaction; only the ledger row when it ran before."""
    with effect(ISOLATION) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
        earlier = _ledger(connection, key)
        if earlier is not None:
            return earlier
        rehearsed = rehearse(connection, statement)
        _check_approved(args, statement, rehearsed)
        return _record(connection, key, statement, rehearsed)


def rehearse_only(statement: Statement) -> Rehearsed:
    """Rehearse and roll back, whatever happens."""
    with effect(ISOLATION) as connection:
        rehearsed = rehearse(connection, statement)
        connection.rollback()
    return rehearsed


def _acceptable(text: str) -> Statement:
    try:
        return parse(text)
    except Refused as error:
        raise ToolError("refused", str(error)) from error


def _check_approved(args: RunArgs, statement: Statement, rehearsed: Rehearsed) -> None:
    if rehearsed.rows != args.expected_rows or rehearsed.rows_sha256 != args.rows_sha256:
        raise ToolError(
            "rows_changed",
            f"The statement touches {rehearsed.rows} rows now, and they are not the {args.expected_rows} approved as they were;"
            " nothing was changed. Plan it again.",
        )
    if (rehearsed.whole_table or not statement.where) and not args.allow_whole_table:
        raise ToolError("whole_table", "The statement touches every row of the table, and that was not asked for expressly.")


def _ledger(connection: ShopConnection, key: str) -> Row | None:
    return connection.execute("SELECT * FROM shop.statement_ledger WHERE idempotency_key = %s", (key,)).fetchone()


def _record(connection: ShopConnection, key: str, statement: Statement, rehearsed: Rehearsed) -> Row:
    row = connection.execute(
        "INSERT INTO shop.statement_ledger (idempotency_key, statement, rows_touched, rows_sha256) VALUES (%s, %s, %s, %s) RETURNING *",
        (key, statement.sql, rehearsed.rows, rehearsed.rows_sha256),
    ).fetchone()
    if row is None:
        raise LookupError("The ledger row was not written.")
    return row


def _shown(rehearsed: Rehearsed) -> dict[str, Any]:
    return {"columns": rehearsed.columns, "before": rehearsed.before, "after": rehearsed.after}


TOOLS = [list_tables, plan_statement, run_statement]
