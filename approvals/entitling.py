"""Whether somebody may decide an action now: whose turn it is, in whose stead they act, and who is too close to it (what was decided
already: `standing_in`).

Asked by every operation that a person begins on an action, under its lock, and by the page that draws the buttons. `permissions`
knows accounts and roles; here the frozen requirement is held against them. Statements are made only where somebody is refused or stands in.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.db import connection

from approvals import permissions
from approvals.envelopes import Envelope
from approvals.errors import NotAllowed, Tampered
from approvals.models import Action, User
from approvals.permissions import Absent, Standing
from approvals.states import Verdict
from audit.sentences import chain, say

RULES = {
    "requester": say("you asked for this yourself: you started the run it belongs to"),
    "owner": say("you own the agent that asks"),
}
STOOD_FOR: dict[str, Callable[[str], str]] = {
    "requester": lambda name: say(
        "You stand in for %(name)s, who asked for this: somebody else has to decide it (rule exclude: requester)", name=name
    ),
    "owner": lambda name: say(
        "You stand in for %(name)s, who owns the agent that asks: somebody else has to decide it (rule exclude: owner)", name=name
    ),
    "editor": lambda name: say(
        "You stand in for %(name)s, who edited this: somebody else has to decide it (rule exclude: editor)", name=name
    ),
}


# Whose places are filled already, and the groups that lack somebody still; asked only where somebody stands in, since it is a statement.
Placed = Callable[[], tuple[Collection[str], Collection[str]]]


def _nobody() -> tuple[Collection[str], Collection[str]]:
    return (), ()


@dataclass(frozen=True)
class Leave:
    """The right to decide, and where it comes from.

    Attributes:
        groups: those that count.
        instead_of: in whose stead it is used; None in nobody's.
        own: whether this person is asked themselves, whoever passed it on to them or left them a desk.
    """

    groups: frozenset[str]
    instead_of: Absent | None = None
    own: bool = True


def turn_of(envelope: Envelope, *, stage: int, passed: int) -> frozenset[str]:
    """The groups that are asked now: those of the open stage, and those it was escalated to."""
    if not envelope.needs:
        return frozenset()
    return frozenset({n.group for n in envelope.needs if n.stage == stage} | set(envelope.escalated(passed)))


def leave(
    who: Standing, action: Action, envelope: Envelope, *, stage: int, verdict: str = "approve", placed: Placed = _nobody
) -> Leave:  # fmt: skip
    """Why this person may give this verdict now: in their own right where they are asked themselves, whoever passed it on to them.

    Args:
        placed: of several in whose stead they could act, rather somebody who is not among these (`standing_in.leave` refuses them), of a group that lacks one.

    Raises:
        NotAllowed: it is not their turn, they are not asked, or the policy excludes them; the sentence names the rule.
        Tampered: the row says that more time has passed than the clock does.
    """
    turn = turn_of(envelope, stage=stage, passed=action.passed)
    found = Leave(who.groups) if who.groups & turn else _lent(who, action, turn, envelope, verdict=verdict, placed=placed)
    if found is None:
        raise NotAllowed(_not_asked(who, envelope, turn, stage))
    check_apart(who, action, envelope, instead_of=found.instead_of, verdict=verdict)
    if found.groups.isdisjoint({n.group for n in envelope.needs if n.stage == stage}):
        _check_time_passed(action, envelope)
    return found


def check_concerned(who: Standing, action: Action, envelope: Envelope, *, stage: int) -> None:
    """Whether somebody may ask about it, take an approval back or put it aside: whoever is asked in any stage, or may decide it now in any way.

    Raises NotAllowed, Tampered as `leave` does.
    """
    asked = {n.group for n in envelope.needs}
    if who.groups & asked:
        permissions.check_decide(who, groups=asked, excluded=envelope.excluded, editors=envelope.editors, verdict=Verdict.REJECT)
    else:
        leave(who, action, envelope, stage=stage, verdict=Verdict.REJECT)


def concerned(who: Standing, action: Action, envelope: Envelope, *, stage: int) -> bool:
    """Whether `check_concerned` would let them."""
    try:
        check_concerned(who, action, envelope, stage=stage)
    except (NotAllowed, Tampered):
        return False
    return True


def check_apart(who: Standing, action: Action, envelope: Envelope, *, instead_of: Absent | None = None, verdict: str = "approve") -> None:
    """Raises NotAllowed when this person, or somebody in whose stead they decide here, is excluded from deciding.

    Having been left somebody's desk takes nothing away: who is asked themselves decides in their own right (docs/adr/0015).
    """
    excluded, editors = envelope.excluded, envelope.editors
    if not excluded:
        return
    if who.person in excluded:
        rule = _rule(action, who.person, editors)
        if rule == "editor" and verdict != "reject":
            raise NotAllowed(
                say(
                    "You edited this, or what the agent made it of: somebody else has to approve it (you may still reject; rule exclude: editor)"
                )
            )
        if rule != "editor":
            raise NotAllowed(
                say("Excluded, because %(why)s: somebody else has to decide it (rule exclude: %(rule)s)", why=RULES[rule], rule=rule)
            )
    absent = instead_of
    if absent and _barred(absent, envelope, verdict):
        raise NotAllowed(STOOD_FOR[_rule(action, absent.person, editors)](absent.name))


def why_not(who: Standing, action: Action, envelope: Envelope, *, stage: int, verdict: str = "approve") -> str:
    """The sentence `leave` would raise, or ""."""
    try:
        leave(who, action, envelope, stage=stage, verdict=verdict)
    except (NotAllowed, Tampered) as refusal:
        return refusal.message
    return ""


def _lent(who: Standing, action: Action, turn: Collection[str], envelope: Envelope, *, verdict: str, placed: Placed) -> Leave | None:
    """The groups of somebody who is away or passed it on: lent only to people of the groups the policy names for that."""
    if not who.groups & envelope.delegates:
        return None
    lenders = [a for a in (_passed_on(who, action), *who.stands_for) if a and a.active and a.groups & set(turn)]
    if not lenders:
        return None
    filled, lacking = placed()
    # Of several absent people rather one in whose stead this verdict can be given: who is not excluded, and whose place, and group, is open.
    first = min(
        lenders,
        key=lambda a: (_barred(a, envelope, verdict), a.person in filled, a.groups.isdisjoint(lacking), a.person in envelope.excluded),
    )
    return Leave(who.groups | (first.groups & set(turn)), first, own=False)


def _barred(absent: Absent, envelope: Envelope, verdict: str) -> bool:
    """Whether nobody gives this verdict in their stead: what they edited may be rejected."""
    return absent.person in envelope.excluded and not (absent.person in envelope.editors and verdict == Verdict.REJECT)


def _passed_on(who: Standing, action: Action) -> Absent | None:
    """Who passed this very action on to this person, while they hold it."""
    if not action.reserved_for_id or action.reserved_by_id != who.user.pk:
        return None
    return absent(User.objects.get(pk=action.reserved_for_id))


def absent(user: User) -> Absent:
    groups = frozenset(Group.objects.filter(user=user).values_list("name", flat=True))
    return Absent(user.pk, user.person, user.get_username(), groups, user.is_active)


def _rule(action: Action, person: str, editors: Collection[str]) -> str:
    """Which exclusion it is; asked only where somebody is refused. Only who is not excluded otherwise could have edited."""
    if person in editors:
        return "editor"
    pairs = (("requester", action.requested_by_id), ("owner", action.owner_id))
    persons = dict(User.objects.filter(pk__in=[pk for _, pk in pairs if pk]).values_list("pk", "person"))
    return next((name for name, pk in pairs if pk and persons.get(pk) == person), "requester")


def _not_asked(who: Standing, envelope: Envelope, turn: frozenset[str], stage: int) -> str:
    if not turn:
        return say("Nobody is asked about this: policy alone decides it")
    others = {n.stage for n in envelope.needs if n.group in who.groups}
    if others:
        said = {"groups": chain("%(a)s and %(b)s", sorted(turn)), "stage": stage, "stages": envelope.stages}
        if max(others) < stage:
            return say("It is the turn of %(groups)s, stage %(stage)s of %(stages)s: your group has had its turn", **said)
        return say("It is the turn of %(groups)s, stage %(stage)s of %(stages)s: your turn comes after that", **said)
    return say("This needs somebody of %(groups)s; you are not in that group", groups=chain("%(a)s or %(b)s", sorted(turn)))


def _check_time_passed(action: Action, envelope: Envelope) -> None:
    """A column lets people of another group in: hold it against the digested moments and the clock."""
    moments = envelope.moments
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now = cursor.fetchone()[0]
    if action.passed > len(moments) or (action.passed and moments[action.passed - 1].at > now):
        raise Tampered(say("The stored time of this action was changed in the database. Nothing will run; tell an operator"))
