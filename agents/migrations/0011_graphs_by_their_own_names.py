from typing import Any

from django.db import migrations, models
from django.db.models import F, Q


def named_as_they_are(apps: Any, schema_editor: Any) -> None:
    apps.get_model("agents", "Agent").objects.exclude(project="").update(graph=F("slug"))


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0010_pieces"),
    ]

    operations = [
        migrations.AddField(model_name="agent", name="graph", field=models.TextField(db_default="", default="")),
        migrations.RunPython(named_as_they_are, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.UniqueConstraint(condition=~Q(project=""), fields=("project", "graph"), name="agent_graph_once"),
        ),
    ]
