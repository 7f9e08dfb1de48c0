"""Objects in front of a person, until a wanted share of the joints is hidden."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from phr_mmpose.datasets.figures.textures import (
    noise_window,
    paint,
    pattern_mask,
    random_colour,
    spread,
)

# Tries to place an object that hides no more joints than wanted.
_TRIES = 14
# A pixel belongs to an object that covers half of it.
_HALF = 128


@dataclass
class Thing:
    """An object's outline in the picture.

    Args:
        faces (list[np.ndarray]): Polygons, each (P, 2) int32 in pixels.
        tones (list[float]): Brightness of each face.
        colour (np.ndarray): Shape (3,) float32, BGR.
        patterned (bool): May carry a pattern and has edges.
        accent (tuple, optional): Index of a face with a colour of its own, and
            the colour.
        round_ (bool): Darker towards its borders.
    """

    faces: list[np.ndarray]
    tones: list[float]
    colour: np.ndarray
    patterned: bool = True
    accent: tuple[int, np.ndarray] | None = None
    round_: bool = False


Maker = Callable[[random.Random, int, float, float, float], Thing]


def draw_occluders(
    rng: random.Random,
    picture: np.ndarray,
    joints: np.ndarray,
    share: float,
) -> np.ndarray:
    """Draw objects over a picture, in place.

    The number of joints to hide is drawn per picture with the mean
    ``share * len(joints)``; objects are then proposed at random joints, and
    drawn if they hide more joints than before but not more than wanted.

    Args:
        rng (random.Random): Source of chance.
        picture (np.ndarray): Shape (h, w, 3) float32, BGR.
        joints (np.ndarray): Shape (J, 2), the joints within the picture, x and
            y in pixels.
        share (float): Mean share of the joints to hide, in [0, 1]. Above 0.5 fewer
            are hidden, since some pictures have no object, and none hides more joints
            than there are.

    Returns:
        np.ndarray: Shape (h, w) bool: pixels that belong to an object.
    """
    size = picture.shape[0]
    covered = np.zeros(picture.shape[:2], np.uint8)
    # Pictures differ: some have no object, others several. The mean factor is 1.
    wanted = len(joints) * share * rng.choice((0.0, 0.6, 1.0, 1.2, 1.4, 1.8))
    wanted = min(len(joints), int(wanted) + (rng.random() < wanted % 1))
    if not wanted:
        return covered >= _HALF
    columns, rows = np.rint(joints).astype(int).T
    hidden = 0
    for _ in range(_TRIES):
        x, y = joints[rng.randrange(len(joints))]
        reach = (0.5 + 0.25 * (wanted - hidden)) * rng.uniform(0.5, 1.2)
        maker = rng.choices(_MAKERS, _WEIGHTS)[0]
        thing = maker(rng, size, x, y, min(reach, 2.0))
        proposal = covered.copy()
        for face in thing.faces:
            cv2.fillConvexPoly(proposal, face, 255, cv2.LINE_AA)
        count = int((proposal[rows, columns] >= _HALF).sum())
        if hidden < count <= wanted:
            _draw(rng, picture, thing)
            covered, hidden = proposal, count
        if hidden == wanted:
            break
    return covered >= _HALF


def _draw(rng: random.Random, picture: np.ndarray, thing: Thing) -> None:
    """Draw an object with a shaded material and a soft shadow, in place."""
    size = picture.shape[0]
    corners = np.concatenate(thing.faces)
    x1, y1 = np.maximum(corners.min(axis=0) - 1, 0)
    x2, y2 = np.minimum(corners.max(axis=0) + 2, size)
    if x2 <= x1 or y2 <= y1:
        return
    shape = (int(y2 - y1), int(x2 - x1))
    faces = [face - (int(x1), int(y1)) for face in thing.faces]
    coverage = np.zeros(shape, np.uint8)
    tone = np.ones(shape, np.float32)
    for face, bright in zip(faces, thing.tones, strict=True):
        cv2.fillConvexPoly(coverage, face, 255, cv2.LINE_AA)
        cv2.fillConvexPoly(tone, face, bright)

    window = picture[y1:y2, x1:x2]
    drop = 2 * max(2, size // 50) + 1
    shadow = cv2.blur(coverage, (drop, drop))
    window *= spread(1 - shadow * np.float32(0.35 / 255))

    # Filling is smooth only in 8 bits: soften the steps between the tones.
    tone = cv2.blur(tone, (3, 3))
    if thing.patterned:
        edges = np.zeros(shape, np.uint8)
        cv2.polylines(edges, faces, True, 255, max(1, size // 110), cv2.LINE_AA)
        tone *= 1 - edges * np.float32(0.5 / 255)
    slope = rng.uniform(-0.2, 0.2)
    tone *= np.linspace(1 - slope, 1 + slope, shape[1], dtype=np.float32)
    if thing.round_:
        wide = max(3, size // 12) | 1
        tone *= 0.55 + cv2.blur(coverage, (wide, wide)) * np.float32(0.5 / 255)
    field = rng.choice(('grain', 'wood', 'cloud', 'fine'))
    tone *= 1 + 0.12 * noise_window(rng, field, *shape)
    material = paint(tone, thing.colour)
    if thing.patterned and rng.random() < 0.5:
        second = random_colour(rng)
        material += paint(tone * pattern_mask(rng, *shape), second - thing.colour)
    if thing.accent is not None:
        index, colour = thing.accent
        mask = np.zeros(shape, np.float32)
        cv2.fillConvexPoly(mask, faces[index], 1)
        material += paint(tone * mask, colour - thing.colour)
    window += (material - window) * spread(coverage * np.float32(1 / 255))


def _turned(points: np.ndarray, angle: float, x: float, y: float) -> np.ndarray:
    cos, sin = math.cos(angle), math.sin(angle)
    turned = points @ np.array([[cos, sin], [-sin, cos]])
    return np.rint(turned + (x, y)).astype(np.int32)


def _box(rng: random.Random, size: int, x: float, y: float, reach: float) -> Thing:
    """A parcel: front, top and one flank."""
    w, h = (0.085 * size * reach * rng.uniform(0.7, 1.5) for _ in range(2))
    deep, lean = rng.uniform(0.15, 0.6) * h, rng.choice((-0.5, 0.5)) * w
    front = [[-w, -h], [w, -h], [w, h], [-w, h]]
    top = [[-w, -h], [w, -h], [w + lean, -h - deep], [-w + lean, -h - deep]]
    edge = math.copysign(w, lean)
    flank = [[edge, -h], [edge + lean, -h - deep], [edge + lean, h - deep], [edge, h]]
    angle = rng.gauss(0, 0.12)
    x += rng.uniform(-0.7, 0.7) * w
    y += rng.uniform(-0.7, 0.7) * h
    faces = [_turned(np.array(face), angle, x, y) for face in (front, top, flank)]
    return Thing(faces, [0.95, 1.25, 0.65], random_colour(rng))


def _table(rng: random.Random, size: int, x: float, y: float, reach: float) -> Thing:
    """Something that stands on the ground: a table, a counter, a low wall."""
    w = 0.13 * size * reach * rng.uniform(0.7, 1.6)
    top = y - rng.uniform(0.0, 0.04) * size
    deep, lean = rng.uniform(0.03, 0.08) * size, rng.uniform(-0.1, 0.1) * size
    x += rng.uniform(-0.7, 0.7) * w
    front = [[x - w, top + deep], [x + w, top + deep], [x + w, size + 4]]
    front.append([x - w, size + 4])
    plate = [[x - w, top + deep], [x + w, top + deep], [x + w + lean, top]]
    plate.append([x - w + lean, top])
    faces = [np.rint(face).astype(np.int32) for face in (front, plate)]
    return Thing(faces, [0.75, 1.2], random_colour(rng, (0.1, 0.6), (0.25, 0.8)))


def _post(
    rng: random.Random, size: int, x: float, y: float, reach: float, angle: float
) -> Thing:
    w = 0.014 * size * (1 + reach) * rng.uniform(0.7, 1.4)
    # Three strips, light in the middle: round.
    strips = []
    for left, right in ((-1, -0.45), (-0.45, 0.35), (0.35, 1)):
        strip = [[left, -1.5], [right, -1.5], [right, 1.5], [left, 1.5]]
        strips.append(_turned(np.array(strip) * (w, size), angle, x, y))
    colour = random_colour(rng, (0.05, 0.7), (0.25, 0.9))
    return Thing(strips, [0.8, 1.15, 0.65], colour, patterned=False)


def _pole(rng: random.Random, size: int, x: float, y: float, reach: float) -> Thing:
    x += rng.uniform(-0.02, 0.02) * size
    return _post(rng, size, x, y, reach, rng.gauss(0, 0.08))


def _rail(rng: random.Random, size: int, x: float, y: float, reach: float) -> Thing:
    return _post(rng, size, x, y, reach, math.pi / 2 + rng.gauss(0, 0.06))


def _ball(rng: random.Random, size: int, x: float, y: float, reach: float) -> Thing:
    radius = 0.08 * size * reach * rng.uniform(0.7, 1.3)
    angles = np.linspace(0, 2 * math.pi, 32, endpoint=False)
    rim = np.stack([np.cos(angles), rng.uniform(0.85, 1.0) * np.sin(angles)], axis=1)
    turn = rng.uniform(0, 3)
    x += rng.uniform(-0.5, 0.5) * radius
    y += rng.uniform(-0.5, 0.5) * radius
    # Nested discs, lighter towards the light: a sphere's shading.
    faces, tones = [], []
    for step in range(5):
        inner = radius * (1 - 0.19 * step)
        lift = 0.07 * step * radius
        faces.append(_turned(rim * inner, turn, x - lift, y - lift))
        tones.append(0.62 + 0.14 * step)
    return Thing(faces, tones, random_colour(rng, (0.3, 0.95)), patterned=False)


def _plant(rng: random.Random, size: int, x: float, y: float, reach: float) -> Thing:
    """Leaves that fan out from a stem below the joint."""
    leaves, tones = [], []
    length = 0.18 * size * reach
    foot = (x + rng.uniform(-0.05, 0.05) * size, y + 0.6 * length)
    along = np.linspace(0, 1, 8)
    count = rng.randint(8, 13)
    for number in range(count):
        long = length * rng.uniform(0.7, 1.15)
        half = long * rng.uniform(0.08, 0.14) * np.sin(np.pi * along**0.8)
        right = np.stack([half, -along * long], axis=1)
        left = np.stack([-half, -along * long], axis=1)[::-1]
        outline = np.concatenate([right, left])
        leaves.append(_turned(outline, rng.gauss(0, 0.65), *foot))
        tones.append(0.55 + 0.7 * number / count + rng.uniform(-0.1, 0.1))
    colour = np.array([50, 120, 70], np.float32) * rng.uniform(0.6, 1.4)
    return Thing(leaves, tones, colour, patterned=False)


def _arm(rng: random.Random, size: int, x: float, y: float, reach: float) -> Thing:
    """Somebody else's arm with a sleeve, reaching in from outside."""
    thick = 0.022 * size * (0.8 + 0.3 * reach)
    angle = rng.uniform(0, 2 * math.pi)
    bend = angle + rng.uniform(-0.7, 0.7)
    out = np.array([math.cos(angle), math.sin(angle)])
    upper = np.array([math.cos(bend), math.sin(bend)])
    wrist = np.array([x, y]) - out * rng.uniform(0.0, 0.1) * size
    elbow = wrist + out * 0.28 * size
    far = elbow + upper * 1.3 * size
    hand = wrist - out * 2.6 * thick
    sleeve = _limb(elbow, far, 1.25 * thick, 1.6 * thick)
    faces = [
        sleeve,
        _limb(wrist, elbow, 0.7 * thick, 1.05 * thick),
        _limb(hand, wrist, 0.6 * thick, 0.85 * thick),
    ]
    skin = np.array([120, 155, 205], np.float32) * rng.uniform(0.35, 1.15)
    accent = (0, random_colour(rng))
    return Thing(faces, [1.0, 1.0, 1.05], skin, False, accent, round_=True)


def _limb(start: np.ndarray, end: np.ndarray, first: float, last: float) -> np.ndarray:
    """Outline of a tapered limb with round ends."""
    turn = math.atan2(*(end - start)[::-1])
    arc = np.linspace(-math.pi / 2, math.pi / 2, 7)
    round_off = np.stack([np.cos(arc + turn), np.sin(arc + turn)], axis=1)
    outline = np.concatenate([end + last * round_off, start - first * round_off])
    return np.rint(outline).astype(np.int32)


_MAKERS: tuple[Maker, ...] = (_box, _table, _pole, _rail, _ball, _plant, _arm)
_WEIGHTS = (3, 1.2, 1.3, 0.6, 1.5, 2, 1.5)
