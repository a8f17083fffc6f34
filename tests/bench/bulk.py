"""(e) A full house: pending actions with real envelopes, made by the product's own code, and a million events of true shape."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction

from approvals.envelopes import Call, Content, Judged
from approvals.models import Action, Requirement
from approvals.operations import clock, freezing, policies
from approvals.operations.proposals import Proposal
from approvals.policy.risk import Facts, assess
from approvals.states import ActionState
from audit import canonical

BATCH = 500
BLOCK = 1_000
SPREAD_S = 3600

# Chained per stream like real ones: each pass adds one event to every stream, naming the leaf before it.
_EVENTS = """
INSERT INTO audit_event (at, tenant, stream, seq, kind, actor_kind, actor_id, actor_name, door, agent, run, action, digest, policy, body, leaf)
SELECT at, %(tenant)s, stream, %(seq)s, %(kind)s, 'system', 'countersign', 'Countersign', 'worker', agent, run, action, digest, 'v1-00000000', body,
       sha256('\\x00'::bytea || body)
FROM (
  SELECT *, convert_to(json_build_object(
    'action', action, 'actor', json_build_object('id', 'countersign', 'kind', 'system', 'name', 'Countersign'), 'agent', agent,
    'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US+00:00'), 'data', json_build_object(
      'args', json_build_object('number', n, 'text', 'a plain sentence, as an agent would propose'), 'tool', 'note', 'version', 1),
    'digest', digest, 'door', 'worker', 'kind', %(kind)s::text, 'policy', 'v1-00000000', 'prev', prev, 'run', run, 'seq', %(seq)s::int,
    'stream', stream, 'tenant', %(tenant)s::text, 'v', 1)::text, 'UTF8') AS body
  FROM (
    SELECT n, 'action:' || md5('action' || n)::uuid AS stream, md5('action' || n)::uuid::text AS action,
           md5('run' || n / 3)::uuid::text AS run, 'agent-' || n %% 12 AS agent, encode(sha256(n::text::bytea), 'hex') AS digest,
           clock_timestamp() - make_interval(days => 30) + make_interval(secs => n * 8.0 + %(seq)s) AS at,
           coalesce(encode(last.leaf, 'hex'), '') AS prev
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    LEFT JOIN audit_event AS last ON last.stream = 'action:' || md5('action' || n)::uuid AND last.seq = %(seq)s - 1
  ) AS told
) AS leaves
"""
KINDS = ("action.opened", "decision.recorded", "action.approved", "action.settled")


def pending(count: int) -> list[Action]:
    """So many actions waiting for people, over twelve agents. Returns them."""
    made: list[Action] = []
    while len(made) < count:
        pairs = [_action(len(made) + i) for i in range(min(BATCH, count - len(made)))]
        with transaction.atomic():
            Action.objects.bulk_create([action for action, _ in pairs])
            Requirement.objects.bulk_create([requirement for _, requirement in pairs])
        made += [action for action, _ in pairs]
    return made


def events(count: int) -> int:
    """About so many events; the indexes are made after the rows, as a restore would."""
    streams = count // len(KINDS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_event'"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        for first in range(1, streams + 1, BLOCK):  # in blocks, so that kinds lie mixed in the table as they do in life
            last = min(first + BLOCK - 1, streams)
            for number, kind in enumerate(KINDS, start=1):
                cursor.execute(_EVENTS, {"tenant": settings.TENANT, "seq": number, "kind": kind, "first": first, "last": last})
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE")
    return streams * len(KINDS)


def _action(number: int) -> tuple[Action, Requirement]:
    now = clock.database_now() + timedelta(milliseconds=number * 1000 * SPREAD_S // 10_000)
    args = {"number": number, "text": f"a plain sentence, as an agent would propose, number {number}"}
    run = str(uuid.uuid4())
    proposal = Proposal(
        agent=f"agent-{number % 12}",
        thread=run,
        interrupt_id=uuid.uuid4().hex,
        tool="note",
        args=args,
        summary=f"Note number {number}",
        proposal_digest="0" * 64,
        rationale="The bench fills the inbox.",
    )
    policy = policies.in_force()
    facts = Facts(
        tool="note", tool_class=("write", "money", "delete")[number % 3], reversible=number % 2 == 0, figures={"rows": number % 200}
    )
    assessment = assess(policy.data, facts)
    action = Action(
        id=uuid.uuid4(),
        tenant=settings.TENANT,
        kind=proposal.kind,
        agent=proposal.agent,
        thread=run,
        interrupt_id=proposal.interrupt_id,
        tool=proposal.tool,
        summary=proposal.summary,
        environment=proposal.environment,
        state=ActionState.PENDING,
        version=1,
        proposal_digest=proposal.proposal_digest,
        created_at=now,
    )
    content = Content(Call(args, canonical.fingerprint({})), Judged(facts, assessment, policy), {}, now)
    requirement = freezing.write_requirement(action, content, rationale=proposal.rationale, evidence=[])
    return action, requirement
