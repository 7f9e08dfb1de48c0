"""What metrics read out of data samples."""

from collections.abc import Mapping

import numpy as np


def to_numpy(value: object) -> np.ndarray:
    """Numpy view of an array or tensor on any device."""
    return np.asarray(value.cpu() if hasattr(value, 'cpu') else value)


def told_visibility(pred_instances: Mapping) -> np.ndarray | None:
    """Read the probability that each keypoint of one person is visible.

    Args:
        pred_instances (Mapping): ``keypoints_visible`` (1, K) and, if known,
            ``keypoint_scores`` (1, K), which MMPose repeats as the former for models
            that do not tell visibility.

    Returns:
        np.ndarray | None: Shape (K,); None where the model does not tell.
    """
    if 'keypoints_visible' not in pred_instances:
        return None
    visible = to_numpy(pred_instances['keypoints_visible'])[0]
    if 'keypoint_scores' in pred_instances and np.array_equal(
        visible, to_numpy(pred_instances['keypoint_scores'])[0]
    ):
        return None
    return visible


def ground_truth_flags(gt_instances: Mapping) -> tuple[np.ndarray, np.ndarray | None]:
    """Read which keypoints of one person are annotated, and which of them visible.

    Args:
        gt_instances (Mapping): ``keypoints_visible`` (1, K), which means annotated,
            and, if known, ``keypoints_unoccluded`` (1, K). Instead of both, as
            MMPose's own packing hands them on: ``keypoints_visible`` (1, K, 2) with
            [annotated, visible].

    Returns:
        tuple[np.ndarray, np.ndarray | None]: Shape (K,), bool, each; the second is
        None where visibility is not known.
    """
    flags = to_numpy(gt_instances['keypoints_visible'])[0] > 0
    if flags.ndim == 2:
        return flags[:, 0], flags.all(axis=1)
    if 'keypoints_unoccluded' not in gt_instances:
        return flags, None
    return flags, to_numpy(gt_instances['keypoints_unoccluded'])[0] > 0
