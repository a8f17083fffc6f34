"""How often people approved a tool of an agent is asked by every T1: what policy and grants passed is not in this index."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("approvals", "0024_halts_by_rules")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX action_by_people ON approvals_action (agent, tool, resolved_at) "
            "WHERE state = 'APPROVED' AND NOT drill AND (resolution->>'door') NOT IN ('worker', 'grant')",
            "DROP INDEX action_by_people",
        )
    ]
