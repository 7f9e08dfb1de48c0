import numpy as np
import pytest
import torch
from codec_reference import coordinates, persons, reference_maps
from hypothesis import given, settings
from hypothesis import strategies as st

from phr_mmpose.codecs import BinaryDisc
from phr_mmpose.utils.errors import UserError


def draw(keypoints, flags=None, size=(9, 7), **kwargs):
    """Draw joints; flags are [annotated, visible]."""
    codec = BinaryDisc(**{'input_size': size, 'heatmap_size': size, **kwargs})
    keypoints = np.array([keypoints], np.float64)
    flags = np.ones(keypoints.shape) if flags is None else np.array([flags])
    encoded = codec.encode(keypoints, flags.astype(np.float32))
    return encoded['heatmaps'], encoded['keypoint_weights']


def test_a_cross_of_radius_1():
    maps, weights = draw([[4, 3]], radius=1)
    expected = np.zeros((7, 9))
    expected[2:5, 3:6] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    assert maps.dtype == np.float32
    assert maps.tolist() == [expected.tolist()]
    assert weights.tolist() == [[1]]


def test_a_square_of_3x3():
    maps, _ = draw([[4, 3]], radius=1.5)
    expected = np.zeros((7, 9))
    expected[2:5, 3:6] = 1
    assert maps[0].tolist() == expected.tolist()


def test_a_disc_of_5x5():
    maps, _ = draw([[4, 3]], radius=2)
    expected = np.zeros((7, 9))
    expected[1:6, 2:7] = [
        [0, 0, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 0, 0],
    ]
    assert maps[0].tolist() == expected.tolist()


def test_the_corner_cuts_a_disc():
    maps, weights = draw([[0, 6]], radius=1)
    expected = np.zeros((7, 9))
    expected[5, 0] = expected[6, 0] = expected[6, 1] = 1
    assert maps[0].tolist() == expected.tolist()
    assert weights.tolist() == [[1]]


def test_a_centre_between_pixels_is_not_rounded():
    maps, _ = draw([[4.5, 3]], radius=1)
    # 0.5 away left and right; up and down sqrt(1.25) > 1.
    assert np.argwhere(maps[0]).tolist() == [[3, 4], [3, 5]]
    maps, _ = draw([[4.5, 3.5]], radius=1)
    assert np.argwhere(maps[0]).tolist() == [[3, 4], [3, 5], [4, 4], [4, 5]]


def test_the_rim_belongs_to_the_disc():
    size = (16, 16)
    maps, _ = draw([[8, 8]], size=size, radius=5)
    # 3-4-5: exactly 5 px away; (4, 4) is 5.66 px away.
    assert maps[0, 8 + 4, 8 + 3] == maps[0, 8 - 3, 8 - 4] == maps[0, 8, 13] == 1
    assert maps[0, 8 + 4, 8 + 4] == maps[0, 8, 14] == 0
    smaller, _ = draw([[8, 8]], size=size, radius=4.999)
    assert smaller[0, 8 + 4, 8 + 3] == 0


def test_stride_4():
    maps, _ = draw(
        [[16, 12], [18, 12]], input_size=(36, 28), heatmap_size=(9, 7), radius=1
    )
    assert np.argwhere(maps[0]).tolist() == [[2, 4], [3, 3], [3, 4], [3, 5], [4, 4]]
    # 18 / 4 lies between two pixels.
    assert np.argwhere(maps[1]).tolist() == [[3, 4], [3, 5]]


def test_the_paper_s_radius_scales_with_the_maps():
    assert BinaryDisc((256, 256), (256, 256)).radius == 10
    assert BinaryDisc((256, 256), (64, 64)).radius == 2.5
    assert BinaryDisc((96, 96), (48, 48)).radius == 1.875
    assert BinaryDisc((192, 256), (192, 256)).radius == 10
    maps, _ = draw([[128, 128]], size=(256, 256))
    # The number of whole points in a circle of radius 10 (Gauss's circle problem).
    assert maps.sum() == 317


JOINTS = [[4, 3], [4, 3], [np.nan, -1], [1, 1]]
FLAGS = [[1, 1], [1, 0], [0, 0], [0, 1]]


def test_an_occluded_joint_is_absent_and_what_is_not_annotated_weighs_nothing():
    maps, weights = draw(JOINTS, FLAGS, radius=1)
    assert maps.sum(axis=(1, 2)).tolist() == [5, 0, 0, 0]
    assert weights.tolist() == [[1, 1, 0, 0]]


def test_an_occluded_joint_can_be_ignored():
    maps, weights = draw(JOINTS, FLAGS, radius=1, occluded='ignore')
    assert maps.sum(axis=(1, 2)).tolist() == [5, 0, 0, 0]
    assert weights.tolist() == [[1, 0, 0, 0]]


def test_a_joint_off_the_picture_is_absent():
    maps, weights = draw([[40, 3], [-2, 3], [-1, 3]], radius=1)
    assert maps.sum(axis=(1, 2)).tolist() == [0, 0, 1]
    assert weights.tolist() == [[1, 1, 1]]


