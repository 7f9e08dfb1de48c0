"""Patterns and noise from which clothes and backgrounds are made.

The noise fields are drawn once per process from a fixed seed; pictures pick
windows of them, so that a picture is still a function of its own seed only.
"""

import math
import random
from functools import cache

import cv2
import numpy as np

FIELD = 256
"""int: Side of a noise field in pixels; every field tiles without a seam."""


@cache
def noise_fields() -> dict[str, np.ndarray]:
    """The shared noise fields.

    Returns:
        dict[str, np.ndarray]: ``fine``, ``grain``, ``cloud`` and ``blotch`` (from fine
        to coarse), ``grass`` (upright) and ``wood`` (lying), with mean 0, about within
        -1 and 1. Each is tiled twice in both directions, (2 * FIELD, 2 * FIELD)
        float32, so that any window is a slice.
    """
    rng = np.random.default_rng(20160925)

    def field(*sigmas: tuple[float, float]) -> np.ndarray:
        total = np.zeros((FIELD, FIELD), np.float32)
        for sigma_x, sigma_y in sigmas:
            noise = rng.standard_normal((FIELD, FIELD)).astype(np.float32)
            noise = np.tile(noise, (2, 2))
            noise = cv2.GaussianBlur(noise, (0, 0), sigma_x, sigmaY=sigma_y)
            half = FIELD // 2
            noise = np.roll(noise[half:-half, half:-half], (half, half), (0, 1))
            total += (noise - noise.mean()) / noise.std() * sigma_x**0.3
        return np.clip(total / (2.5 * total.std()), -1, 1)

    fields = {
        'fine': rng.standard_normal((FIELD, FIELD)).astype(np.float32) / 2.5,
        'grain': field((1, 1), (2, 2)),
        'cloud': field((3, 3), (8, 8), (20, 20)),
        'blotch': field((6, 6), (14, 14)),
        'grass': field((0.8, 3), (2, 6), (9, 9)),
        'wood': field((14, 0.8), (30, 2)),
    }
    tiled = {name: np.tile(values, (2, 2)) for name, values in fields.items()}
    for values in tiled.values():
        values.flags.writeable = False
    return tiled


def noise_window(
    rng: random.Random, name: str, height: int, width: int, zoom: float = 1.0
) -> np.ndarray:
    """A random window of a noise field.

    Args:
        rng (random.Random): Source of chance.
        name (str): Key of :func:`noise_fields`.
        height (int): Rows wanted.
        width (int): Columns wanted.
        zoom (float): Enlargement of the field, at least 1.

    Returns:
        np.ndarray: Shape (height, width) float32, read-only.
    """
    # A picture larger than the field shows it enlarged.
    zoom = max(zoom, height / FIELD, width / FIELD)
    tall, wide = math.ceil(height / zoom), math.ceil(width / zoom)
    top, left = rng.randrange(FIELD), rng.randrange(FIELD)
    window = noise_fields()[name][top : top + tall, left : left + wide]
    if zoom > 1:
        window = cv2.resize(window, (width, height))
    return window


def spread(values: np.ndarray) -> np.ndarray:
    """Repeat a map for the three channels of a picture.

    numpy could broadcast it, but with an inner loop of three it is slow.

    Args:
        values (np.ndarray): Shape (h, w) float32.

    Returns:
        np.ndarray: Shape (h, w, 3) float32.
    """
    return cv2.merge((values, values, values))


def paint(shade: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """A surface of one colour, lighter and darker by place.

    Args:
        shade (np.ndarray): Shape (h, w) float32, factor of the colour.
        colour (np.ndarray): Shape (3,) float32, BGR.

    Returns:
        np.ndarray: Shape (h, w, 3) float32.
    """
    return cv2.merge([shade * value for value in colour])


def blend(mask: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A surface between two colours.

    Args:
        mask (np.ndarray): Shape (h, w) float32, share of the second colour.
        first (np.ndarray): Shape (3,) float32, BGR.
        second (np.ndarray): Shape (3,) float32, BGR.

    Returns:
        np.ndarray: Shape (h, w, 3) float32.
    """
    return cv2.merge([mask * (b - a) + a for a, b in zip(first, second, strict=True)])


def random_colour(
    rng: random.Random,
    saturation: tuple[float, float] = (0.1, 0.85),
    value: tuple[float, float] = (0.2, 0.95),
) -> np.ndarray:
    """A colour of any hue.

    Args:
        rng (random.Random): Source of chance.
        saturation (tuple[float, float]): Range in [0, 1].
        value (tuple[float, float]): Range of brightness in [0, 1].

    Returns:
        np.ndarray: Shape (3,) float32, BGR in [0, 255].
    """
    hue, chroma = rng.random() * 6, rng.uniform(*saturation)
    bright = 255 * rng.uniform(*value)
    ramp = [max(0.0, min(1.0, abs((hue + k) % 6 - 3) - 1)) for k in (2, 4, 0)]
    return np.array([bright * (1 - chroma * (1 - r)) for r in ramp], np.float32)


def pattern_mask(rng: random.Random, height: int, width: int) -> np.ndarray:
    """A fabric's pattern: plain, stripes, checks, dots, blotches or blocks.

    Args:
        rng (random.Random): Source of chance.
        height (int): Rows.
        width (int): Columns.

    Returns:
        np.ndarray: Shape (height, width) float32 in [0, 1], the share of the
        fabric's second colour.
    """
    y = np.arange(height, dtype=np.float32)[:, None]
    x = np.arange(width, dtype=np.float32)[None]
    kind = rng.choices(
        (
            'plain',
            'rows',
            'columns',
            'checks',
            'plaid',
            'dots',
            'slant',
            'blotch',
            'block',
        ),
        (4, 2, 1.2, 0.8, 1, 1, 0.7, 1, 1.2),
    )[0]
    period = rng.uniform(6, 16)
    share = rng.uniform(0.25, 0.6)
    if kind == 'rows':
        mask = (y / period % 1 < share) + 0 * x
    elif kind == 'columns':
        mask = (x / period % 1 < share) + 0 * y
    elif kind == 'checks':
        mask = ((y / period % 1 < 0.5) ^ (x / period % 1 < 0.5)) + 0.0
    elif kind == 'plaid':
        mask = 0.5 * (y / period % 1 < share) + 0.5 * (x / period % 1 < share)
    elif kind == 'dots':
        row = np.floor(y / period)
        u, v = y / period % 1 - 0.5, (x / period + 0.5 * (row % 2)) % 1 - 0.5
        mask = (u * u + v * v < 0.08) + 0.0
    elif kind == 'slant':
        mask = ((x + y) / period % 1 < share) + 0.0
    elif kind == 'blotch':
        mask = np.clip(noise_window(rng, 'blotch', height, width) * 4 + 0.5, 0, 1)
    elif kind == 'block':
        mask = (y > height * rng.uniform(0.35, 0.75)) + 0 * x
    else:
        mask = np.zeros((height, width))
    return mask.astype(np.float32)
