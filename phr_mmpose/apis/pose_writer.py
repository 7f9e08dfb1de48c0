"""Run a model over photos and videos, and write what it finds."""

from collections.abc import Callable, Iterator
from contextlib import closing
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
from phr_mmpose.apis.person_boxes import BoxSource, SomeBoxesFaulty
from phr_mmpose.apis.pose_model import joint_links
from phr_mmpose.apis.video import VideoFile, VideoFrames
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.joints_meta import joint_names
from phr_mmpose.utils.json_files import write_json
from phr_mmpose.utils.pictures import write_picture
from phr_mmpose.visualization.poses import draw_poses

_JPEG_QUALITY = 95
_JPEG_MAX_SIDE = 65_500  # libjpeg's


@dataclass
class PoseWriter:
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

    def write(self, media: Media, tick: Callable[[int], None]) -> dict:
        """Find the poses of one photo or video, and write pictures of them.

        Args:
            media (Media): The photo or video.
            tick (Callable): Called with the number of a video's frames, each
                time one of them is done.

        Returns:
            dict: What the results file says of it, see :func:`write_results`.
            A ``note`` says what of it could not be used or made.

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
        notes = []
        boxes, box_scores = self._boxes(media, image, notes)
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
            halves = dict(detector=heatmaps.detector.astype(np.float16))
            if heatmaps.refiner is not None:
                halves['refiner'] = heatmaps.refiner.astype(np.float16)
            with atomic_path(file) as temporary:
                np.savez_compressed(
                    temporary, **halves, centers=heatmaps.centers, sizes=heatmaps.sizes
                )
            result['heatmaps'] = str(file.relative_to(self.out_dir))
        return _with_notes(dict(result, persons=persons(poses)), notes)

    def _boxes(
        self, media: Media, image: np.ndarray, notes: list[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the persons; of faulty boxes the notes tell, once for all frames."""
        try:
            return self.boxes(media.path, image)
        except SomeBoxesFaulty as error:
            if str(error) not in notes:
                notes.append(str(error))
            return error.boxes, error.box_scores

    def _video(self, media: Media, tick: Callable[[int], None]) -> dict:
        frames = VideoFrames(media.path)
        height, width = frames.shape
        result = dict(video=str(media.path), width=width, height=height, fps=frames.fps)
        notes = []
        if self.draw:
            drawn = self.out_dir / 'drawn' / f'{media.name}.mp4'
            found = self._drawn_frames(drawn, media, frames, tick, notes)
            if drawn.exists():
                result['drawn'] = str(drawn.relative_to(self.out_dir))
        else:
            found = self._frames(media, frames, None, tick, notes)
        if frames.shortfall:
            notes.append(frames.shortfall)
        return _with_notes(dict(result, frames=found), notes)

    def _drawn_frames(
        self,
        drawn: Path,
        media: Media,
        frames: VideoFrames,
        tick: Callable[[int], None],
        notes: list[str],
    ) -> list[dict]:
        """Write a video on the way; without one the poses are kept, and noted."""
        drawn.unlink(missing_ok=True)
        found = None
        try:
            with (
                atomic_path(drawn) as temporary,
                closing(VideoFile(temporary, frames.fps, frames.shape)) as video,
            ):
                found = self._frames(media, frames, video, tick, notes)
                video.close()
                if video.count_frames() != len(found):
                    raise UserError(
                        f'{drawn}: the drawn video could not be written whole; '
                        'make room on the disk, or use --no-draw'
                    )
        except UserError as error:
            if found is None:
                raise
            notes.append(str(error))
        return found

    def _frames(
        self,
        media: Media,
        frames: VideoFrames,
        video: VideoFile | None,
        tick: Callable[[int], None],
        notes: list[str],
    ) -> list[dict]:
        found = []
        for some in self._gathered(media, frames, notes):
            for photo, poses in zip(
                some, estimate_photos(self.model, some, self.batch_size), strict=True
            ):
                found.append(dict(frame=len(found), persons=persons(poses)))
                if video is not None:
                    video.write(self._drawn(photo.image, poses))
                tick(frames.count)
        return found

    def _gathered(
        self, media: Media, frames: VideoFrames, notes: list[str]
    ) -> Iterator[list[Persons]]:
        """Gather frames until their persons, or they themselves, fill a batch."""
        some, count = [], 0
        for frame in frames:
            photo = Persons(frame, *self._boxes(media, frame, notes))
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
            self.model.dataset_meta,
            poses.visible < self.kpt_thr,
        )


def _with_notes(result: dict, notes: list[str]) -> dict:
    return dict(result, note='; '.join(notes)) if notes else result


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
    ``persons``; ``videos`` lists videos, each with ``video``, ``width``, ``height``,
    ``fps`` and ``frames``, which hold ``frame`` and ``persons``. Either has ``drawn``,
    and a photo ``heatmaps``, where such a file was written, by its path from the
    folder of this one; and a ``note`` where some of it could not be used. A person has
    ``box`` (x1, y1, x2, y2), ``box_score``, ``keypoints`` (K x [x, y]), ``scores`` (K),
    the confidences, and ``visible`` (K), the probabilities that a joint is visible and
    not inferred. Pixels count from 0. ``failed`` names inputs that could not be used.

    Args:
        path (Path): The file.
        model (TopdownPoseEstimator): The model that was run.
        results (list[dict]): From :meth:`PoseWriter.write`.
        failed (list[dict]): ``input`` and ``error`` of each that failed.
    """
    content = dict(
        joints=joint_names(model.dataset_meta),
        skeleton=joint_links(model),
        images=[result for result in results if 'image' in result],
        videos=[result for result in results if 'video' in result],
        failed=failed,
    )
    write_json(path, content, indent=None)


def save_picture(path: Path, picture: np.ndarray) -> None:
    """Write a JPEG, whole or not at all.

    Args:
        path (Path): The file, ``.jpg``.
        picture (np.ndarray): Shape (H, W, 3), BGR, uint8.
    """
    if max(picture.shape[:2]) > _JPEG_MAX_SIDE:
        raise UserError(
            f'{path}: no JPEG has sides of more than {_JPEG_MAX_SIDE} px; use --no-draw'
        )
    write_picture(path, picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])


def _rounded(values: np.ndarray, digits: int) -> list:
    return np.round(values.astype(np.float64), digits).tolist()
