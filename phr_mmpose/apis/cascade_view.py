"""One person as both subnetworks of a cascade see it."""

import numpy as np
from mmpose.models.pose_estimators import TopdownPoseEstimator

from phr_mmpose.apis.estimation import CascadeHeatmaps, Poses, estimate_heatmaps
from phr_mmpose.apis.known_joints import KnownJoints
from phr_mmpose.visualization.cascade_panel import CascadeView


def view_person(
    model: TopdownPoseEstimator,
    image: np.ndarray,
    box: np.ndarray,
    known: KnownJoints | None = None,
) -> CascadeView:
    """Run a cascade on one person of a photo.

    Args:
        model (TopdownPoseEstimator): From :func:`load_pose_model`.
        image (np.ndarray): Shape (H, W, 3), BGR, uint8.
        box (np.ndarray): Shape (4,), x1, y1, x2, y2 in pixels of the photo.
        known (KnownJoints, optional): What is annotated of the person.

    Returns:
        CascadeView: What both subnetworks make of it.

    Raises:
        UserError: If the model puts out NaN or is no cascade.
    """
    poses, heatmaps = estimate_heatmaps(model, image, box[None])
    return person_view(model, image, poses, heatmaps, 0, known)


def person_view(
    model: TopdownPoseEstimator,
    image: np.ndarray,
    poses: Poses,
    heatmaps: CascadeHeatmaps,
    person: int,
    known: KnownJoints | None = None,
) -> CascadeView:
    """Pick one person out of what :func:`estimate_heatmaps` returned.

    Args:
        model (TopdownPoseEstimator): The model that was run.
        image (np.ndarray): As for :func:`view_person`.
        poses (Poses): Of all persons of the photo.
        heatmaps (CascadeHeatmaps): Theirs.
        person (int): Which one, from 0.
        known (KnownJoints, optional): As for :func:`view_person`.

    Returns:
        CascadeView: What both subnetworks make of it.
    """
    return CascadeView(
        image=image,
        center=heatmaps.centers[person],
        size=heatmaps.sizes[person],
        detector=heatmaps.detector[person],
        refiner=None if heatmaps.refiner is None else heatmaps.refiner[person],
        keypoints=poses.keypoints[person],
        visible=poses.visible[person],
        joints=model.dataset_meta,
        truth=known.joints if known else None,
        occluded=known.occluded if known else None,
    )
