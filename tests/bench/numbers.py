"""Percentiles of what was measured, in milliseconds."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Milliseconds; `n` measurements. The nearest-rank percentiles: values that were really seen."""

    p50: float
    p95: float
    p99: float
    n: int


def spread(seconds: Iterable[float]) -> Spread:
    ordered = sorted(1000 * s for s in seconds)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)], 2)

    return Spread(at(0.50), at(0.95), at(0.99), len(ordered))
