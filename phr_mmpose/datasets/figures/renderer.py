"""Puts a picture together: scene, shadow, person, objects, camera noise."""

import math
import random
from dataclasses import dataclass

import cv2
import numpy as np

from phr_mmpose.datasets.figures.anatomy import Person, build_person
from phr_mmpose.datasets.figures.background import draw_background
from phr_mmpose.datasets.figures.body_model import (
    Skeleton,
    pose_skeleton,
    sample_proportions,
)
from phr_mmpose.datasets.figures.camera import Camera
from phr_mmpose.datasets.figures.occluders import draw_occluders
from phr_mmpose.datasets.figures.outfit import TILE, sample_outfit
from phr_mmpose.datasets.figures.poses import sample_pose
from phr_mmpose.datasets.figures.solids import NO_SOLID, Drawing, draw_solids
from phr_mmpose.datasets.figures.textures import noise_window, random_colour, spread

# The person is drawn at twice the resolution and averaged: smooth edges.
FINE = 2

# Independent sources of chance, so that e.g. another share of occlusion changes only
# the objects.
_BODY, _LOOKS, _SCENE, _OBJECTS, _NOISE = range(5)


@dataclass
class Figure:
    """One picture and what is known about it.

    Coordinates are pixels counted from 0 with pixel centres at integers. K = 16,
    MPII's joints in MPII's order.

    Args:
        image (np.ndarray): Shape (size, size, 3) uint8, BGR.
        joints (np.ndarray): Shape (K, 2) float32.
        annotated (np.ndarray): Shape (K,) bool: within the picture.
        visible (np.ndarray): Shape (K,) bool: annotated and not hidden by the person's
            own body or an object.
        behind_object (np.ndarray): Shape (K,) bool: annotated and covered by an
            object.
        head_box (np.ndarray): Shape (4,) float32, x1, y1, x2, y2, chin to crown.
        box (np.ndarray): Shape (4,) float32, the person's square x1, y1, x2, y2:
            as large as the body is tall, or as the joints need.
        activity (str): What the person does, a key of
            :data:`~phr_mmpose.datasets.figures.poses.ACTIVITIES`.
    """

    image: np.ndarray
    joints: np.ndarray
    annotated: np.ndarray
    visible: np.ndarray
    behind_object: np.ndarray
    head_box: np.ndarray
    box: np.ndarray
    activity: str


def _source(seed: int, index: int, stream: int) -> random.Random:
    return random.Random(f'{seed}/{index}/{stream}')


def draw_figure(
    seed: int,
    index: int,
    size: int = 160,
    occlusion: float = 0.1,
    back_views: float = 0.2,
) -> Figure:
    """Draw a person; a pure function of its arguments.

    Pictures that differ only in ``occlusion`` show the same person in the same
    scene; pictures that differ only in ``size`` differ in detail.

    Args:
        seed (int): Of the data set.
        index (int): Number of the picture.
        size (int): Side of the picture in pixels.
        occlusion (float): Mean share of the joints that objects hide, in [0, 1]; above
            0.5 they hide less. The body itself hides others.
        back_views (float): Share of people seen from behind, in [0, 1], among those who
            do not sit.

    Returns:
        Figure: The picture, the joints and their exact visibility.
    """
    chance = _source(seed, index, _BODY)
    body = sample_proportions(chance)
    activity, pose = sample_pose(chance, back_views)
    skeleton = pose_skeleton(body, pose)
    camera, ground = _frame_person(chance, skeleton, pose.airborne, size)
    light = _light(chance)

    looks = _source(seed, index, _LOOKS)
    outfit = sample_outfit(looks)
    person = build_person(skeleton, body, outfit, camera)
    canvas = (FINE * size, FINE * size)
    ambient = looks.uniform(0.35, 0.6)
    drawing = draw_solids(
        person.solids, outfit.atlas, TILE, canvas, light, ambient, align=FINE
    )

    scene = _source(seed, index, _SCENE)
    picture = draw_background(scene, size, ground)
    joints = ((person.joints[:, :2] + 0.5) / FINE - 0.5).astype(np.float32)
    if pose.seated:
        _draw_seat(scene, picture, joints, ground)
    _compose(scene, picture, drawing, light, ground, person.height)

    pixel = np.rint(joints)
    annotated = ((pixel >= 0) & (pixel < size)).all(axis=1)
    objects = draw_occluders(
        _source(seed, index, _OBJECTS), picture, joints[annotated], occlusion
    )
    column, row = np.clip(pixel, 0, size - 1).astype(int).T
    behind = objects[row, column] & annotated
    shown = person.surface_shows_joint(drawing.solid, drawing.depth, drawing.box[:2])
    image = _develop(_source(seed, index, _NOISE), picture)
    return Figure(
        image=image,
        joints=joints,
        annotated=annotated,
        visible=annotated & shown & ~behind,
        behind_object=behind,
        head_box=((person.head_box + 0.5) / FINE - 0.5).astype(np.float32),
        box=_square(person, joints),
        activity=activity,
    )


