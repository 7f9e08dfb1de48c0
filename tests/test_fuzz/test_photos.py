"""Mutated photos and boxes give a result or a UserError, and nothing else."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from fuzzing import mutated_bytes
from photo_samples import smooth_photo
from PIL import Image

from phr_mmpose.apis.person_boxes import BoxFile
from phr_mmpose.datasets.photos import decode_photo
from phr_mmpose.datasets.reduced_photos import decode_reduced
from phr_mmpose.utils.errors import UserError

KINDS = (
    ('JPEG', {}),
    ('JPEG', {'progressive': True, 'restart_marker_rows': 1}),
    ('PNG', {}),
    ('WEBP', {}),
    ('WEBP', {'lossless': True}),
    ('TIFF', {}),
    ('TIFF', {'compression': 'tiff_lzw'}),
    ('BMP', {}),
    ('GIF', {}),
    ('PPM', {}),
    ('JPEG2000', {}),
)
COUNTS = [
    pytest.param(15, id='some'),
    pytest.param(1500, id='many', marks=pytest.mark.slow),
]


# Pillow warns of faulty tags.
@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('count', COUNTS)
@pytest.mark.parametrize('number', range(len(KINDS)))
def test_photos(number, count):
    kind, options = KINDS[number]
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(smooth_photo()).save(stream, kind, exif=exif, **options)
    generator = np.random.default_rng(number)
    for _ in range(count):
        content = mutated_bytes(stream.getvalue(), generator)
        try:
            photo = decode_photo(content, 'x')
            assert photo.dtype == np.uint8 and photo.shape[2] == 3
            _, _, shape = decode_reduced(content, 'x', 4)
            assert shape == photo.shape[:2]
        except UserError as error:
            assert str(error).startswith('x: ')


@pytest.mark.parametrize('count', COUNTS)
def test_boxes(tmp_path, count):
    generator = np.random.default_rng(0)
    values = ['1e999', '-3e38', 'NaN', 'null', '"4"', '[1]', '{}', 'true', '1' * 400]
    values += ['1e6', '-0.0', '1e-320', '50', '5']
    image = np.zeros((80, 60, 3), np.uint8)
    path = tmp_path / 'boxes.json'
    for _ in range(count * 10):
        sides = ['0', '0', '60', '80']
        for _ in range(generator.integers(1, 5)):
            sides[generator.integers(4)] = generator.choice(values)
        score = generator.choice([*values, '0.5'])
        entry = f'{{"image": "a.jpg", "bbox": [{", ".join(sides)}], "score": {score}}}'
        path.write_text(f'[{entry}]')
        try:
            boxes, scores = BoxFile(path)(Path('a.jpg'), image)
        except UserError:
            continue
        assert np.isfinite(boxes).all() and boxes.shape == (1, 4)
        assert json.loads(json.dumps(scores.tolist(), allow_nan=False))
