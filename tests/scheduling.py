"""Which process of xdist runs what, where each has a whole product of its own to start."""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]


class ByProduct(LoadScopeScheduling):
    """As `--dist loadfile`, and all the chaos tests in one process: their product and that of the journeys are two, which take half a minute
    of computing to start and go on sweeping until the process ends."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tests/chaos" if file.startswith("tests/chaos/") else file
