"""Noise fields and patterns."""

import random

import numpy as np
import pytest

from phr_mmpose.datasets.figures.textures import (
    FIELD,
    blend,
    noise_fields,
    noise_window,
    paint,
    pattern_mask,
    random_colour,
    spread,
)


@pytest.mark.parametrize('name', sorted(noise_fields()))
def test_fields_repeat_without_a_seam(name):
    field = noise_fields()[name]
    assert field.shape == (2 * FIELD, 2 * FIELD)
    assert (field[:FIELD, :FIELD] == field[FIELD:, FIELD:]).all()
    assert abs(field.mean()) < 0.05
    with pytest.raises(ValueError):
        field[0, 0] = 1


@pytest.mark.parametrize('height, width', [(7, 9), (160, 160), (300, 40), (1024, 1024)])
def test_windows_have_the_size_asked_for(height, width):
    window = noise_window(random.Random(1), 'grain', height, width)
    assert window.shape == (height, width)
    assert window.std() > 0


def test_surfaces_mix_colours():
    shade = np.array([[0, 0.5], [1, 2]], np.float32)
    first, second = (
        np.array([10, 20, 30], np.float32),
        np.array([0, 40, 90], np.float32),
    )
    assert spread(shade)[1, 1].tolist() == [2, 2, 2]
    assert paint(shade, first)[0, 1].tolist() == [5, 10, 15]
    assert blend(shade, first, second)[0, 0].tolist() == [10, 20, 30]
    assert blend(shade, first, second)[1, 0].tolist() == [0, 40, 90]


def test_patterns_and_colours_stay_in_range():
    rng = random.Random(2)
    for _ in range(200):
        mask = pattern_mask(rng, 20, 30)
        assert mask.shape == (20, 30) and mask.dtype == np.float32
        assert mask.min() >= 0 and mask.max() <= 1
        colour = random_colour(rng, (0.2, 0.6), (0.4, 0.8))
        assert 0.4 * 255 - 1e-3 <= colour.max() <= 0.8 * 255 + 1e-3
        assert colour.min() >= 0.39 * colour.max()
