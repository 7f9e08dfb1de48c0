"""The embedded data set within MMPose."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, TRANSFORMS
from torch.utils.data import DataLoader

from phr_mmpose.datasets.body import FigureDataset
from phr_mmpose.datasets.joints import MPII_JOINTS
from phr_mmpose.utils.errors import UserError

PIPELINE = [
    {'type': 'GetBBoxCenterScale'},
    {'type': 'TopdownAffine', 'input_size': (96, 96)},
    {'type': 'PackCascadeInputs'},
]


@pytest.fixture(autouse=True, scope='module')
def default_scope():
    init_default_scope('mmpose')


def build(**options) -> FigureDataset:
    return DATASETS.build(
        {'type': 'FigureDataset', 'num': 6, 'image_size': 96} | options
    )


def first(batch: list) -> dict:
    return batch[0]


def test_an_item_describes_its_figure():
    dataset = build(seed=2)
    item, figure = dataset[4], dataset.figure(4)
    assert np.array_equal(item['img'], figure.image)
    assert item['img_shape'] == item['ori_shape'] == (96, 96)
    assert item['id'] == item['img_id'] == item['sample_idx'] == 4
    assert item['bbox'].shape == (1, 4) and item['bbox'].dtype == np.float32
    assert item['keypoints'].shape == (1, 16, 2)
    assert item['keypoints'].dtype == np.float32
    visible = item['keypoints_visible']
    assert visible.shape == (1, 16, 2) and visible.dtype == np.float32
    assert np.array_equal(visible[0, :, 0] > 0, figure.annotated)
    assert np.array_equal(visible[0, :, 1] > 0, figure.visible)
    x1, y1, x2, y2 = figure.head_box
    diagonal = np.sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2)
    np.testing.assert_allclose(item['head_size'], [0.6 * diagonal], rtol=1e-5)
    assert item['head_size'] > 0
    assert item['flip_indices'][MPII_JOINTS.index('left_knee')] == MPII_JOINTS.index(
        'right_knee'
    )


def test_joints_outside_the_picture_are_not_annotated():
    dataset = build(num=150, image_size=64)
    number = next(n for n in range(150) if not dataset.figure(n).annotated.all())
    item = dataset[number]
    outside = item['keypoints_visible'][0, :, 0] == 0
    assert outside.any()
    assert (item['keypoints'][0, outside] == 0).all()
    assert (item['keypoints_visible'][0, outside] == 0).all()


def test_the_crop_shows_every_joint():
    # The box surrounds all joints, and the crop is 1.25 times as large.
    for sample in build(pipeline=PIPELINE, seed=1, num=12):
        labels = sample['data_samples'].gt_instance_labels
        annotated = labels.keypoints_annotated[0] > 0
        joints = labels.keypoints[0][annotated]
        assert sample['inputs'].shape == (3, 96, 96)
        assert (joints > 0).all() and (joints < 95).all()
        assert sample['data_samples'].gt_instances.head_size.shape == (1,)


@pytest.mark.parametrize('load', [{'type': 'LoadImage'}, {'type': 'CheckedLoadImage'}])
def test_a_pipeline_may_begin_with_a_loader(load):
    plain = build(pipeline=PIPELINE)[1]
    loaded = build(pipeline=[load] + PIPELINE)[1]
    assert (plain['inputs'] == loaded['inputs']).all()


@pytest.mark.parametrize('load', [{'type': 'LoadImage'}, {'type': 'CheckedLoadImage'}])
def test_the_path_alone_gives_the_picture(load):
    load = TRANSFORMS.build(load)
    for item in build(occlusion=0.3, back_views=1e-5, seed=3):
        assert Path(item['img_path']).name == f'figure_3_{item["id"]}.png'
        loaded = load({'img_path': item['img_path']})
        assert np.array_equal(loaded['img'], item['img'])


def test_a_crop_is_read_from_the_path():
    crop = {'type': 'LoadPersonCrop', 'input_size': (64, 64)}
    item = build(pipeline=[PIPELINE[0], crop])[2]
    by_path = build(pipeline=PIPELINE[:1])[2]
    del by_path['img']
    assert np.array_equal(TRANSFORMS.build(crop)(by_path)['img'], item['img'])


def test_flipping_swaps_sides_and_keeps_both_flags():
    flip = {'type': 'RandomFlip', 'prob': 1.0}
    dataset = build(pipeline=[PIPELINE[0], flip], occlusion=0.3)
    plain = build(occlusion=0.3)[2]
    turned = dataset[2]
    order = plain['flip_indices']
    assert np.array_equal(
        turned['keypoints_visible'], plain['keypoints_visible'][:, order]
    )
    assert (plain['keypoints_visible'][..., 1] == 0).any()
    np.testing.assert_allclose(
        turned['keypoints'][0, :, 0], 95 - plain['keypoints'][0, order, 0]
    )


@pytest.mark.parametrize('cache', [False, True])
def test_workers_and_epochs_give_the_same_items(cache):
    dataset = build(cache=cache)
    expected = [build()[number]['img'] for number in range(6)]
    for workers in (2, 0):
        loader = DataLoader(dataset, num_workers=workers, collate_fn=first)
        for item, image in zip(loader, expected, strict=True):
            assert np.array_equal(item['img'], image)
    if cache:
        # The workers' figures came back to this process.
        assert all(dataset.cache.get(number) is not None for number in range(6))


def test_subsets_keep_the_figures():
    whole, part = build(), build(indices=[4, 2])
    assert len(part) == 2
    assert np.array_equal(part[0]['img'], whole[4]['img'])
    assert part[0]['img_path'].endswith('/figure_0_4.png')
    assert np.array_equal(whole.get_subset([3])[0]['img'], whole[3]['img'])
    assert len({figure['img'].tobytes() for figure in whole}) == 6


def test_seeds_are_separate_sets():
    train, test = build(seed=1), build(seed=2)
    assert not any(np.array_equal(a['img'], b['img']) for a in train for b in test)


@pytest.mark.parametrize(
    'options, words',
    [
        ({'num': 0}, 'num=0'),
        ({'num': 2.5}, 'num=2.5'),
        ({'num': True}, 'num=True'),
        ({'seed': -1}, 'seed=-1'),
        ({'seed': 'a'}, "seed='a'"),
        ({'image_size': 63}, 'from 64 to 1024'),
        ({'image_size': 4096}, 'from 64 to 1024'),
        ({'occlusion': 1.5}, 'occlusion=1.5'),
        ({'occlusion': -0.1}, 'occlusion=-0.1'),
        ({'occlusion': float('nan')}, 'occlusion=nan'),
        ({'occlusion': '10%'}, "occlusion='10%'"),
    ],
)
def test_bad_arguments_get_one_line(options, words):
    with pytest.raises(UserError) as caught:
        FigureDataset(**options)
    assert words in str(caught.value)
    assert '\n' not in str(caught.value)
