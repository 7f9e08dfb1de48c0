"""Saved predictions of anybody's model, fitted to a ground truth."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from phr_mmpose.datasets.annotation_list import are_coordinates
from phr_mmpose.evaluation.functional.pck import column_joints, scored_joints
from phr_mmpose.evaluation.ground_truth import GroundTruth
from phr_mmpose.utils.array_files import arrangements, describe, read_arrays
from phr_mmpose.utils.errors import UserError

COMMON_KEYS = ('preds', 'pred', 'prediction_all', 'joints', 'pos_pred_src')


@dataclass
class Predictions:
    """Predictions on a ground truth's persons and joints.

    Args:
        joints (np.ndarray): Shape (N, K, 2), pixels of the photo **counted from
            1**, like :class:`GroundTruth`; NaN where nothing was predicted, or what
            no photo reaches.
        notes (list[str]): What was decided on the way, for the user's eyes.
    """

    joints: np.ndarray
    notes: list[str] = field(default_factory=list)


def load_predictions(
    path: str | Path,
    truth: GroundTruth,
    one_based: bool = False,
    key: str | None = None,
) -> Predictions:
    """Read predictions and bring them into the ground truth's order and grid.

    The array may be N x K x 2 or any other order of these axes; a third
    component (a score) is dropped. Where the sizes leave the order open, the
    one nearest to the ground truth is taken.

    Args:
        path (str | Path): See
            :func:`~phr_mmpose.utils.array_files.read_arrays`.
        truth (GroundTruth): What will be scored.
        one_based (bool): The predictions count pixels from 1. Defaults to
            False, from 0.
        key (str | None): The array to take. Defaults to None: the one under a
            common key (:data:`COMMON_KEYS`) that fits, else the only one that
            fits.

    Returns:
        Predictions: One pose for each person of ``truth``.

    Raises:
        UserError: If the file cannot be read, no array fits, several do, or no
            joint is a number.
    """
    arrays = read_arrays(path)
    if key is not None and key not in arrays:
        raise UserError(f'{path}: no array "{key}"; it holds {describe(arrays)}')
    wanted = arrays if key is None else {key: arrays[key]}
    readings = {name: _readings(array, truth) for name, array in wanted.items()}
    fitting = {name: found for name, found in readings.items() if found}
    common = {name: fitting[name] for name in COMMON_KEYS if name in fitting}
    choice = common or fitting
    if not choice:
        persons = ' or '.join(map(str, sorted(truth.chosen)))
        joints = ' or '.join(map(str, sorted(truth.from_joints)))
        raise UserError(
            f'{path}: no order of axes gives {persons} persons x {joints} joints x 2; '
            f'it holds {describe(wanted)}'
        )
    if len(choice) > 1:
        raise UserError(
            f'{path}: several arrays may be the predictions; name one with --key: '
            f'{describe({name: arrays[name] for name in choice})}'
        )
    (found,) = choice.values()
    # Files count from 1 or 0, the ground truth from 1.
    shift = 0 if one_based else 1
    found = [
        (axes, np.where(are_coordinates(joints), joints + shift, np.nan))
        for axes, joints in found
    ]
    axes, joints = min(found, key=lambda reading: _median_error(reading[1], truth))
    if np.isnan(joints).all():
        raise UserError(f'{path}: holds no prediction, no number is a pixel of a photo')

    notes = []
    if len(found) > 1:
        notes.append(
            f'{path}: {len(found)} orders of axes fit; took the nearest to the ground '
            f'truth, {axes}'
        )
    scored = scored_joints(column_joints(truth.names))
    missing = (truth.annotated & ~np.isfinite(joints).all(-1))[:, scored]
    if missing.any():
        notes.append(
            f'{path}: {int(missing.sum())} joints have no prediction (NaN, or far from '
            'any photo); they count as misses'
        )
    other = _median_error(joints + (1 if one_based else -1), truth)
    if other < (error := _median_error(joints, truth)):
        counted, likely = (1, 0) if one_based else (0, 1)
        notes.append(
            f'{path}: read as counted from {counted}, and from {likely} it would fit '
            f'better (half of the joints within {other:.2f} px, not {error:.2f}); '
            f'{"leave out" if one_based else "add"} --one-based if it counts from '
            f'{likely}'
        )
    return Predictions(joints, notes)


def _readings(array: np.ndarray, truth: GroundTruth) -> list[tuple[str, np.ndarray]]:
    """All ways to read an array as predictions: axes' names, (N, K, 2)."""
    found = []
    for number, chosen in truth.chosen.items():
        for joints, convert in truth.from_joints.items():
            for components in (2, 3):
                shape = (number, joints, components)
                for order, poses in arrangements(array, shape):
                    found.append((_axes(shape, order), convert(poses[chosen, :, :2])))
    return found


def _axes(shape: tuple[int, int, int], order: tuple[int, ...]) -> str:
    """Describe an order of axes as the file has it, such as '2 x joints x persons'."""
    names = ('persons', 'joints', str(shape[2]))
    present = [name for name, size in zip(names, shape, strict=True) if size != 1]
    return ' x '.join(name for _, name in sorted(zip(order, present, strict=True)))


def _median_error(joints: np.ndarray, truth: GroundTruth) -> float:
    error = np.linalg.norm(joints - truth.joints, axis=-1)[truth.annotated]
    error = error[np.isfinite(error)]
    return float(np.median(error)) if error.size else float('inf')
