"""What an operator's switch makes of a proposal, and of a claim. Setting one is in `switches`."""

import json
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import connection

from approvals import switched
from approvals.operations import kept
from approvals.policy.risk import Assessment, at_least_medium
from approvals.policy.rules import PolicyData

DENY = "deny"
_AT_CLAIM = f"SELECT {switched.strictest_sql('a.agent', 'a.tool')}, {switched.by_people_sql('a')} FROM approvals_action a WHERE a.id = %s"  # noqa: S608


@dataclass(frozen=True)
class Met:
    """The switch in force that counts."""

    setting: str
    scope: str
    target: str
    who: str
    why: str

    @property
    def denies(self) -> bool:
        return self.setting == DENY

    @property
    def words(self) -> str:
        sentence = kept.SWITCHED_OFF if self.denies else kept.SWITCHED_TO_ASK
        return sentence(who=self.who, what=self.target, why=self.why)


def read(found: str | None) -> Met | None:
    """What `switched.strictest_sql` gave."""
    return Met(**json.loads(found)) if found else None


def stricter(policy: PolicyData, assessment: Assessment, switch: Met | None) -> Assessment:
    """What policy makes of a call, and what the switch asks on top of it; never less."""
    if switch is None:
        return assessment
    if switch.denies:
        return replace(assessment, denied=assessment.denied or switch.words)
    return at_least_medium(policy, assessment, switch.words)


def at_claim(action_id: UUID) -> tuple[Met | None, bool]:
    """The switch that counts for an action now, and whether a person had looked at what was approved."""
    with connection.cursor() as cursor:
        cursor.execute(_AT_CLAIM, [action_id])
        found, by_people = cursor.fetchone()
    return read(found), bool(by_people)
