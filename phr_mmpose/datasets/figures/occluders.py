"""Objects in front of a person, until a wanted share of the joints is hidden."""

import math
import random
from collections.abc import Callable

import cv2
import numpy as np

from phr_mmpose.datasets.figures.textures import (
    noise_window,
    pattern_mask,
    random_colour,
)

Shape = Callable[[random.Random, int, float, float], list[np.ndarray]]

# Tries to place an object that hides neither too few nor too many joints.
_TRIES = 14


def draw_occluders(
    rng: random.Random,
    picture: np.ndarray,
    joints: np.ndarray,
    share: float,
) -> np.ndarray:
    """Draw objects over a picture, in place.

    The number of joints to hide is drawn per picture with the mean
    ``share * len(joints)``; objects are then proposed at random joints, and the
    set that comes closest is drawn.

    Args:
        rng (random.Random): Source of chance.
        picture (np.ndarray): Shape (h, w, 3) float32, BGR.
        joints (np.ndarray): Shape (J, 2), the joints within the picture, x and
            y in pixels.
        share (float): Mean share of the joints to hide, in [0, 1].

    Returns:
        np.ndarray: Shape (h, w) bool: pixels that belong to an object.
    """
    size = picture.shape[0]
    covered = np.zeros(picture.shape[:2], np.uint8)
    # Pictures differ: some have no object, others several.
    wanted = len(joints) * share * rng.choice((0.0, 0.5, 1.0, 1.0, 1.5, 2.0))
    wanted = min(len(joints), int(wanted) + (rng.random() < wanted % 1))
    if not wanted:
        return covered > 0
    columns, rows = np.rint(joints).astype(int).T
    hidden = 0
    for _ in range(_TRIES):
        x, y = joints[rng.randrange(len(joints))]
        reach = (0.5 + 0.25 * (wanted - hidden)) * rng.uniform(0.6, 1.2)
        shape = rng.choices(_SHAPES, _WEIGHTS)[0]
        polygons = shape(rng, size, x, y, min(reach, 2.2))
        proposal = covered.copy()
        cv2.fillPoly(proposal, polygons, 1)
        count = int(proposal[rows, columns].sum())
        if abs(wanted - count) < abs(wanted - hidden):
            _paint(rng, picture, polygons, shape is _leaves)
            covered, hidden = proposal, count
        if hidden == wanted:
            break
    return covered > 0


def _paint(
    rng: random.Random, picture: np.ndarray, polygons: list[np.ndarray], leafy: bool
) -> None:
    """Fill polygons with a shaded material."""
    size = picture.shape[0]
    corners = np.concatenate(polygons)
    x1, y1 = np.maximum(corners.min(axis=0) - 1, 0)
    x2, y2 = np.minimum(corners.max(axis=0) + 2, picture.shape[1::-1])
    if x2 <= x1 or y2 <= y1:
        return
    shape = (int(y2 - y1), int(x2 - x1))
    moved = [polygon - (int(x1), int(y1)) for polygon in polygons]
    coverage = np.zeros(shape, np.uint8)
    cv2.fillPoly(coverage, moved, 255, cv2.LINE_AA)
    window = picture[y1:y2, x1:x2]
    # A soft shadow on what lies behind sets the object apart.
    drop = max(2, size // 50)
    shadow = cv2.blur(coverage, (2 * drop + 1, 2 * drop + 1)).astype(np.float32)
    window *= (1 - shadow * (0.35 / 255))[..., None]
    if leafy:
        colour = np.array([50, 120, 70], np.float32) * rng.uniform(0.5, 1.4)
    else:
        colour = random_colour(rng)
    material = np.empty((*shape, 3), np.float32)
    ramp = np.linspace(rng.uniform(0.75, 1.2), rng.uniform(0.7, 1.1), shape[1])
    material[:] = colour * ramp.astype(np.float32)[None, :, None]
    if leafy:
        for polygon in moved:
            tone = (colour * rng.uniform(0.6, 1.3)).tolist()
            cv2.fillPoly(material, [polygon], tone, cv2.LINE_AA)
    elif rng.random() < 0.5:
        second = random_colour(rng)
        material += (second - colour) * pattern_mask(rng, *shape)[..., None]
    field = rng.choice(('grain', 'wood', 'cloud', 'fine'))
    material *= (1 + 0.15 * noise_window(rng, field, *shape))[..., None]
    if not leafy:
        for polygon in moved:
            edge = (colour * 0.55).tolist()
            cv2.polylines(
                material, [polygon], True, edge, max(1, size // 90), cv2.LINE_AA
            )
    alpha = coverage.astype(np.float32)[..., None] / 255
    window += (material - window) * alpha


def _turned(points: np.ndarray, angle: float, x: float, y: float) -> np.ndarray:
    cos, sin = math.cos(angle), math.sin(angle)
    turned = points @ np.array([[cos, sin], [-sin, cos]])
    return np.rint(turned + (x, y)).astype(np.int32)


def _box(
    rng: random.Random, size: int, x: float, y: float, reach: float
) -> list[np.ndarray]:
    w, h = (0.09 * size * reach * rng.uniform(0.7, 1.6) for _ in range(2))
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]])
    x += rng.uniform(-0.7, 0.7) * w
    y += rng.uniform(-0.7, 0.7) * h
    return [_turned(corners, rng.gauss(0, 0.15), x, y)]


