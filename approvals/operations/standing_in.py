"""Deciding in somebody's stead: what is written of it, and that the place of one person is filled once."""

from dataclasses import replace
from typing import Any

from django.db.models import Q

from approvals.entitling import Leave
from approvals.errors import AlreadyDecided
from approvals.models import Action, Decision
from approvals.permissions import Standing
from audit.sentences import say


def free(action: Action, who: Standing, leave: Leave, mine: Decision | None) -> Leave:
    """One place, one decision: neither after somebody decided in my stead, nor in the stead of somebody who has decided.

    Returns:
        The right that is left: whoever is asked themselves keeps their own, though the one who passed it on has decided.

    Raises:
        AlreadyDecided: the other of the two was first.
    """
    if mine and mine.version == action.version and mine.person != who.person:
        raise AlreadyDecided(say("%(by_name)s has decided this version in your stead; it waits for somebody else", by_name=mine.by_name))
    if leave.instead_of is None or (mine and mine.version == action.version):
        return leave
    theirs = Q(person=leave.instead_of.person) | Q(instead_of_person=leave.instead_of.person)
    if not Decision.objects.filter(theirs, action=action, version=action.version).exists():
        return leave
    if leave.own:
        return replace(leave, instead_of=None)
    raise AlreadyDecided(say("%(name)s, in whose stead you act, has decided this version already", name=leave.instead_of.name))


def named(leave: Leave) -> dict[str, Any]:
    """The columns of a Decision that say in whose stead it is."""
    if leave.instead_of is None:
        return {}
    return {"instead_of_id": leave.instead_of.id, "instead_of_person": leave.instead_of.person}
