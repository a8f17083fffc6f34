"""What a standing approval covers, and what it would have let through. Pure: no clock, no database.

A grant stands for people who have seen calls like these. So it covers nothing that cannot be seen (hidden characters), nothing
above the level it was given at, nothing critical, and text from outside only where the very same arguments were seen.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from approvals.policy.basics import Level
from approvals.policy.matching import Facts
from audit import canonical
from audit.sentences import chain, say

MOST_SHOWN = 60


@dataclass(frozen=True)
class Terms:
    """What a grant lets through, and how often.

    Attributes:
        agent, tool, tool_schema_sha256, declared_sha256, environment: whose calls; a tool declared otherwise since is another tool.
        level: the highest level covered.
        run: only calls of this run; "" for any run.
        args_sha256: only these very arguments; "" for any.
        figure, each, total: a figure of the preview, how large it may be in one call, and in all calls together.
        also: how large every other figure may be in one call. A figure that is in neither was not there to be seen.
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
    declared_sha256: str = ""
    also: tuple[tuple[str, int], ...] = ()

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
    declared_sha256: str = ""

    def amount(self, figure: str) -> int:
        return self.facts.figures.get(figure, 0) if figure else 0


def not_covered(terms: Terms, call: Call) -> str:
    """Why a grant with these terms says nothing of this call, its counters left aside; "" when it covers it."""
    facts = call.facts
    same = (terms.agent, terms.tool, terms.environment) == (facts.agent, facts.tool, facts.environment)
    if not same or facts.question:
        return say("another agent, tool or environment")
    if (terms.tool_schema_sha256, terms.declared_sha256) != (call.tool_schema_sha256, call.declared_sha256):
        return say("the tool has been declared otherwise since")
    if call.level is Level.CRITICAL or call.level.rank > terms.level.rank:
        return say("%(level)s, above %(most)s", level=call.level.said, most=terms.level.said)
    if terms.run and terms.run != call.run:
        return say("another run")
    if terms.args_sha256 and terms.args_sha256 != call.args_sha256:
        return say("other arguments")
    if facts.hidden_characters:
        return say("characters or parts nobody can see")
    if facts.untrusted_text and not terms.args_sha256:
        return say("text from outside in arguments nobody has seen")
    return _too_much(terms, call)


def _too_much(terms: Terms, call: Call) -> str:
    bounds: dict[str, int | None] = {**({terms.figure: terms.each} if terms.figure else {}), **dict(terms.also)}
    if unknown := sorted(call.facts.figures.keys() - bounds.keys()):
        return say("a %(figure)s, which nobody has bounded", figure=unknown[0].replace("_", " "))
    for figure, most in bounds.items():
        amount = call.facts.figures.get(figure)
        name = figure.replace("_", " ")
        if amount is None or amount < 0:
            return say("no %(figure)s to count", figure=name)
        if most is not None and amount > most:
            return say("more %(figure)s than %(n)d at once", figure=name, n=most)
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
        why = say("you asked for it yourself") if case.own else not_covered(anywhere, case.call)
        amount = case.call.amount(terms.figure)
        if not why and (len(through) >= terms.uses or (terms.total is not None and total + amount > terms.total)):
            why, spent = say("the grant would have been used up"), True
        if why:
            asked[why] += 1
        else:
            through.append(case)
            total += amount
    return Tried(len(past), tuple(reversed(through)), tuple(asked.most_common()), total, spent)


def words(terms: Terms) -> str:
    """The terms as a sentence, its end left out: the reader's clock says when that is."""
    what = say("The same call") if terms.args_sha256 else say("%(tool)s of %(agent)s", tool=terms.tool, agent=terms.agent)
    where = say("%(what)s in one run", what=what) if terms.run else say("%(what)s in any run", what=what)
    often = say("once") if terms.uses == 1 else say("up to %(n)d times", n=terms.uses)
    parts = [where, often, *_figure_words(terms), say("at most %(level)s risk", level=terms.level.said)]
    return chain("%(a)s, %(b)s", parts)


def _figure_words(terms: Terms) -> list[str]:
    also: list[str] = [say("%(figure)s at most %(n)d at once", n=most, figure=figure.replace("_", " ")) for figure, most in terms.also]
    if not terms.figure:
        return also
    name = terms.figure.replace("_", " ")
    each = [say("%(figure)s at most %(n)d at once", n=terms.each, figure=name)] if terms.each is not None else []
    return [*each, say("%(figure)s at most %(n)d in all", n=terms.total or 0, figure=name), *also]
