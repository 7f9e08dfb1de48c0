import io

import cv2
import numpy as np
import pytest
from PIL import Image

from phr_mmpose.datasets.photos import decode_photo, inspect_photo, to_bgr8
from phr_mmpose.utils.errors import UserError


@pytest.fixture(scope='module')
def picture():
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(small, (64, 48), interpolation=cv2.INTER_CUBIC)


def encoded(picture, suffix='.png', *options):
    good, content = cv2.imencode(suffix, picture, list(options))
    assert good
    return content.tobytes()


def with_pillow(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize('suffix', ['.png', '.bmp', '.tiff', '.webp'])
def test_lossless_colour_comes_back(picture, suffix):
    options = [cv2.IMWRITE_WEBP_QUALITY, 101] if suffix == '.webp' else []
    decoded = decode_photo(encoded(picture, suffix, *options), 'x')
    np.testing.assert_array_equal(decoded, picture)


def test_jpeg_is_as_opencv_reads_it(picture):
    content = encoded(picture, '.jpg')
    expected = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decode_photo(content, 'x'), expected)


def test_jpeg_is_turned_upright(picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    content = with_pillow(Image.fromarray(picture), 'JPEG', exif=exif)
    assert decode_photo(content, 'x').shape == (64, 48, 3)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_grey_gets_three_equal_channels(picture, suffix):
    grey = picture[..., 0]
    decoded = decode_photo(encoded(grey, suffix), 'x')
    assert decoded.shape == (48, 64, 3)
    assert (decoded == decoded[..., :1]).all()


def test_sixteen_bits_are_scaled():
    deep = np.array([[0, 128, 129, 257], [32896, 65278, 65406, 65535]], np.uint16)
    decoded = decode_photo(encoded(deep), 'x')
    assert decoded[..., 0].tolist() == [[0, 0, 1, 1], [128, 254, 254, 255]]


def test_transparency_is_laid_on_white():
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, 0] = [10, 20, 30, 255]  # opaque, BGR
    rgba[0, 1] = [10, 20, 30, 0]  # not there
    rgba[1, 0] = [100, 0, 200, 51]  # a fifth
    decoded = decode_photo(encoded(rgba), 'x')
    assert decoded[0, 0].tolist() == [10, 20, 30]
    assert decoded[0, 1].tolist() == [255, 255, 255]
    assert decoded[1, 0].tolist() == [224, 204, 244]


def test_sixteen_bit_transparency():
    rgba = np.full((2, 2, 4), 65535, np.uint16)
    rgba[..., :3] = 0
    rgba[..., 3] = [[0, 65535], [65535, 0]]
    decoded = decode_photo(encoded(rgba), 'x')
    assert decoded[..., 0].tolist() == [[255, 0], [0, 255]]


@pytest.mark.parametrize('mode', ['P', 'LA', '1', 'CMYK'])
def test_rarer_kinds(picture, mode):
    image = Image.fromarray(picture[..., ::-1]).convert(mode)
    content = with_pillow(image, 'JPEG' if mode == 'CMYK' else 'PNG')
    decoded = decode_photo(content, 'x')
    assert decoded.shape == picture.shape
    assert decoded.dtype == np.uint8
    expected = np.asarray(image.convert('RGB'))[..., ::-1].astype(int)
    # JPEG's CMYK conversions differ between libraries by a little.
    tolerance = 12 if mode == 'CMYK' else 1
    assert np.abs(decoded - expected).mean() <= tolerance


@pytest.mark.parametrize('share', [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.bmp', '.webp', '.tiff'])
def test_a_truncated_photo_is_refused(tmp_path, picture, suffix, share):
    content = encoded(picture, suffix)
    path = tmp_path / f'photo{suffix}'
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match=r'ends early|not a readable photo') as caught:
        decode_photo(path.read_bytes(), path)
    assert str(path) in str(caught.value)
    with pytest.raises(UserError):
        inspect_photo(path)


def test_progressive_jpeg(picture):
    image = Image.fromarray(picture)
    content = with_pillow(image, 'JPEG', progressive=True)
    assert decode_photo(content, 'x').shape == picture.shape
    with pytest.raises(UserError, match='ends early'):
        decode_photo(content[: len(content) // 2], 'x')


def test_a_thumbnail_does_not_hide_the_truncation(picture):
    thumbnail = encoded(picture[:16, :16].copy(), '.jpg')
    content = encoded(picture, '.jpg')
    segment = b'\xff\xe1' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail
    content = content[:2] + segment + content[2:]
    assert decode_photo(content, 'x').shape == picture.shape
    with pytest.raises(UserError, match='ends early'):
        decode_photo(content[:-40], 'x')


def test_bytes_after_the_end_do_no_harm(picture):
    content = encoded(picture, '.jpg') + b'\0' * 100
    assert decode_photo(content, 'x').shape == picture.shape


@pytest.mark.parametrize('content', [b'', b'GIF89a', b'no picture at all', b'\xff\xd8'])
def test_what_is_no_photo(content):
    with pytest.raises(UserError, match=r'^here\.jpg: '):
        decode_photo(content, 'here.jpg')


@pytest.mark.parametrize('shape', [(1, 1, 3), (1, 1), (40, 1, 3), (1, 40, 4)])
def test_too_small(tmp_path, shape):
    content = encoded(np.zeros(shape, np.uint8))
    with pytest.raises(UserError, match=f'{shape[1]} x {shape[0]} px'):
        decode_photo(content, 'x.png')
    (tmp_path / 'x.png').write_bytes(content)
    with pytest.raises(UserError, match=f'{shape[1]} x {shape[0]} px'):
        inspect_photo(tmp_path / 'x.png')


def test_arrays_of_other_kinds_are_refused():
    for array in (
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((4, 4, 3, 1), np.uint8),
    ):
        with pytest.raises(UserError, match='the given array'):
            to_bgr8(array, 'the given array')


def test_an_8_bit_bgr_array_is_not_copied(picture):
    assert to_bgr8(picture, 'x') is picture


def test_inspect_tells_the_size(tmp_path, picture):
    for suffix in ('.jpg', '.png', '.bmp'):
        path = tmp_path / f'photo{suffix}'
        path.write_bytes(encoded(picture, suffix))
        assert inspect_photo(path) == (64, 48)
    with pytest.raises(UserError, match='No such file'):
        inspect_photo(tmp_path / 'none.jpg')
