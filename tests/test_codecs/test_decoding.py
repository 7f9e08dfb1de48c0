"""The decoding on the device against the same in plain numpy, map by map."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from phr_mmpose.codecs import GaussianConfidence

HEIGHT, WIDTH = 20, 24


def numpy_decode(heatmap, refinement):
    """Decode one map (H, W) of float64; return x, y and the score."""
    y, x = np.unravel_index(heatmap.argmax(), heatmap.shape)
    offset = np.zeros(2)
    if 0 < x < heatmap.shape[1] - 1 and 0 < y < heatmap.shape[0] - 1:
        if refinement == 'quarter':
            offset = 0.25 * np.sign(
                [
                    heatmap[y, x + 1] - heatmap[y, x - 1],
                    heatmap[y + 1, x] - heatmap[y - 1, x],
                ]
            )
        elif refinement == 'taylor':
            log = np.log(heatmap[y - 1 : y + 2, x - 1 : x + 2].clip(1e-10))
            gradient = [(log[1, 2] - log[1, 0]) / 2, (log[2, 1] - log[0, 1]) / 2]
            mixed = (log[2, 2] - log[0, 2] - log[2, 0] + log[0, 0]) / 4
            hessian = [
                [log[1, 2] - 2 * log[1, 1] + log[1, 0], mixed],
                [mixed, log[2, 1] - 2 * log[1, 1] + log[0, 1]],
            ]
            if hessian[0][0] < 0 and np.linalg.det(hessian) > 1e-10:
                offset = -np.linalg.solve(hessian, gradient).clip(-0.5, 0.5)
    return x + offset[0], y + offset[1], heatmap[y, x]


@pytest.mark.parametrize('stride', [1, 4])
@pytest.mark.parametrize('refinement', ['none', 'quarter', 'taylor'])
@settings(max_examples=25)
@given(seed=st.integers(0, 2**16), sigma=st.floats(1, 4), noise=st.floats(0, 0.1))
def test_it_equals_numpy(refinement, stride, seed, sigma, noise):
    random = np.random.default_rng(seed)
    codec = GaussianConfidence(
        (WIDTH * stride, HEIGHT * stride), (WIDTH, HEIGHT), refinement=refinement
    )
    # Some joints lie off the map: their arg-max is at its border.
    x, y = random.uniform(-2, 26, (2, 2, 3, 1, 1))
    columns, rows = np.arange(WIDTH), np.arange(HEIGHT)[:, None]
    maps = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2 / sigma**2)
    maps = (maps + noise * random.random(maps.shape)).astype(np.float32)
    points, scores = codec.decode_batch(torch.from_numpy(maps))
    for index in np.ndindex(2, 3):
        *point, score = numpy_decode(maps[index].astype(np.float64), refinement)
        expected = np.multiply(point, stride)
        np.testing.assert_allclose(points[index], expected, rtol=0, atol=1e-4 * stride)
        assert scores[index] == score


@pytest.mark.parametrize('refinement', ['none', 'quarter', 'taylor'])
@settings(max_examples=50)
@given(
    maps=arrays(
        'float32',
        (1, 1, 5, 6),
        elements=st.floats(allow_nan=False, allow_infinity=False, width=32),
    )
)
def test_every_finite_map_decodes_inside_the_picture(refinement, maps):
    codec = GaussianConfidence((6, 5), (6, 5), refinement=refinement)
    points, scores = codec.decode_batch(torch.from_numpy(maps))
    assert ((points >= 0) & (points <= torch.tensor([5, 4]))).all()
    assert scores[0, 0] == maps.max()
