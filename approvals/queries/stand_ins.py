"""Who could stand in for somebody who leaves their desk, and what they could not decide. The policy says, in the caller's hand."""

from dataclasses import dataclass

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from approvals.models import Absence, User
from approvals.policy import stand_ins
from approvals.policy.rules import PolicyData
from approvals.policy.stand_ins import Cover

MOST_PEOPLE = 200


@dataclass(frozen=True)
class StandIn:
    """Somebody to leave one's desk to; `cover` is what of it they could decide."""

    name: str
    cover: Cover


def possible(reader: User, data: PolicyData) -> tuple[StandIn, ...]:
    """Who could decide some of what this person is asked; for somebody who is asked nothing, whoever shares a group with them.

    Without those who are away themselves: a desk is not left to an empty one.
    """
    mine = groups_of(reader)
    rows = User.objects.filter(is_active=True, kind=User.Kind.HUMAN, groups__isnull=False).exclude(person=reader.person)
    away = Absence.objects.filter(Q(until=None) | Q(until__gt=Now()), user=OuterRef("pk"), ended_at=None)
    people = rows.filter(~Exists(away)).annotate(names=ArrayAgg("groups__name")).order_by("username").values_list("username", "names")
    idle = mine.isdisjoint(stand_ins.asked(data))
    found = []
    for name, theirs in people:
        covered = stand_ins.cover(data, absent=mine, other=theirs)
        if covered.anything or (idle and mine & set(theirs)):
            found.append(StandIn(name, covered))
    return tuple(found[:MOST_PEOPLE])


def cover_of(reader: User, delegate: str, data: PolicyData) -> Cover:
    """What this one could decide in the reader's stead, whoever chose them."""
    other = User.objects.filter(username=delegate).first()
    return stand_ins.cover(data, absent=groups_of(reader), other=groups_of(other) if other else ())


def groups_of(user: User) -> frozenset[str]:
    return frozenset(user.groups.values_list("name", flat=True))
