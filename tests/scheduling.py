"""Which process of xdist runs what, where each has a whole product of its own to start."""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# The chaos tests, in two parts: with three there is one product more to start, which takes what the third process gains. Six processes instead of four take
# longer, too.
PARTS = {
    "others": {
        "loops_killed",
        "forked_killed",
        "budget_killed",
        "overridden_killed",
        "reversed_killed",
        "alone_killed",
        "answered_for_killed",
        "endless",
    },
    "kills": {"kills"},
}
PART = {f"tests/chaos/test_{name}.py": f"chaos:{part}" for part, names in PARTS.items() for name in names}
# What takes a minute or more, the longest first: at the end no process is left alone with one of them.
LONGEST = (
    "look",
    "operating",
    "connecting",
    "operators_look",
    "at_the_desk",
    "slack_demo",
    "signed_out",
    "run_page",
    "reviewer",
    "five_minutes",
)
RANK = {
    name: rank for rank, name in enumerate((*(f"chaos:{part}" for part in PARTS), *(f"tests/journeys/test_{name}.py" for name in LONGEST)))
}


class ByProduct(LoadScopeScheduling):
    """As `--dist loadfile`, but for the parts of the chaos tests, and the longest first."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return PART.get(file, file)

    def _assign_work_unit(self, node: object) -> None:
        if self.workqueue:
            self.workqueue.move_to_end(min(self.workqueue, key=lambda scope: RANK.get(scope, len(RANK))), last=False)
        super()._assign_work_unit(node)
