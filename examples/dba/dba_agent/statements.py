"""Which statements are acceptable: one plain UPDATE or DELETE on one table of the schema `shop`. Pure; no database.

An allow-list of syntax: what is not named here is refused. The statement has to be in the parser's own spelling, so that
what was parsed and what PostgreSQL is given cannot be two readings of one text (comments, odd quoting, escapes).
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

SCHEMA = "shop"
TABLES = frozenset({"customers", "products", "orders", "order_items", "payments", "tickets", "carts", "coupons", "reviews"})
LONGEST = 4_000

SYNTAX: tuple[type[exp.Expression], ...] = (
    exp.Update, exp.Delete, exp.Where, exp.Table, exp.TableAlias, exp.Identifier, exp.Column, exp.Literal, exp.Boolean, exp.Null,
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.And, exp.Or, exp.Not, exp.Paren, exp.Is, exp.In, exp.Between,
    exp.Like, exp.ILike, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.DPipe, exp.Tuple, exp.Exists, exp.Subquery, exp.Select,
    exp.From, exp.Max, exp.Min, exp.Count, exp.Star,
    exp.Interval, exp.Var, exp.IntervalSpan, exp.Cast, exp.DataType, exp.CurrentTimestamp, exp.CurrentDate, exp.Lower, exp.Upper,
    exp.Trim, exp.Length, exp.Abs, exp.Round, exp.Coalesce, exp.Greatest, exp.Least, exp.Nullif, exp.Case, exp.If,
)  # fmt: skip
TYPES = frozenset({"TEXT", "VARCHAR", "INT", "BIGINT", "SMALLINT", "DECIMAL", "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL"})
# Only these options of an UPDATE or DELETE: no FROM, USING, RETURNING, WITH, LIMIT or ORDER BY.
PARTS = {exp.Update: {"this", "expressions", "where"}, exp.Delete: {"this", "where"}}


class Refused(ValueError):
    """The statement is not acceptable; the message says why."""


@dataclass(frozen=True)
class Statement:
    """An acceptable statement."""

    sql: str  # canonical
    verb: str  # UPDATE or DELETE
    table: str
    alias: str  # how the WHERE refers to the table, quoted
    where: str  # "" when there is none
    columns: tuple[str, ...]  # set by an UPDATE


def parse(text: str) -> Statement:
    """The statement in its canonical spelling. Raises Refused with a sentence for everything else."""
    tree = _single(text)
    if not isinstance(tree, exp.Update | exp.Delete):
        raise Refused("Only a single UPDATE or DELETE is accepted.")
    _check_parts(tree)
    target = tree.this
    if not isinstance(target, exp.Table):
        raise Refused("The statement has to name one table.")
    for node in tree.walk():
        _check_node(node)
    columns = _assigned(tree) if isinstance(tree, exp.Update) else ()
    where = tree.args.get("where")
    return Statement(
        sql=tree.sql(dialect="postgres"),
        verb="UPDATE" if isinstance(tree, exp.Update) else "DELETE",
        table=target.name,
        alias=exp.to_identifier(target.alias_or_name, quoted=True).sql(dialect="postgres"),
        where=where.this.sql(dialect="postgres") if where is not None else "",
        columns=columns,
    )


def parse_canonical(text: str) -> Statement:
    """As `parse`, for a text that was planned before: it has to be spelled exactly as it was."""
    statement = parse(text)
    if statement.sql != text:
        raise Refused("The statement is not in the form that plan_statement returns.")
    return statement


def _single(text: str) -> exp.Expression:
    if len(text) > LONGEST:
        raise Refused(f"The statement is longer than {LONGEST} characters.")
    if any((ord(character) < 32 and character not in "\n\t") or character in "\\\x7f\u2028\u2029" for character in text):
        raise Refused("The statement holds a backslash or a control character.")
    try:
        trees = [tree for tree in sqlglot.parse(text, dialect="postgres") if tree is not None]
        canonical = [tree.sql(dialect="postgres", comments=False) for tree in trees]
        again = [sqlglot.parse_one(sql, dialect="postgres").sql(dialect="postgres") for sql in canonical]
    except (SqlglotError, RecursionError, ValueError) as error:
        raise Refused("The statement could not be parsed.") from error
    if len(trees) != 1:
        raise Refused("Exactly one statement is accepted.")
    if canonical != again:
        raise Refused("The statement has no stable reading.")
    # A name without quotes means its lower-case one: what is compared with the table's own names below is what PostgreSQL reads.
    tree = normalize_identifiers(sqlglot.parse_one(canonical[0], dialect="postgres"), dialect="postgres")
    if not isinstance(tree, exp.Expression):
        raise Refused("The statement could not be parsed.")
    return tree


def _check_parts(tree: exp.Expression) -> None:
    allowed = PARTS[type(tree)]
    extra = sorted(name for name, value in tree.args.items() if value and name not in allowed)
    if extra:
        raise Refused(f"{type(tree).__name__.upper()} with {', '.join(extra).upper()} is not accepted.")


def _check_node(node: exp.Expr) -> None:
    """One node of the tree against the allow-list."""
    if type(node) not in SYNTAX:
        raise Refused(f"{_named(node)} is not accepted in a maintenance statement.")
    if isinstance(node, exp.Table):
        if node.catalog or node.db != SCHEMA or node.name not in TABLES:
            raise Refused(f"Only these tables may be named, with their schema: {', '.join(sorted(f'shop.{name}' for name in TABLES))}.")
        if any(value for name, value in node.args.items() if name not in ("this", "db", "alias")):
            raise Refused("A table may only have an alias.")
    if isinstance(node, exp.Identifier) and not (node.name.isascii() and node.name.replace("_", "").isalnum()):
        raise Refused(f"The name {node.name!r} is not accepted.")
    if isinstance(node, exp.Column) and (node.args.get("db") or node.args.get("catalog")):
        raise Refused("A column is named by itself or with its table's alias.")
    if isinstance(node, exp.DataType) and (node.this.name not in TYPES or node.expressions):
        raise Refused(f"A cast to {node.sql(dialect='postgres')} is not accepted.")
    if isinstance(node, exp.Select):
        _check_select(node)


def _check_select(node: exp.Select) -> None:
    extra = [name for name, value in node.args.items() if value and name not in ("expressions", "from", "from_", "where")]
    if extra:
        raise Refused(f"A subquery with {', '.join(sorted(extra)).upper()} is not accepted.")
    if node.find_ancestor(exp.Where) is None:
        raise Refused("A subquery may stand only in the WHERE.")  # elsewhere its value could differ from the preview


def _assigned(tree: exp.Update) -> tuple[str, ...]:
    columns = []
    for assignment in tree.expressions:
        if not isinstance(assignment, exp.EQ) or not isinstance(assignment.this, exp.Column):
            raise Refused("SET has to assign single columns.")
        columns.append(assignment.this.name)
    return tuple(columns)


def _named(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return f"The function {node.name}()"
    if isinstance(node, exp.Func):
        return f"The function {node.sql_name()}()"
    return type(node).__name__
