"""From an uploaded photo to what the page shows of it."""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from mmpose.models.pose_estimators import TopdownPoseEstimator

from phr_mmpose.apis.cascade_view import person_view
from phr_mmpose.apis.estimation import (
    CascadeHeatmaps,
    Poses,
    estimate_heatmaps,
)
from phr_mmpose.apis.person_boxes import BoxSource
from phr_mmpose.apis.pose_model import joint_links
from phr_mmpose.apis.pose_writer import persons
from phr_mmpose.datasets.boxes import check_boxes
from phr_mmpose.datasets.photos import MEND, decode_photo
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.joints_meta import joint_names
from phr_mmpose.visualization.cascade_panel import (
    CascadeView,
    choose_joints,
    save_cascade_panel,
)
from phr_mmpose.visualization.poses import draw_poses

MAX_MEGAPIXELS = 50
"""int: Of a photo that the page takes; a photo of 50 megapixels takes half a second."""

MAX_PERSONS = 50
"""int: Of one photo."""

SHOWN_SIDES = (640, 1600)
"""tuple[int, int]: Least and most pixels of a shown picture's longer side."""

_PANEL_DPI = 120
_BOX_COLOUR = (0, 200, 255)  # BGR


@dataclass
class Answer:
    """What a cascade makes of one photo.

    Args:
        image (np.ndarray): Shape (H, W, 3), the photo, BGR.
        poses (Poses): Of its N persons.
        heatmaps (CascadeHeatmaps): Theirs.
        box (np.ndarray, optional): Shape (4,), the box that was drawn, in pixels of
            the photo.
    """

    image: np.ndarray
    poses: Poses
    heatmaps: CascadeHeatmaps
    box: np.ndarray | None = None


class PhotoAnswerer:
    """Finds the poses on uploaded photos.

    Args:
        model (TopdownPoseEstimator): A cascade, from :func:`load_pose_model`.
        boxes (BoxSource): Where persons are unless a box is drawn.
        kpt_thr (float): Joints that are visible with a lower probability count as
            inferred. Defaults to 0.5.
    """

    def __init__(
        self, model: TopdownPoseEstimator, boxes: BoxSource, kpt_thr: float = 0.5
    ) -> None:
        self.model = model
        self.boxes = boxes
        self.kpt_thr = kpt_thr
        self.names = joint_names(model.dataset_meta)

    def read(self, photo: bytes) -> np.ndarray:
        """Decode a photo.

        Args:
            photo (bytes): The file's content.

        Returns:
            np.ndarray: Shape (H, W, 3), BGR, uint8.

        Raises:
            UserError: If it is none, or too large; of its size the file's header
                tells before it is decoded.
        """
        try:
            return decode_photo(photo, 'This file', MAX_MEGAPIXELS * 1_000_000)
        except UserError as error:
            raise UserError(str(error).removesuffix(f'; {MEND}')) from None

    def answer(self, photo: bytes, box: Sequence[float] | None = None) -> Answer:
        """Find the persons and their poses.

        Args:
            photo (bytes): The file's content.
            box (Sequence[float], optional): x1, y1, x2, y2 of one person in pixels
                of the photo. Defaults to all persons of ``boxes``.

        Returns:
            Answer: Poses and heatmaps; of no person, where none is found.

        Raises:
            UserError: If photo or box are faulty, or there are too many persons.
        """
        image = self.read(photo)
        if box is None:
            boxes, scores = self.boxes('', image)
        else:
            boxes = check_boxes([box], image.shape[:2], 'This photo')
            scores = np.ones(1, np.float32)
        if len(boxes) > MAX_PERSONS:
            raise UserError(
                f'{len(boxes)} persons were found on this photo, and the page takes '
                f'{MAX_PERSONS}: draw a box around one'
            )
        poses, heatmaps = estimate_heatmaps(self.model, image, boxes, scores)
        return Answer(image, poses, heatmaps, None if box is None else boxes[0])

    def picture(self, answer: Answer) -> np.ndarray:
        """Draw the poses, inferred joints hollow, and the box.

        Args:
            answer (Answer): The answer.

        Returns:
            np.ndarray: Shape (h, w, 3), RGB, of :data:`SHOWN_SIDES`.
        """
        poses = answer.poses
        shown = bring_to_size(answer.image)
        scale = _scale(shown, answer.image)
        drawn = draw_poses(
            shown,
            poses.keypoints * scale,
            self.model.dataset_meta,
            poses.visible < self.kpt_thr,
        )
        if answer.box is not None:
            _draw_box(drawn, answer.box.reshape(2, 2) * scale)
        return drawn[..., ::-1]

    def view(self, answer: Answer, person: int) -> CascadeView:
        """Show one person as both subnetworks see it.

        Args:
            answer (Answer): The answer.
            person (int): Which person, from 0.

        Returns:
            CascadeView: For the table and the panel.
        """
        return person_view(
            self.model, answer.image, answer.poses, answer.heatmaps, person
        )

    def rows(self, view: CascadeView) -> list[list[str]]:
        """List the joints of a person.

        Args:
            view (CascadeView): The person.

        Returns:
            list[list[str]]: K times name, verdict, probability that the joint is
            visible, and the confidences of detector and refiner, the last one empty
            of a detector alone.
        """
        refined = [''] * len(view.names)
        if view.refiner_confidence is not None:
            refined = [f'{each:.2f}' for each in view.refiner_confidence]
        numbers = zip(
            view.names, view.detector_confidence, refined, view.visible, strict=True
        )
        return [
            [
                name.replace('_', ' '),
                'inferred' if visible < self.kpt_thr else 'seen',
                f'{100 * visible:.0f} %',
                f'{detector:.2f}',
                refiner,
            ]
            for name, detector, refiner, visible in numbers
        ]

    def panel(self, view: CascadeView, joints: Sequence[int]) -> np.ndarray:
        """Draw the paper's Figure 2 of a person.

        Args:
            view (CascadeView): The person.
            joints (Sequence[int]): The joints to show; empty for a choice of six.

        Returns:
            np.ndarray: Shape (h, w, 3), RGB.
        """
        png = io.BytesIO()
        save_cascade_panel(
            view, joints or choose_joints(view), png, self.kpt_thr, _PANEL_DPI
        )
        content = np.frombuffer(png.getvalue(), np.uint8)
        return cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1]

    def downloads(self, answer: Answer, picture: np.ndarray) -> str:
        """Make links that hold the results themselves, so that no file is kept.

        Args:
            answer (Answer): The answer.
            picture (np.ndarray): From :meth:`picture`.

        Returns:
            str: HTML.
        """
        height, width = answer.image.shape[:2]
        content = dict(
            joints=self.names,
            skeleton=joint_links(self.model),
            images=[dict(width=width, height=height, persons=persons(answer.poses))],
        )
        png = cv2.imencode('.png', picture[..., ::-1])[1].tobytes()
        return _link('poses.json', 'application/json', json.dumps(content).encode()) + (
            _link('pose.png', 'image/png', png)
        )


