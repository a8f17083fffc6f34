"""Telling particular people about an action: a row on the desk of each, read in the product, and one owed to them outside of it.

Both are written once, in the transaction of the change they are about. On the desk `sent_at` is when the person has read it; the
other becomes mails and pushes by that person's own choices (`operations.reaching`), later and in a worker.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models.functions import Now

from approvals import standing_in
from approvals.envelopes import Envelope
from approvals.models import Action, Notification, User
from approvals.operations import waking
from approvals.operations.notices import Hint, tell

DESK, REACH = "desk", "reach"
MOST_TOLD = 50  # of one action at a time: the inbox shows it to the others all the same

# Who is asked and can still decide; whoever is away is replaced by their delegate when that one may decide.
_ASKED = """
SELECT DISTINCT told.id FROM approvals_user u
LEFT JOIN approvals_absence a ON a.user_id = u.id AND a.ended_at IS NULL AND (a.until IS NULL OR a.until > statement_timestamp())
JOIN approvals_user told ON told.id = COALESCE(a.delegate_id, u.id)
WHERE u.is_active AND u.kind = 'human' AND told.is_active
  AND EXISTS (SELECT 1 FROM approvals_user_groups ug JOIN auth_group g ON g.id = ug.group_id
      WHERE ug.user_id = u.id AND g.name = ANY(%(groups)s))
  AND (a.id IS NULL OR EXISTS (SELECT 1 FROM approvals_user_groups ug JOIN auth_group g ON g.id = ug.group_id
      WHERE ug.user_id = told.id AND g.name = ANY(%(groups)s || %(delegates)s)))
  AND u.person <> ALL(%(excluded)s) AND told.person <> ALL(%(excluded)s)
  AND u.person <> ALL(%(placed)s) AND told.person <> ALL(%(placed)s)
ORDER BY told.id LIMIT %(most)s
"""


@dataclass(frozen=True)
class _Asked:
    groups: list[str]
    delegates: list[str]
    excluded: list[str]
    placed: list[str]
    most: int


def people_asked(action: Action, envelope: Envelope, *, groups: Collection[str] = (), most: int = MOST_TOLD) -> list[int]:
    """Whoever is asked now and has not decided, by user id; of these groups only, when some are named. In place of who is away: who stands in."""
    wanted = sorted(groups) or [group for group in action.turn.split("|") if group]
    placed = sorted({*standing_in.placed(action, envelope), *action.moved_by})
    asked = _Asked(wanted, sorted(envelope.delegates), sorted(envelope.excluded), placed, most)
    with connection.cursor() as cursor:
        cursor.execute(_ASKED, vars(asked))
        return [pk for (pk,) in cursor.fetchall()]


def tell_people(people: Collection[int], action: Action, kind: str) -> int:
    """A row on the desk of each and one owed outside; pages that are open hear of it. Returns how many people that is."""
    rows = [
        Notification(
            channel=channel, topic="desk", recipient=str(pk), object="action", object_id=str(action.pk), version=action.version, kind=kind
        )
        for pk in dict.fromkeys(people)
        for channel in (DESK, REACH)
    ]
    Notification.objects.bulk_create(rows, batch_size=1_000)
    if rows:
        tell(Hint("inbox", "desk", str(action.pk), kind, action.version))
        waking.soon()
    return len(rows) // 2


def tell_person(person: User, *, object: str, object_id: str, kind: str) -> None:
    """A row on one person's desk about something else than an action; it is read in the product only."""
    Notification.objects.create(channel=DESK, topic="desk", recipient=str(person.pk), object=object, object_id=object_id, kind=kind)
    tell(Hint("inbox", "desk", object_id, kind))


@transaction.atomic
def read(*, by: User, notice_id: int | None = None) -> int:
    """This person has read what they were told: one of it, or all. Returns how much that was."""
    rows = Notification.objects.filter(channel=DESK, recipient=str(by.pk), sent_at=None)
    if notice_id is not None:
        rows = rows.filter(pk=notice_id)
    return rows.update(sent_at=Now())
