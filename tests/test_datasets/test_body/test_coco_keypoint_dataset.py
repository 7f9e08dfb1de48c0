"""COCO keypoint files, against values by hand and beside MMPose's own reader."""

import json
import logging

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from mmpose.registry import DATASETS, METRICS

import phr_mmpose.datasets  # noqa: F401  registers the datasets
from phr_mmpose.datasets.joints import LSP14_METAINFO
from phr_mmpose.utils.errors import UserError

# Three keypoints: left and right hand, head.
METAINFO = dict(
    dataset_name='sticks',
    keypoint_info={
        0: dict(name='left', id=0, swap='right', color=[0, 255, 0], type='upper'),
        1: dict(name='right', id=1, swap='left', color=[255, 0, 0], type='upper'),
        2: dict(name='head', id=2, swap='', color=[0, 0, 255], type='upper'),
    },
    skeleton_info={0: dict(link=('left', 'head'), id=0, color=[0, 0, 0])},
    joint_weights=[1.0, 1.0, 1.0],
    sigmas=[0.05, 0.05, 0.05],
)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmpose')


def person(number=1, keypoints=(10, 20, 2, 30, 40, 1, 0, 0, 0), **changes):
    entry = dict(
        id=number,
        image_id=1,
        category_id=1,
        bbox=[5, 10, 40, 60],
        area=900.0,
        iscrowd=0,
        num_keypoints=sum(v > 0 for v in keypoints[2::3]),
        keypoints=list(keypoints),
    )
    entry.update(changes)
    return {key: value for key, value in entry.items() if value is not None}


def write(folder, *people, **changes):
    content = dict(
        images=[dict(id=1, file_name='a.png', width=80, height=100)],
        annotations=list(people),
        categories=[dict(id=1, name='person')],
    )
    content.update(changes)
    content = {key: value for key, value in content.items() if value is not None}
    (folder / 'people.json').write_text(json.dumps(content))
    return folder


def named(*keypoints):
    return dict(id=1, name='person', keypoints=list(keypoints))


def build(folder, kind='CocoKeypointDataset', **options):
    options = dict(metainfo=METAINFO, ann_file='people.json', **options)
    return DATASETS.build(
        dict(
            type=kind, data_root=str(folder), data_prefix=dict(img='photos'), **options
        )
    )


def test_each_flag_by_hand(tmp_path):
    (item,) = build(write(tmp_path, person()))
    flags = item['keypoints_visible']
    assert flags.shape == (1, 3, 2) and flags.dtype == np.float32
    # v = 2, 1, 0: visible; annotated but hidden; not annotated.
    assert flags.tolist() == [[[1, 1], [1, 0], [0, 0]]]
    assert item['keypoints'].tolist() == [[[10, 20], [30, 40], [0, 0]]]
    assert item['bbox'].tolist() == [[5, 10, 45, 70]]
    assert item['img_path'] == str(tmp_path / 'photos' / 'a.png')
    assert item['dataset_name'] == 'sticks'


def test_who_has_an_empty_list_of_keypoints_is_left_out(tmp_path):
    folder = write(tmp_path, person(1, ()), person(2))
    for kind in ('CocoKeypointDataset', 'CocoDataset'):
        (item,) = build(folder, kind)
        assert item['id'] == 2


