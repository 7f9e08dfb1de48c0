import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from mmcv import imfrombytes
from mmpose.datasets.transforms import TopdownAffine
from photo_samples import opencv_turns, tiff, with_orientation
from PIL import Image

from phr_mmpose.datasets import photos, pillow_photos
from phr_mmpose.datasets.photos import MAX_SIDE, decode_photo, inspect_photo, to_bgr8
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


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'TIFF'])
def test_every_kind_is_turned_as_mmpose_turns_it(tmp_path, picture, kind, orientation):
    path = tmp_path / 'photo'
    path.write_bytes(with_orientation(picture, kind, orientation))
    decoded = decode_photo(path.read_bytes(), path)
    if opencv_turns(kind):
        np.testing.assert_array_equal(decoded, imfrombytes(path.read_bytes()))
    height, width = (64, 48) if orientation >= 5 else (48, 64)
    assert decoded.shape == (height, width, 3)
    assert inspect_photo(path) == (width, height)
    if kind != 'JPEG':
        # What 6 stores as the left column is shown as the top row.
        shown = {1: picture[0], 3: picture[-1, ::-1], 6: picture[::-1, 0]}
        if orientation in shown:
            np.testing.assert_array_equal(decoded[0], shown[orientation])


def test_a_transparent_photo_is_turned(picture):
    clear = np.dstack([picture, np.full_like(picture[..., :1], 255)])
    exif = Image.Exif()
    exif[0x0112] = 6
    content = with_pillow(Image.fromarray(clear), 'PNG', exif=exif)
    turned = np.rot90(picture, -1)[..., ::-1]
    np.testing.assert_array_equal(decode_photo(content, 'x'), turned)


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


def bitmap(picture, header, palette=b''):
    """A BMP of 8 or 24 bits with a header of one's own."""
    place = 14 + len(header) + len(palette)
    pixels = picture[::-1].tobytes()
    start = b'BM' + struct.pack('<IHHI', place + len(pixels), 0, 0, place)
    return start + header + palette + pixels


def test_an_os2_bitmap_has_its_colours(picture):
    numbers = picture[..., 0].copy()
    palette = np.random.default_rng(1).integers(0, 256, (256, 3), np.uint8)
    header = struct.pack('<IHHHH', 12, 64, 48, 1, 8)
    decoded = decode_photo(bitmap(numbers, header, palette.tobytes()), 'x')
    np.testing.assert_array_equal(decoded, palette[numbers])


def test_a_palette_of_one_bit_has_its_colours():
    bits = np.array([[0, 1, 0, 0, 1, 1, 0, 1], [1, 0, 0, 0, 0, 0, 0, 1]], np.uint8)
    # Reds, greens, blues of the two numbers, in 16 bits.
    colours = [10 * 257, 200 * 257, 20 * 257, 150 * 257, 30 * 257, 100 * 257]
    content = tiff((2, 8), [1], [np.packbits(bits).tobytes()], 3, colours=colours)
    expected = np.array([[30, 20, 10], [100, 150, 200]], np.uint8)[bits]
    np.testing.assert_array_equal(decode_photo(content, 'x'), expected)


@pytest.mark.parametrize('planar', [1, 2])
def test_a_tiff_of_16_bits(picture, planar):
    deep = picture[..., ::-1].astype('<u2') * 257
    planes = [deep[..., each].tobytes() for each in range(3)]
    strips = planes if planar == 2 else [deep.tobytes()]
    content = tiff((48, 64), [16] * 3, strips, planar=planar)
    np.testing.assert_array_equal(decode_photo(content, 'x'), picture)


def test_a_grey_picture_of_16_bits(picture):
    deep = picture[..., 0].astype(np.uint16) * 257
    for content in (
        tiff((48, 64), [16], [deep.astype('<u2').tobytes()], 1),
        # White is zero.
        tiff((48, 64), [16], [(65535 - deep).astype('<u2').tobytes()], 0),
        b'P5\n64 48\n65535\n' + deep.astype('>u2').tobytes(),
    ):
        decoded = decode_photo(content, 'x')
        np.testing.assert_array_equal(decoded[..., 1], picture[..., 0])


