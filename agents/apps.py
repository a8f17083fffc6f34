"""Django's entry for the agents room: connects the receivers, and makes LangGraph's tables after migrating."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AgentsConfig(AppConfig):
    name = "agents"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from agents.declarations import otherwise
        from agents.operations import receiving  # noqa: F401  (connects the receivers)
        from agents.views import slack
        from approvals.queries import declarations

        slack.plug_in()
        declarations.plug_in(otherwise)

        post_migrate.connect(_checkpoint_tables, sender=self)


def _checkpoint_tables(**_: Any) -> None:
    from agents.graphs import checkpoints

    checkpoints.setup()
