"""`python -m tests.bench.runpage [SPANS]`: server time and size of the page of a run with so many spans (2,000), in the database that runs.

A third are steps, a third model calls with a prompt of 4 kB, a third tool calls that people approved. Everything is made in one transaction
that is rolled back: nothing of it is ever seen, or left.
"""

import sys
from typing import Any

from tests.bench.console import look

SPANS = 2_000
_RUN = """
INSERT INTO agents_run (id, agent_id, version_id, thread, trace, state, input, error, nodes, door, fence, lease_until, attempts, created_at,
    changed_at, started_by_id)
SELECT gen_random_uuid(), a.slug, a.current_id, 'bench-page', '', 'WAITING', '{}', '', '["propose"]', 'bench', 1, now() + interval '30 s', 0,
    now(), now(), a.owner_id
FROM (SELECT * FROM agents_agent WHERE current_id IS NOT NULL ORDER BY slug LIMIT 1) AS a RETURNING id::text
"""
_ACTIONS = """
INSERT INTO approvals_action (id, tenant, kind, agent, run, thread, checkpoint_ns, interrupt_id, index, tool, summary, environment, state,
    version, digest, proposal_digest, level, score, created_at, expires_at, resolved_at, resolution, customer, agent_version, turn, drill)
SELECT gen_random_uuid(), 'bench', 'tool', 'bench', %(run)s, 'bench-page', '', 'i' || n, 0, 'refund_payment', 'Refund ' || n, 'production',
    'APPROVED', 1, repeat('0', 64), repeat('0', 64), 'medium', 40, now() + n * interval '3 s', now() + interval '9 h',
    now() + (n * 3 + 1) * interval '1 s', '{"by": "m.chen", "verdict": "approve", "door": "web", "reason": "", "response": ""}', '', '', '', false
FROM generate_series(1, %(n)s / 3) AS n
"""
_SPANS = """
INSERT INTO audit_span (trace, run, kind, name, key, parent, started_at, ended_at, status, input, output, error, attributes)
SELECT '', %(run)s, (ARRAY['node', 'model', 'tool'])[1 + n %% 3], (ARRAY['plan', 'a-model', 'refund_payment'])[1 + n %% 3], 'node:t' || n || ':1', '',
    now() + n * interval '1 s', now() + (n + 0.7) * interval '1 s', 'done',
    jsonb_build_object('messages', jsonb_build_array((SELECT string_agg(md5(n::text || i), ' ') FROM generate_series(1, 120) AS i))),
    jsonb_build_object('answer', 'line ' || n), '', CASE WHEN n %% 3 = 2 THEN jsonb_build_object('action', (SELECT id FROM approvals_action
        WHERE run = %(run)s AND interrupt_id = 'i' || (n / 3))) ELSE '{"usage": {"total_tokens": 12}}' END
FROM generate_series(1, %(n)s) AS n
"""


def main(count: int) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection, transaction
    from django.test import Client

    from approvals.models import User

    settings.ALLOWED_HOSTS = ["*"]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_RUN)
            run = cursor.fetchone()[0]
            for statement in (_ACTIONS, _SPANS, "ANALYZE approvals_action", "ANALYZE audit_span"):
                cursor.execute(statement, {"run": run, "n": count})
            cursor.execute("SELECT id FROM audit_span WHERE run = %s AND kind = 'model' ORDER BY id LIMIT 1", [run])
            span = cursor.fetchone()[0]
        client = Client()
        who = User.objects.filter(groups__name="operators", is_active=True).order_by("pk")[:1].get()
        client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
        print(f"one run of {count} spans; server time in ms, and size")
        for part in ("", "?view=tree", "?view=steps", "?from=0", "?q=refund", "?q=ffff", "live", "live?view=steps", f"steps/s{span}/"):
            print(f"  {part or 'timeline':<20} {look(client, f'/runs/{run}/{part}')}   {size(client, f'/runs/{run}/{part}')}")
        transaction.set_rollback(True)


def size(client: Any, address: str) -> str:
    return f"{len(client.get(address).content) / 1000:.0f} kB"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SPANS)
