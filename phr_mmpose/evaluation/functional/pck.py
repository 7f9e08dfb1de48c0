"""PCK and PCKh as the published tables compute them, in plain numpy.

LSP's and MPII's evaluation kits (Pishchulin et al.) fix three things that move
the last printed digit:

- a joint is right where ``distance / reference <= threshold``, in doubles;
- a column is the **mean of its two joints' rates** (left and right, or neck and
  head top), not the rate over both joints' pooled instances;
- ``Total`` **is** pooled: the rate over all counted instances of all joints that
  belong to a column. That leaves MPII's pelvis and thorax out, and equals the
  mean of LSP's 14 joints, each of which is annotated in every photo.

LSP has 1,000 test persons, so that every second column falls on ``xx.x5``
exactly. Rates are therefore formed in the kits' order of operations,
``100 * (hits / count)`` per joint, then ``(a + b) / 2``.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from phr_mmpose.utils.errors import UserError

PARTS = ('Head', 'Shoulder', 'Elbow', 'Wrist', 'Hip', 'Knee', 'Ankle')
COLUMNS = (*PARTS, 'Total')

# A joint that lies exactly on the threshold is a hit; the division may round it
# up by some units in the last place. A billionth of the threshold is far below
# what any annotation resolves.
_TIE = 1e-9


def column_joints(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Tell which joints a table's columns are made of.

    Args:
        names (Sequence[str]): The K joint names in order: ``left_…`` and
            ``right_…`` for limbs, ``neck`` or ``upper_neck``, ``head_top``.

    Returns:
        dict[str, tuple[int, ...]]: Two joint indices for each of :data:`PARTS`.
        Joints in no column (pelvis, thorax) count nowhere.
    """
    wanted = {part: (f'right_{part.lower()}', f'left_{part.lower()}') for part in PARTS}
    wanted['Head'] = ('neck', 'upper_neck', 'head_top')
    return {
        part: tuple(i for i, name in enumerate(names) if name in joints)
        for part, joints in wanted.items()
    }


def scored_joints(columns: Mapping[str, Sequence[int]]) -> list[int]:
    """Tell which joints ``Total`` counts: those of any column, by index."""
    return sorted({joint for joints in columns.values() for joint in joints})


def torso_lengths(
    keypoints: np.ndarray, annotated: np.ndarray, left_shoulder: int, right_hip: int
) -> np.ndarray:
    """Measure each person's torso, the reference length of PCK on LSP.

    Args:
        keypoints (np.ndarray): Ground truth of shape (N, K, 2), N persons of K
            joints.
        annotated (np.ndarray): Shape (N, K), non-zero where annotated.
        left_shoulder (int): Index of the person's left shoulder.
        right_hip (int): Index of the person's right hip.

    Returns:
        np.ndarray: Shape (N,), in the keypoints' pixels; NaN where one of the
        two joints is not annotated or both coincide.
    """
    keypoints = np.asarray(keypoints, np.float64)
    length = _norm(keypoints[:, left_shoulder] - keypoints[:, right_hip])
    known = np.asarray(annotated)[:, [left_shoulder, right_hip]].astype(bool).all(1)
    return np.where(known & (length > 0), length, np.nan)


def normalized_distances(
    pred: np.ndarray, gt: np.ndarray, reference: np.ndarray
) -> np.ndarray:
    """Divide each joint's error by its person's reference length.

    Args:
        pred (np.ndarray): Predicted joints of shape (N, K, 2). A joint with NaN
            is one that was not predicted: its distance is infinite, a miss at
            every threshold.
        gt (np.ndarray): Ground truth of shape (N, K, 2), on the same grid.
        reference (np.ndarray): Shape (N,), in the same pixels.

    Returns:
        np.ndarray: Shape (N, K); a row of NaN where ``reference`` is NaN.

    Raises:
        UserError: If the shapes differ or a reference length is not positive.
    """
    pred, gt = np.asarray(pred, np.float64), np.asarray(gt, np.float64)
    reference = np.asarray(reference, np.float64)
    if pred.shape != gt.shape or reference.shape != gt.shape[:1]:
        raise UserError(
            f'predictions {pred.shape}, ground truth {gt.shape} and reference '
            f'lengths {reference.shape} do not belong together'
        )
    if (reference <= 0).any():
        person = int(np.argmax(reference <= 0))
        raise UserError(
            f'person {person} (counted from 0) has a reference length of '
            f'{reference[person]:g} px; it must be positive (check its head box)'
        )
    missing = ~np.isfinite(pred).all(-1)
    error = _norm(np.where(missing[..., None], 0, pred) - gt)
    error = np.where(missing, np.inf, error)
    return np.where(np.isnan(reference)[:, None], np.nan, error / reference[:, None])


