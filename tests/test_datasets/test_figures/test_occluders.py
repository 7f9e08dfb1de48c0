"""Objects hide the share of joints that they are asked to."""

import random

import numpy as np
import pytest

from phr_mmpose.datasets.figures.occluders import draw_occluders

SIZE = 96


def scene(number: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    joints = np.random.default_rng(seed).uniform(10, SIZE - 11, (number, 2))
    return np.full((SIZE, SIZE, 3), 120, np.float32), joints


def test_no_share_leaves_the_picture_alone():
    picture, joints = scene()
    for seed in range(20):
        assert not draw_occluders(random.Random(seed), picture, joints, 0).any()
    assert (picture == 120).all()


def test_no_joint_in_the_picture_needs_no_object():
    picture, _ = scene()
    assert not draw_occluders(random.Random(0), picture, np.empty((0, 2)), 0.9).any()


def test_an_object_covers_the_forced_joint():
    covered = 0
    for seed in range(30):
        picture, joints = scene(1, seed)
        objects = draw_occluders(random.Random(seed), picture, joints, 1.0)
        column, row = np.rint(joints[0]).astype(int)
        if objects[row, column]:
            covered += 1
            assert np.abs(picture[row, column] - 120).max() > 0
        # Pixels of no object are only shaded, or mixed with a border.
        assert np.isfinite(picture).all()
    # The factor's mean is 1, a sixth of the pictures has no object.
    assert covered >= 20


@pytest.mark.parametrize('share', [0.1, 0.2, 0.3])
def test_the_share_is_kept_on_average(share):
    hidden = []
    for seed in range(250):
        picture, joints = scene(16, seed)
        objects = draw_occluders(random.Random(seed), picture, joints, share)
        column, row = np.rint(joints).astype(int).T
        hidden.append(objects[row, column].mean())
    assert np.mean(hidden) == pytest.approx(share, abs=0.03)
    assert min(hidden) == 0 and max(hidden) > share
