"""Figures are pure functions of their numbers, and what is said of them is true."""

import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phr_mmpose.datasets.figures import Figure, draw_figure
from phr_mmpose.datasets.joints import MPII_JOINTS

FIELDS = ('image', 'joints', 'annotated', 'visible', 'behind_object', 'head_box', 'box')


def same(first: Figure, second: Figure) -> bool:
    return first.activity == second.activity and all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in FIELDS
    )


def test_order_does_not_matter():
    forward = [draw_figure(3, index, 96) for index in range(6)]
    backward = [draw_figure(3, index, 96) for index in reversed(range(6))]
    assert all(map(same, forward, reversed(backward)))
    assert not same(forward[0], forward[1])


def test_another_process_draws_the_same():
    code = (
        'import zlib; from phr_mmpose.datasets.figures import draw_figure\n'
        'for i in (4, 1): print(zlib.crc32(draw_figure(8, i, 96).image))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    )
    # Importing the stack may print lines of its own before.
    sums = [int(line) for line in done.stdout.split()[-2:]]
    assert sums == [zlib.crc32(draw_figure(8, index, 96).image) for index in (4, 1)]


def test_seeds_give_other_figures():
    assert not same(draw_figure(0, 0, 64), draw_figure(1, 0, 64))


def test_occlusion_changes_only_the_objects():
    hidden = 0
    for index in range(25):
        bare, busy = draw_figure(5, index, 96, 0.0), draw_figure(5, index, 96, 0.4)
        assert np.array_equal(bare.joints, busy.joints)
        assert np.array_equal(bare.box, busy.box)
        assert not bare.behind_object.any()
        # Exact: a joint is visible if it was before and no object is there now.
        assert np.array_equal(busy.visible, bare.visible & ~busy.behind_object)
        column, row = np.rint(busy.joints[busy.behind_object]).astype(int).T
        change = np.abs(busy.image[row, column].astype(int) - bare.image[row, column])
        assert (change.sum(axis=-1) > 0).mean() > 0.9 if len(row) else True
        hidden += len(row)
    assert hidden > 50


@pytest.mark.parametrize('share', [0.1, 0.3])
def test_objects_hide_the_share_asked_for(share):
    figures = [draw_figure(2, index, 64, share) for index in range(120)]
    behind = sum(figure.behind_object.sum() for figure in figures)
    annotated = sum(figure.annotated.sum() for figure in figures)
    assert behind / annotated == pytest.approx(share, abs=0.035)


def test_a_picture_of_twice_the_size_shows_the_same_figure():
    small, large = draw_figure(6, 2, 80, 0.0), draw_figure(6, 2, 160, 0.0)
    np.testing.assert_allclose(
        (small.joints + 0.5) * 2 - 0.5, large.joints, rtol=0, atol=1e-3
    )


@settings(max_examples=60)
@given(seed=st.integers(0, 2**31), index=st.integers(0, 10**6))
def test_any_figure_is_sound(seed, index):
    figure = draw_figure(seed, index, 64, 0.2)
    assert figure.image.shape == (64, 64, 3) and figure.image.dtype == np.uint8
    # A picture, not a plain field.
    assert figure.image.std() > 3
    assert figure.joints.shape == (16, 2) and np.isfinite(figure.joints).all()
    within = ((np.rint(figure.joints) >= 0) & (np.rint(figure.joints) < 64)).all(axis=1)
    assert np.array_equal(figure.annotated, within)
    assert not (figure.visible & ~figure.annotated).any()
    assert not (figure.visible & figure.behind_object).any()
    x1, y1, x2, y2 = figure.head_box
    assert 2 < x2 - x1 < 20 and 2 < y2 - y1 < 20
    top = figure.joints[MPII_JOINTS.index('head_top')]
    assert x1 - 1 <= top[0] <= x2 + 1 and y1 - 1 <= top[1] <= y2 + 1
    x1, y1, x2, y2 = figure.box
    assert x2 - x1 == pytest.approx(y2 - y1, rel=1e-4)
    assert (figure.joints >= figure.box[:2] - 1e-3).all()
    assert (figure.joints <= figure.box[2:] + 1e-3).all()


def test_figures_fill_the_picture_and_vary():
    figures = [draw_figure(9, index, 64, 0.0) for index in range(100)]
    joints = np.stack([figure.joints for figure in figures]) / 64
    spans = (joints.max(axis=1) - joints.min(axis=1)).max(axis=1)
    assert spans.min() > 0.35 and 0.5 < spans.mean() < 0.9
    annotated = np.stack([figure.annotated for figure in figures])
    visible = np.stack([figure.visible for figure in figures])
    assert annotated.mean() > 0.98
    # The own body hides some joints.
    assert 0.85 < visible.sum() / annotated.sum() < 0.99
    assert len({figure.activity for figure in figures}) > 12
    assert np.std([figure.image.mean() for figure in figures]) > 15
    left = joints[:, MPII_JOINTS.index('left_shoulder'), 0]
    right = joints[:, MPII_JOINTS.index('right_shoulder'), 0]
    assert 0.7 < (left > right).mean() < 0.95
