"""(g) What a policy of 500 rules costs: one evaluation, and a back-test of 10,000 actions."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from approvals.operations import backtests
from approvals.policy.replay import Tally
from approvals.policy.risk import Facts, assess
from approvals.policy.rules import Policy, parse
from approvals.queries import past
from tests.bench import bulk
from tests.bench.numbers import Spread, spread

RULES = 500
PLAIN = "has(args.amount_cents) && args.amount_cents > {n} && environment == 'production'"
ODD = "double(args.amount_cents) > {n}.0"  # what only the interpreter of the language can answer
KINDS = (
    "args.amount_cents in [{n}, 1{n}]",
    "args.amount_cents * 2 + 1 == {n}",
    "args.text.matches('^foo{n}.*bar$')",
    "args.rows.exists(r, r == -{n}1)",
    "args.text.startsWith('zz{n}') || size(args.text) > 9{n}",
)
CALL = Facts(
    "note", "write", args={"amount_cents": 70_000, "text": "a plain sentence", "rows": [1, 2, 3]}, agent="agent-3", customer="acme"
)


@dataclass(frozen=True)
class PolicyCost:
    """Milliseconds per evaluation, seconds per back-test.

    Attributes:
        spread_out: 500 rules over 25 tools, each with a condition; `all_on_one`: all of them on the tool that is called.
        of_each_kind: 500 on the tool that is called, of every kind that needs no interpreter.
        odd: 20 of the 500 have a condition that only the interpreter can answer, and concern the call.
    """

    spread_out: Spread
    all_on_one: Spread
    of_each_kind: Spread
    odd: Spread
    backtest_s: float
    backtested: int


def measure(count: int) -> PolicyCost:
    bulk.pending(max(0, count - past.past_total(last=count, since=None)))
    draft = _policy(_spread_out, PLAIN)
    backtested, backtest_s = _backtest(draft, count)
    return PolicyCost(
        spread_out=_timed(draft),
        all_on_one=_timed(_policy(lambda n: "note", PLAIN)),
        of_each_kind=_timed(_policy(lambda n: "note", *KINDS)),
        odd=_timed(_policy(_spread_out, ODD)),
        backtest_s=backtest_s,
        backtested=backtested,
    )


def _spread_out(number: int) -> str:
    """Twenty rules for each of 25 tools, one of which is the one the bench's actions call."""
    return f"tool-{number % 25}" if number % 25 else "note"


def _policy(tool: Callable[[int], str], *conditions: str) -> Policy:
    rules = "".join(
        f'  - {{name: r{n}, match: {{tools: ["{tool(n)}"], when: "{conditions[n % len(conditions)].format(n=n * 100)}"}}, score: 1}}\n'
        for n in range(RULES)
    )
    return parse(settings.POLICY_FILE.read_text().replace("rules: []\n", f"rules:\n{rules}"))


def _timed(policy: Policy) -> Spread:
    assess(policy.data, CALL)  # conditions are read when they are first asked

    def once() -> float:
        began = time.perf_counter()
        assess(policy.data, CALL)
        return time.perf_counter() - began

    return spread(once() for _ in range(500))


def _backtest(draft: Policy, count: int) -> tuple[int, float]:
    began, tally, position = time.monotonic(), Tally(), None
    trial = backtests.replay(draft)
    while tally.looked_at < count:
        found = past.past(position=position, since=None, limit=backtests.STEP)
        for case in found.cases:
            trial.add(tally, case)
        position = found.position
        if position is None:
            break
    return tally.looked_at, round(time.monotonic() - began, 2)