def draw_corner(image: np.ndarray, corner: Sequence[float]) -> np.ndarray:
    """Show the first corner of a box on a photo.

    Args:
        image (np.ndarray): Shape (H, W, 3), BGR.
        corner (Sequence[float]): x, y, pixels of the photo.

    Returns:
        np.ndarray: Shape (h, w, 3), RGB, of :data:`SHOWN_SIDES`.
    """
    shown = bring_to_size(image)
    size = max(shown.shape)
    cv2.drawMarker(
        shown,
        _pixel(corner * _scale(shown, image)),
        _BOX_COLOUR,
        cv2.MARKER_CROSS,
        size // 20,
        size // 200,
    )
    return shown[..., ::-1]


def bring_to_size(image: np.ndarray) -> np.ndarray:
    """Scale a photo to the size at which it is shown, before anything is drawn on it.

    Args:
        image (np.ndarray): Shape (H, W, 3).

    Returns:
        np.ndarray: Shape (h, w, 3), of :data:`SHOWN_SIDES`.
    """
    longer = max(image.shape[:2])
    scale = np.clip(longer, *SHOWN_SIDES) / longer
    height, width = (max(1, round(scale * side)) for side in image.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, (width, height), interpolation=how)


def _scale(shown: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Pixels of a shown picture over those of its photo, (2,), for x and y."""
    return np.divide(shown.shape[1::-1], image.shape[1::-1])


def _draw_box(shown: np.ndarray, corners: np.ndarray) -> None:
    start, end = map(_pixel, corners)
    cv2.rectangle(shown, start, end, _BOX_COLOUR, max(shown.shape) // 250)


def _pixel(point: np.ndarray) -> tuple[int, int]:
    x, y = np.clip(point, -1e5, 1e5)
    return round(float(x)), round(float(y))


def _link(name: str, kind: str, content: bytes) -> str:
    data = base64.b64encode(content).decode()
    return f'<a download="{name}" href="data:{kind};base64,{data}">{name}</a> '
