import math

import numpy as np
import pytest
import torch
from codec_reference import coordinates, persons, reference_maps
from hypothesis import given, settings

from phr_mmpose.codecs import GaussianConfidence
from phr_mmpose.utils.errors import UserError


def draw(keypoints, flags=None, size=(9, 7), **kwargs):
    """Draw joints; flags are [annotated, visible]."""
    codec = GaussianConfidence(**{'input_size': size, 'heatmap_size': size, **kwargs})
    keypoints = np.array([keypoints], np.float64)
    flags = np.ones(keypoints.shape) if flags is None else np.array([flags])
    encoded = codec.encode(keypoints, flags.astype(np.float32))
    return encoded['heatmaps'], encoded['keypoint_weights']


def test_values_by_hand():
    maps, weights = draw([[4, 3]], sigma=2)
    assert maps.dtype == np.float32
    assert maps[0, 3, 4] == 1
    assert maps[0, 3, 6] == pytest.approx(math.exp(-0.5))  # one sigma
    assert maps[0, 5, 6] == pytest.approx(math.exp(-1))
    assert maps[0, 0, 4] == pytest.approx(math.exp(-9 / 8))
    # Not cut off anywhere.
    assert maps[0, 0, 0] == pytest.approx(math.exp(-25 / 8))
    assert weights.tolist() == [[1]]


def test_a_centre_between_pixels_is_not_rounded():
    maps, _ = draw([[4.5, 3]], sigma=1)
    assert maps[0, 3, 4] == maps[0, 3, 5] == pytest.approx(math.exp(-1 / 8))


def test_stride_4():
    maps, _ = draw([[18, 12]], input_size=(36, 28), heatmap_size=(9, 7), sigma=1)
    assert maps[0, 3, 4] == maps[0, 3, 5] == pytest.approx(math.exp(-1 / 8))


def test_the_paper_s_sigma_scales_with_the_maps():
    assert GaussianConfidence((256, 256), (256, 256)).sigma == 5
    assert GaussianConfidence((256, 256), (64, 64)).sigma == 1.25
    assert GaussianConfidence((96, 96), (48, 48)).sigma == 0.9375


def test_occluded_joints_are_drawn_and_others_weigh_nothing():
    maps, weights = draw(
        [[4, 3], [4, 3], [np.nan, -1], [-1, -1]],
        [[1, 1], [1, 0], [0, 0], [0, 1]],
        sigma=1,
    )
    np.testing.assert_array_equal(maps[0], maps[1])
    assert maps[1, 3, 4] == 1
    assert not maps[2:].any()
    assert weights.tolist() == [[1, 1, 0, 0]]


def test_a_joint_off_the_picture_weighs_nothing_beyond_three_sigma():
    maps, weights = draw([[-3, 3], [-3.01, 3], [8, 9], [8, 9.01]], sigma=1)
    assert weights.tolist() == [[1, 0, 1, 0]]
    assert maps[0, 3, 0] == pytest.approx(math.exp(-4.5))
    assert not maps[1].any() and not maps[3].any()


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_a_batch_equals_its_samples_and_plain_loops(device, dtype):
    codec = GaussianConfidence((32, 24), (16, 12), sigma=1.7)
    keypoints, annotated, visible = persons(count=5, parts=4, side=28)
    maps, weights = codec.encode_batch(
        torch.from_numpy(keypoints).to(device, dtype),
        torch.from_numpy(annotated).to(device),
        torch.from_numpy(visible).to(device),
    )
    assert maps.shape == (5, 4, 12, 16) and maps.dtype == torch.float32
    assert maps.device.type == weights.device.type == device
    assert 0 < weights.sum() < annotated.sum()  # some are too far off
    for index in range(5):
        present = weights[index].cpu().numpy() > 0
        assert (present <= (annotated[index] > 0)).all()
        expected = reference_maps(
            lambda squared: math.exp(-squared / (2 * 1.7**2)),
            keypoints[index],
            present,
            (16, 12),
            2,
        )
        np.testing.assert_allclose(maps[index].cpu(), expected, atol=1e-6)
        flags = np.stack((annotated, visible), axis=-1)[index]
        encoded = codec.encode(keypoints[index : index + 1], flags[None])
        np.testing.assert_allclose(maps[index].cpu(), encoded['heatmaps'], atol=1e-6)
        np.testing.assert_array_equal(encoded['keypoint_weights'][0], present)


