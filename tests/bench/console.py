"""`python -m tests.bench.console [RUNS]`: server time of the console's page and its parts with so many live runs (5,000), in the database that runs.

Everything is made in one transaction that is rolled back: nothing of it is ever seen, or left.
"""

import os
import sys
import time
from statistics import median, quantiles
from typing import Any

RUNS, LOOKS = 5_000, 25
_RUNS = """
INSERT INTO agents_run (id, agent_id, version_id, thread, trace, state, input, error, nodes, door, fence, lease_until, attempts, created_at,
    changed_at, started_by_id)
SELECT gen_random_uuid(), a.slug, a.current_id, 'bench-' || n, '', (ARRAY['WAITING', 'RUNNING', 'READY', 'HALTED'])[1 + n %% 4],
    jsonb_build_object('request', 'Change the price of product ' || n), '', '["propose"]', 'bench', 1, now() + interval '30 s', 0,
    now() - n * interval '1 s', now(), a.owner_id
FROM generate_series(1, %s) AS n, (SELECT * FROM agents_agent WHERE current_id IS NOT NULL ORDER BY slug LIMIT 1) AS a RETURNING 1
"""
_ACTIONS = """
INSERT INTO approvals_action (id, tenant, kind, agent, run, thread, checkpoint_ns, interrupt_id, index, tool, summary, environment, state,
    version, digest, proposal_digest, level, score, created_at, expires_at, resolution, customer, agent_version, turn, drill)
SELECT gen_random_uuid(), 'bench', 'tool', r.agent_id, r.id::text, r.thread, '', 'i', 0, 'refund_payment', 'Refund 12.00', 'production',
    'PENDING', 1, repeat('0', 64), repeat('0', 64), 'medium', 40, now() - interval '1 h', now() + interval '1 h', '{}',
    'customer ' || (row_number() OVER ()) %% 50, '', '|reviewers|', false
FROM agents_run r WHERE r.door = 'bench' AND r.state = 'WAITING'
"""
_SPANS = """
INSERT INTO audit_span (trace, run, kind, name, key, parent, started_at, status, input, output, error, attributes)
SELECT '', r.id::text, 'model', 'plan', 'k' || k, '', now(), 'done', '{}', '{}', '', '{"usage": {"total_tokens": 1234}}'
FROM agents_run r, generate_series(1, 4) AS k WHERE r.door = 'bench'
"""
ADDRESSES = (
    "/console/", "/console/?part=figures", "/console/?part=runs", "/console/?part=feed", "/console/?part=panels", "/console/?part=runs&q=product%204999",
    "/console/?part=runs&who=customer%207", "/console/?part=runs&state=HALTED",
)  # fmt: skip


def main(runs: int) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings
    from django.db import connection, transaction
    from django.test import Client

    from approvals.models import User

    settings.ALLOWED_HOSTS = ["*"]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_RUNS, [runs])
            for statement in (_ACTIONS, _SPANS, "ANALYZE agents_run", "ANALYZE approvals_action", "ANALYZE audit_span"):
                cursor.execute(statement.replace("%%", "%"))
        client = Client()
        who = User.objects.filter(groups__name="operators", is_active=True).order_by("pk")[:1].get()
        client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
        print(f"{runs} live runs; server time in ms over {LOOKS} looks")
        for address in ADDRESSES:
            print(f"  {address:<50} {look(client, address)}")
        transaction.set_rollback(True)


def look(client: Any, address: str) -> str:
    took = []
    client.get(address)  # the first of a process compiles its templates
    for _ in range(LOOKS):
        began = time.perf_counter()
        status = client.get(address).status_code
        took.append((time.perf_counter() - began) * 1000)
        if status != 200:
            return f"answered {status}"
    return f"median {median(took):6.0f}   p95 {quantiles(took, n=20)[-1]:6.0f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
