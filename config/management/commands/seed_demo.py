"""`manage.py seed_demo`: people, projects, worlds and history of the demo; safe to run again."""

from typing import Any

from agents import queries
from config import commands, demo


class Command(commands.ProductCommand):
    help = "Make the demo's people, register the example agents, and give them a little history (once)."

    def handle(self, *args: Any, **options: Any) -> None:
        cast = demo.ensure_cast()
        fresh = not queries.runs(limit=1).rows
        if fresh:
            demo.seed_worlds()
        slugs = demo.register_all()
        self.stdout.write(f"{len(cast)} people, agents: {', '.join(slugs)}")
        if fresh:
            demo.make_history(cast, self.stdout.write)
