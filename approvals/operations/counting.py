"""The votes that count now, and what they add up to. Read in every decision and in every claim: one statement."""

import json
from collections.abc import Sequence

from django.db import connection

from approvals.envelopes import Envelope
from approvals.models import Action, Decision
from approvals.resolution import Vote, counting, resolve, still
from approvals.states import Verdict

_VOTES = """
SELECT d.person, d.verdict, d.groups::text, d.by_id IS NULL,
    ARRAY(SELECT g.name FROM approvals_user_groups ug JOIN auth_group g ON g.id = ug.group_id WHERE ug.user_id = d.by_id),
    ARRAY(SELECT g.name FROM approvals_user_groups ug JOIN auth_group g ON g.id = ug.group_id WHERE o.is_active AND ug.user_id = o.id),
    d.stage, d.instead_of_person
FROM approvals_decision d LEFT JOIN approvals_user u ON u.id = d.by_id LEFT JOIN approvals_user o ON o.id = d.instead_of_id
WHERE d.action_id = %s AND d.version = %s AND d.digest = %s AND (d.by_id IS NULL OR u.is_active)
    AND (d.grant_id IS NULL OR EXISTS (SELECT 1 FROM approvals_grant g WHERE g.id = d.grant_id AND g.revoked_at IS NULL))
ORDER BY d.id
"""


def votes(action: Action, envelope: Envelope) -> list[Vote]:
    """The verdicts on the current version, oldest first. Whoever has been locked since, or left the group, no longer counts; nor does who stood in for
    somebody and may stand in for nobody now.

    Nor does the approval of a person who is excluded, however it came to be there: accounts are linked, rows are forged.
    """
    with connection.cursor() as cursor:
        cursor.execute(_VOTES, [action.pk, action.version, action.digest])
        rows = cursor.fetchall()
    found = [
        Vote(
            person,
            Verdict(verdict),
            still(json.loads(groups), own=own, lent=lent if instead_of else None, delegates=envelope.delegates),
            by_policy,
            stage,
            instead_of,
        )
        for person, verdict, groups, by_policy, own, lent, stage, instead_of in rows
    ]
    excluded = envelope.excluded
    return [v for v in found if v.verdict is not Verdict.APPROVE or v.by_policy or excluded.isdisjoint({v.person, v.instead_of})]


def counted(action: Action, envelope: Envelope) -> list[Vote]:
    """Of the verdicts on the current version, those that count now, oldest first: one of each person, and one for each place."""
    return counting(envelope.needs, votes(action, envelope), escalated=envelope.escalated(action.passed))


def saying(action: Action, verdict: Verdict, given: Sequence[Vote]) -> Decision:
    """The latest decision with this verdict, of those that count now (`counted`)."""
    people = {v.person for v in given if v.verdict is verdict}
    said = Decision.objects.filter(action=action, version=action.version, digest=action.digest, verdict=verdict, person__in=people)
    return said.latest("pk")


def verdict_of(action: Action, envelope: Envelope, given: Sequence[Vote] | None = None) -> Verdict | None:
    """What the votes that count now (`given`, when they have been read) add up to."""
    given = votes(action, envelope) if given is None else given
    return resolve(envelope.needs, given, rejections=envelope.rejections, escalated=envelope.escalated(action.passed))
