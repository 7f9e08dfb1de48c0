"""The paper's Figure 2: what each subnetwork makes of chosen joints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.joints_meta import joint_names
from phr_mmpose.utils.pictures import check_picture
from phr_mmpose.visualization.crops import crop_photo
from phr_mmpose.visualization.poses import draw_poses

CROP_SIDE = 480
"""int: Longer side of the crop as it is drawn, in pixels."""

_INK, _FRAME, _OCCLUDED = '0.15', '0.6', '#D55E00'
_COLOURS = matplotlib.colormaps['inferno']
# Inches.
_CELL, _GAP, _ROW_LABEL, _TITLE, _BAR = 1.55, 0.07, 0.3, 0.24, 0.56
# Heatmaps whose maximum is below are as good as empty; their scale ends here.
_FAINTEST = 0.05


@dataclass
class CascadeView:
    """One person as both subnetworks see it; K joints, heatmaps of H x W.

    Args:
        image (np.ndarray): The photo, (h, w, 3), BGR, uint8.
        center (np.ndarray): (2,), middle of the crop in the photo's pixels.
        size (np.ndarray): (2,), width and height of the crop there.
        detector (np.ndarray): (K, H, W), probabilities.
        refiner (np.ndarray | None): (K, H, W), confidences; None of a detector alone.
        keypoints (np.ndarray): (K, 2), the pose, pixels of the photo.
        visible (np.ndarray): (K,), the probability that a joint is visible.
        joints (Mapping): What MMPose knows of the K joints (``dataset_meta``): their
            names, links and colours.
        truth (np.ndarray, optional): (K, 2), where the joints are; NaN where
            that is unknown.
        occluded (np.ndarray, optional): (K,), true for joints that are known
            to be hidden.
    """

    image: np.ndarray
    center: np.ndarray
    size: np.ndarray
    detector: np.ndarray
    refiner: np.ndarray | None
    keypoints: np.ndarray
    visible: np.ndarray
    joints: Mapping
    truth: np.ndarray | None = None
    occluded: np.ndarray | None = None

    @property
    def names(self) -> list[str]:
        """Names of the K joints."""
        return joint_names(self.joints)

    @property
    def detector_confidence(self) -> np.ndarray:
        """The detector's confidence of each joint: its heatmap's maximum, (K,)."""
        return self.detector.max(axis=(1, 2))

    @property
    def refiner_confidence(self) -> np.ndarray | None:
        """The refiner's confidence of each joint: its heatmap's maximum, (K,)."""
        return None if self.refiner is None else self.refiner.max(axis=(1, 2))


def choose_joints(view: CascadeView, count: int = 6) -> list[int]:
    """Choose joints that tell what the cascade does.

    Half of them are those that the detector is least sure of (known occluded
    ones first), the others those that it is surest of; in the model's order.

    Args:
        view (CascadeView): The person.
        count (int): How many. Defaults to 6.

    Returns:
        list[int]: Joint indices.
    """
    rank = view.detector_confidence.copy()
    if view.occluded is not None:
        rank = np.where(view.occluded, rank - 2, rank)
    order = np.argsort(rank, kind='stable')
    count = min(count, len(order))
    surest = order[len(order) - count // 2 :]
    return sorted({*order[: count - count // 2].tolist(), *surest.tolist()})


def draw_cascade_panel(
    view: CascadeView,
    joints: Sequence[int],
    path: str | Path,
    kpt_thr: float = 0.5,
    dpi: int = 160,
) -> None:
    """Draw the input, both rows of heatmaps and the pose into one picture.

    A ring shows where a joint truly is. The columns of occluded joints have a dashed
    outline, as in the paper. Without truth there is neither. In the pose, occluded
    joints are hollow; where that is not known, those are whose probability of being
    visible is below ``kpt_thr``.

    Args:
        view (CascadeView): The person.
        joints (Sequence[int]): The joints to show, one column each.
        path (str | Path): Picture file; the suffix chooses the format.
        kpt_thr (float): As in ``phr-pose``. Defaults to 0.5.
        dpi (int): Pixels per inch. Defaults to 160.

    Raises:
        UserError: If the suffix is of no kind that can be drawn.
    """
    check_picture(path)
    with atomic_path(path) as temporary:
        save_cascade_panel(view, joints, temporary, kpt_thr, dpi)


def save_cascade_panel(
    view: CascadeView,
    joints: Sequence[int],
    file: Path | BinaryIO,
    kpt_thr: float = 0.5,
    dpi: int = 160,
) -> None:
    """As :func:`draw_cascade_panel`, into an open file too, as a PNG.

    Args:
        view (CascadeView): As there.
        joints (Sequence[int]): As there.
        file (Path | BinaryIO): Gets the picture.
        kpt_thr (float): As there.
        dpi (int): As there.
    """
    style = {'font.size': 8.5, 'text.color': _INK, 'axes.labelcolor': _INK}
    style['text.parse_math'] = False  # names of joints are no formulas
    with matplotlib.rc_context(style):
        _figure(view, joints, kpt_thr).savefig(file, dpi=dpi, facecolor='white')


def _figure(view: CascadeView, joints: Sequence[int], kpt_thr: float) -> Figure:
    crop, matrix = crop_photo(view.image, view.center, view.size, CROP_SIDE)
    cell_height = _CELL * crop.shape[0] / crop.shape[1]
    gap = _GAP
    columns = len(joints) + 1
    width = columns * (_CELL + gap) + _ROW_LABEL + _BAR
    height = 2 * (cell_height + gap) + _TITLE
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)

    def place(left: float, row: int, wide: float = _CELL) -> Axes:
        bottom = (1 - row) * (cell_height + gap) + gap / 2
        box = (left / width, bottom / height, wide / width, cell_height / height)
        return figure.add_axes(box)

    photo = place(gap, 0)
    _show(photo, crop)
    photo.set_title('input', pad=4, fontsize=8.5)
    pose = place(gap, 1)
    _show(pose, _posed(view, crop, matrix, kpt_thr))
    _tag(pose, 'pose')

    # Grey and dim below the maps, so that their colours speak.
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    dim = (0.62 * grey).astype(np.uint8)
    rows = (
        ('detector', view.detector, view.detector_confidence),
        ('refiner', view.refiner, view.refiner_confidence),
    )
    for row, (label, maps, confidence) in enumerate(rows):
        if maps is None:
            continue
        # One scale for a row, so that confidences can be compared by eye; of its
        # root, so that low ones show.
        scale = PowerNorm(0.5, 0, max(float(confidence[list(joints)].max()), _FAINTEST))
        for column, joint in enumerate(joints):
            axes = place(gap + _ROW_LABEL + (column + 1) * (_CELL + gap), row)
            _show(axes, dim)
            _overlay(axes, maps[joint], scale, crop.shape)
            _mark(axes, view, maps[joint], joint, matrix, crop.shape)
            _tag(axes, f'{confidence[joint]:.2f}')
            hidden = view.occluded is not None and bool(view.occluded[joint])
            _outline(axes, hidden)
            if row == 0:
                _title(axes, view.names[joint], hidden)
            if column == 0:
                axes.set_ylabel(label, labelpad=5, fontweight='bold', fontsize=9)
        bar = place(width - _BAR + gap, row, 0.09)
        figure.colorbar(ScalarMappable(scale, _COLOURS), cax=bar)
        bar.tick_params(labelsize=7, length=2, colors=_INK)
        bar.yaxis.set_major_locator(MaxNLocator(4))
        bar.set_frame_on(False)
    return figure


def _show(axes: Axes, bgr: np.ndarray) -> None:
    axes.imshow(bgr[..., ::-1], interpolation='antialiased', aspect='auto')
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color=_FRAME, linewidth=0.6)


def _overlay(
    axes: Axes, heatmap: np.ndarray, scale: Normalize, shape: tuple[int, ...]
) -> None:
    """Lay a map over the crop, clear where it is low."""
    share = np.clip(scale(np.maximum(heatmap, 0)), 0, 1)
    fine = cv2.resize(np.asarray(share, np.float32), None, fx=4, fy=4)
    fine = np.clip(fine, 0, 1)
    rgba = _COLOURS(fine)
    rgba[..., 3] = np.clip(1.5 * fine, 0, 1)
    limits = axes.get_xlim(), axes.get_ylim()
    # A map's pixel (0, 0) has its centre on the crop's pixel (0, 0).
    (height, width), (high, wide) = heatmap.shape, shape[:2]
    step_x, step_y = wide / width, high / height
    axes.imshow(
        rgba,
        extent=(
            -step_x / 2,
            (width - 0.5) * step_x,
            (height - 0.5) * step_y,
            -step_y / 2,
        ),
        interpolation='bilinear',
        aspect='auto',
    )
    axes.set(xlim=limits[0], ylim=limits[1])


def _mark(
    axes: Axes,
    view: CascadeView,
    heatmap: np.ndarray,
    joint: int,
    matrix: np.ndarray,
    shape: tuple[int, ...],
) -> None:
    """Mark a map's maximum, and where the joint truly is."""
    row, column = np.unravel_index(int(heatmap.argmax()), heatmap.shape)
    steps = shape[1] / heatmap.shape[1], shape[0] / heatmap.shape[0]
    place = column * steps[0], row * steps[1]
    for colour, width in (('black', 2.4), ('white', 1.1)):
        axes.plot(*place, '+', color=colour, markersize=7, markeredgewidth=width)
    if view.truth is not None and np.isfinite(view.truth[joint]).all():
        x, y = matrix @ [*view.truth[joint], 1]
        for colour, width in (('black', 2.4), ('white', 1.1)):
            axes.plot(
                x,
                y,
                'o',
                markersize=9,
                fillstyle='none',
                color=colour,
                markeredgewidth=width,
            )