def _table(
    rng: random.Random, size: int, x: float, y: float, reach: float
) -> list[np.ndarray]:
    """Something that stands on the ground: a table, a counter, a wall."""
    w = 0.14 * size * reach * rng.uniform(0.7, 1.8)
    top = y - rng.uniform(0.01, 0.05) * size
    slant = rng.uniform(-0.03, 0.03) * size
    x += rng.uniform(-0.7, 0.7) * w
    corners = [[x - w, top], [x + w, top + slant], [x + w, size + 4], [x - w, size + 4]]
    return [np.rint(corners).astype(np.int32)]


def _pole(
    rng: random.Random, size: int, x: float, y: float, reach: float
) -> list[np.ndarray]:
    w = 0.016 * size * (1 + reach) * rng.uniform(0.7, 1.5)
    corners = np.array(
        [[-w, -1.5 * size], [w, -1.5 * size], [w, 1.5 * size], [-w, 1.5 * size]]
    )
    return [_turned(corners, rng.gauss(0, 0.12), x + rng.uniform(-0.6, 0.6) * w, y)]


def _rail(
    rng: random.Random, size: int, x: float, y: float, reach: float
) -> list[np.ndarray]:
    w = 0.015 * size * (1 + reach) * rng.uniform(0.7, 1.5)
    corners = np.array(
        [[-w, -1.5 * size], [w, -1.5 * size], [w, 1.5 * size], [-w, 1.5 * size]]
    )
    return [_turned(corners, math.pi / 2 + rng.gauss(0, 0.1), x, y)]


def _ball(
    rng: random.Random, size: int, x: float, y: float, reach: float
) -> list[np.ndarray]:
    radius = 0.085 * size * reach * rng.uniform(0.7, 1.3)
    angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    squash = rng.uniform(0.7, 1.0)
    points = radius * np.stack([np.cos(angles), squash * np.sin(angles)], axis=1)
    x += rng.uniform(-0.5, 0.5) * radius
    y += rng.uniform(-0.5, 0.5) * radius
    return [_turned(points, rng.uniform(0, 3), x, y)]


def _leaves(
    rng: random.Random, size: int, x: float, y: float, reach: float
) -> list[np.ndarray]:
    """A plant: leaves that fan out from a stem below the joint."""
    leaves = []
    length = 0.2 * size * reach
    foot = (x + rng.uniform(-0.05, 0.05) * size, y + 0.6 * length)
    along = np.linspace(0, 1, 8)
    for _ in range(rng.randint(7, 12)):
        long = length * rng.uniform(0.7, 1.15)
        half = long * rng.uniform(0.09, 0.16) * np.sin(np.pi * along**0.8)
        outline = np.concatenate(
            [
                np.stack([half, -along * long], axis=1),
                np.stack([-half, -along * long], axis=1)[::-1],
            ]
        )
        leaves.append(_turned(outline, rng.gauss(0, 0.65), *foot))
    return leaves


def _arm(
    rng: random.Random, size: int, x: float, y: float, reach: float
) -> list[np.ndarray]:
    """Somebody else's arm, reaching in from the border."""
    thick = 0.024 * size * (0.8 + 0.3 * reach)
    angle = rng.uniform(0, 2 * math.pi)
    out = np.array([math.cos(angle), math.sin(angle)])
    across = np.array([-out[1], out[0]])
    tip = np.array([x, y]) - out * rng.uniform(0.03, 0.12) * size
    elbow = tip + out * 0.3 * size
    bend = angle + rng.uniform(-0.7, 0.7)
    far = elbow + np.array([math.cos(bend), math.sin(bend)]) * 1.2 * size
    left = [
        tip + across * 0.7 * thick,
        elbow + across * thick,
        far + across * 1.3 * thick,
    ]
    right = [
        far - across * 1.3 * thick,
        elbow - across * thick,
        tip - across * 0.7 * thick,
    ]
    hand = tip - out * 1.2 * thick
    points = np.array(
        [hand + across * 0.4 * thick, *left, *right, hand - across * 0.4 * thick]
    )
    return [np.rint(points).astype(np.int32)]


_SHAPES: tuple[Shape, ...] = (_box, _table, _pole, _rail, _ball, _leaves, _arm)
_WEIGHTS = (3, 1.5, 1.5, 0.7, 1.5, 2, 1)
