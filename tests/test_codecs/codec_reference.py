"""The targets once more, in plain numpy loops in float64, and sets of joints."""

import numpy as np
from hypothesis import strategies as st


def reference_maps(value, keypoints, drawn, size, stride):
    """Evaluate ``value(squared distance)`` at each pixel of each drawn joint's map."""
    width, height = size
    maps = np.zeros((len(keypoints), height, width))
    for part, (x, y) in enumerate(np.asarray(keypoints, np.float64) / stride):
        if not drawn[part]:
            continue
        for row in range(height):
            for column in range(width):
                squared = (column - x) ** 2 + (row - y) ** 2
                maps[part, row, column] = value(squared)
    return maps


def persons(count, parts, side, seed=0):
    """Joints partly off the picture, with NaN and -1 where not annotated."""
    random = np.random.default_rng(seed)
    keypoints = random.uniform(-0.2 * side, 1.2 * side, (count, parts, 2))
    # Eighths keep distances exact, so that no pixel on a disc's rim is in doubt.
    keypoints = np.round(keypoints * 8) / 8
    annotated = (random.random((count, parts)) < 0.7).astype(np.float32)
    visible = annotated * (random.random((count, parts)) < 0.6)
    keypoints[annotated == 0] = [np.nan, -1]
    return keypoints, annotated, visible.astype(np.float32)


def coordinates(low, high):
    return st.floats(low, high, width=32, allow_nan=False)
