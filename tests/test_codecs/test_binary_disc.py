import numpy as np
import pytest
import torch
from codec_reference import coordinates, persons, reference_maps
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from phr_mmpose.codecs import BinaryDisc
from phr_mmpose.utils.errors import UserError


def draw(keypoints, flags=None, size=(9, 7), **kwargs):
    """Draw joints; flags are [annotated, visible]."""
    codec = BinaryDisc(**{'input_size': size, 'heatmap_size': size, **kwargs})
    keypoints = np.array([keypoints], np.float64)
    flags = np.ones(keypoints.shape) if flags is None else np.array([flags])
    encoded = codec.encode(keypoints, flags.astype(np.float32))
    return encoded['heatmaps'], encoded['keypoint_weights']


def test_the_default_disc_holds_a_pixel_on_the_smallest_heatmaps():
    """Else a visible joint's map would be a hidden one's."""
    codec = BinaryDisc((64, 64), (16, 16))
    # Between four pixels' centres.
    corner = codec.to_input(torch.tensor([[3.5, 7.5]]))
    maps, _ = draw(corner.tolist(), input_size=(64, 64), heatmap_size=(16, 16))
    assert maps.sum() == 4
    assert BinaryDisc((64, 64), (64, 64)).radius == 2.5


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
def test_a_batch_equals_its_samples_and_plain_loops(device, dtype):
    codec = BinaryDisc((32, 24), (16, 12), radius=2.25)
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
        np.testing.assert_array_equal(weights[index].cpu(), annotated[index])
        np.testing.assert_array_equal(encoded['keypoint_weights'][0], annotated[index])


CODEC = BinaryDisc((48, 40), (48, 40), radius=3.75)


@given(x=coordinates(0, 47), y=coordinates(0, 39))
@settings(max_examples=100)
def test_decoding_finds_the_centre_also_of_a_cut_disc(x, y):
    encoded = CODEC.encode(np.array([[[x, y]]], np.float32))
    keypoints, scores = CODEC.decode(encoded['heatmaps'])
    assert keypoints.shape == (1, 1, 2) and scores.shape == (1, 1)
    # Discs cover whole pixels only, so their place is known to half of one.
    np.testing.assert_allclose(keypoints[0, 0], [x, y], atol=0.55)
    assert scores[0, 0] == 1


@given(x=st.integers(0, 95), y=st.integers(0, 95))
@settings(max_examples=60)
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


SIZES = {
    'full': ((96, 64), (96, 64)),
    'half': ((96, 128), (48, 64)),
    'quarter': ((256, 256), (64, 64)),
}


@pytest.mark.parametrize('size', SIZES)
@settings(max_examples=100)
@given(
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    outside=st.sampled_from([0, -6, 3]),
    exponent=st.floats(-7, 0),
)
# The four corners cut a disc the most.
@example(x=0.0, y=0.0, outside=0, exponent=-7.0)
@example(x=1.0, y=0.0, outside=-6, exponent=0.0)
@example(x=0.003, y=0.993, outside=0, exponent=-5.0)
def test_a_disc_of_any_height_is_found_to_half_a_cell(size, x, y, outside, exponent):
    input_size, heatmap_size = SIZES[size]
    codec = BinaryDisc(input_size, heatmap_size)
    width, height = heatmap_size
    point = np.array([x * (width - 1), y * (height - 1)]) * codec.stride
    disc = torch.from_numpy(codec.encode(point[None, None])['heatmaps'])
    # Faint probabilities, or logits: -1 in the disc and -6 outside, or 8 and 3.
    inside = outside + 5 if outside else 10**exponent
    maps = torch.where(disc > 0, inside, float(outside))
    keypoints, scores = codec.decode_batch(maps[None])
    within = codec.stride / 2
    np.testing.assert_allclose(keypoints[0, 0], point, rtol=0, atol=within)
    assert scores[0, 0] == maps.max()


def blob(seed):
    """A soft blob amid noise (1, 1, 40, 48), and where it is."""
    random = np.random.default_rng(seed)
    x, y = random.uniform([0, 0], [47, 39])
    rows, columns = np.mgrid[:40, :48]
    maps = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18)
    return torch.tensor(maps + random.uniform(0, 0.1, maps.shape))[None, None]


