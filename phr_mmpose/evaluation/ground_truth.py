"""The benchmarks' ground truth, as saved predictions are scored against it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from phr_mmpose.datasets.annotation_list import are_coordinates, load_annotation_list
from phr_mmpose.datasets.joints import (
    LSP_JOINTS,
    MPII_JOINTS,
    head_sizes,
    lsp_to_mpii,
    mpii_to_lsp,
)
from phr_mmpose.datasets.readers.lsp_joints import (
    LSP_PERSONS,
    LSP_TRAIN_PERSONS,
    check_pixels,
    read_lsp_joints,
)
from phr_mmpose.evaluation.functional.pck import torso_lengths
from phr_mmpose.utils.array_files import arrangements, describe, read_arrays
from phr_mmpose.utils.errors import UserError

# How predictions of so many joints become those of a benchmark. Pelvis and thorax,
# which LSP lacks, are in no column.
_FROM_JOINTS = {
    LSP_JOINTS: {len(LSP_JOINTS): np.asarray, len(MPII_JOINTS): mpii_to_lsp},
    MPII_JOINTS: {
        len(MPII_JOINTS): np.asarray,
        len(LSP_JOINTS): partial(lsp_to_mpii, fill=np.nan),
    },
}
_HEAD_BOX_KEYS = ('headboxes_src', 'headboxes', 'head_boxes', 'head_box')


@dataclass
class GroundTruth:
    """N persons of K joints to score predictions against.

    Args:
        path (Path): Where they come from.
        measure (str): ``'PCK'`` or ``'PCKh'``.
        thr (float): The benchmark's threshold.
        extra_thrs (tuple[float, ...]): Further thresholds to report.
        names (tuple[str, ...]): The K joint names.
        joints (np.ndarray): Shape (N, K, 2), pixels of the photo **counted from
            1**, as in the data sets' own files.
        annotated (np.ndarray): Shape (N, K), bool.
        visible (np.ndarray | None): Shape (N, K), bool; None if unknown.
        reference (np.ndarray): Shape (N,), lengths that count as 1.
        from_joints (dict[int, Callable]): How predictions (N, K', 2) of K'
            joints become (N, K, 2), by K'; follows from ``names``.
        chosen (dict[int, slice]): Which of N' predictions belong to the N
            persons, by N'.
    """

    path: Path
    measure: str
    thr: float
    extra_thrs: tuple[float, ...]
    names: tuple[str, ...]
    joints: np.ndarray
    annotated: np.ndarray
    visible: np.ndarray | None
    reference: np.ndarray
    from_joints: dict[int, Callable[[np.ndarray], np.ndarray]] = field(init=False)
    chosen: dict[int, slice] = field(init=False)

    def __post_init__(self) -> None:
        self.from_joints = dict(_FROM_JOINTS[self.names])
        self.chosen = {len(self.joints): slice(None)}


def load_lsp(path: str | Path) -> GroundTruth:
    """Read LSP's ground truth for PCK@0.2.

    Args:
        path (str | Path): LSP's ``joints.mat`` or
            ``joints_observer_centric.mat`` (3 x 14 x 2000, or any order of these
            axes but LSPET's: the test half, persons 1,001 to 2,000, is scored;
            predictions may cover the test half or all persons), a cut of it with
            another number of persons (all are scored), or an annotation list of 14
            joints (``.json``, ``.json.gz``).

    Returns:
        GroundTruth: Predictions of LSP's 14 joints or of MPII's 16 fit.

    Raises:
        UserError: If the file is not one of these.
    """
    path = Path(path)
    if path.suffix in ('.json', '.gz'):
        annotations = load_annotation_list(path, len(LSP_JOINTS))
        joints, annotated = annotations.joints, annotations.annotated
        visible = annotations.visible if annotations.visibility_known.all() else None
        whole = False
    else:
        joints, visible = _read_lsp_joints(path)
        annotated = np.ones(joints.shape[:2], bool)
        whole = len(joints) == LSP_PERSONS
    test = slice(LSP_TRAIN_PERSONS if whole else 0, None)
    joints, annotated = joints[test], annotated[test]
    truth = GroundTruth(
        path=path,
        measure='PCK',
        thr=0.2,
        extra_thrs=(),
        names=LSP_JOINTS,
        joints=joints,
        annotated=annotated,
        visible=None if visible is None else visible[test],
        reference=torso_lengths(
            joints,
            annotated,
            LSP_JOINTS.index('left_shoulder'),
            LSP_JOINTS.index('right_hip'),
        ),
    )
    if whole:
        truth.chosen[LSP_PERSONS] = test
    if np.isnan(truth.reference).all():
        raise UserError(f'{path}: no person has both left shoulder and right hip')
    return truth


def load_mpii(path: str | Path, head_boxes: str | Path | None = None) -> GroundTruth:
    """Read MPII's ground truth for PCKh@0.5 and @0.1.

    Args:
        path (str | Path): An annotation list of 16 joints (``.json``,
            ``.json.gz``).
        head_boxes (str | Path | None): File of the head boxes, for a list that
            has none: 2 x 2 x N (corner, then x and y; such as ``headboxes_src``
            in the widely used ``gt_valid.mat``) or N x 4 (x1, y1, x2, y2), or
            any order of these axes.

    Returns:
        GroundTruth: Predictions of MPII's 16 joints fit, or of 14 joints in
        LSP's order, since pelvis and thorax are in no column.

    Raises:
        UserError: If a file is faulty or there are no head boxes.
    """
    path = Path(path)
    annotations = load_annotation_list(path, len(MPII_JOINTS))
    boxes = annotations.head_boxes
    if head_boxes is not None:
        boxes = read_head_boxes(head_boxes, len(annotations))
    lacking = np.isnan(boxes).any(1)
    if lacking.any():
        raise UserError(
            f'{path}: {int(lacking.sum())} of {len(annotations)} persons have no '
            '"head_box", which PCKh needs; give --headboxes FILE (such as gt_valid.mat)'
        )
    return GroundTruth(
        path=path,
        measure='PCKh',
        thr=0.5,
        extra_thrs=(0.1,),
        names=MPII_JOINTS,
        joints=annotations.joints,
        annotated=annotations.annotated,
        visible=annotations.visible if annotations.visibility_known.all() else None,
        reference=head_sizes(boxes),
    )


def read_head_boxes(path: str | Path, number: int) -> np.ndarray:
    """Read head boxes.

    Where the sizes leave the axes' order open, the one is taken in which most
    boxes have their second corner to the right of and below the first.

    Args:
        path (str | Path): See :func:`load_mpii`.
        number (int): N, how many persons there are.

    Returns:
        np.ndarray: Shape (N, 4): x1, y1, x2, y2.

    Raises:
        UserError: If the file has no such array, or a box is empty or not of pixels.
    """
    arrays = read_arrays(path)
    named = {key: arrays[key] for key in _HEAD_BOX_KEYS if key in arrays}
    candidates = [
        boxes.reshape(number, 4)
        for array in (named or arrays).values()
        for shape in ((number, 2, 2), (number, 4))
        for _, boxes in arrangements(array, shape)
    ]
    if not candidates:
        raise UserError(
            f'{path}: no array of head boxes for {number} persons (2 x 2 x {number} '
            f'or {number} x 4); it holds {describe(arrays)}'
        )

    def upright(boxes: np.ndarray) -> np.ndarray:
        inside = are_coordinates(boxes).all(1)
        return inside & (boxes[:, 2:] > boxes[:, :2]).all(1)

    boxes = max(candidates, key=lambda boxes: upright(boxes).sum())
    if not upright(boxes).all():
        person = int(np.argmin(upright(boxes)))
        raise UserError(
            f'{path}: the head box of person {person} (counted from 0) is empty or '
            f'no box of pixels: {boxes[person].tolist()}'
        )
    return boxes


def _read_lsp_joints(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Joints (N, 14, 2) and, if the file has flags, which are not occluded."""
    joints, is_lspet = read_lsp_joints(path)
    if is_lspet:
        raise UserError(
            f'{path}: not the joints.mat of LSP ("joints", 3 x 14 x 2000), but of '
            'LSPET (14 x 3 x N)'
        )
    check_pixels(joints, path)
    return joints[..., :2], joints[..., 2] == 0 if joints.shape[2] == 3 else None
