"""What a standing approval covers, and what it would have let through. Pure: no clock, no database.

A grant stands for people who have seen calls like these. So it covers nothing that cannot be seen (hidden characters), nothing
above the level it was given at, nothing critical, and text from outside only where the very same arguments were seen.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from approvals.policy.basics import Level
from approvals.policy.matching import Facts
from audit import canonical

MOST_SHOWN = 60


@dataclass(frozen=True)
class Terms:
    """What a grant lets through, and how often.

    Attributes:
        agent, tool, tool_schema_sha256, environment: whose calls; a tool declared otherwise since is another tool.
        level: the highest level covered.
        run: only calls of this run; "" for any run.
        args_sha256: only these very arguments; "" for any.
        figure, each, total: a figure of the preview, how large it may be in one call, and in all calls together.
    """

    agent: str
    tool: str
    tool_schema_sha256: str
    environment: str
    level: Level
    uses: int
    until: datetime
    run: str = ""
    args_sha256: str = ""
    figure: str = ""
    each: int | None = None
    total: int | None = None

    @property
    def digest(self) -> str:
        """What a person sends back to say that these very terms are the ones whose back-test they saw."""
        return canonical.digest(
            "countersign/grant/v1", canonical.dumps({**asdict(self), "level": str(self.level), "until": self.until.isoformat()})
        )


@dataclass(frozen=True)
class Call:
    """One call, as far as a grant looks at it."""

    facts: Facts
    level: Level
    run: str
    tool_schema_sha256: str
    args_sha256: str

    def amount(self, figure: str) -> int:
        return self.facts.figures.get(figure, 0) if figure else 0


def not_covered(terms: Terms, call: Call) -> str:
    """Why a grant with these terms says nothing of this call, its counters left aside; "" when it covers it."""
    facts = call.facts
    same = (terms.agent, terms.tool, terms.environment) == (facts.agent, facts.tool, facts.environment)
    if not same or facts.question:
        return "another agent, tool or environment"
    if terms.tool_schema_sha256 != call.tool_schema_sha256:
        return "the tool has been declared otherwise since"
    if call.level is Level.CRITICAL or call.level.rank > terms.level.rank:
        return f"{call.level}, above {terms.level}"
    if terms.run and terms.run != call.run:
        return "another run"
    if terms.args_sha256 and terms.args_sha256 != call.args_sha256:
        return "other arguments"
    if facts.hidden_characters:
        return "characters or parts nobody can see"
    if facts.untrusted_text and not terms.args_sha256:
        return "text from outside in arguments nobody has seen"
    return _too_much(terms, call)


def _too_much(terms: Terms, call: Call) -> str:
    if not terms.figure:
        return ""
    amount = call.facts.figures.get(terms.figure)
    name = terms.figure.replace("_", " ")
    if amount is None or amount < 0:
        return f"no {name} to count"
    if terms.each is not None and amount > terms.each:
        return f"more {name} than {terms.each:,} at once"
    return ""


@dataclass(frozen=True)
class Past:
    """A past call that people were asked about, and what became of it.

    Attributes:
        fate: "approved", "granted" (let through by a grant: nobody looked), "edited" (then approved), "rejected", "answered", "expired", "waiting" or "ended".
        own: whoever is to give the grant had asked for it themselves: their grant never approves that.
    """

    id: str
    summary: str
    call: Call
    fate: str
    own: bool = False


@dataclass(frozen=True)
class Tried:
    """What the terms would have let through among past calls, oldest first, as long as the counters last.

    Attributes:
        looked_at: how many past calls; `through` those let through, `fates` what people made of these.
        asked: sentence and number for those still asked about.
        spent: whether the counters would have run out.
    """

    looked_at: int
    through: tuple[Past, ...]
    asked: tuple[tuple[str, int], ...]
    total: int
    spent: bool

    @property
    def fates(self) -> dict[str, int]:
        return dict(Counter(p.fate for p in self.through))

    def as_json(self) -> dict[str, Any]:
        return {
            "looked_at": self.looked_at,
            "let_through": len(self.through),
            "fates": self.fates,
            "total": self.total,
            "spent": self.spent,
        }


def tried(terms: Terms, past: Sequence[Past]) -> Tried:
    """The terms on past calls, newest first as they are read. One run is taken for any: what is asked is what such calls were."""
    anywhere = replace(terms, run="")
    through: list[Past] = []
    asked: Counter[str] = Counter()
    total, spent = 0, False
    for case in reversed(past):
        why = "you asked for it yourself" if case.own else not_covered(anywhere, case.call)
        amount = case.call.amount(terms.figure)
        if not why and (len(through) >= terms.uses or (terms.total is not None and total + amount > terms.total)):
            why, spent = "the grant would have been used up", True
        if why:
            asked[why] += 1
        else:
            through.append(case)
            total += amount
    return Tried(len(past), tuple(reversed(through)), tuple(asked.most_common()), total, spent)


def words(terms: Terms) -> str:
    """The terms as a sentence, its end left out: the reader's clock says when that is."""
    what = "The same call" if terms.args_sha256 else f"{terms.tool} of {terms.agent}"
    where = "in one run" if terms.run else "in any run"
    often = "once" if terms.uses == 1 else f"up to {terms.uses:,} times"
    return f"{what} {where}, {often}{_figure_words(terms)}, at most {terms.level} risk"


def _figure_words(terms: Terms) -> str:
    if not terms.figure:
        return ""
    name = terms.figure.replace("_", " ")
    each = f"{terms.each:,} {name} at once, " if terms.each is not None else ""
    return f", {each}{terms.total or 0:,} {name} in all"


def joined(values: Iterable[str]) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"."""
    names = list(values)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
