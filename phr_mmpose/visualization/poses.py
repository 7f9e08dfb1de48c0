"""Draw poses on a photo."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

# OpenCV draws at fractions of a pixel when told how many bits they take.
_BITS = 4
# Thickness of a limb, and radius of a joint, over the size of the person.
_LIMB, _JOINT = 0.016, 0.018
_DASHES = 0.035
# Lies under every stroke, so that it shows on any background.
_EDGE = (25, 25, 25)


def draw_poses(
    image: np.ndarray,
    keypoints: np.ndarray,
    joints: Mapping,
    hollow: np.ndarray | None = None,
    drawn: np.ndarray | None = None,
) -> np.ndarray:
    """Draw the poses of N persons with K joints.

    Strokes are scaled to each person. Hollow joints are drawn as rings, and limbs that
    end in one dashed.

    Args:
        image (np.ndarray): Shape (H, W, 3), BGR, uint8; left as it is.
        keypoints (np.ndarray): Shape (N, K, 2), pixels of the image, from 0.
        joints (Mapping): What MMPose knows of the K joints (``dataset_meta``):
            ``keypoint_colors`` (K, 3), ``skeleton_links``, L pairs of joint indices,
            and ``skeleton_link_colors`` (L, 3); RGB.
        hollow (np.ndarray, optional): Shape (N, K), true for joints that are
            hidden or not to be trusted. Defaults to none.
        drawn (np.ndarray, optional): Shape (N, K), false for joints that are left
            out, with the limbs that end in one. Defaults to all.

    Returns:
        np.ndarray: Shape (H, W, 3), BGR, uint8.
    """
    canvas = image.copy()
    if hollow is None:
        hollow = np.zeros(keypoints.shape[:2], bool)
    if drawn is None:
        drawn = np.ones(keypoints.shape[:2], bool)
    for points, rings, some in zip(keypoints, hollow, drawn, strict=True):
        if some.any():
            _draw_person(canvas, points, rings, some, joints)
    return canvas


def person_size(points: np.ndarray) -> float:
    """Size of a person as drawn: the diagonal of the joints' box.

    Args:
        points (np.ndarray): Shape (K, 2), pixels.

    Returns:
        float: Pixels, at least 1.
    """
    return max(1.0, float(np.linalg.norm(points.max(axis=0) - points.min(axis=0))))


def _draw_person(
    canvas: np.ndarray,
    points: np.ndarray,
    rings: np.ndarray,
    drawn: np.ndarray,
    joints: Mapping,
) -> None:
    size = person_size(points[drawn])
    thickness = max(1, round(_LIMB * size))
    radius = max(1.5, _JOINT * size)
    edge = max(1, round(thickness / 3))
    links, colours = joints['skeleton_links'], joints['skeleton_link_colors']
    limbs = [
        (_pieces(points[a], points[b], size, rings[a] or rings[b]), colour)
        for (a, b), colour in zip(links, colours, strict=True)
        if drawn[a] and drawn[b]
    ]
    # All edges first: a limb's edge must not cut through another limb.
    for pieces, _ in limbs:
        _lines(canvas, pieces, _EDGE, thickness + 2 * edge)
    for pieces, colour in limbs:
        _lines(canvas, pieces, colour, thickness)
    for joint in np.flatnonzero(drawn):
        point, ring = points[joint], rings[joint]
        colour = joints['keypoint_colors'][joint]
        _disc(canvas, point, radius + edge, _EDGE)
        _disc(canvas, point, radius, colour)
        if ring:
            _disc(canvas, point, 0.68 * radius, _EDGE)
            _disc(canvas, point, 0.55 * radius, (255, 255, 255))


def _pieces(
    start: np.ndarray, end: np.ndarray, size: float, dashed: bool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut a limb into dashes, or leave it whole."""
    if not dashed:
        return [(start, end)]
    count = max(1, round(float(np.linalg.norm(end - start)) / (_DASHES * size)))
    # As many gaps as dashes, but for the one after the last.
    steps = np.linspace(0, 1, 2 * max(2, count // 2))
    return [
        (start + a * (end - start), start + b * (end - start))
        for a, b in zip(steps[::2], steps[1::2], strict=True)
    ]


def _lines(
    canvas: np.ndarray,
    pieces: list[tuple[np.ndarray, np.ndarray]],
    rgb: Sequence[int],
    thickness: int,
) -> None:
    for start, end in pieces:
        cv2.line(
            canvas,
            _fixed_point(start),
            _fixed_point(end),
            _bgr(rgb),
            thickness,
            cv2.LINE_AA,
            _BITS,
        )


def _disc(
    canvas: np.ndarray, point: np.ndarray, radius: float, rgb: Sequence[int]
) -> None:
    reach = round(radius * 2**_BITS)
    centre = _fixed_point(point)
    cv2.circle(canvas, centre, reach, _bgr(rgb), cv2.FILLED, cv2.LINE_AA, _BITS)


def _bgr(rgb: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(level) for level in rgb[::-1])


def _fixed_point(point: np.ndarray) -> tuple[int, int]:
    # Far outside, OpenCV's fixed point would overflow.
    x, y = np.clip(point, -1e5, 1e5) * 2**_BITS
    return round(float(x)), round(float(y))