def joint_rates(
    distances: np.ndarray, counted: np.ndarray, threshold: float
) -> np.ndarray:
    """Rate each joint on its own.

    Args:
        distances (np.ndarray): Normalised distances of shape (N, K); NaN never
            counts.
        counted (np.ndarray): Shape (N, K), non-zero for the instances to count.
        threshold (float): Largest normalised distance of a hit, itself included.

    Returns:
        np.ndarray: Shape (K,), percent; NaN where no instance is counted.
    """
    right, counted = hits(distances, counted, threshold)
    number = counted.sum(0)
    return np.array(
        [
            100 * (h / n) if n else np.nan
            for h, n in zip(right.sum(0), number, strict=True)
        ]
    )


def column_rates(
    distances: np.ndarray,
    counted: np.ndarray,
    columns: Mapping[str, Sequence[int]],
    threshold: float,
) -> dict[str, float]:
    """Rate the columns of the published tables (see the module's docstring).

    Args:
        distances (np.ndarray): Normalised distances of shape (N, K).
        counted (np.ndarray): Shape (N, K), non-zero for the instances to count.
        columns (Mapping[str, Sequence[int]]): From :func:`column_joints`.
        threshold (float): Largest normalised distance of a hit, itself included.

    Returns:
        dict[str, float]: Percent for each column and ``Total``; NaN where no
        instance is counted. Of a column's two joints one that has no instance
        is left out of the mean.
    """
    rates = joint_rates(distances, counted, threshold)
    result = {}
    for name, joints in columns.items():
        known = [float(rates[j]) for j in joints if not np.isnan(rates[j])]
        result[name] = sum(known) / len(known) if known else float('nan')
    scored = scored_joints(columns)
    right, counted = hits(distances, counted, threshold)
    number = int(counted[:, scored].sum())
    total = 100 * (int(right[:, scored].sum()) / number) if number else float('nan')
    return {**result, 'Total': total}


def splits(annotated: np.ndarray, visible: np.ndarray | None) -> dict[str, np.ndarray]:
    """Name the sets of joint instances that are rated apart.

    Args:
        annotated (np.ndarray): Shape (N, K), non-zero where annotated.
        visible (np.ndarray | None): Shape (N, K), non-zero where annotated
            and visible; None where the data does not know.

    Returns:
        dict[str, np.ndarray]: Boolean masks of shape (N, K): ``'all'`` and, if
        visibility is known, those of ``'visible'`` and ``'occluded'`` that are
        not empty.
    """
    annotated = np.asarray(annotated).astype(bool)
    result = {'all': annotated}
    if visible is not None:
        visible = np.asarray(visible).astype(bool)
        for name, mask in (
            ('visible', annotated & visible),
            ('occluded', annotated & ~visible),
        ):
            if mask.any():
                result[name] = mask
    return result


def hits(
    distances: np.ndarray, counted: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Say which instances are right.

    Args:
        distances (np.ndarray): Normalised distances of shape (N, K); NaN never
            counts.
        counted (np.ndarray): Shape (N, K), non-zero for the instances to count.
        threshold (float): Largest normalised distance of a hit, itself included.

    Returns:
        tuple[np.ndarray, np.ndarray]: Boolean masks (N, K) of the hits and of the
        instances that count.
    """
    counted = np.asarray(counted).astype(bool) & ~np.isnan(distances)
    return counted & (distances <= threshold * (1 + _TIE)), counted


def _norm(vectors: np.ndarray) -> np.ndarray:
    """Euclidean length of (…, 2) vectors."""
    return np.sqrt((vectors**2).sum(-1))
