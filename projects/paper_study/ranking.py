"""Which persons a model does best on, and which worst."""

from collections.abc import Sequence

import numpy as np

from phr_mmpose.utils.errors import UserError

GROUPS = ('best', 'median', 'worst')


def person_errors(distances: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Mean error of each person's joints.

    Args:
        distances (np.ndarray): Normalised distances of shape (N, K), N persons
            of K joints; infinite where a joint was not predicted.
        counted (np.ndarray): Shape (N, K), non-zero for the joints to count.

    Returns:
        np.ndarray: Shape (N,), in reference lengths; infinite where a counted
        joint was not predicted, NaN for a person without a reference length or
        a counted joint.
    """
    counted = np.asarray(counted).astype(bool) & ~np.isnan(distances)
    number = counted.sum(axis=1)
    total = np.where(counted, distances, 0).sum(axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def choose_persons(
    errors: np.ndarray, count: int, groups: Sequence[str] = GROUPS
) -> dict[str, list[int]]:
    """Choose persons by their rank.

    Args:
        errors (np.ndarray): Shape (N,), from :func:`person_errors`.
        count (int): Persons of each group.
        groups (Sequence[str]): Some of :data:`GROUPS`. Defaults to all.

    Returns:
        dict[str, list[int]]: Persons by group: the best from the best on, those
        about the median by rising error, the worst from the worst on.

    Raises:
        UserError: If there are too few persons for groups that share none.
    """
    # NaN sorts last.
    order = np.argsort(errors, kind='stable')[: (~np.isnan(errors)).sum()]
    middle = (len(order) - count) // 2
    ranks = {
        'best': order[:count],
        'median': order[max(middle, 0) : middle + count],
        'worst': order[::-1][:count],
    }
    chosen = {group: ranks[group].tolist() for group in groups}
    if len({p for persons in chosen.values() for p in persons}) < count * len(chosen):
        raise UserError(
            f'{len(order)} persons that can be rated are too few for {count} in each '
            f'of {", ".join(groups)}; show fewer'
        )
    return chosen
