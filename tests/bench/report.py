"""Targets beside figures: the table for people, var/bench.json for whatever compares."""

from dataclasses import asdict, dataclass, is_dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """One figure; `limit` is the most it should be (or the least, when `at_least`), None when it only informs."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def mark(self) -> str:
        if self.limit is None:
            return ""
        return "ok" if (self.value >= self.limit if self.at_least else self.value <= self.limit) else "MISSED"

    @property
    def target(self) -> str:
        return "" if self.limit is None else f"{'>=' if self.at_least else '<='} {self.limit:g}"


def lines(found: dict[str, Any]) -> list[Line]:
    """The table's lines for whatever parts were measured."""
    table: list[Line] = []
    if latency := found.get("latency"):
        table += _spread("a  decision answered -> next step", latency["decision_to_step"], {"p50": 15, "p95": 25, "p99": 500})
        table += _spread("   decision answered -> gate passed", latency["decision_to_gate"], {})
        table += _spread("   decision sent -> next step", latency["post_to_step"], {})
        table += _spread("   decision sent -> answered", latency["post"], {})
        table += _spread("b  row committed -> frame in browser", latency["row_to_browser"], {"p95": 10})
        table += _spread("   run started -> asked in browser", latency["start_to_ask"], {})
    rate, floor = found.get("rate"), found.get("floor")
    if rate:
        note = f"{rate['cycles']} cycles, {rate['in_flight']} in flight"
        table.append(Line("c  governed cycles", rate["per_s"], "/s", 30, at_least=True, note=note))
        table += [Line(f"   CPU share of {name}", 100 * share, "%") for name, share in rate["cpu_share"].items()]
    if floor:
        table.append(Line("d  floor: bare LangGraph, one process", floor["per_s"], "/s"))
        table += _spread("   floor: resume -> next step", floor["resume"], {})
    if rate and floor:
        table.append(Line("c/d governed against floor", rate["per_s"] / floor["per_s"], "x", 0.5, at_least=True))
    if pages := found.get("pages"):
        note = f"{pages['pending']:,} pending, {pages['events']:,} events"
        table += [Line(f"e  {name} p95", pages[name]["p95"], "ms", 100, note=note) for name in ("inbox", "action", "audit", "decide")]
    if starts := found.get("start_s"):
        table += [Line("f  start, cold", starts["cold"], "s", 120), Line("   start, warm", starts["warm"], "s", 10)]
    if memory := found.get("memory"):
        table.append(Line("f  memory of the stack (PSS)", sum(memory.values()), "MB", 700))
        table += [Line(f"   {name}", size, "MB") for name, size in memory.items()]
    if policy := found.get("policy"):
        for name, key, limit in (
            ("500 rules over 25 tools", "spread_out", 5),
            ("500 rules on one tool", "all_on_one", 5),
            ("500 of each kind on one tool", "of_each_kind", 5),
            ("20 odd conditions", "odd", None),
        ):
            table.append(Line(f"g  evaluation, {name} p95", policy[key]["p95"], "ms", limit))
        table.append(Line("   back-test", policy["backtest_s"], "s", 30, note=f"{policy['backtested']:,} actions, 500 rules"))
    if chat := found.get("chat"):
        table += _spread("h  press in Slack -> acknowledged", chat["ack"], {"p99": 300})
        table += _spread(f"   the same, {chat['in_flight']} in flight", chat["ack_loaded"], {"p99": 300})
        table += _spread("   press sent -> next step", chat["slack_to_step"], {})
        table += _spread("   page's decision sent -> next step", chat["page_to_step"], {})
        table += [Line(f"   Slack later than the page, {name}", ms, "ms", 100) for name, ms in chat["later"].items()]
    if outside := found.get("outside"):
        note = f"{outside['pending']:,} pending, {outside['held']} long polls held"
        table.append(Line("i  REST, proposing + deciding p95", outside["cycle"]["p95"], "ms", 100, note=note))
        table += [
            Line(f"   {name} p95", outside[key]["p95"], "ms")
            for name, key in (("proposing", "propose"), ("deciding", "decide"), ("claiming", "claim"))
        ]
        table.append(Line("   decided -> the long poll has answered p95", outside["heard"]["p95"], "ms"))
        table.append(Line("   connections of web to PostgreSQL meanwhile", outside["connections"], ""))
    return table


def table(found: dict[str, Any]) -> str:
    rows = [(line.name, f"{line.value:.1f}", line.unit, line.target, line.mark, line.note) for line in lines(found)]
    widths = [max(len(row[i]) for row in [("", "", "", "target", "", ""), *rows]) for i in range(6)]
    head = ("", "", "", "target", "", "")
    text = [f"{a:<{widths[0]}}  {b:>8} {c:<{widths[2]}}  {d:<{widths[3]}}  {e:<6}  {f}".rstrip() for a, b, c, d, e, f in [head, *rows]]
    return "\n".join(text)


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """The flat names of the issue first, everything else below."""
    flat: dict[str, Any] = {}
    if latency := found.get("latency"):
        flat |= {"decision_to_step_ms": latency["decision_to_step"], "row_to_browser_ms": latency["row_to_browser"]}
    if rate := found.get("rate"):
        flat |= {"cycles_per_s": round(rate["per_s"], 1), "load_generator_cpu_share": rate["cpu_share"]["load generator"]}
    if floor := found.get("floor"):
        flat |= {"floor_cycles_per_s": round(floor["per_s"], 1), "floor_resume_ms": floor["resume"]}
    if pages := found.get("pages"):
        flat |= {f"{name}_ms": pages[name]["p95"] for name in ("inbox", "action", "audit", "decide")}
    if starts := found.get("start_s"):
        flat["start_s"] = starts
    if policy := found.get("policy"):
        flat |= {"policy_500_rules_ms": policy["spread_out"], "backtest_10000_s": policy["backtest_s"]}
    if chat := found.get("chat"):
        flat |= {"slack_ack_ms": chat["ack"], "slack_ack_loaded_ms": chat["ack_loaded"], "slack_later_ms": chat["later"]}
    if outside := found.get("outside"):
        flat["rest_cycle_ms"] = outside["cycle"]
    if memory := found.get("memory"):
        flat["memory_mb"] = round(sum(memory.values()), 1)
    return flat | {"missed": [line.name.strip() for line in lines(found) if line.mark == "MISSED"], "details": found}


def plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _spread(name: str, values: dict[str, Any], limits: dict[str, float]) -> list[Line]:
    heads = [f"{name} p50", " " * (len(name) + 1) + "p95", " " * (len(name) + 1) + "p99"]
    notes = [f"n={values['n']}", "", ""]
    return [Line(h, values[k], "ms", limits.get(k), note=n) for h, k, n in zip(heads, ("p50", "p95", "p99"), notes, strict=True)]