def _tag(axes: Axes, text: str) -> None:
    axes.text(
        0.03, 0.03, text, transform=axes.transAxes, color='white', fontsize=8,
        va='bottom',
        bbox=dict(boxstyle='round,pad=0.2', facecolor='black', alpha=0.6, linewidth=0),
    )  # fmt: skip


def _title(axes: Axes, name: str, hidden: bool) -> None:
    axes.set_title(
        name.replace('_', ' ') + (' (occluded)' if hidden else ''),
        pad=4,
        fontsize=8 if hidden else 8.5,
        color=_OCCLUDED if hidden else _INK,
    )


def _outline(axes: Axes, hidden: bool) -> None:
    if not hidden:
        return
    axes.add_patch(
        Rectangle(
            (0.008, 0.008), 0.984, 0.984, transform=axes.transAxes, fill=False,
            edgecolor=_OCCLUDED, linewidth=1.8, linestyle=(0, (4, 2.5)), zorder=5,
        )
    )  # fmt: skip


def _posed(
    view: CascadeView, crop: np.ndarray, matrix: np.ndarray, kpt_thr: float
) -> np.ndarray:
    hollow = view.visible < kpt_thr
    if view.occluded is not None and view.truth is not None:
        hollow = np.where(np.isfinite(view.truth).all(-1), view.occluded, hollow)
    points = view.keypoints @ matrix[:, :2].T + matrix[:, 2]
    return draw_poses(crop, points[None], view.joints, hollow[None])
