"""One action with everything its page shows; proved against its digest while it is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from approvals import envelopes, permissions, standing_in
from approvals.errors import NotAllowed, NotFound, Tampered
from approvals.models import Action, Decision, Edit, Requirement, User
from approvals.policy.risk import Factor, Facts
from approvals.queries import viewing
from approvals.queries.grants import GrantRow, open_grants
from approvals.queries.inbox import InboxRow, inbox_row
from approvals.queries.opinions import OpinionRow, opinions
from approvals.queries.policies import policy_id
from approvals.queries.precedents import Approved, approved, similar
from approvals.queries.voted import Version, Vote, version_row, votes
from approvals.resolution import Need
from approvals.states import ActionState, EditState
from audit import canonical
from audit.sentences import say

WAITS_FOR_OPINION = say("The policy would pass this and waits for a second model's opinion. Without one in time, people are asked")
POLICY_DECIDED = say("Policy decided this")


@dataclass(frozen=True)
class ActionDetail:
    """What the action's page shows.

    Attributes:
        row: the action as lists show it.
        args: what will run, from the digested bytes.
        policy, policy_sha256, policy_id, facts: what it was scored with; `policy_id` is 0 when that version is not on record.
        denied: why policy refuses it, "" when it does not.
        tampered: a sentence when the stored bytes do not hold; then nothing may be decided.
        cannot: why this reader may not decide, "" when they may.
        grants: standing approvals of this agent and tool that are in force.
        rejections: so many end it; `escalated` groups that are asked as well by now.
        excluded: who can never approve it, each with the rule that says so.
        agent_takes: the agent makes the call itself, and can be told this of it. answer_schema: what an answer has to fit.
        may_edit: whether policy lets people write other arguments. stops_run: it halts the run when nobody decides in time.
        confirm: what is typed to approve it, where the ladder asks for that.
        opened: at high and critical, the parts of this version that this reader has opened.
        own_edit: this reader had a hand in these arguments: they may reject or edit again, not approve.
        stood_for: who approved it in this reader's stead, who may only reject it then; "" when nobody did.
        opinions: what a second model thinks of it, oldest first.
        approved: the last call like it that people approved before.
        checking: an edit of it is being checked; `edit_errors` what the last refused edit was refused for.
    """

    row: InboxRow
    args: Any
    preview: dict[str, Any]
    factors: list[Factor]
    policy: str
    policy_sha256: str
    policy_id: int
    facts: Facts
    needs: list[Need]
    verdicts: list[str]
    reason_for: list[str]
    reversible: bool
    tool_class: str
    tool_schema_sha256: str
    rationale: str
    evidence: list[dict[str, Any]]
    why: str
    votes: list[Vote]
    versions: list[Version]
    similar: list[InboxRow]
    interrupt_id: str
    thread: str
    tampered: str = ""
    denied: str = ""
    cannot: str = ""
    mine: bool = False
    own_edit: bool = False
    stood_for: str = ""
    checking: bool = False
    edit_errors: dict[str, str] = field(default_factory=dict)
    edit_args: Any = None
    edit_reason: str = ""
    grants: list[GrantRow] = field(default_factory=list)
    rejections: int = 1
    escalated: tuple[str, ...] = ()
    excluded: tuple[tuple[str, str], ...] = ()
    confirm: str = ""
    opened: frozenset[str] = frozenset()
    opinions: list[OpinionRow] = field(default_factory=list)
    approved: Approved | None = None
    agent_takes: tuple[str, ...] = ()
    may_edit: bool = True
    stops_run: bool = False
    answer_schema: Any = None

    @property
    def only_no(self) -> bool:
        """Whether this reader may say no to it, and not yes."""
        return self.own_edit or bool(self.stood_for)

    @property
    def editable(self) -> bool:
        """Whether its arguments can be changed at all: a question has none, and not every agent takes others."""
        return self.row.kind != "question" and self.may_edit and (not self.agent_takes or "edit" in self.agent_takes)


def action_detail(action_id: Any, *, reader: User | None) -> ActionDetail:
    """One action for its page, or (`reader` None) for a place that many people see. Raises NotFound; Tampered when it cannot even be shown."""
    try:
        return _detail(action_id, reader)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if _is_proved(action_id):
            raise
        raise Tampered(envelopes.NO_ENVELOPE) from error  # what is shown of it was changed into something that nothing reads


def is_checking(action_id: Any) -> bool:
    """Whether an edit of it is with the worker."""
    return Edit.objects.filter(action=action_id, state=EditState.WANTED).exists()


def _is_proved(action_id: Any) -> bool:
    action = Action.objects.get(pk=action_id)
    try:
        envelopes.opened(action, Requirement.objects.get(action=action, version=action.version))
    except Tampered:
        return False
    return True


def _detail(action_id: Any, reader: User | None) -> ActionDetail:
    try:
        pk = UUID(str(action_id))
        # Before the action: an edit that is done by now is then in what is read next. The other way round the page would show the version
        # from before, and nothing being checked: it would not look again.
        checking = set(Edit.objects.filter(action=pk, state=EditState.WANTED).values_list("version", flat=True))
        action = Action.objects.get(pk=pk)
    except (Action.DoesNotExist, ValueError):
        raise NotFound(say("There is no such action; it may have been cleared, or the link is not complete")) from None
    # Each statement sees its own moment: a version that came in between must not mix with the one read first.
    versions = list(Requirement.objects.filter(action=action, version__lte=action.version).select_related("edited_by").order_by("version"))
    if not versions:
        raise Tampered(envelopes.NO_VERSION)
    current = versions[-1]
    data, tampered = _proved(action, current)
    envelope = envelopes.Envelope(data)
    needs = envelope.needs
    edit = _refused_edit(action, reader) if reader else None
    row = inbox_row(action.pk)
    if row is None:
        raise NotFound(say("There is no such action"))
    if row.version != action.version:
        return _detail(action_id, reader)
    given = [] if row.test else votes(action, envelope)  # whose verdict ended a test is shown to nobody
    mine = standing_in.given(action, reader.person, envelope) if reader and not row.test else None
    ours = mine is not None and reader is not None and mine.person == reader.person
    cannot = _cannot(reader, action, envelope, mine)
    return ActionDetail(
        row=row,
        args=data["args"],
        preview=current.preview,
        factors=[Factor(**f) for f in data["risk"]["reasons"]],
        policy=current.policy,
        policy_sha256=data["policy"]["sha256"],
        policy_id=policy_id(current.policy, data["policy"]["sha256"]),
        facts=_facts(data),
        needs=needs,
        verdicts=envelope.verdicts_of(current.why),
        reason_for=data["reason_for"],
        reversible=data["facts"]["reversible"],
        tool_class=data["facts"]["tool_class"],
        tool_schema_sha256=data["tool"]["schema_sha256"],
        rationale=current.rationale,
        evidence=current.evidence,
        why=current.why,
        votes=given,
        versions=[version_row(v) for v in versions],
        similar=similar(action),
        approved=approved(action),
        interrupt_id=action.interrupt_id,
        thread=action.thread,
        tampered=tampered,
        denied=str(data.get("denied", "")),
        cannot=cannot if needs else WAITS_FOR_OPINION if row.state == ActionState.PENDING else POLICY_DECIDED,
        opinions=opinions(action.pk),
        rejections=envelope.rejections,
        escalated=envelope.escalated(action.passed),
        excluded=_excluded(action, envelope, versions),
        confirm=envelope.confirm,
        agent_takes=envelope.agent_takes,
        may_edit=envelope.may_edit,
        stops_run=envelope.at_deadline == envelopes.STOP_RUN,
        answer_schema=envelope.answer_schema,
        opened=_opened(action, reader) if reader else frozenset(),
        own_edit=reader is not None and reader.person in envelope.editors & envelope.excluded,
        grants=open_grants(agent=action.agent, tool=action.tool) if action.kind == Action.Kind.TOOL else [],
        mine=ours,
        stood_for=mine.by_name if mine and not ours and not cannot else "",
        checking=action.version in checking,  # one that has become a version by now is not checked any more
        edit_errors=edit.errors if edit else {},
        edit_args=canonical.parse(bytes(edit.args)) if edit else None,
        edit_reason=edit.reason if edit else "",
    )


def _refused_edit(action: Action, reader: User) -> Edit | None:
    """This reader's last edit, if it was of this version and was not taken."""
    last = Edit.objects.filter(action=action, by=reader).order_by("-pk").first()
    return last if last and last.state == EditState.REFUSED and last.version == action.version else None


