"""Run a model over photos and videos, and write what it finds."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from mmpose.models.pose_estimators import TopdownPoseEstimator

from phr_mmpose.apis.estimation import (
    Persons,
    Poses,
    default_batch_size,
    estimate_heatmaps,
    estimate_photos,
    estimate_poses,
)
from phr_mmpose.apis.media import Media, read_photo
from phr_mmpose.apis.person_boxes import BoxSource
from phr_mmpose.apis.pose_model import joint_links, joint_names
from phr_mmpose.apis.video import VideoFile, VideoFrames
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.visualization.poses import draw_poses

_JPEG_QUALITY = 95


@dataclass
class Annotator:
    """Finds the poses of photos and videos; writes pictures and heatmaps of them.

    Args:
        model (TopdownPoseEstimator): From :func:`load_pose_model`.
        boxes (BoxSource): Where the persons are.
        out_dir (Path): Gets ``drawn/NAME.jpg`` and ``drawn/NAME.mp4``, and
            ``heatmaps/NAME.npz``.
        draw (bool): Whether to draw the poses. Defaults to True.
        heatmaps (bool): Whether to write both subnetworks' heatmaps of photos.
            Defaults to False.
        kpt_thr (float): Joints that are visible with a lower probability are drawn
            hollow: inferred, not seen. Defaults to 0.5.
        batch_size (int, optional): Persons in one batch at most; those of a video
            come from several frames. Defaults to :func:`default_batch_size`.
    """

    model: TopdownPoseEstimator
    boxes: BoxSource
    out_dir: Path
    draw: bool = True
    heatmaps: bool = False
    kpt_thr: float = 0.5
    batch_size: int | None = None

    def __post_init__(self):
        self.batch_size = self.batch_size or default_batch_size(self.model)

    def annotate(self, media: Media, tick: Callable[[int], None]) -> dict:
        """Find the poses of one photo or video, and write pictures of them.

        Args:
            media (Media): The photo or video.
            tick (Callable): Called with the number of a video's frames, each
                time one of them is done.

        Returns:
            dict: What the results file says of it, see :func:`write_results`.
            A video that ends early has a ``note``, and the frames before.

        Raises:
            UserError: If the file or a box is faulty, or a picture cannot be
                written; no heatmaps are written then.
        """
        try:
            if media.is_video:
                return self._video(media, tick)
            return self._photo(media)
        except UserError as error:
            # Some faults (a model's NaN) do not know which file showed them.
            if str(media.path) in str(error):
                raise
            raise UserError(f'{media.path}: {error}') from None

    def _photo(self, media: Media) -> dict:
        image = read_photo(media.path)
        boxes, box_scores = self.boxes(media.path, image)
        heatmaps = None
        if self.heatmaps:
            poses, heatmaps = estimate_heatmaps(
                self.model, image, boxes, box_scores, self.batch_size
            )
        else:
            poses = estimate_poses(
                self.model, image, boxes, box_scores, self.batch_size
            )
        height, width = image.shape[:2]
        result = dict(image=str(media.path), width=width, height=height)
        if self.draw:
            drawn = self.out_dir / 'drawn' / f'{media.name}.jpg'
            save_picture(drawn, self._drawn(image, poses))
            result['drawn'] = str(drawn.relative_to(self.out_dir))
        if heatmaps is not None:
            file = self.out_dir / 'heatmaps' / f'{media.name}.npz'
            with atomic_path(file) as temporary:
                np.savez_compressed(
                    temporary,
                    detector=heatmaps.detector.astype(np.float16),
                    refiner=heatmaps.refiner.astype(np.float16),
                    centers=heatmaps.centers,
                    sizes=heatmaps.sizes,
                )
        return dict(result, persons=persons(poses))

    def _video(self, media: Media, tick: Callable[[int], None]) -> dict:
        frames = VideoFrames(media.path)
        height, width = frames.shape
        result = dict(video=str(media.path), width=width, height=height, fps=frames.fps)
        if not self.draw:
            found = self._frames(media, frames, None, tick)
        else:
            drawn = self.out_dir / 'drawn' / f'{media.name}.mp4'
            with atomic_path(drawn) as temporary:
                video = VideoFile(temporary, frames.fps, frames.shape)
                try:
                    found = self._frames(media, frames, video, tick)
                finally:
                    video.close()
            result['drawn'] = str(drawn.relative_to(self.out_dir))
        if frames.shortfall:
            result['note'] = frames.shortfall
        return dict(result, frames=found)

    def _frames(
        self,
        media: Media,
        frames: VideoFrames,
        video: VideoFile | None,
        tick: Callable[[int], None],
    ) -> list[dict]:
        found = []
        for some in self._gathered(media, frames):
            for photo, poses in zip(
                some, estimate_photos(self.model, some, self.batch_size), strict=True
            ):
                found.append(dict(frame=len(found), persons=persons(poses)))
                if video is not None:
                    video.write(self._drawn(photo.image, poses))
                tick(frames.count)
        return found

    def _gathered(self, media: Media, frames: VideoFrames) -> Iterator[list[Persons]]:
        """Gather frames until their persons, or they themselves, fill a batch."""
        some, count = [], 0
        for frame in frames:
            photo = Persons(frame, *self.boxes(media.path, frame))
            if some and count + len(photo.boxes) > self.batch_size:
                yield some
                some, count = [], 0
            some.append(photo)
            count += len(photo.boxes)
            if len(some) == self.batch_size:
                yield some
                some, count = [], 0
        if some:
            yield some

    def _drawn(self, image: np.ndarray, poses: Poses) -> np.ndarray:
        return draw_poses(
            image,
            poses.keypoints,
            joint_names(self.model),
            joint_links(self.model),
            poses.visible < self.kpt_thr,
        )


def persons(poses: Poses) -> list[dict]:
    """Turn poses into plain numbers.

    Args:
        poses (Poses): N poses.

    Returns:
        list[dict]: N times ``box``, ``box_score``, ``keypoints``, ``scores`` and
        ``visible``.
    """
    return [
        dict(
            box=_rounded(box, 2),
            box_score=round(float(box_score), 4),
            keypoints=_rounded(keypoints, 2),
            scores=_rounded(scores, 4),
            visible=_rounded(visible, 4),
        )
        for box, box_score, keypoints, scores, visible in zip(
            poses.boxes,
            poses.box_scores,
            poses.keypoints,
            poses.scores,
            poses.visible,
            strict=True,
        )
    ]


def write_results(
    path: Path, model: TopdownPoseEstimator, results: list[dict], failed: list[dict]
) -> None:
    """Write all poses of a run as one JSON file.

    Its ``joints`` names the K joints, ``skeleton`` the limbs as index pairs.
    ``images`` lists photos, each with ``image``, ``width``, ``height`` and
    ``persons``; ``videos`` lists videos, each with ``video``, ``fps`` and
    ``frames``, which hold ``frame`` and ``persons``; and ``note``, if it ends
    early. A person has ``box``
    (x1, y1, x2, y2), ``box_score``, ``keypoints`` (K x [x, y]), ``scores`` (K), the
    confidences, and ``visible`` (K), the probabilities that a joint is visible and
    not inferred. Pixels count from 0. ``failed`` names inputs that could not be used.

    Args:
        path (Path): The file.
        model (TopdownPoseEstimator): The model that was run.
        results (list[dict]): From :meth:`Annotator.annotate`.
        failed (list[dict]): ``input`` and ``error`` of each that failed.
    """
    content = dict(
        joints=joint_names(model),
        skeleton=joint_links(model),
        images=[result for result in results if 'image' in result],
        videos=[result for result in results if 'video' in result],
        failed=failed,
    )
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, allow_nan=False) + '\n')


def save_picture(path: Path, picture: np.ndarray) -> None:
    """Write a JPEG, whole or not at all.

    Args:
        path (Path): The file, ``.jpg``.
        picture (np.ndarray): Shape (H, W, 3), BGR, uint8.
    """
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    with atomic_path(path) as temporary:
        if not cv2.imwrite(str(temporary), picture, quality):
            raise UserError(f'{path}: OpenCV did not write it; is the disk full?')


def _rounded(values: np.ndarray, digits: int) -> list:
    return np.round(values.astype(np.float64), digits).tolist()