def claiming(kind, width, height):
    """A small file whose header claims a size."""
    if kind == 'jpeg':
        content = encoded(np.zeros((16, 16, 3), np.uint8), '.jpg')
        place = content.index(b'\xff\xc0') + 5
        size = struct.pack('>HH', height, width)
        return content[:place] + size + content[place + 4 :]
    if kind == 'png':
        return png_of(zlib.compress(bytes(100)), width, height)
    if kind == 'webp':
        sides = b''.join((side - 1).to_bytes(3, 'little') for side in (width, height))
        body = b'WEBPVP8X' + struct.pack('<II', 10, 0) + sides
        return b'RIFF' + struct.pack('<I', len(body)) + body
    if kind == 'gif':
        frame = b',' + struct.pack('<HHHHBB', 0, 0, 1, 1, 0, 8)
        return b'GIF89a' + struct.pack('<HH', width, height) + bytes(3) + frame
    if kind == 'tiff':
        return tiff((height, width), [8], [bytes(100)], 1)
    if kind == 'ppm':
        return f'P5\n{width} {height}\n255\n'.encode() + bytes(100)
    header = struct.pack('<IiiHHIIiiII', 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return bitmap(np.zeros((2, 2, 3), np.uint8), header)


def png_of(data, width, height):
    """A PNG of 8 grey bits with any data."""

    def chunk(kind, content):
        sum_ = struct.pack('>I', zlib.crc32(kind + content))
        return struct.pack('>I', len(content)) + kind + content + sum_

    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    start = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header)
    return start + chunk(b'IDAT', data) + chunk(b'IEND', b'')


def box(center, scale):
    return {'bbox_center': center, 'bbox_scale': scale, 'bbox_rotation': [0]}


@pytest.mark.parametrize('kind', ['jpeg', 'png', 'webp', 'gif', 'tiff', 'ppm', 'bmp'])
def test_what_claims_to_be_huge_is_refused_by_its_header(tmp_path, kind):
    path = tmp_path / 'x'
    path.write_bytes(claiming(kind, 30_000, 30_000))
    with pytest.raises(UserError, match='30000 x 30000 px; up to 250 megapixels'):
        decode_photo(path.read_bytes(), path)
    with pytest.raises(UserError, match='30000 x 30000 px'):
        inspect_photo(path)


def test_the_limit_is_not_pillows(picture, monkeypatch):
    limit = 2000
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', limit // 4)
    monkeypatch.setattr(pillow_photos, '_STRIP_PIXELS', 64)
    for suffix in ('.jpg', '.png', '.webp', '.bmp', '.tiff'):
        decoded = decode_photo(encoded(picture, suffix), 'x')
        assert decoded.shape == picture.shape
    assert limit // 4 == Image.MAX_IMAGE_PIXELS


def test_heic_without_its_package_says_what_to_install(monkeypatch):
    # How a phone's photo begins.
    content = b'\0\0\0\x18ftypheic\0\0\0\0mif1heic' + bytes(100)
    monkeypatch.setattr(pillow_photos, 'find_spec', lambda name: None)
    monkeypatch.delitem(Image.OPEN, 'HEIF', raising=False)
    with pytest.raises(UserError, match=r'x\.heic: .*pip install pillow-heif'):
        decode_photo(content, 'x.heic')


@pytest.mark.parametrize(
    'mode', ['1', 'L', 'P', 'RGB', 'CMYK', 'YCbCr', 'I;16', 'LA', 'RGBA', 'LAB']
)
def test_a_tiff_above_pillows_limit_has_the_same_colours(picture, monkeypatch, mode):
    image = Image.fromarray(picture).convert(mode)
    for orientation in (1, 6):
        tags = {274: orientation}
        content = with_pillow(image, 'TIFF', compression='tiff_lzw', tiffinfo=tags)
        right = decode_photo(content, 'x')
        with monkeypatch.context() as patch:
            patch.setattr(Image, 'MAX_IMAGE_PIXELS', 500)
            # Below Pillow 13 the limit is also that of a strip.
            patch.setattr(pillow_photos, '_STRIP_PIXELS', 64)
            decoded = decode_photo(content, 'x')
        np.testing.assert_array_equal(decoded, right)


def test_a_tiff_above_pillows_limit_may_end_early(picture, monkeypatch):
    content = with_pillow(Image.fromarray(picture), 'TIFF', compression='tiff_lzw')
    taller = content
    for tag in (257, 278):  # rows of the picture, and of its one strip
        short, tall = (struct.pack('<HHII', tag, 3, 1, rows) for rows in (48, 4800))
        assert short in taller
        taller = taller.replace(short, tall)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 500)
    with pytest.raises(UserError, match='ends early'):
        decode_photo(taller, 'x')


@pytest.mark.parametrize('channels', [1, 3, 4])
def test_a_large_png_of_16_bits_has_the_same_colours(picture, monkeypatch, channels):
    deep = np.dstack([picture, picture[..., 0]])[..., :channels].astype(np.uint16) * 257
    content = encoded(deep)
    right = decode_photo(content, 'x').astype(int)
    monkeypatch.setattr(photos, '_MOST_DEEP_PIXELS', 500)
    assert np.abs(decode_photo(content, 'x') - right).max() <= 1


