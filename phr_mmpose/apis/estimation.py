"""Estimate the poses of all persons of some photos in batches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.structures import PoseDataSample
from torch import Tensor

from phr_mmpose.models.heads.cascade_head import REFINER, CascadeHead
from phr_mmpose.utils.errors import UserError


@dataclass
class Poses:
    """Poses of N persons with K joints, in pixels of the photo, from 0.

    Args:
        boxes (np.ndarray): Shape (N, 4), x1, y1, x2, y2.
        box_scores (np.ndarray): Shape (N,).
        keypoints (np.ndarray): Shape (N, K, 2).
        scores (np.ndarray): Shape (N, K), confidences.
        visible (np.ndarray): Shape (N, K), the probability that a joint is visible,
            by the cascade's detector; the scores where the model cannot tell.
    """

    boxes: np.ndarray
    box_scores: np.ndarray
    keypoints: np.ndarray
    scores: np.ndarray
    visible: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass
class CascadeHeatmaps:
    """The subnetworks' heatmaps of N persons with K joints.

    A heatmap's pixel (x, y) shows the photo at ``centers - sizes / 2 +
    (x, y) * sizes / (W, H)``.

    Args:
        detector (np.ndarray): Shape (N, K, H, W), probabilities.
        refiner (np.ndarray, optional): Shape (N, K, H, W), confidences; None of a
            detector alone.
        centers (np.ndarray): Shape (N, 2), middle of the crop in the photo.
        sizes (np.ndarray): Shape (N, 2), width and height of the crop there.
    """

    detector: np.ndarray
    refiner: np.ndarray | None
    centers: np.ndarray
    sizes: np.ndarray


@dataclass
class Persons:
    """A photo and the N persons on it whose poses are wanted.

    Args:
        image (np.ndarray): Shape (H, W, 3), BGR, uint8.
        boxes (np.ndarray): Shape (N, 4), x1, y1, x2, y2; N may be 0.
        box_scores (np.ndarray, optional): Shape (N,). Defaults to ones.
    """

    image: np.ndarray
    boxes: np.ndarray
    box_scores: np.ndarray | None = None


# Pixels of the crops of one batch. On a GPU 16 persons of 256 x 256 px, about 2 GB with
# the paper's model and a flip test; on a CPU one for each thread: its caches hold no
# more, and fresh memory costs it time (measured with two threads).
_PIXELS_ON_GPU = 16 * 256**2
_PIXELS_PER_THREAD = 256**2


def default_batch_size(model: TopdownPoseEstimator) -> int:
    """Say how many persons a model is best given in one batch.

    Args:
        model (TopdownPoseEstimator): From :func:`load_pose_model`.

    Returns:
        int: As many as suit its device and the size of its input, at least one.
    """
    # Not of its parameters: an ONNX file has none.
    on_cpu = model.data_preprocessor.device.type == 'cpu'
    pixels = torch.get_num_threads() * _PIXELS_PER_THREAD if on_cpu else _PIXELS_ON_GPU
    sizes = (
        transform['input_size']
        for transform in model.cfg.test_dataloader.dataset.pipeline
        if 'input_size' in transform
    )
    width, height = next(sizes, (256, 256))
    return max(1, pixels // (width * height))


def estimate_poses(
    model: TopdownPoseEstimator,
    image: np.ndarray,
    boxes: np.ndarray,
    box_scores: np.ndarray | None = None,
    batch_size: int | None = None,
) -> Poses:
    """Estimate the poses of the persons in the boxes.

    Args:
        model (TopdownPoseEstimator): From :func:`load_pose_model`.
        image (np.ndarray): Shape (H, W, 3), BGR, uint8.
        boxes (np.ndarray): Shape (N, 4), x1, y1, x2, y2; N may be 0.
        box_scores (np.ndarray, optional): Shape (N,). Defaults to ones.
        batch_size (int, optional): Persons in one batch at most. Defaults to
            :func:`default_batch_size`.

    Returns:
        Poses: N poses.

    Raises:
        UserError: If the model puts out NaN.
    """
    return estimate_photos(model, [Persons(image, boxes, box_scores)], batch_size)[0]


def estimate_photos(
    model: TopdownPoseEstimator,
    photos: Sequence[Persons],
    batch_size: int | None = None,
) -> list[Poses]:
    """Estimate the poses of persons on several photos, or frames of a video.

    Args:
        model (TopdownPoseEstimator): From :func:`load_pose_model`.
        photos (Sequence[Persons]): The photos. Their persons share batches.
        batch_size (int, optional): Persons in one batch at most. Defaults to
            :func:`default_batch_size`.

    Returns:
        list[Poses]: Of each photo.

    Raises:
        UserError: If the model puts out NaN.
    """
    samples = iter(_infer(model, photos, False, batch_size))
    return [
        read_poses(
            [next(samples) for _ in photo.boxes], model, photo.boxes, photo.box_scores
        )
        for photo in photos
    ]


def estimate_heatmaps(
    model: TopdownPoseEstimator,
    image: np.ndarray,
    boxes: np.ndarray,
    box_scores: np.ndarray | None = None,
    batch_size: int | None = None,
) -> tuple[Poses, CascadeHeatmaps]:
    """Estimate poses and keep the heatmaps that they were read from.

    Args:
        model (TopdownPoseEstimator): As for :func:`estimate_poses`.
        image (np.ndarray): As for :func:`estimate_poses`.
        boxes (np.ndarray): As for :func:`estimate_poses`.
        box_scores (np.ndarray, optional): As for :func:`estimate_poses`.
        batch_size (int, optional): As for :func:`estimate_poses`.

    Returns:
        tuple[Poses, CascadeHeatmaps]: Of N persons.

    Raises:
        UserError: If the model puts out NaN or is no cascade.
    """
    if not isinstance(model.head, CascadeHead):
        raise UserError(
            f'{type(model.head).__name__} puts out no detector heatmaps; '
            'give the config of a cascade'
        )
    photo = Persons(image, boxes, box_scores)
    samples = _infer(model, [photo], True, batch_size)
    refined = None
    if REFINER in model.head.subnetworks:
        refined = _stack([s.pred_fields.heatmaps for s in samples], 4)
    heatmaps = CascadeHeatmaps(
        detector=_stack([s.pred_fields.detector_heatmaps for s in samples], 4),
        refiner=refined,
        centers=_stack([np.reshape(s.input_center, 2) for s in samples], 2),
        sizes=_stack([np.reshape(s.input_scale, 2) for s in samples], 2),
    )
    return read_poses(samples, model, boxes, box_scores), heatmaps


class PersonPipeline:
    """Cuts persons out of photos as a model's test pipeline says.

    It can go to another process than the model.

    Args:
        model (TopdownPoseEstimator): From :func:`load_pose_model`.
    """

    def __init__(self, model: TopdownPoseEstimator) -> None:
        self._scope = model.cfg.get('default_scope', 'mmpose')
        self._transforms = model.cfg.test_dataloader.dataset.pipeline
        self._meta = model.dataset_meta
        self._pipeline = None

    def __call__(self, image: np.ndarray, box: np.ndarray) -> dict:
        """Cut out one person.

        Args:
            image (np.ndarray): Shape (H, W, 3), BGR, uint8.
            box (np.ndarray): Shape (4,), x1, y1, x2, y2.

        Returns:
            dict: ``inputs`` and ``data_samples``, as a data set gives them.
        """
        if self._pipeline is None:
            init_default_scope(self._scope)
            self._pipeline = Compose(self._transforms)
        return self._pipeline(
            dict(
                self._meta,
                img=image,
                bbox=np.asarray(box, np.float32)[None],
                bbox_score=np.ones(1, np.float32),
            )
        )


def predict(
    model: TopdownPoseEstimator, persons: Sequence[dict]
) -> list[PoseDataSample]:
    """Predict the poses of one batch.

    Args:
        model (TopdownPoseEstimator): From :func:`load_pose_model`.
        persons (Sequence[dict]): From a :class:`PersonPipeline`.

    Returns:
        list[PoseDataSample]: One for each.
    """
    init_default_scope(model.cfg.get('default_scope', 'mmpose'))
    with torch.no_grad():
        return model.test_step(pseudo_collate(persons))


def _infer(
    model: TopdownPoseEstimator,
    photos: Sequence[Persons],
    heatmaps: bool,
    batch_size: int | None,
) -> list[PoseDataSample]:
    """Run all persons through the test pipeline and, in batches, the model."""
    pipeline = PersonPipeline(model)
    persons = [(photo.image, box) for photo in photos for box in photo.boxes]
    batch_size = batch_size or default_batch_size(model)
    before = model.test_cfg
    model.test_cfg = {**(before or {}), 'output_heatmaps': heatmaps}
    samples = []
    try:
        for start in range(0, len(persons), batch_size):
            some = persons[start : start + batch_size]
            done = predict(model, [pipeline(image, box) for image, box in some])
            if heatmaps:
                # A batch's heatmaps would else stay on the device until the last.
                done = [sample.cpu() for sample in done]
            samples += done
    finally:
        model.test_cfg = before
    return samples


def read_poses(
    samples: Sequence[PoseDataSample],
    model: TopdownPoseEstimator,
    boxes: np.ndarray,
    box_scores: np.ndarray | None = None,
) -> Poses:
    """Read the poses of one photo from predictions.

    Args:
        samples (Sequence[PoseDataSample]): From :func:`predict`, N; may be none.
        model (TopdownPoseEstimator): The model that was run.
        boxes (np.ndarray): Shape (N, 4).
        box_scores (np.ndarray, optional): Shape (N,). Defaults to ones.

    Returns:
        Poses: N poses.

    Raises:
        UserError: If the model put out NaN.
    """
    joints = len(model.dataset_meta['keypoint_id2name'])
    keypoints = np.zeros((0, joints, 2), np.float32)
    scores = visible = np.zeros((0, joints), np.float32)
    if samples:
        found = [sample.pred_instances for sample in samples]
        keypoints = _stack([each.keypoints[0] for each in found], 3)
        scores = _stack([each.keypoint_scores[0] for each in found], 2)
        visible = _stack([each.keypoints_visible[0] for each in found], 2)
    if not all(np.isfinite(each).all() for each in (keypoints, scores, visible)):
        raise UserError('the model puts out NaN: its weights are damaged')
    if box_scores is None:
        box_scores = np.ones(len(boxes), np.float32)
    boxes = np.asarray(boxes, np.float32)
    return Poses(boxes, box_scores, keypoints, scores, visible)


def _stack(values: list, dimensions: int) -> np.ndarray:
    if not values:
        return np.zeros((0,) * dimensions, np.float32)
    arrays = [v.cpu().numpy() if isinstance(v, Tensor) else v for v in values]
    return np.stack(arrays).astype(np.float32)
