import cv2
import numpy as np
import pytest
from photo_samples import as_jpeg, smooth_photo

from phr_mmpose.datasets.photos import decode_photo
from phr_mmpose.datasets.pixel_grid import PixelGrid
from phr_mmpose.datasets.reduced_photos import choose_reduction, decode_reduced
from phr_mmpose.utils.errors import UserError


@pytest.mark.parametrize(
    ('density', 'reduction'),
    [(0.5, 1), (1.99, 1), (2, 2), (3.99, 2), (4, 4), (7.9, 4), (8, 8), (100, 8)],
)
def test_a_reduction_never_leaves_fewer_pixels_than_the_crop(density, reduction):
    assert choose_reduction(density) == reduction


def centroid(image):
    """Centre of mass of a bright spot on black."""
    weights = image.astype(np.float64).sum(axis=2)
    rows, columns = np.indices(weights.shape)
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


@pytest.mark.parametrize('size', [(200, 152), (203, 145), (193, 157)])
@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('reduction', [2, 4, 8])
def test_the_grid_says_where_a_spot_lies(size, orientation, reduction):
    """Every side's remainder, every orientation: a spot's centre is found again."""
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    spot = 255 * np.exp(-((columns - 83.3) ** 2 + (rows - 60.8) ** 2) / (2 * 12.0**2))
    image = np.repeat(spot[..., None], 3, axis=2).astype(np.uint8)
    content = as_jpeg(image, 100, orientation)
    full = decode_photo(content, 'x')
    small, grid, shape = decode_reduced(content, 'x', reduction)
    assert shape == full.shape[:2]
    expected = [-(-side // reduction) for side in shape]
    assert list(small.shape[:2]) == expected
    found = centroid(small) * [grid.scale_x, grid.scale_y]
    found += [grid.offset_x, grid.offset_y]
    # The spot is symmetric; what is left are the roundings to 8 bits.
    np.testing.assert_allclose(found, centroid(full), atol=0.04)


@pytest.mark.parametrize('reduction', [2, 4, 8])
def test_a_reduced_pixel_is_the_mean_of_its_square(reduction):
    image = smooth_photo(200, 152)
    content = as_jpeg(image)
    small, _, _ = decode_reduced(content, 'x', reduction)
    means = cv2.resize(
        image,
        (200 // reduction, 152 // reduction),
        interpolation=cv2.INTER_AREA,
    )
    assert np.abs(small.astype(int) - means).mean() < 1.5


@pytest.mark.parametrize('kind', ['.png', 'grey', 'tiny', 'two exif'])
def test_what_is_decoded_in_full(kind):
    image = smooth_photo(100, 90)
    if kind == '.png':
        content = cv2.imencode('.png', image)[1].tobytes()
    elif kind == 'tiny':
        content = as_jpeg(image[:20, :20])
    elif kind == 'two exif':
        content = as_jpeg(image, orientation=6)
        start = content.index(b'Exif') - 4
        end = start + 2 + int.from_bytes(content[start + 2 : start + 4], 'big')
        content = content[:end] + content[start:]
    else:
        content = cv2.imencode('.jpg', image[..., 0])[1].tobytes()
    small, grid, shape = decode_reduced(content, 'x', 2)
    full = decode_photo(content, 'x')
    assert shape == full.shape[:2]
    if kind == 'grey':
        assert small.shape == (45, 50, 3)
        assert grid == PixelGrid(2, 2, 0.5, 0.5)
    else:
        np.testing.assert_array_equal(small, full)
        assert grid == PixelGrid()


def test_faults_are_those_of_the_full_decoding():
    content = as_jpeg(smooth_photo())
    with pytest.raises(UserError, match='x: the photo ends early'):
        decode_reduced(content[: len(content) // 2], 'x', 2)
    with pytest.raises(UserError, match='x: '):
        decode_reduced(content[:100] + b'\0' * 400 + b'\xff\xd9', 'x', 2)
    with pytest.raises(UserError, match='x: empty'):
        decode_reduced(b'', 'x', 2)