@settings(max_examples=60)
@given(seed=st.integers(0, 2**16), exponent=st.floats(-30, 30), offset=st.floats(-9, 9))
def test_neither_scale_nor_offset_moves_a_keypoint(seed, exponent, offset):
    maps = blob(seed)
    expected, _ = CODEC.decode_batch(maps)
    scale = 10**exponent
    changed = (maps + offset) * scale
    keypoints, scores = CODEC.decode_batch(changed)
    # An eighth of a pixel is the finest step; rounding may decide for its neighbour.
    np.testing.assert_allclose(keypoints, expected, rtol=0, atol=0.125)
    # The score stays a value of the map.
    assert (changed.float() == scores).any()


@pytest.mark.parametrize(
    'dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64]
)
def test_half_and_double_maps_decode_as_single_ones(dtype):
    maps, _ = CODEC.encode_batch(torch.tensor([[[30.0, 11], [2, 38]]]))
    expected, _ = CODEC.decode_batch(maps)
    for faint in (1, 1e-3, 1e-7):
        keypoints, scores = CODEC.decode_batch((maps * faint).to(dtype))
        assert torch.equal(keypoints, expected)
        assert scores.dtype == keypoints.dtype == torch.float32
        np.testing.assert_allclose(scores, [[faint] * 2], rtol=0.2)


FLAT = [0.0, 1.0, -1.0, -6.0, 1e-7, 1e30, -1e30, 1e-30, 3.4e38, -3.4e38, 1e-45]


@pytest.mark.parametrize('level', FLAT)
def test_a_constant_map_decodes_to_its_first_pixel(level):
    maps = torch.full((1, 2, 40, 48), level)
    keypoints, scores = CODEC.decode_batch(maps)
    assert keypoints.tolist() == [[[0, 0]] * 2]
    assert torch.equal(scores, maps[:, :, 0, 0])


@settings(max_examples=100)
@given(
    maps=st.sampled_from(['float16', 'float32', 'float64']).flatmap(
        lambda dtype: arrays(
            dtype,
            (1, 1, 9, 11),
            elements=st.floats(
                allow_nan=False, allow_infinity=False, width=int(dtype[5:])
            ),
        )
    ),
    radius=st.sampled_from([0.4, 1, 2.5, 20]),
)
def test_every_finite_map_decodes_to_finite_keypoints(maps, radius):
    codec = BinaryDisc((11, 9), (11, 9), radius=radius)
    keypoints, scores = codec.decode_batch(torch.from_numpy(maps))
    assert torch.isfinite(keypoints).all() and torch.isfinite(scores).all()
    # The finer fit moves it by a pixel at most.
    assert ((keypoints >= -1) & (keypoints <= torch.tensor([11, 9]))).all()


def test_a_map_of_both_extremes_has_its_disc_found():
    disc = CODEC.encode(np.array([[[30, 11]]], np.float32))['heatmaps']
    for low, high in [(-3.4e38, 3.4e38), (-1e30, -1e-30), (0, 1e-38), (-1e300, 1e300)]:
        keypoints, _ = CODEC.decode_batch(
            torch.from_numpy(np.where(disc > 0, high, low))[None]
        )
        assert keypoints.tolist() == [[[30, 11]]]


def test_a_cut_disc_is_found_on_a_noisy_background():
    # A background above the map's minimum must not draw the fit to the middle,
    # where more pixels count.
    random = np.random.default_rng(0)
    disc = CODEC.encode(np.array([[[0, 39]]], np.float32))['heatmaps']
    maps = 5 * disc - 6 + random.normal(0, 1, disc.shape).astype(np.float32)
    maps[0, 20, 20] = -30
    keypoints, _ = CODEC.decode(maps)
    np.testing.assert_allclose(keypoints[0, 0], [0, 39], atol=1)


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


