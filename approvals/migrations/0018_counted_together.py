from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0017_opinions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Shared",
            fields=[
                ("key", models.TextField(primary_key=True, serialize=False)),
                ("value", models.TextField()),
                ("expires_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["expires_at"], name="shared_over")],
            },
        ),
    ]
