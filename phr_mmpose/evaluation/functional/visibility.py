"""How well a probability tells visible keypoints from hidden ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata


def roc_auc(probability: np.ndarray, visible: np.ndarray) -> float:
    """Area under the ROC curve: how often a visible one scores above a hidden one.

    Args:
        probability (np.ndarray): (N,), any numbers that can be ordered.
        visible (np.ndarray): (N,), bool.

    Returns:
        float: From 0 to 1, 0.5 by chance; ties count half. NaN unless there are
        both visible and hidden ones.
    """
    seen = int(visible.sum())
    hidden = len(visible) - seen
    if not (seen and hidden):
        return float('nan')
    ranks = rankdata(probability)[visible].sum()
    return float((ranks - seen * (seen + 1) / 2) / (seen * hidden))


def visibility_rates(persons: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict:
    """Rate the visibility of several persons' keypoints.

    Args:
        persons (Sequence[tuple[np.ndarray, np.ndarray]]): Of each the probabilities
            and the flags of its annotated keypoints, (k,) each.

    Returns:
        dict[str, float]: ``AUC``, the area under the ROC curve, and ``ECE``, the
        expected calibration error over ten bins, in percent; NaN where a probability
        is, as of a model that has diverged; empty where no hidden or no visible
        keypoint is known.
    """
    if not persons:
        return {}
    probability, visible = map(np.concatenate, zip(*persons, strict=True))
    if visible.all() or not visible.any():
        return {}
    if np.isnan(probability).any():
        return {'AUC': float('nan'), 'ECE': float('nan')}
    auc = roc_auc(probability, visible)
    return {'AUC': 100 * auc, 'ECE': 100 * reliability(probability, visible).error}


@dataclass
class Reliability:
    """What is true of the keypoints that are said to be visible as probably as this.

    Args:
        said (np.ndarray): (M,), mean probability of each bin that is not empty.
        true (np.ndarray): (M,), share of visible keypoints in it.
        count (np.ndarray): (M,), its keypoints.
    """

    said: np.ndarray
    true: np.ndarray
    count: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of both, weighted by count."""
        gap = np.abs(self.said - self.true)
        return float((gap * self.count).sum() / self.count.sum())


def reliability(
    probability: np.ndarray, visible: np.ndarray, bins: int = 10
) -> Reliability:
    """Compare what is said with what is true, in bins of equal width.

    Args:
        probability (np.ndarray): (N,), from 0 to 1.
        visible (np.ndarray): (N,), bool.
        bins (int): Their number. Defaults to 10.

    Returns:
        Reliability: Of the bins that hold a keypoint.
    """
    place = np.clip((probability * bins).astype(int), 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    kept = count > 0
    said = np.bincount(place, probability, bins)[kept] / count[kept]
    true = np.bincount(place, visible, bins)[kept] / count[kept]
    return Reliability(said, true, count[kept])