triplet = st.sampled_from([(0, 0, 0), (3, 4, 1), (20, 9, 2), (70, 95, 2)])
people = st.lists(
    st.tuples(
        st.tuples(triplet, triplet, triplet),
        st.sampled_from([0, 0, 1]),
        st.sampled_from([[5, 10, 40, 60], [-9, 0, 500, 30], [7, 7, 0, 9], None]),
        st.sampled_from([120.0, None]),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=20)
@given(people=people, mode=st.sampled_from(['topdown', 'bottomup']))
def test_all_but_the_flags_is_mmpose_s(tmp_path_factory, people, mode):
    entries = [
        person(number, sum(triplets, ()), iscrowd=crowd, bbox=box, area=area)
        for number, (triplets, crowd, box, area) in enumerate(people)
    ]
    # Two who can be used, so that there is somebody and both flags occur.
    entries += [person(90), person(91)]
    folder = write(tmp_path_factory.mktemp('people'), *entries)
    ours, theirs = (
        build(folder, data_mode=mode),
        build(folder, 'CocoDataset', data_mode=mode),
    )
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        if mode == 'topdown':
            assert one.pop('img_shape') == (100, 80)
        assert one.keys() == other.keys()
        flags = one.pop('keypoints_visible')
        np.testing.assert_array_equal(flags[..., 0], other.pop('keypoints_visible'))
        assert (flags[..., 1] <= flags[..., 0]).all()
        for key in set(one) - {'dataset'}:
            np.testing.assert_equal(one[key], other[key], err_msg=key)


@pytest.fixture
def logged(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO, logger.name):
        yield caplog
    logger.removeHandler(caplog.handler)


@pytest.mark.parametrize(
    ('names', 'warned'),
    [
        (('left', 'right', 'head'), False),
        (('Left', ' right', 'HEAD'), False),
        (('left', 'right', 'nose'), True),
        # Not the keypoints of this category.
        (('left', 'right'), False),
    ],
)
def test_names_in_the_file_are_compared(tmp_path, logged, names, warned):
    build(write(tmp_path, person(), categories=[named(*names)]))
    line = "calls its keypoint 2 'nose', the metainfo 'sticks' 'head'"
    assert (line in logged.text) == warned


def test_who_is_left_out_is_counted(tmp_path, logged):
    folder = write(tmp_path, person(), person(2, iscrowd=1), person(3, bbox=None))
    assert len(build(folder)) == 1
    assert '1 of 3 annotations are used' in logged.text


def test_a_photo_without_anybody_is_tested_bottom_up(tmp_path):
    photos = [
        dict(id=number, file_name=f'{number}.png', width=80, height=100)
        for number in (1, 2)
    ]
    folder = write(tmp_path, person(), images=photos)
    found = build(folder, data_mode='bottomup', test_mode=True)
    assert [item['img_id'] for item in found] == [1, 2]


def test_a_file_without_visible_joints_does_not_tell_what_is_hidden(tmp_path):
    keypoints = (10, 20, 1, 30, 40, 1, 0, 0, 0)
    (item,) = build(write(tmp_path, person(keypoints=keypoints)))
    assert item['keypoints_visible'].tolist() == [[1, 1, 0]]


def test_all_joints_may_be_visible(tmp_path):
    keypoints = (10, 20, 2, 30, 40, 2, 0, 0, 0)
    (item,) = build(write(tmp_path, person(keypoints=keypoints)))
    assert item['keypoints_visible'].tolist() == [[[1, 1], [1, 1], [0, 0]]]
    two = build(write(tmp_path, person(keypoints=keypoints), person(2)))
    assert all(item['keypoints_visible'].shape == (1, 3, 2) for item in two)


def test_boxes_of_a_detector(tmp_path):
    folder = write(tmp_path, person())
    found = [dict(image_id=1, category_id=1, bbox=[1, 2, 30, 40], score=0.9)]
    (tmp_path / 'boxes.json').write_text(json.dumps(found))
    options = dict(bbox_file=str(tmp_path / 'boxes.json'), test_mode=True)
    (item,) = build(folder, **options)
    assert item['bbox'].tolist() == [[1, 2, 31, 42]]
    assert item['bbox_score'] == pytest.approx([0.9])
    assert item['keypoints_visible'].shape == (1, 3)


def test_coco_s_own_keypoints_are_the_default(tmp_path):
    folder = write(tmp_path, person(keypoints=[1, 2, 2] * 9 + [3, 4, 1] * 8))
    dataset = DATASETS.build(
        dict(
            type='CocoKeypointDataset',
            data_root=str(folder),
            ann_file='people.json',
        )
    )
    assert dataset.metainfo['num_keypoints'] == 17
    assert dataset.metainfo['keypoint_id2name'][9] == 'left_wrist'
    assert dataset[0]['keypoints_visible'][0, :, 1].tolist() == [1] * 9 + [0] * 8


def test_metainfo_from_a_file(tmp_path):
    config = tmp_path / 'sticks.py'
    config.write_text(f'dataset_info = {METAINFO!r}\n')
    folder = write(tmp_path, person())
    dataset = DATASETS.build(
        dict(
            type='CocoKeypointDataset',
            data_root=str(folder),
            ann_file='people.json',
            metainfo=dict(from_file=str(config)),
        )
    )
    assert dataset.metainfo['dataset_name'] == 'sticks'


@pytest.mark.parametrize(
    ('people', 'changes', 'words'),
    [
        (
            [person(keypoints=[1, 2, 2] * 17)],
            {},
            ['annotation 1', '17', "'sticks'", '3'],
        ),
        ([person(keypoints=[1, 2, 2, 4])], {}, ['annotation 1', 'keypoints']),
        ([person(keypoints=[1, 2, 3] * 3)], {}, ['annotation 1', '0, 1 and 2']),
        ([person(keypoints=[1, float('nan'), 2] * 3)], {}, ['annotation 1', 'NaN']),
        ([person(keypoints=[1, 1e30, 2] * 3)], {}, ['annotation 1', 'far away']),
        ([person(bbox=[1, 2, 3])], {}, ['annotation 1', 'bbox', '[1, 2, 3]']),
        ([person() | dict(bbox=None)], {}, ['annotation 1', 'bbox', 'None']),
        (
            [person(image_id='a')],
            dict(images=[dict(id='a', file_name='a.png', width=80, height=100)]),
            ['whole numbers', 'as ids'],
        ),
        ([person(), person()], {}, ['2 of its "annotations" have the id 1']),
        (
            [person()],
            dict(images=2 * [dict(id=1, file_name='a.png', width=80, height=100)]),
            ['2 of its "images" have the id 1'],
        ),
        (
            [person()],
            dict(categories=[named('head', 'left', 'right')]),
            ["keypoint 0 'head'", "'sticks' 'left'", 'order of the file'],
        ),
        ([person(bbox=[0.1, 0.2, 0.5, 0.7])], {}, ['2 pixels', 'shares of the photo']),
        ([person() | dict(keypoints='none')], {}, ['ValueError']),
        ([person(image_id=None)], {}, ['image_id']),
        ([person()], dict(images=[dict(id=1, file_name='a.png')]), ['width']),
        ([person()], dict(images=None), ['no person']),
        ([person(bbox=[1, 2, float('nan'), 4])], {}, ['annotation 1', 'bbox']),
        ([person(iscrowd=1)], {}, ['no person']),
        ([], {}, ['no person']),
    ],
)
def test_what_is_wrong_gets_one_line(tmp_path, people, changes, words):
    with pytest.raises(UserError) as caught:
        build(write(tmp_path, *people, **changes))
    line = str(caught.value)
    assert line.startswith(f'{tmp_path}/people.json: ') and '\n' not in line
    assert all(word in line for word in words), line


@pytest.mark.parametrize('content', [b'', b'[1, 2]', b'{"images": ', b'\xff\xfe\x00'])
def test_no_json_and_no_coco_file_get_one_line(tmp_path, content):
    (tmp_path / 'people.json').write_bytes(content)
    with pytest.raises(UserError, match='is no COCO keypoint file') as caught:
        build(tmp_path)
    assert str(tmp_path / 'people.json') in str(caught.value)
    assert '\n' not in str(caught.value)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(UserError, match=r'people\.json: no such file'):
        build(tmp_path)
    with pytest.raises(UserError, match=r'boxes\.json: no such file'):
        build(
            write(tmp_path, person()),
            bbox_file=str(tmp_path / 'boxes.json'),
            test_mode=True,
        )


def test_the_module_path_names_the_person_detector():
    module = DATASETS.get('CocoKeypointDataset').__module__
    assert module.split('datasets.')[-1].split('.')[0] == 'body'


def photo_pipeline(flip=0.0):
    return [
        dict(type='GetBBoxCenterScale', padding=1.0),
        dict(type='RandomMirror', prob=flip),
        dict(type='RandomScaleRotation', scale=(1, 1), rotation=0),
        dict(type='LoadPersonCrop', input_size=(48, 64)),
        dict(type='PackCascadeInputs'),
    ]


@pytest.fixture
def with_photo(tmp_path):
    (tmp_path / 'photos').mkdir()
    cv2.imwrite(str(tmp_path / 'photos' / 'a.png'), np.zeros((100, 80, 3), np.uint8))
    # Height 64 fills the input's; the crop is 48 x 64 about (25, 42), scale 1.
    return write(tmp_path, person(bbox=[5, 10, 40, 64]))


def test_through_the_pipeline_of_another_shape(with_photo):
    packed = build(with_photo, pipeline=photo_pipeline())[0]
    assert packed['inputs'].shape == (3, 64, 48)
    labels = packed['data_samples'].gt_instance_labels
    np.testing.assert_allclose(labels.keypoints[0, :2], [[9, 10], [29, 30]], atol=1e-4)
    assert labels.keypoints_annotated.tolist() == [[1, 1, 0]]
    assert labels.keypoints_unoccluded.tolist() == [[1, 0, 0]]
    # What MMPose's CocoMetric asks for.
    meta = packed['data_samples'].metainfo
    assert meta['img_id'] == 1 and meta['category_id'] == 1
    assert meta['raw_ann_info']['keypoints'][5] == 1


@pytest.mark.parametrize('loads', ['LoadPersonCrop', 'CheckedLoadImage'])
def test_a_size_that_is_not_the_photo_s_gets_one_line(with_photo, loads):
    # As of a photo that its camera has stored on its side.
    photo = dict(id=1, file_name='a.png', width=100, height=80)
    folder = write(with_photo, person(), images=[photo])
    pipeline = photo_pipeline()
    if loads == 'CheckedLoadImage':
        pipeline[:] = [dict(type='CheckedLoadImage')]
    with pytest.raises(UserError, match=r'80 x 100 pixels .* says 100 x 80'):
        build(folder, pipeline=pipeline)[0]


def test_mirrored_both_flags_change_sides(with_photo):
    packed = build(with_photo, pipeline=photo_pipeline(flip=1.0))[0]
    labels = packed['data_samples'].gt_instance_labels
    # The visible left hand is now the right one, at 79 - 10 in the photo, whose
    # crop is about (54, 42).
    np.testing.assert_allclose(labels.keypoints[0, :2], [[19, 30], [39, 10]], atol=1e-4)
    assert labels.keypoints_unoccluded.tolist() == [[0, 1, 0]]


@pytest.mark.parametrize('knows_file', [True, False])
def test_coco_s_metric_rates_it(with_photo, knows_file):
    dataset = build(with_photo, pipeline=photo_pipeline(), test_mode=True)
    sample = dataset[0]['data_samples']
    truth = sample.gt_instances.keypoints
    for offset, expected in ((0, 1), (200, 0)):
        # Without a path the metric asks which file the data set has read.
        path = str(with_photo / 'people.json') if knows_file else None
        metric = METRICS.build(dict(type='CocoMetric', ann_file=path))
        metric.dataset_meta = dataset.metainfo
        sample.pred_instances = InstanceData(
            keypoints=truth + offset, keypoint_scores=np.ones((1, 3), np.float32)
        )
        metric.process({}, [sample.to_dict()])
        assert metric.evaluate(1)['coco/AP'] == pytest.approx(expected, abs=1e-6)


def test_combined_with_a_data_set_that_does_not_know(with_photo):
    stock = dict(
        type='CocoDataset',
        data_root=str(with_photo),
        ann_file='people.json',
        data_prefix=dict(img='photos'),
        metainfo=dict(METAINFO, dataset_name='stock'),
        pipeline=[
            dict(
                type='VisibilityKeypointConverter',
                num_keypoints=3,
                mapping=[(1, 0), (0, 1), (2, 2)],
            )
        ],
    )
    ours = dict(stock, type='CocoKeypointDataset', metainfo=METAINFO)
    combined = DATASETS.build(
        dict(
            type='CombinedDataset',
            metainfo=METAINFO,
            datasets=[stock, ours],
            pipeline=photo_pipeline(),
        )
    )
    unknown, known = (combined[index]['data_samples'] for index in (0, 1))
    assert unknown.metainfo['visibility_unknown_in'] == 'stock'
    assert unknown.gt_instance_labels.keypoints_unoccluded.tolist() == [[1, 1, 0]]
    assert 'visibility_unknown_in' not in known
    assert known.gt_instance_labels.keypoints_unoccluded.tolist() == [[0, 1, 0]]


def test_lsp_s_joints_as_metainfo(tmp_path):
    folder = write(tmp_path, person(keypoints=[1, 2, 2] * 7 + [3, 4, 1] * 7))
    dataset = DATASETS.build(
        dict(
            type='CocoKeypointDataset',
            data_root=str(folder),
            ann_file='people.json',
            metainfo=LSP14_METAINFO,
        )
    )
    assert dataset[0]['keypoints_visible'].shape == (1, 14, 2)
