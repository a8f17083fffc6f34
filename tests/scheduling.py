"""Which process of xdist runs what, where each has a whole product of its own to start."""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

HALVES = {"test_kills.py": "kills", "test_beat_and_bench.py": "kills"}  # as long as all others
# What takes a minute or more, the longest first: at the end no process is left alone with one of them.
LONGEST = (
    "tests/chaos:others", "tests/chaos:kills", "look", "operating", "at_the_desk", "connecting", "operators_look", "slack_demo", "signed_out",
    "run_page", "reviewer", "five_minutes",
)  # fmt: skip
RANK = {name if ":" in name else f"tests/journeys/test_{name}.py": rank for rank, name in enumerate(LONGEST)}


class ByProduct(LoadScopeScheduling):
    """As `--dist loadfile`, and the chaos tests in two processes: their product and that of the journeys are two, which take half a minute
    of computing to start and go on sweeping until the process ends."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder, _, name = file.rpartition("/")
        return f"{folder}:{HALVES.get(name, 'others')}" if folder == "tests/chaos" else file

    def _assign_work_unit(self, node: object) -> None:
        if self.workqueue:
            self.workqueue.move_to_end(min(self.workqueue, key=lambda scope: RANK.get(scope, len(RANK))), last=False)
        super()._assign_work_unit(node)
