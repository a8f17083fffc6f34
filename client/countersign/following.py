"""What of a run's story was given already. Ids are given out before what they name can be seen, so a smaller one may come after a greater:
some are asked for again, and what was given is left out. Pure."""

from typing import Any

OVERLAP = 200


class Story:
    """Which events of a run one has had."""

    def __init__(self) -> None:
        self._last, self._had = 0, set[int]()

    @property
    def after(self) -> int:
        """The id to ask on from."""
        return max(0, self._last - OVERLAP)

    def fresh(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those that were not given yet, in order."""
        found = [event for event in events if event["id"] not in self._had]
        self._had.update(event["id"] for event in found)
        self._last = max([self._last, *(event["id"] for event in found)])
        self._had = {one for one in self._had if one > self.after}
        return found