def _frame_person(
    rng: random.Random, skeleton: Skeleton, airborne: float, size: int
) -> tuple[Camera, float]:
    """Place the camera so that the person fills a good part of the picture.

    Returns:
        tuple[Camera, float]: The camera, for the fine grid, and the row of the
        ground in pixels of the picture.
    """
    camera = Camera(rng.uniform(2.5, 6), math.radians(rng.uniform(-2, 14)))
    outline, _ = camera.project(np.array(list(skeleton.points.values())))
    low, high = outline[:, :2].min(axis=0) - 0.04, outline[:, :2].max(axis=0) + 0.04
    scale = rng.uniform(0.58, 0.85)
    # Most persons are wholly in the picture; some reach out of it.
    longest = (high - low).max()
    if rng.random() < 0.96:
        scale = min(scale, 0.96 / longest)
    else:
        scale = rng.uniform(1.05, 1.3) / longest
    low, high = low * scale, high * scale
    offset = []
    for start, end in zip(low, high, strict=True):
        room = 1 - (end - start)
        offset.append((0.5 * room + room * 0.4 * rng.uniform(-1, 1) - start) * size)
    ground = (high[1] - 0.012 * scale + airborne * scale) * size + offset[1]
    camera.scale = scale * size * FINE
    # Places count from the picture's edge up to here; pixel centres are integers.
    camera.offset = tuple(value * FINE - 0.5 for value in offset)
    return camera, ground - 0.5


def _light(rng: random.Random) -> np.ndarray:
    light = np.array(
        [rng.uniform(-0.8, 0.8), -rng.uniform(0.3, 0.9), -rng.uniform(0.4, 0.9)]
    )
    return (light / np.linalg.norm(light)).astype(np.float32)


def _square(person: Person, joints: np.ndarray) -> np.ndarray:
    low, high = joints.min(axis=0), joints.max(axis=0)
    half = max(person.height / FINE, *(high - low)) / 2
    middle = (low + high) / 2
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def _draw_seat(
    rng: random.Random, picture: np.ndarray, joints: np.ndarray, ground: float
) -> None:
    """A box or bench under a seated person."""
    size = picture.shape[0]
    pelvis = joints[6]
    half = rng.uniform(0.1, 0.3) * size
    top, foot = int(pelvis[1] + 0.02 * size), int(ground + 0.01 * size)
    left, right = int(pelvis[0] - half), int(pelvis[0] + half)
    colour = random_colour(rng, (0.1, 0.7), (0.25, 0.85))
    depth = int(0.05 * size)
    front = np.array(
        [[left, top + depth], [right, top + depth], [right, foot], [left, foot]]
    )
    seat = np.array(
        [
            [left + depth, top - depth],
            [right - depth, top - depth],
            [right, top + depth],
            [left, top + depth],
        ]
    )
    cv2.fillConvexPoly(picture, front, (colour * 0.7).tolist(), cv2.LINE_AA)
    cv2.fillConvexPoly(picture, seat, colour.tolist(), cv2.LINE_AA)


def _compose(
    rng: random.Random,
    picture: np.ndarray,
    drawing: Drawing,
    light: np.ndarray,
    ground: float,
    height: float,
) -> None:
    """Draw the person and the shadow onto the scene, in place."""
    x1, y1, x2, y2 = (value // FINE for value in drawing.box)
    mask = (drawing.solid != NO_SOLID).astype(np.uint8) * np.uint8(255)
    extent = (x2 - x1, y2 - y1)
    alpha = cv2.resize(mask, extent, interpolation=cv2.INTER_AREA)
    colour = cv2.resize(drawing.colour, extent, interpolation=cv2.INTER_AREA)
    colour = colour[..., :3]
    shade = _contact_shade(drawing.depth[::FINE, ::FINE], height)
    colour = colour * spread(shade)

    _cast_shadow(rng, picture, alpha, (x1, y1), light, ground)
    bare = 1 - alpha * np.float32(1 / 255)
    window = picture[y1:y2, x1:x2]
    window *= spread(bare)
    # The colour is already weighted by its coverage: empty pixels are black.
    window += colour


def _contact_shade(depth: np.ndarray, height: float) -> np.ndarray:
    """Darken what lies just behind something nearer (h, w)."""
    known = np.isfinite(depth).astype(np.float32)
    depth = np.where(known, depth, 0)
    reach = max(3, int(height / FINE * 0.05) | 1)
    weight = cv2.blur(known, (reach, reach))
    mean = cv2.blur(depth, (reach, reach)) / np.maximum(weight, 1e-3)
    behind = (depth - mean) * (1 / (0.07 * height))
    return 1 - 0.4 * np.clip(behind, 0, 1) * known


def _cast_shadow(
    rng: random.Random,
    picture: np.ndarray,
    alpha: np.ndarray,
    origin: tuple[int, int],
    light: np.ndarray,
    ground: float,
) -> None:
    """The person's outline, cast on the ground away from the light, in place."""
    size = picture.shape[0]
    squeeze = rng.uniform(0.12, 0.3)
    shear = -light[0] * rng.uniform(0.4, 1.0)
    # Row r of the outline lies (ground - r) above the ground.
    lift = ground - origin[1]
    matrix = np.float32(
        [
            [1, -shear, origin[0] + shear * lift],
            [0, squeeze, ground - squeeze * lift],
        ]
    )
    shadow = cv2.warpAffine(alpha, matrix, (size, size), flags=cv2.INTER_LINEAR)
    soft = (int(size * rng.uniform(0.012, 0.04)) | 1) + 2
    shadow = cv2.blur(shadow, (soft, soft))
    bright = 1 - shadow * np.float32(rng.uniform(0.3, 0.6) / 255)
    picture *= spread(bright)


def _develop(rng: random.Random, picture: np.ndarray) -> np.ndarray:
    """Exposure, contrast, a colour cast and the sensor's noise."""
    size = picture.shape[0]
    exposure = rng.uniform(0.82, 1.12)
    gain = [exposure * rng.gauss(1, 0.03) for _ in range(3)]
    picture = cv2.multiply(picture, (*gain, 1.0))
    noise = rng.choice((2.0, 4.0, 7.0)) * noise_window(rng, 'fine', size, size)
    noise += rng.uniform(-8, 10)
    return cv2.add(picture, spread(noise), dtype=cv2.CV_8U)
