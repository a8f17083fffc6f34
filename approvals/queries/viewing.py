"""What of an action a person has to open, and what of it they have opened."""

from datetime import datetime
from typing import Any

from django.db.models import F

from approvals import envelopes
from approvals.envelopes import Envelope
from approvals.models import Requirement, Viewed
from approvals.render.arguments import may_fold
from approvals.render.parts import Part, as_object, parts
from approvals.render.preview import preview_may_fold

RISKY = frozenset({"high", "critical"})  # levels at which opening is kept and asked for


def parts_of(requirement: Requirement, envelope: Envelope) -> tuple[Part, ...]:
    """Every part of this version; one statement where an edit made it, for what stood there before."""
    before = None
    if requirement.why == "edited":
        former = Requirement.objects.filter(action=requirement.action_id, version=requirement.version - 1).first()
        before = envelopes.parse(former).args if former else None
    return parts(envelope.args, requirement.preview, before=before)


def may_hide(requirement: Requirement, envelope: Envelope) -> bool:
    """Whether a page would fold something away of what this version runs, or of its preview: a quick look that errs on the side of yes, and asks no database."""
    return may_fold(as_object(envelope.args)) or preview_may_fold(requirement.preview)


def to_open(action_id: Any) -> tuple[Part, ...]:
    """What has to be opened of an action before it is approved; none where the ladder does not ask for it, or nothing is there."""
    requirement = Requirement.objects.filter(action=action_id, version=F("action__version"), level__in=RISKY).first()
    return parts_of(requirement, envelopes.parse(requirement)) if requirement else ()


def opened(action_id: Any, *, version: int, digest: str, person: str) -> dict[str, datetime]:
    """The parts this person has opened of this very version, and when."""
    rows = Viewed.objects.filter(action=action_id, version=version, digest=digest, person=person)
    return dict(rows.order_by("pk").values_list("part", "created_at"))
