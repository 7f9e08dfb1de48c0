"""From poses to the numbers that are reported, for metrics and tools alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phr_mmpose.evaluation.functional.pck import (
    column_joints,
    column_rates,
    normalized_distances,
    splits,
)
from phr_mmpose.evaluation.ground_truth import GroundTruth


@dataclass
class Scores:
    """What is reported of one set of predictions.

    Args:
        metrics (dict[str, float]): Percent by key: ``Head`` … ``Total``, then
            ``<key>_visible`` and ``<key>_occluded`` where visibility is known
            and such joints exist, then ``<key>@<threshold>``.
        rows (dict[str, dict[str, float]]): The same as the rows of a table.
    """

    metrics: dict[str, float]
    rows: dict[str, dict[str, float]]


def score(
    distances: np.ndarray,
    annotated: np.ndarray,
    visible: np.ndarray | None,
    names: Sequence[str],
    measure: str,
    thr: float,
    extra_thrs: Sequence[float] = (),
) -> Scores:
    """Rate the columns of the published tables, whole and split by visibility.

    Args:
        distances (np.ndarray): Normalised distances of shape (N, K), N persons
            of K joints.
        annotated (np.ndarray): Shape (N, K), non-zero where annotated.
        visible (np.ndarray | None): Shape (N, K), non-zero where annotated
            and visible; None where the data does not know.
        names (Sequence[str]): The K joint names.
        measure (str): Name of the measure, such as ``'PCK'``, for the rows.
        thr (float): Threshold of the plain and the split keys.
        extra_thrs (Sequence[float]): Further thresholds, for all joints.

    Returns:
        Scores: Plain keys are NaN where none of their joints is annotated; such
        split keys are left out.
    """
    columns = column_joints(names)
    masks = splits(annotated, visible)
    metrics, rows = {}, {}
    for split, mask in masks.items():
        row = column_rates(distances, mask, columns, thr)
        if split == 'all':
            rows[f'{measure}@{thr:g}'] = row
            metrics.update(row)
        else:
            rows[f'{measure}@{thr:g} {split}'] = row
            known = {key: rate for key, rate in row.items() if not np.isnan(rate)}
            metrics.update({f'{key}_{split}': rate for key, rate in known.items()})
    for extra in extra_thrs:
        row = column_rates(distances, masks['all'], columns, extra)
        rows[f'{measure}@{extra:g}'] = row
        metrics.update({f'{key}@{extra:g}': rate for key, rate in row.items()})
    return Scores(metrics, rows)


def score_joints(joints: np.ndarray, truth: GroundTruth) -> tuple[np.ndarray, Scores]:
    """Rate predictions against a ground truth.

    Args:
        joints (np.ndarray): Predictions (N, K, 2) of N persons with K joints, on
            the grid of the ground truth.
        truth (GroundTruth): The persons.

    Returns:
        tuple[np.ndarray, Scores]: Normalised distances (N, K), and the rates.
    """
    distances = normalized_distances(joints, truth.joints, truth.reference)
    scores = score(
        distances,
        truth.annotated,
        truth.visible,
        truth.names,
        truth.measure,
        truth.thr,
        truth.extra_thrs,
    )
    return distances, scores