def decode(x, y, size=(48, 40), **kwargs):
    codec = GaussianConfidence(size, size, **kwargs)
    encoded = codec.encode(np.array([[[x, y]]], np.float32))
    keypoints, scores = codec.decode(encoded['heatmaps'])
    assert keypoints.shape == (1, 1, 2) and scores.shape == (1, 1)
    assert 0 < scores[0, 0] <= 1
    return keypoints[0, 0]


anywhere = dict(x=coordinates(0, 47), y=coordinates(0, 39))


@given(**anywhere)
@settings(max_examples=50)
def test_the_arg_max_is_within_half_a_pixel(x, y):
    np.testing.assert_allclose(decode(x, y, sigma=1.5), [x, y], atol=0.5 + 1e-3)


@given(**anywhere)
@settings(max_examples=50)
def test_the_quarter_offset_is_within_half_a_pixel(x, y):
    keypoint = decode(x, y, sigma=1.5, refinement='quarter')
    np.testing.assert_allclose(keypoint, [x, y], atol=0.5 + 1e-3)


# From the second pixel on, so that the arg-max has neighbours on all sides.
@given(x=coordinates(0.5625, 46.4375), y=coordinates(0.5625, 38.4375))
@settings(max_examples=100)
def test_the_taylor_expansion_is_exact_on_a_gaussian(x, y):
    for sigma in (0.9375, 1.5, 5):
        keypoint = decode(x, y, sigma=sigma, refinement='taylor')
        np.testing.assert_allclose(keypoint, [x, y], atol=0.05)


def test_refinements_by_hand():
    # Along the row 0.5, 0.9, 0.6; along the column 0.2, 0.9, 0.2.
    maps = np.zeros((1, 5, 5), np.float32)
    maps[0, 2, 1:4] = [0.5, 0.9, 0.6]
    maps[0, [1, 3], 2] = 0.2
    for refinement, expected in dict(none=[2, 2], quarter=[2.25, 2]).items():
        codec = GaussianConfidence((20, 20), (5, 5), refinement=refinement)
        keypoints, scores = codec.decode(maps)
        np.testing.assert_allclose(keypoints[0, 0], np.array(expected) * 4)
        assert scores[0, 0] == np.float32(0.9)


@pytest.mark.parametrize('refinement', ['none', 'quarter', 'taylor'])
@pytest.mark.parametrize('value', [0, 0.5, -1])
def test_a_flat_map_decodes_inside_the_picture(refinement, value):
    codec = GaussianConfidence((16, 16), (8, 8), refinement=refinement)
    keypoints, scores = codec.decode(np.full((1, 8, 8), value, np.float32))
    assert ((keypoints >= 0) & (keypoints <= 14)).all()
    assert scores.tolist() == [[value]]


@pytest.mark.parametrize('refinement', ['none', 'quarter', 'taylor'])
@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_what_is_no_number_decodes_to_pixels(refinement, value):
    codec = GaussianConfidence((16, 16), (8, 8), refinement=refinement)
    maps = np.zeros((2, 8, 8), np.float32)
    maps[0], maps[1, 3:5, 3:5] = value, value
    keypoints, _ = codec.decode(maps)
    assert ((keypoints >= 0) & (keypoints <= 14)).all()


def test_a_peak_on_the_border_is_not_refined():
    for refinement in ('quarter', 'taylor'):
        assert decode(0, 20.3, sigma=1.5, refinement=refinement).tolist() == [0, 20]


def test_decoding_reads_any_layout_of_memory():
    codec = GaussianConfidence((16, 16), (16, 16), sigma=2)
    maps = codec.encode(np.array([[[3, 5]]], np.float32))['heatmaps'][:, :, ::-1]
    assert codec.decode(maps)[0].tolist() == [[[12, 5]]]


@pytest.mark.parametrize(
    'arguments, words',
    [
        (dict(sigma=0), 'sigma must be positive'),
        (dict(sigma=float('nan')), 'sigma must be positive'),
        (dict(refinement='cubic'), 'refinement must be one of'),
        (dict(heatmap_size=(100, 100)), 'does not fit input_size'),
    ],
)
def test_bad_arguments_get_one_line(arguments, words):
    sizes = dict(input_size=(256, 256), heatmap_size=(256, 256))
    with pytest.raises(UserError, match=words) as error:
        GaussianConfidence(**{**sizes, **arguments})
    assert '\n' not in str(error.value)
