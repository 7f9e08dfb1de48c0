"""Projection: what is near is large, the person's left is on the right."""

import numpy as np
import pytest

from phr_mmpose.datasets.figures.camera import Camera


def test_the_origin_lies_at_the_offset():
    camera = Camera(distance=4, tilt=0.2, scale=100, offset=(30, 50))
    place, scale = camera.project(np.zeros((1, 3)))
    assert place[0] == pytest.approx([30, 50, 0])
    assert scale[0] == pytest.approx(100)


def test_axes_of_a_level_camera():
    camera = Camera(distance=4, tilt=0, scale=100)
    place, _ = camera.project(np.eye(3) * 0.5)
    assert place[0] == pytest.approx([50, 0, 0])
    assert place[1] == pytest.approx([0, -50, 0])
    # Half a body height nearer: 4 / 3.5 times larger.
    assert place[2] == pytest.approx([0, 0, -50])
    near, scale = camera.project(np.array([[0.1, 0, 0.5]]))
    assert scale[0] == pytest.approx(100 * 4 / 3.5)
    assert near[0, 0] == pytest.approx(10 * 4 / 3.5)


def test_looking_down_moves_near_ground_down():
    camera = Camera(distance=4, tilt=0.2, scale=100)
    (near, far), _ = camera.project(np.array([[0, 0, 0.3], [0, 0, -0.3]]))
    assert near[1] > 0 > far[1]