class TestVisibility:
    """Stride 4 and radius 2 heatmap pixels: a disc of 13 pixels."""

    codec = BinaryDisc((64, 64), (16, 16), radius=2)

    def read(self, heatmap, *keypoint):
        point = torch.tensor([[keypoint]], dtype=torch.float32)
        return self.codec.visibility(heatmap[None, None], point).item()

    def test_it_is_the_largest_value_within_the_disc_at_the_keypoint(self):
        heatmap = torch.zeros(16, 16)
        heatmap[7, 5] = 0.75  # Row 7, column 5: (20, 28) in the input.
        assert self.read(heatmap, 20, 28) == 0.75
        assert self.read(heatmap, 28, 28) == 0.75  # Two columns off.
        assert self.read(heatmap, 24, 32) == 0.75  # One column and one row.
        assert self.read(heatmap, 28, 36) == 0  # Two and two: outside the disc.
        assert self.read(heatmap, 32, 28) == 0  # Three columns.
        # 1.75 input pixels are less than half a heatmap pixel, 2.25 more.
        assert self.read(heatmap, 29.75, 28) == 0.75
        assert self.read(heatmap, 30.25, 28) == 0

    @pytest.mark.parametrize(('width', 'height'), [(16, 8), (8, 16)])
    def test_heatmaps_need_not_be_square(self, width, height):
        codec = BinaryDisc((4 * width, 4 * height), (width, height), radius=2)
        # Near the lower right corner, beyond the shorter side.
        heatmap = torch.zeros(1, 1, height, width)
        heatmap[0, 0, height - 2, width - 3] = 0.75
        point = 4 * torch.tensor([[[width - 3.0, height - 2.0]]])
        assert codec.visibility(heatmap, point) == 0.75
        assert codec.visibility(heatmap, point.flip(-1)) == 0

    @pytest.mark.parametrize('point', [(0, 0), (-300, -5), (1, -1e6)])
    def test_outside_the_heatmap_the_nearest_pixels_count(self, point):
        heatmap = torch.zeros(16, 16)
        heatmap[0, 0] = 0.5
        assert self.read(heatmap, *point) == 0.5

    def test_fitted_weights_make_it_a_logistic_function(self):
        heatmap = torch.zeros(2, 16, 16)
        heatmap[0, 7, 5] = heatmap[0, 0, 15] = 0.75  # 1.5 pixels of a disc of 13.
        point = torch.tensor([[[20.0, 28.0]] * 2])
        peak, mass = self.codec.visibility_signs(heatmap[None], point)
        torch.testing.assert_close(peak, torch.tensor([[0.75, 0.0]]))
        torch.testing.assert_close(mass, torch.tensor([[1.5 / 13, 0.0]]))
        weights = dict(peak=2.0, mass=0.5, bias=[0.25, 1.0])
        codec = BinaryDisc((64, 64), (16, 16), radius=2, visibility=weights)
        found = codec.visibility(heatmap[None], point)[0]
        # Logit of 0.75 is log 3; of 0 that of 1e-4 counts.
        expected = [
            2 * np.log(3) + 0.5 * 1.5 / 13 + 0.25,
            2 * np.log(1e-4 / (1 - 1e-4)) + 1,
        ]
        np.testing.assert_allclose(found, 1 / (1 + np.exp(-np.array(expected))), 1e-5)
        with pytest.raises(UserError, match='peak, mass and bias'):
            BinaryDisc((64, 64), (16, 16), visibility=dict(peak=1))

    @pytest.mark.parametrize(('level', 'expected'), [(1.3, 1), (-0.2, 0)])
    def test_a_confidence_beyond_the_range_is_brought_into_it(self, level, expected):
        assert self.read(torch.full((16, 16), level), 8.0, 8.0) == expected

    def test_what_is_no_number_stays_none_and_breaks_nothing(self):
        heatmap = torch.full((16, 16), torch.nan)
        assert np.isnan(self.read(heatmap, torch.nan, torch.nan))

    @settings(max_examples=50)
    @given(st.integers(0, 2**32))
    def test_targets_tell_visible_from_hidden_joints(self, seed):
        random = np.random.default_rng(seed)
        keypoints = torch.from_numpy(random.uniform(0, 63, (2, 5, 2))).float()
        annotated = torch.ones(2, 5)
        visible = torch.from_numpy(random.integers(0, 2, (2, 5)))
        targets, _ = self.codec.encode_batch(keypoints, annotated, visible)
        read = self.codec.visibility(targets, keypoints)
        assert torch.equal(read, visible.float())
