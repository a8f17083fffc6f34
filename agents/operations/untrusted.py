"""What a run has read from outside: the results of its tools that are declared `untrusted_output`, whole, from the effects' own rows.

Reading only. What a graph gives as evidence is cut for people and chosen by the graph; arguments are compared with this as well.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from agents.models import Run
from agents.tools import taint
from agents.tools.registry import Tool

# A tool that the agent no longer has cannot say that its results are harmless. Nothing is sent when there is too much of it.
_READ = """
SELECT CASE WHEN sum(size) OVER () <= %(most)s THEN result END, CASE WHEN sum(size) OVER () <= %(most)s THEN error END
FROM (
  SELECT result::text AS result, error, coalesce(length(result::text), 0) + length(error) AS size
  FROM agents_effect WHERE run_id = ANY(%(runs)s) AND tool <> ALL(%(trusted)s) AND (result IS NOT NULL OR error <> '')
) AS read
"""


@dataclass(frozen=True)
class Outside:
    """Texts from outside that a proposal of the run is compared with. `too_much`: more than can be compared."""

    texts: tuple[str, ...] = ()
    too_much: bool = False

    def tainted(self, args: object, given: Sequence[str] = ()) -> tuple[str, ...]:
        """Paths of arguments that repeat text from outside, or from what the graph itself gave as evidence."""
        if self.too_much or sum(map(len, (*self.texts, *given))) > taint.MOST:
            return taint.everything(args)
        return taint.untrusted_paths(args, (*self.texts, *given))


NOTHING = Outside()


def read_by(run: Run, tools: Mapping[str, Tool], parents: Sequence[Run] = ()) -> Outside:
    """What the run read so far, and the runs it was forked from: their state is its state. No statement is made for an agent whose tools give back nothing from outside."""
    trusted = [tool.name for tool in tools.values() if not tool.untrusted_output]
    if len(trusted) == len(tools):
        return NOTHING
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"runs": [run.pk, *(one.pk for one in parents)], "trusted": trusted, "most": taint.MOST})
        found = cursor.fetchall()
    if any(error is None for _, error in found):
        return Outside(too_much=True)
    return Outside(tuple(taint.text_of([json.loads(result) if result else None, error]) for result, error in found))