def test_without_flags_every_joint_is_visible():
    codec = BinaryDisc((9, 7), (9, 7), radius=1)
    keypoints = np.array([[[4, 3], [2, 2]]], np.float32)
    encoded = codec.encode(keypoints)
    assert encoded['heatmaps'].sum(axis=(1, 2)).tolist() == [5, 5]
    assert encoded['keypoint_weights'].tolist() == [[1, 1]]
    # One flag, as stock data sets give it, means annotated.
    encoded = codec.encode(keypoints, np.array([[1, 0]], np.float32))
    assert encoded['heatmaps'].sum(axis=(1, 2)).tolist() == [5, 0]
    assert encoded['keypoint_weights'].tolist() == [[1, 0]]


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('occluded', ['zero', 'ignore'])
def test_a_batch_equals_its_samples_and_plain_loops(device, dtype, occluded):
    codec = BinaryDisc((32, 24), (16, 12), radius=2.25, occluded=occluded)
    keypoints, annotated, visible = persons(count=5, parts=4, side=28)
    maps, weights = codec.encode_batch(
        torch.from_numpy(keypoints).to(device, dtype),
        torch.from_numpy(annotated).to(device),
        torch.from_numpy(visible).to(device),
    )
    assert maps.shape == (5, 4, 12, 16) and maps.dtype == torch.float32
    assert maps.device.type == weights.device.type == device
    flags = torch.from_numpy(np.stack([annotated, visible], axis=-1)).to(device)
    both = codec.encode_batch(torch.from_numpy(keypoints).to(device, dtype), flags)
    assert torch.equal(both[0], maps) and torch.equal(both[1], weights)
    for index in range(5):
        expected = reference_maps(
            lambda squared: squared <= 2.25**2,
            keypoints[index],
            visible[index] > 0,
            (16, 12),
            2,
        )
        np.testing.assert_allclose(maps[index].cpu(), expected, atol=1e-6)
        flags = np.stack((annotated, visible), axis=-1)[index]
        encoded = codec.encode(keypoints[index : index + 1], flags[None])
        np.testing.assert_allclose(maps[index].cpu(), encoded['heatmaps'], atol=1e-6)
        expected = annotated if occluded == 'zero' else visible
        np.testing.assert_array_equal(weights[index].cpu(), expected[index])
        np.testing.assert_array_equal(encoded['keypoint_weights'][0], expected[index])


CODEC = BinaryDisc((48, 40), (48, 40), radius=3.75)


@given(x=coordinates(0, 47), y=coordinates(0, 39))
@settings(max_examples=100, deadline=None)
def test_decoding_finds_the_centre_also_of_a_cut_disc(x, y):
    encoded = CODEC.encode(np.array([[[x, y]]], np.float32))
    keypoints, scores = CODEC.decode(encoded['heatmaps'])
    assert keypoints.shape == (1, 1, 2) and scores.shape == (1, 1)
    # Discs cover whole pixels only, so their place is known to half of one.
    np.testing.assert_allclose(keypoints[0, 0], [x, y], atol=0.55)
    assert scores[0, 0] == 1


@given(x=st.integers(0, 95), y=st.integers(0, 95))
@settings(max_examples=60, deadline=None)
def test_decoding_at_half_resolution(x, y):
    codec = BinaryDisc((96, 96), (48, 48))
    encoded = codec.encode(np.array([[[x, y]]], np.float32))
    keypoints, _ = codec.decode(encoded['heatmaps'])
    np.testing.assert_allclose(keypoints[0, 0], [x, y], atol=2 * 0.55)


def test_decoding_finds_a_faint_blob_amid_noise():
    # A detector's answer to an occluded joint: low, soft, far from 1; a fit that
    # counted pixels below 0.5 against a disc would flee to a corner.
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:40, :48]
    blob = 0.1 * np.exp(-((columns - 30) ** 2 + (rows - 11) ** 2) / 18)
    maps = (blob + random.uniform(0, 0.01, blob.shape)).astype(np.float32)
    keypoints, scores = CODEC.decode(maps[None])
    np.testing.assert_allclose(keypoints[0, 0], [30, 11], atol=0.5)
    assert 0.09 < scores[0, 0] < 0.12


def test_decoding_a_batch():
    points = torch.tensor([[[3.0, 4], [30, 20]], [[47, 0], [10, 39]]])
    maps, _ = CODEC.encode_batch(points, torch.ones(2, 2))
    keypoints, scores = CODEC.batch_decode(maps.requires_grad_())
    assert [k.shape for k in keypoints] == [(1, 2, 2)] * 2
    np.testing.assert_allclose(np.concatenate(keypoints), points, atol=0.2)
    assert np.concatenate(scores).tolist() == [[1, 1], [1, 1]]


def test_an_empty_map_decodes_inside_the_picture_without_confidence():
    keypoints, scores = CODEC.decode(np.zeros((2, 40, 48), np.float32))
    assert scores.tolist() == [[0, 0]]
    assert ((keypoints >= 0) & (keypoints <= [47, 39])).all()


@pytest.mark.parametrize(
    'arguments, words',
    [
        (dict(radius=0), 'radius must be positive'),
        (dict(radius=-1), 'radius must be positive'),
        (dict(radius=float('nan')), 'radius must be positive'),
        (dict(occluded='half'), "occluded must be 'zero' or 'ignore'"),
        (dict(heatmap_size=(65, 64)), 'does not fit input_size'),
        (dict(heatmap_size=(64, 32)), 'does not fit input_size'),
        (dict(heatmap_size=(512, 512)), 'does not fit input_size'),
        (dict(input_size=256), 'input_size must be'),
        (dict(heatmap_size=(64, 64, 64)), 'heatmap_size must be'),
        (dict(heatmap_size=(0, 0)), 'heatmap_size must be'),
        (dict(input_size=(256.0, 256.0)), 'input_size must be'),
    ],
)
def test_bad_arguments_get_one_line(arguments, words):
    sizes = dict(input_size=(256, 256), heatmap_size=(256, 256))
    with pytest.raises(UserError, match=words) as error:
        BinaryDisc(**{**sizes, **arguments})
    assert '\n' not in str(error.value)


def test_two_persons_in_one_map_are_refused():
    with pytest.raises(UserError, match='one person per map, got 2'):
        CODEC.encode(np.zeros((2, 16, 2)))
