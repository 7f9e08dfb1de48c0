"""How certain the difference between two models is."""

from typing import NamedTuple

import numpy as np

from phr_mmpose.evaluation.functional.pck import hits


class Difference(NamedTuple):
    """A difference of two rates in points, and the range of 95 % of its samples."""

    points: float
    low: float
    high: float

    def __str__(self) -> str:
        return f'{self.points:+.1f} ({self.low:+.1f} to {self.high:+.1f})'


def rate_difference(
    first: np.ndarray,
    second: np.ndarray,
    counted: np.ndarray,
    threshold: float,
    samples: int = 2000,
    seed: int = 0,
) -> Difference:
    """Compare the pooled rates of two models on the same joints.

    The range is that of a paired bootstrap over persons. The joints of a person are
    found or missed together, so that a range over joints would be too narrow.

    Args:
        first (np.ndarray): Normalised distances (N, K) of N persons with K joints.
        second (np.ndarray): The same of another model.
        counted (np.ndarray): Shape (N, K), non-zero for the instances to count.
        threshold (float): Largest normalised distance of a hit, itself included.
        samples (int): How often N persons are drawn with replacement. Defaults to
            2000.
        seed (int): Of the draws. Defaults to 0.

    Returns:
        Difference: The second's rate minus the first's; NaN where no instance counts.
    """
    before, known = hits(first, counted, threshold)
    after, _ = hits(second, counted, threshold)
    gained = after.sum(1) - before.sum(1)
    number = known.sum(1)
    if not number.any():
        return Difference(np.nan, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(samples):
        persons = rng.integers(len(number), size=len(number))
        # A sample may hold no joint that counts, where few persons have one.
        if total := number[persons].sum():
            drawn.append(100 * gained[persons].sum() / total)
    low, high = np.percentile(drawn, (2.5, 97.5))
    points = 100 * gained.sum() / number.sum()
    return Difference(float(points), float(low), float(high))