def _proved(action: Action, requirement: Requirement) -> tuple[dict[str, Any], str]:
    """The envelope's data, and a sentence when it does not match its digest."""
    try:
        return dict(envelopes.opened(action, requirement).data), ""
    except Tampered as error:
        return dict(envelopes.parse(requirement).data), error.message


def _facts(data: dict[str, Any]) -> Facts:
    """The facts it was scored with; none when somebody changed them, which the page says elsewhere."""
    try:
        return envelopes.Envelope(data).facts
    except (TypeError, KeyError, ValueError):
        return Facts(str(data["tool"]["name"]), "unknown", question=True)


def _cannot(reader: User | None, action: Action, envelope: envelopes.Envelope, mine: Decision | None) -> str:
    """Why this reader may not even reject it, "" when they may. `mine`: what was decided by them or in their stead."""
    if reader is None:
        return ""
    try:
        who = permissions.standing(reader)
    except NotAllowed as refusal:
        return refusal.message
    return standing_in.why_not(who, action, envelope, mine=mine, verdict="reject")


def _excluded(action: Action, envelope: envelopes.Envelope, versions: Sequence[Requirement]) -> tuple[tuple[str, str], ...]:
    """Who can never approve this version, each with the rule that says so."""
    pairs = (("requester", action.requested_by_id), ("owner", action.owner_id))
    people = {u.pk: u for u in User.objects.filter(pk__in=[pk for _, pk in pairs if pk])}
    found = [(people[pk], rule) for rule, pk in pairs if pk in people and people[pk].person not in envelope.editors]
    found += [(v.edited_by, "editor") for v in versions if v.edited_by and v.edited_by.person in envelope.editors]
    unnamed = envelope.editors - {who.person for who, _ in found}  # they edited what the agent worked from
    found += [(who, "editor") for who in User.objects.filter(person__in=unnamed, kind=User.Kind.HUMAN).order_by("pk")] if unnamed else []
    return tuple(dict.fromkeys((who.get_username(), rule) for who, rule in found if who.person in envelope.excluded))


def _opened(action: Action, reader: User) -> frozenset[str]:
    if action.state != ActionState.PENDING or action.level not in viewing.RISKY:
        return frozenset()
    return frozenset(viewing.opened(action.pk, version=action.version, digest=action.digest, person=reader.person))
