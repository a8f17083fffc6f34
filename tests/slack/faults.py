"""What goes wrong on purpose: per method (or `*`), so many times or until it is taken away."""

import threading
import time
from dataclasses import dataclass
from typing import Literal

Kind = Literal["429", "500", "slow", "lost", "down"]


@dataclass
class Fault:
    """`slow` answers after `seconds`; `lost` does it and hangs up; `down` hangs up at once; `429` says to come back after `seconds`."""

    kind: Kind
    times: int = 1
    seconds: float = 1


class Faults:
    """Thread-safe: requests come from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set: dict[str, Fault] = {}

    def set(self, method: str, kind: Kind, *, times: int = 1, seconds: float = 1) -> None:
        with self._lock:
            self._set[method] = Fault(kind, times, seconds)

    def clear(self) -> None:
        with self._lock:
            self._set.clear()

    def next(self, method: str) -> Fault | None:
        """The fault this call meets, used up by one."""
        with self._lock:
            for name in (method, "*"):
                fault = self._set.get(name)
                if fault and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None


def wait(seconds: float) -> None:
    time.sleep(seconds)
