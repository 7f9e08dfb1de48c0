"""Estimate the poses of all persons of a photo in one batch."""

from dataclasses import dataclass

import numpy as np
from mmpose.apis import inference_topdown
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.structures import PoseDataSample
from torch import Tensor

from phr_mmpose.utils.errors import UserError


@dataclass
class Poses:
    """Poses of N persons with K joints, in pixels of the photo, from 0.

    Args:
        boxes (np.ndarray): Shape (N, 4), x1, y1, x2, y2.
        box_scores (np.ndarray): Shape (N,).
        keypoints (np.ndarray): Shape (N, K, 2).
        scores (np.ndarray): Shape (N, K), confidences.
    """

    boxes: np.ndarray
    box_scores: np.ndarray
    keypoints: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass
class CascadeMaps:
    """Both subnetworks' maps of N persons with K joints.

    A map's pixel (x, y) shows the photo at ``centers - sizes / 2 +
    (x, y) * sizes / (W, H)``.

    Args:
        detector (np.ndarray): Shape (N, K, H, W), probabilities.
        regressor (np.ndarray): Shape (N, K, H, W), confidences.
        centers (np.ndarray): Shape (N, 2), middle of the crop in the photo.
        sizes (np.ndarray): Shape (N, 2), width and height of the crop there.
    """

    detector: np.ndarray
    regressor: np.ndarray
    centers: np.ndarray
    sizes: np.ndarray


def estimate_poses(
    model: TopdownPoseEstimator,
    image: np.ndarray,
    boxes: np.ndarray,
    box_scores: np.ndarray | None = None,
) -> Poses:
    """Estimate the poses of the persons in the boxes.

    Args:
        model (TopdownPoseEstimator): From :func:`load_pose_model`.
        image (np.ndarray): Shape (H, W, 3), BGR, uint8.
        boxes (np.ndarray): Shape (N, 4), x1, y1, x2, y2; N may be 0.
        box_scores (np.ndarray, optional): Shape (N,). Defaults to ones.

    Returns:
        Poses: N poses.

    Raises:
        UserError: If the model puts out NaN.
    """
    return _poses(_infer(model, image, boxes, maps=False), model, boxes, box_scores)


def estimate_maps(
    model: TopdownPoseEstimator,
    image: np.ndarray,
    boxes: np.ndarray,
    box_scores: np.ndarray | None = None,
) -> tuple[Poses, CascadeMaps]:
    """Estimate poses and keep the maps that they were read from.

    Args:
        model (TopdownPoseEstimator): As for :func:`estimate_poses`.
        image (np.ndarray): As for :func:`estimate_poses`.
        boxes (np.ndarray): As for :func:`estimate_poses`.
        box_scores (np.ndarray, optional): As for :func:`estimate_poses`.

    Returns:
        tuple[Poses, CascadeMaps]: Of N persons.

    Raises:
        UserError: If the model puts out NaN or is no cascade.
    """
    samples = _infer(model, image, boxes, maps=True)
    if any('detector_heatmaps' not in sample.pred_fields for sample in samples):
        raise UserError(
            f'{type(model.head).__name__} puts out no detector maps; '
            'give the config of a cascade'
        )
    maps = CascadeMaps(
        detector=_stack([s.pred_fields.detector_heatmaps for s in samples], 4),
        regressor=_stack([s.pred_fields.heatmaps for s in samples], 4),
        centers=_stack([np.reshape(s.input_center, 2) for s in samples], 2),
        sizes=_stack([np.reshape(s.input_scale, 2) for s in samples], 2),
    )
    return _poses(samples, model, boxes, box_scores), maps


def _infer(
    model: TopdownPoseEstimator, image: np.ndarray, boxes: np.ndarray, maps: bool
) -> list[PoseDataSample]:
    # inference_topdown takes "no box" for "the whole image".
    if not len(boxes):
        return []
    before = model.test_cfg
    model.test_cfg = {**(before or {}), 'output_heatmaps': maps}
    try:
        return inference_topdown(model, image, boxes)
    finally:
        model.test_cfg = before


def _poses(
    samples: list[PoseDataSample],
    model: TopdownPoseEstimator,
    boxes: np.ndarray,
    box_scores: np.ndarray | None,
) -> Poses:
    joints = len(model.dataset_meta['keypoint_id2name'])
    keypoints = np.zeros((0, joints, 2), np.float32)
    scores = np.zeros((0, joints), np.float32)
    if samples:
        keypoints = _stack([s.pred_instances.keypoints[0] for s in samples], 3)
        scores = _stack([s.pred_instances.keypoint_scores[0] for s in samples], 2)
    if not (np.isfinite(keypoints).all() and np.isfinite(scores).all()):
        raise UserError('the model puts out NaN: its weights are damaged')
    if box_scores is None:
        box_scores = np.ones(len(boxes), np.float32)
    return Poses(np.asarray(boxes, np.float32), box_scores, keypoints, scores)


def _stack(values: list, dimensions: int) -> np.ndarray:
    if not values:
        return np.zeros((0,) * dimensions, np.float32)
    arrays = [v.cpu().numpy() if isinstance(v, Tensor) else v for v in values]
    return np.stack(arrays).astype(np.float32)
