"""What counts can tell beyond chance: counts in, intervals and p-values out; nothing here knows a transcript.

Everything works on counts that a single pass can add up, so that no test needs the values themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist
from typing import Final

__all__ = ["LEAST_EACH", "LEAST_EXPECTED", "holm", "rank_test", "rate_test", "wilson"]

LEAST_EACH: Final = 10
"""Fewest scores on either side for the normal approximation of the rank test."""
LEAST_EXPECTED: Final = 5
"""Fewest expected cases in each cell for the test of two rates (Cochran's rule)."""
_Z95: Final = NormalDist().inv_cdf(0.975)


def wilson(hits: int, total: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a rate after Wilson (1927), without continuity correction; ``None`` of nothing."""
    if total == 0:
        return None
    rate, spread = hits / total, _Z95**2 / total
    centre = rate + spread / 2
    half = _Z95 * sqrt(rate * (1 - rate) / total + spread / (4 * total))
    low, high = (centre - half) / (1 + spread), (centre + half) / (1 + spread)
    return (0.0 if hits == 0 else max(0.0, low), 1.0 if hits == total else min(1.0, high))


def rank_test(first: Mapping[float, int], second: Mapping[float, int]) -> float | None:
    """Return the two-sided p-value that neither side tends to score higher (Mann and Whitney 1947).

    Normal approximation with ties and continuity corrected.

    Args:
        first: How often each score occurs.
        second: The same of the other side.

    Returns:
        ``None`` if either side has fewer than `LEAST_EACH` scores; 1 if all scores are equal.
    """
    n, m = sum(first.values()), sum(second.values())
    if min(n, m) < LEAST_EACH:
        return None
    below, ranks, ties = 0, 0.0, 0
    for score in sorted({*first, *second}):
        mine = first.get(score, 0)
        here = mine + second.get(score, 0)
        ranks += mine * (below + (here + 1) / 2)
        ties += here**3 - here
        below += here
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    if variance <= 0:
        return 1.0
    gap = max(0.0, abs(ranks - n * (n + m + 1) / 2) - 0.5)
    return _two_sided(gap / sqrt(variance))


def rate_test(hits: int, total: int, other_hits: int, other_total: int) -> float | None:
    """Return the two-sided p-value that two rates are one: Pearson's chi-square with ``N - 1`` (Campbell 2007).

    Returns:
        ``None`` if any of the four cells is expected to hold fewer than `LEAST_EXPECTED` cases.
    """
    n = total + other_total
    found = hits + other_hits
    if n == 0 or min(total, other_total) * min(found, n - found) < LEAST_EXPECTED * n:
        return None
    rate = found / n
    gap = hits / total - other_hits / other_total
    return _two_sided(abs(gap) / sqrt(rate * (1 - rate) * (1 / total + 1 / other_total)) * sqrt((n - 1) / n))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return each p-value corrected for all of them being looked at (Holm 1979), in the order given."""
    corrected = [1.0] * len(p_values)
    least = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, p_values[index] * (len(p_values) - place)))
        corrected[index] = least
    return corrected


def _two_sided(z: float) -> float:
    return min(1.0, 2 * NormalDist().cdf(-z))
