"""A cropped data set trains and tests as its photos do."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmcv.transforms import Compose
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, TRANSFORMS
from photo_samples import as_jpeg, smooth_photo

from phr_mmpose.datasets.annotation_list import (
    load_annotation_list,
    save_annotation_list,
)
from phr_mmpose.datasets.cropped_list import cut_region, write_cropped_list
from phr_mmpose.datasets.person_regions import CropRange, plan_regions
from phr_mmpose.utils.errors import UserError

WIDTH, HEIGHT = 403, 301
JOINTS = {'MpiiPartDataset': 16, 'LspDataset': 14, 'LspetDataset': 14}
SIZES = [(64, 64), (48, 64)]
# The widest and the narrowest crop, turned as far as they may be.
EXTREMES = [(1 / 0.7, -40.0), (1 / 0.7, 40.0), (1 / 1.3, 40.0), (1.0, 0.0)]


def write_data(folder: Path, joints: int, persons: int = 7) -> Path:
    """Write photos with up to three persons each, near every border."""
    generator = np.random.default_rng(1)
    (folder / 'photos').mkdir(parents=True)
    entries = []
    for number in range(persons):
        name = f'{number // 3}.jpg'
        image = smooth_photo(WIDTH, HEIGHT, grain=70 + number // 3)
        (folder / 'photos' / name).write_bytes(as_jpeg(image))
        center = [[30, 40], [WIDTH - 20, 150], [200, HEIGHT - 30]][number % 3]
        scale = [0.15, 0.6, 1.1][number % 3]
        points = center + scale * generator.uniform(-60, 60, (joints, 2))
        entries.append(
            {
                'image': name,
                'center': center,
                'scale': scale,
                'joints': points.round(2).tolist(),
                'joints_vis': [1] * (joints - 1) + [number % 2],
                'joints_visible': [1, 0] * (joints // 2),
                'head_box': [10, 20, 40, 60],
            }
        )
    (folder / 'list.json').write_text(json.dumps(entries))
    return folder


def write(folder, kind='MpiiPartDataset', size=(64, 64), name='cropped', **options):
    dataset = DATASETS.get(kind)(lazy_init=True)
    annotations = load_annotation_list(folder / 'list.json', JOINTS[kind])
    regions = plan_regions(annotations, dataset.convert, CropRange(size))
    target = folder / name
    steps = write_cropped_list(
        annotations, regions, folder / 'photos', target, 'list', **options
    )
    return steps, target, regions


@pytest.fixture(autouse=True, scope='module')
def scope():
    init_default_scope('mmpose')


@pytest.fixture(
    scope='module',
    params=[(kind, size) for kind in JOINTS for size in SIZES],
    ids=lambda each: f'{each[0]}-{each[1][0]}x{each[1][1]}',
)
def both(request, tmp_path_factory):
    """The data set on its photos, the same on what was cut out, input size."""
    kind, size = request.param
    folder = write_data(tmp_path_factory.mktemp('data'), JOINTS[kind])
    steps, target, regions = write(folder, kind, size, threads=2)
    assert sum(steps) == 7
    options = dict(type=kind, pipeline=[])
    photos = DATASETS.build(
        dict(
            options,
            ann_file=str(folder / 'list.json'),
            data_prefix={'img': str(folder / 'photos')},
        )
    )
    cropped = DATASETS.build(
        dict(
            options,
            data_root=str(target),
            ann_file='annotations/list.json',
            data_prefix={'img': 'images'},
        )
    )
    return photos, cropped, size, regions


def steps_to_input(size, ours):
    crop = {'type': 'LoadPersonCrop' if ours else 'TopdownAffine', 'input_size': size}
    steps = [crop] if ours else [{'type': 'CheckedLoadImage'}, crop]
    return Compose([TRANSFORMS.build(step) for step in steps])


def shown(dataset, number, widened, angle, pipeline, flip=False):
    sample = dataset[number]
    sample = TRANSFORMS.build({'type': 'GetBBoxCenterScale'})(sample)
    sample['bbox_scale'] = sample['bbox_scale'] * np.float32(widened)
    sample['bbox_rotation'] = np.array([angle], np.float32)
    sample['mirror'] = flip
    return pipeline(sample)


def annotated_joints(sample):
    """(1, K) bool, whether or not it is known which joints are hidden."""
    flags = sample['keypoints_visible']
    return (flags[..., 0] if flags.ndim == 3 else flags) > 0


@pytest.mark.parametrize('ours', [True, False], ids=['training', 'test'])
@pytest.mark.parametrize(('widened', 'angle'), EXTREMES)
def test_the_input_is_the_photo_s(both, widened, angle, ours):
    photos, cropped, size, _ = both
    pipeline = steps_to_input(size, ours)
    for number in range(len(photos)):
        arguments = (number, widened, angle, pipeline, ours and number % 2 == 1)
        theirs, mine = shown(photos, *arguments), shown(cropped, *arguments)
        annotated = annotated_joints(theirs)
        difference = theirs['transformed_keypoints'] - mine['transformed_keypoints']
        assert np.abs(difference[annotated]).max() < 0.01
        np.testing.assert_array_equal(
            mine['keypoints_visible'], theirs['keypoints_visible']
        )
        assert mine['img'].shape == theirs['img'].shape
        difference = np.abs(mine['img'].astype(int) - theirs['img'])
        # What averaging, one more interpolation and JPEG take of grey levels.
        assert difference.mean() < 5
        # The photo's border is where it was; along it, and where the input ends,
        # pixels are mixed with the black beyond.
        black = (theirs['img'] == 0).all(axis=-1).astype(np.uint8)
        square = np.ones((5, 5), np.uint8)
        beyond = cv2.erode(black, square, borderValue=1) > 0
        assert mine['img'][beyond].max(initial=0) < 12
        within = cv2.dilate(black, square, borderValue=1) == 0
        assert difference[within].max(initial=0) < 45


def test_what_metrics_read_is_the_photo_s(both):
    photos, cropped, _, regions = both
    for number in range(len(photos)):
        mine, theirs = cropped[number], photos[number]
        factor = regions.factors[number]
        assert mine['head_size'] * factor == pytest.approx(
            theirs['head_size'], abs=2e-3
        )
        side = mine['bbox'][0, 2] - mine['bbox'][0, 0]
        assert side * factor == pytest.approx(
            theirs['bbox'][0, 2] - theirs['bbox'][0, 0], rel=1e-4
        )
        in_photo = (mine['keypoints'] + 0.5) * factor + regions.origins[number] - 0.5
        annotated = annotated_joints(theirs)
        difference = (in_photo - theirs['keypoints'])[annotated]
        assert np.abs(difference).max() < 0.01
        assert mine['id'] == theirs['id'] == number


def test_some_are_reduced_and_some_are_not(both):
    _, _, _, regions = both
    assert (regions.factors == 1).any()
    assert (regions.factors > 1).any()


def test_a_spot_stays_where_the_list_says(tmp_path):
    """To a tenth of a kept pixel, whatever the reduction."""
    columns, rows = np.meshgrid(np.arange(803), np.arange(601))
    for factor in (1.0, 1.125, 2.0, 2.625):
        spot = np.array([411.3, 287.6])
        squared = (columns - spot[0]) ** 2 + (rows - spot[1]) ** 2
        photo = np.repeat((255 * np.exp(-squared / 800))[..., None], 3, axis=2).astype(
            np.uint8
        )
        origin = np.array([101, 57])
        picture = cut_region(photo, origin, factor, np.array([400, 400]))
        weights = picture[..., 0].astype(float)
        there = np.indices(weights.shape)[::-1]
        found = [(weights * each).sum() / weights.sum() for each in there]
        np.testing.assert_allclose(
            found, (spot - origin + 0.5) / factor - 0.5, atol=0.1
        )


def test_cut_by_hand():
    photo = np.arange(2, 26, 2, dtype=np.uint8).reshape(3, 4, 1).repeat(3, axis=2)
    origin = np.array([1, 1])
    plain = cut_region(photo, origin, 1.0, np.array([2, 1]))
    assert plain[..., 0].tolist() == [[12, 14]]
    # Means of four, of which two lie beyond the photo: 16 and 24 over 4.
    halved = cut_region(photo, origin, 2.0, np.array([9, 9]))
    assert halved[..., 0].tolist() == [[17, 10]]
    assert cut_region(photo, origin, 2.0, np.array([1, 9]))[..., 0].tolist() == [[17]]
    # Two kept pixels are three of the photo's.
    assert cut_region(photo, origin, 1.5, np.array([1, 1])).shape == (2, 2, 3)


def test_an_interrupted_writer_leaves_no_list(tmp_path):
    folder = write_data(tmp_path, 16)
    steps, target, _ = write(folder)
    assert list(steps) == [3, 3, 1]
    path = target / 'annotations' / 'list.json'
    whole = path.read_bytes()
    pictures = {each.name: each.read_bytes() for each in target.rglob('*.jpg')}
    assert sorted(pictures) == [f'{number:06d}.jpg' for number in range(7)]

    # Other pictures are under way: the old list goes first.
    steps, _, _ = write(folder, size=(32, 32), quality=30)
    assert next(steps) == 3
    steps.close()
    assert not path.exists()
    steps, _, _ = write(folder)
    assert sum(steps) == 7
    assert path.read_bytes() == whole
    assert {each.name: each.read_bytes() for each in target.rglob('*.jpg')} == pictures


def test_faults(tmp_path):
    folder = write_data(tmp_path, 16)
    (folder / 'photos' / '1.jpg').rename(folder / 'lost.jpg')
    steps, target, _ = write(folder)
    with pytest.raises(UserError, match=r'1\.jpg: No such file'):
        list(steps)
    assert not (target / 'annotations' / 'list.json').exists()
    (folder / 'photos' / '1.jpg').write_bytes((folder / 'lost.jpg').read_bytes()[:900])
    with pytest.raises(UserError, match=r'1\.jpg: the photo ends early'):
        list(write(folder)[0])

    annotations = load_annotation_list(folder / 'list.json', 16)
    centers = annotations.centers.copy()
    centers[1] = [900, 100]
    save_annotation_list(folder / 'list.json', replace(annotations, centers=centers))
    with pytest.raises(UserError, match=r'0\.jpg: box 0 .* lies outside the photo'):
        list(write(folder)[0])

    (target / 'images' / 'list' / '000000.jpg').unlink()
    (target / 'images' / 'list' / '000000.jpg').mkdir()
    with pytest.raises(UserError, match=r'000000\.jpg: cannot be written'):
        list(write(folder)[0])


def test_a_folder_without_photos_leaves_the_finished_set(tmp_path):
    folder = write_data(tmp_path, 16)
    steps, target, _ = write(folder)
    list(steps)
    path = target / 'annotations' / 'list.json'
    whole = path.read_bytes()
    (folder / 'photos').rename(folder / 'elsewhere')
    with pytest.raises(UserError, match='No such file'):
        list(write(folder)[0])
    assert path.read_bytes() == whole
