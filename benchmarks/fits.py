"""How cost grows: the exponent of a power law."""

from collections.abc import Sequence

import numpy as np

from phr_mmpose.utils.errors import UserError


def fit_power(sizes: Sequence[float], costs: Sequence[float]) -> tuple[float, float]:
    """Fit ``cost = factor * size ** exponent`` by least squares of the logarithms.

    Args:
        sizes (Sequence[float]): Shape (N,), positive, at least two different.
        costs (Sequence[float]): Shape (N,), positive.

    Returns:
        tuple[float, float]: ``exponent`` and ``factor``.

    Raises:
        UserError: If the numbers do not determine a power law.
    """
    if len(sizes) != len(costs):
        raise UserError(f'{len(sizes)} sizes, but {len(costs)} costs, to fit')
    if min((*sizes, *costs), default=0) <= 0:
        raise UserError('a power law is fitted to positive numbers only')
    if len(set(sizes)) < 2:
        raise UserError('a power law is fitted to two different sizes at least')
    exponent, logarithm = np.polyfit(np.log(sizes), np.log(costs), 1)
    return float(exponent), float(np.exp(logarithm))
