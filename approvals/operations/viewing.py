"""Opening what is to be approved: at high and critical nobody approves what they have not had before them, whatever their page says.

A page tells the parts of a version as they come into view or are unfolded, by name and with the digest of the version they are in; each is
a row. `deciding` asks `check` under its lock, at every door: who approves has opened every part of this version. It cannot know that a
person read it; it knows that somebody signed in as them asked for each part by name, and when.
"""

import secrets
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction

from approvals import envelopes, permissions
from approvals.envelopes import Envelope
from approvals.errors import AlreadyDecided, BadRequest, NotFound, NotViewed, Stale
from approvals.models import Action, Requirement, User, Viewed
from approvals.operations.step_up import rung_of
from approvals.permissions import Standing
from approvals.queries import viewing
from approvals.states import ActionState, Verdict
from audit.sentences import chain, say

MOST_NAMED = 3


@transaction.atomic
def open_parts(action_id: Any, *, by: User, seen_digest: str, parts: Collection[str], door: str) -> int:
    """Record that this person opened these parts of the version they were shown. Again changes nothing. Returns how many it named.

    Args:
        seen_digest: the digest of the version the parts were shown in.
        parts: names of `approvals.render.parts`.

    Raises:
        NotFound, AlreadyDecided, Stale: no such action, or it is not (any more) what this person was shown.
        NotAllowed: the account is locked. BadRequest: this version has no such part.
    """
    who = permissions.standing(by)
    action, requirement = _shown(action_id)
    if action.state != ActionState.PENDING:
        raise AlreadyDecided(say("This is %(state)s already", state=action.state.lower()), state=str(action.state))
    if not secrets.compare_digest(seen_digest.encode("utf-8", "replace"), action.digest.encode()):
        raise Stale(say("This changed since you opened it; look at what will run now, then decide"))
    known = {part.name for part in viewing.parts_of(requirement, envelopes.parse(requirement))}
    if unknown := sorted(set(parts) - known):
        raise BadRequest(say("This version has no part %(name)s; open the action again", name=repr(unknown[0][:20])))
    rows = [
        Viewed(action=action, version=action.version, digest=action.digest, part=part, user=who.user, person=who.person, door=door)
        for part in sorted(set(parts))
    ]
    Viewed.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1_000)
    return len(rows)


def check(action: Action, requirement: Requirement, envelope: Envelope, *, who: Standing, verdict: Verdict, door: str) -> dict[str, str]:
    """What this person had opened and when, to be kept with the Decision; {} where neither the ladder nor this door asks for it.

    Below high the page itself passes no approval on before what it folds was unfolded, and a card in Slack shows all or decides nothing; over the
    API nobody has shown anything, so it is asked here.

    Raises:
        NotViewed: some parts of this version were not opened by this person; the sentence and `parts` say which.
    """
    level = str(envelope.data["risk"]["level"])
    unseen = door == "api" and verdict is Verdict.APPROVE and level not in viewing.RISKY and viewing.may_hide(requirement, envelope)
    if unseen:
        return check_opened(action, requirement, envelope, who=who, folded=True)
    if rung_of(level, verdict, question=action.kind == Action.Kind.QUESTION).viewed:
        return check_opened(action, requirement, envelope, who=who)
    return {}


def check_opened(action: Action, requirement: Requirement, envelope: Envelope, *, who: Standing, folded: bool = False) -> dict[str, str]:
    """As `check`, whatever the level of this version is: for who says yes to calls like it. Raises NotViewed; `folded` goes into its details."""
    had = viewing.opened(action.pk, version=action.version, digest=action.digest, person=who.person)
    wanted = viewing.parts_of(requirement, envelope)
    missing = [part for part in wanted if part.name not in had]
    if missing:
        named = chain("%(a)s; %(b)s", [part.words for part in missing[:MOST_NAMED]])
        more = say("%(named)s; and %(n)d more", named=named, n=len(missing) - MOST_NAMED) if len(missing) > MOST_NAMED else named
        raise NotViewed(
            say("At this level you open all of it before you approve it. You have not opened in this version: %(parts)s", parts=more),
            parts={part.name: str(part.words) for part in missing},
            **({"folded": 1} if folded else {}),
        )
    return {part.name: had[part.name].isoformat() for part in wanted}


def _shown(action_id: Any) -> tuple[Action, Requirement]:
    try:
        action = Action.objects.filter(pk=UUID(str(action_id))).first()
    except ValueError:
        action = None
    requirement = Requirement.objects.filter(action=action, version=action.version).first() if action else None
    if action is None or requirement is None:
        raise NotFound(say("There is no such action; it may belong to another installation"))
    return action, requirement
