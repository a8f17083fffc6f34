from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0011_graphs_by_their_own_names"),
    ]

    operations = [
        migrations.AddField(model_name="agent", name="hazards", field=models.JSONField(db_default=[], default=list)),
    ]