def test_a_large_jpeg_2000_is_refused(picture, monkeypatch):
    content = with_pillow(Image.fromarray(picture), 'JPEG2000')
    assert decode_photo(content, 'x').shape == picture.shape
    monkeypatch.setattr(photos, '_MOST_JPEG2000_PIXELS', 500)
    with pytest.raises(UserError, match='64 x 48 px'):
        decode_photo(content, 'x')


def test_a_person_is_cut_out_of_a_panorama(picture):
    """With OpenCV 4 it is refused, as any photo of longer sides is."""
    wide = np.zeros((60, 40_000, 3), np.uint8)
    wide[6:54, 39_900:39_964] = picture
    content = encoded(wide, '.png')
    if MAX_SIDE < 40_000:
        with pytest.raises(UserError, match=r'40000 x 60 px; .* up to 32766 px'):
            decode_photo(content, 'x')
        return
    cut = TopdownAffine((64, 64))
    center, scale = np.array([[39_932.0, 30.0]]), np.full((1, 2), 70.0)
    crop = cut({'img': decode_photo(content, 'x'), **box(center, scale)})['img']
    center -= [39_800, 0]
    expected = cut({'img': wide[:, 39_800:], **box(center, scale)})['img']
    assert np.abs(crop.astype(int) - expected).max() <= 1
    assert crop.max() > 100


def test_longer_sides_than_opencv_s_are_refused_by_the_header(tmp_path):
    path = tmp_path / 'x.png'
    path.write_bytes(png_of(zlib.compress(bytes(100)), MAX_SIDE + 1, 8))
    with pytest.raises(UserError, match=f'sides of up to {MAX_SIDE} px'):
        inspect_photo(path)


@pytest.mark.slow
def test_an_honest_photo_of_200_megapixels_is_read():
    grey = np.full((12_240, 16_320), 77, np.uint8)
    for suffix in ('.jpg', '.png'):
        assert decode_photo(encoded(grey, suffix), 'x').shape == (12_240, 16_320, 3)


def test_stray_bytes_between_a_jpegs_segments_do_no_harm(tmp_path, picture):
    content = with_orientation(picture, 'JPEG', 6)
    first = content.index(b'\xff\xdb')
    path = tmp_path / 'x.jpg'
    path.write_bytes(content[:first] + b'\x01\x02\xff\x00\x03' + content[first:])
    np.testing.assert_array_equal(
        decode_photo(path.read_bytes(), path), decode_photo(content, 'x')
    )
    assert inspect_photo(path) == (48, 64)


@pytest.mark.parametrize(
    'options',
    [{}, {'progressive': True}, {'restart_marker_rows': 1}, {'optimize': True}],
)
@pytest.mark.parametrize('mode', ['RGB', 'L', 'CMYK'])
def test_a_jpeg_of_fewer_rows_than_it_claims_ends_early(
    tmp_path, picture, mode, options
):
    image = Image.fromarray(picture).convert(mode)
    content = with_pillow(image, 'JPEG', **options)
    assert decode_photo(content, 'x').shape == picture.shape
    frame = b'\xff\xc2' if 'progressive' in options else b'\xff\xc0'
    place = content.index(frame) + 5
    path = tmp_path / 'x.jpg'
    for height in (96, 60):
        size = height.to_bytes(2, 'big')
        path.write_bytes(content[:place] + size + content[place + 2 :])
        with pytest.raises(UserError, match='ends early'):
            decode_photo(path.read_bytes(), path)
        with pytest.raises(UserError, match='ends early'):
            inspect_photo(path)


@pytest.mark.parametrize('level', [64, 65, 128])
def test_a_whole_jpeg_may_be_as_grey_as_missing_rows(level):
    flat = np.full((40, 50, 3), level, np.uint8)
    assert (decode_photo(encoded(flat, '.jpg'), 'x') == level).all()


def test_a_png_or_tiff_of_fewer_rows_than_it_claims_ends_early():
    rows = zlib.compress(bytes(65 * 48))
    assert decode_photo(png_of(rows, 64, 48), 'x').shape == (48, 64, 3)
    with pytest.raises(UserError, match='ends early'):
        decode_photo(png_of(rows, 64, 96), 'x')
    content = tiff((48, 64), [8], [bytes(64 * 48)], 1)
    taller = content.replace(
        struct.pack('<HHI', 257, 3, 1) + struct.pack('<H', 48),
        struct.pack('<HHI', 257, 3, 1) + struct.pack('<H', 96),
    )
    with pytest.raises(UserError, match='ends early'):
        decode_photo(taller, 'x')


def test_what_runs_another_program_is_no_photo():
    content = b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n'
    with pytest.raises(UserError, match='not a readable photo'):
        decode_photo(content, 'x')
