"""The three datasets on lists written by hand, and on the real data."""

import json

import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, TRANSFORMS

import phr_mmpose.datasets  # noqa: F401  registers the datasets
from phr_mmpose.datasets.annotation_list import save_annotation_list
from phr_mmpose.datasets.joints import LSP_JOINTS, LSP_TO_MPII
from phr_mmpose.datasets.readers.lsp import read_lsp_folder
from phr_mmpose.utils.errors import UserError


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmpose')


def write_list(folder, num_joints, **changes):
    """One person whose joint k (from 0) is at (10 + k, 20 + 2 k), counted from 1."""
    entry = {
        'image': 'photo.png',
        'center': [101, 201],
        'scale': 0.5,
        'joints': [[10 + k, 20 + 2 * k] for k in range(num_joints)],
        'joints_vis': [1] * num_joints,
        'joints_visible': [1] * num_joints,
        **changes,
    }
    (folder / 'list.json').write_text(json.dumps([entry]))
    return folder


def build(kind, folder, **options):
    return DATASETS.build(
        dict(
            type=kind,
            data_root=str(folder),
            ann_file='list.json',
            data_prefix={'img': 'photos'},
            **options,
        )
    )


def crop_of(item):
    """Centre and side of the crop that the pipeline will take, in pixels."""
    results = TRANSFORMS.build({'type': 'GetBBoxCenterScale', 'padding': 1.25})(
        {'bbox': item['bbox']}
    )
    assert results['bbox_scale'][0, 0] == results['bbox_scale'][0, 1]
    return results['bbox_center'][0].tolist(), float(results['bbox_scale'][0, 0])


def test_mpii_counts_pixels_from_0_and_keeps_both_flags(tmp_path):
    annotated = [1] * 15 + [0]
    visible = [0, 1] * 8
    folder = write_list(
        tmp_path,
        16,
        joints_vis=annotated,
        joints_visible=visible,
        head_box=[10, 10, 40, 50],
    )
    (item,) = build('MpiiPartDataset', folder)
    assert item['keypoints'].shape == (1, 16, 2)
    assert item['keypoints'].dtype == np.float32
    assert item['keypoints'][0, 3].tolist() == [12, 25]
    assert item['keypoints'][0, 15].tolist() == [0, 0]
    assert item['keypoints_visible'].shape == (1, 16, 2)
    assert item['keypoints_visible'][0, :, 0].tolist() == annotated
    assert item['keypoints_visible'][0, :, 1].tolist() == [*visible[:15], 0]
    # The diagonal of 30 x 40 is 50.
    assert item['head_size'].tolist() == [30]
    assert item['bbox_score'].tolist() == [1]
    assert item['img_path'] == str(folder / 'photos' / 'photo.png')
    assert item['flip_indices'][0] == 5


def test_mpii_box_by_hand_and_as_mmpose(tmp_path):
    folder = write_list(tmp_path, 16, image='1.png')
    (item,) = build('MpiiPartDataset', folder)
    # 101 - 1, 201 + 15 x 0.5 - 1; side 200 x 0.5.
    assert item['bbox'].tolist() == [[50, 157.5, 150, 257.5]]
    assert crop_of(item) == ([100, 207.5], 125)
    theirs = build('MpiiDataset', folder)[0]
    np.testing.assert_array_equal(item['bbox'], theirs['bbox'])


def test_persons_without_a_head_box_are_counted(tmp_path):
    folder = write_list(tmp_path, 16)
    (without,) = json.loads((folder / 'list.json').read_text())
    head = {**without, 'head_box': [10, 10, 40, 50]}

    def load(*entries, **options):
        (folder / 'list.json').write_text(json.dumps(entries))
        dataset = build('MpiiPartDataset', folder, **options)
        return dataset, [item['head_size'].tolist() for item in dataset.data_list]

    options = dict(test_mode=True, serialize_data=False)
    dataset, sizes = load(head, without, head, **options)
    np.testing.assert_array_equal(sizes, [[30], [np.nan], [30]])
    assert dataset.metainfo['num_head_boxes'] == 2
    assert load(without, **options)[0].metainfo['num_head_boxes'] == 0
    assert 'num_head_boxes' not in load(head, head, **options)[0].metainfo
    # Data sets to train on are joined whatever their head boxes.
    training, _ = load(head, without, serialize_data=False)
    assert 'num_head_boxes' not in training.metainfo


def test_lsp_maps_to_mpii(tmp_path):
    visible = [0, 1] * 7
    (item,) = build('LspDataset', write_list(tmp_path, 14, joints_visible=visible))
    flags = item['keypoints_visible'][0]
    assert flags[[6, 7]].tolist() == [[0, 0], [0, 0]]
    for lsp, mpii in enumerate(LSP_TO_MPII):
        assert item['keypoints'][0, mpii].tolist() == [9 + lsp, 19 + 2 * lsp]
        assert flags[mpii].tolist() == [1, visible[lsp]]
    assert item['dataset_keypoint_weights'][[6, 7]].tolist() == [0, 0]
    assert crop_of(item) == ([100, 200], 125)


def test_lsp_keeps_its_own_joints_on_request(tmp_path):
    dataset = build('LspDataset', write_list(tmp_path, 14), joints='lsp14')
    assert dataset[0]['keypoints'][0, 13].tolist() == [22, 45]
    names = tuple(dataset.metainfo['keypoint_id2name'].values())
    assert names == LSP_JOINTS
    assert dataset[0]['flip_indices'] == dataset.metainfo['flip_indices']
    assert len(dataset[0]['flip_indices']) == 14


def test_lsp_crop_about_the_joints(tmp_path):
    folder = write_list(tmp_path, 14)
    (item,) = build('LspDataset', folder, crop='joints')
    # Joints reach from (10, 20) to (23, 46), from 1.
    assert crop_of(item)[0] == pytest.approx([15.5, 32])
    # Without an annotated joint the list's box stays.
    write_list(tmp_path, 14, joints_vis=[0] * 14)
    (item,) = build('LspDataset', folder, crop='joints')
    assert crop_of(item) == ([100, 200], 125)
    assert not item['keypoints_visible'].any()


def test_lsp_refuses_unknown_options(tmp_path):
    folder = write_list(tmp_path, 14)
    for option in ('joints', 'crop'):
        with pytest.raises(UserError, match=f"{option}='all'"):
            build('LspDataset', folder, **{option: 'all'})


def test_a_list_without_visibility_gives_one_flag(tmp_path):
    annotated = [1, 0] * 8
    folder = write_list(tmp_path, 16, joints_vis=annotated)
    (entry,) = json.loads((folder / 'list.json').read_text())
    unknown = {key: entry[key] for key in entry if key != 'joints_visible'}
    (folder / 'list.json').write_text(json.dumps([entry, unknown]))
    known, other = build('MpiiPartDataset', folder)
    assert known['keypoints_visible'].shape == (1, 16, 2)
    assert other['keypoints_visible'].tolist() == [annotated]


def test_lspet_cannot_say_what_is_hidden(tmp_path):
    labelled = [1, 0] * 7
    folder = write_list(
        tmp_path, 14, joints_vis=labelled, joints_visible=[0] * 14, center=[900, 900]
    )
    (item,) = build('LspetDataset', folder)
    assert item['keypoints_visible'].shape == (1, 16)
    assert item['keypoints_visible'][0, list(LSP_TO_MPII)].tolist() == labelled
    # The box is about the labelled joints, wherever the list says.
    assert crop_of(item)[0] == pytest.approx([15, 31])
    names = build('LspetDataset', folder, joints='lsp14').metainfo['keypoint_id2name']
    assert len(names) == 14


@pytest.mark.parametrize(
    ('kind', 'wrong'),
    [('MpiiPartDataset', 14), ('LspDataset', 16), ('LspetDataset', 16)],
)
def test_a_list_of_another_body_is_refused(tmp_path, kind, wrong):
    with pytest.raises(UserError, match=f'"joints" has {wrong} joints'):
        build(kind, write_list(tmp_path, wrong))


def test_persons_of_one_photo_share_its_number(tmp_path):
    folder = write_list(tmp_path, 16)
    (entry,) = json.loads((folder / 'list.json').read_text())
    entries = [entry, dict(entry, image='other.png'), entry]
    (folder / 'list.json').write_text(json.dumps(entries))
    dataset = build('MpiiPartDataset', folder, serialize_data=False)
    assert [item['img_id'] for item in dataset] == [0, 1, 0]
    assert [item['id'] for item in dataset] == [0, 1, 2]
    assert len(build('MpiiPartDataset', folder, indices=2)) == 2


def test_the_module_path_names_the_person_detector():
    # MMPose's inferencer picks its default detector by this word.
    for kind in ('MpiiPartDataset', 'LspDataset', 'LspetDataset'):
        module = DATASETS.get(kind).__module__
        assert module.split('datasets.')[-1].split('.')[0] == 'body'


def test_random_flip_carries_both_channels(tmp_path):
    photos = tmp_path / 'photos'
    photos.mkdir()
    cv2.imwrite(str(photos / 'photo.png'), np.zeros((100, 80, 3), np.uint8))
    visible = [0] + [1] * 15  # the right ankle is occluded
    annotated = [1] * 15 + [0]  # the left wrist is not annotated
    folder = write_list(
        tmp_path,
        16,
        joints_vis=annotated,
        joints_visible=visible,
        center=[40, 50],
    )
    pipeline = [
        {'type': 'CheckedLoadImage'},
        {'type': 'GetBBoxCenterScale', 'padding': 1.25},
        {'type': 'RandomFlip', 'prob': 1.0},
        {'type': 'TopdownAffine', 'input_size': (64, 64)},
        {'type': 'PackCascadeInputs'},
    ]
    sample = build('MpiiPartDataset', folder, pipeline=pipeline)[0]['data_samples']
    instances, labels = sample.gt_instances, sample.gt_instance_labels
    expected_annotated = [1.0] * 16
    expected_annotated[10] = 0.0  # now the right wrist
    expected_unoccluded = list(expected_annotated)
    expected_unoccluded[5] = 0.0  # now the left ankle
    assert instances.keypoints_visible[0].tolist() == expected_annotated
    assert instances.keypoints_unoccluded[0].tolist() == expected_unoccluded
    assert labels.keypoints_annotated[0].tolist() == expected_annotated
    assert labels.keypoints_unoccluded[0].tolist() == expected_unoccluded
    # The right ankle, (9, 19) from 0, became the left one at 79 - 9.
    assert instances.keypoints[0, 5].tolist() == [70, 19]


def test_a_person_without_annotation_stays(tmp_path):
    folder = write_list(tmp_path, 16, joints_vis=[0] * 16, joints_visible=[0] * 16)
    (item,) = build('MpiiPartDataset', folder)
    assert not item['keypoints_visible'].any()
    assert np.isfinite(item['keypoints']).all()


@pytest.fixture(scope='module')
def real_lists(data_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp('real')
    for name in ('lsp', 'lspet'):
        lists = read_lsp_folder(data_root / name, check_photos=False).lists
        for list_name, annotations in lists.items():
            save_annotation_list(folder / f'{list_name}.json', annotations)
    return folder


def load_real(real_lists, data_root, kind, name):
    dataset = DATASETS.build(
        {
            'type': kind,
            'data_root': str(real_lists),
            'ann_file': f'{name}.json',
            'data_prefix': {'img': str(data_root)},
            'serialize_data': False,
        }
    )
    items = dataset.data_list
    columns = ('keypoints', 'keypoints_visible', 'bbox')
    return [np.concatenate([item[key] for item in items]) for key in columns]


@pytest.mark.parametrize(
    ('kind', 'name', 'persons', 'annotated', 'visible'),
    [
        ('LspDataset', 'lsp_train', 1000, 14000, 13010),
        ('LspDataset', 'lsp_test', 1000, 14000, 12946),
        ('LspetDataset', 'lspet_train', 7091, 94634, None),
    ],
)
def test_real_counts_and_crops(
    real_lists, data_root, kind, name, persons, annotated, visible
):
    keypoints, flags, boxes = load_real(real_lists, data_root, kind, name)
    assert len(keypoints) == persons
    if visible is None:
        assert flags.ndim == 2
    else:
        assert flags[..., 1].sum() == visible
        flags = flags[..., 0]
    assert flags.sum() == annotated
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    side = 1.25 * (boxes[:, 2] - boxes[:, 0])
    outside = np.abs(keypoints - center[:, None]).max(axis=-1) > side[:, None] / 2
    share = (outside & (flags > 0)).sum() / annotated
    # The protocol's fixed crop loses 0.03 to 0.05 % of LSP's joints.
    assert share < 5e-4
    if kind == 'LspDataset':
        np.testing.assert_allclose(side, 178, rtol=1e-5)


def test_mpii_validation_list(data_root):
    dataset = DATASETS.build(
        {
            'type': 'MpiiPartDataset',
            'data_root': str(data_root),
            'ann_file': 'mpii/mpii_val.json.gz',
            'data_prefix': {'img': 'mpii/images'},
            'test_mode': True,
        }
    )
    assert len(dataset) == 2958
    item = dataset.get_data_info(0)
    assert item['keypoints'][0, 0].tolist() == [803, 710]
    assert item['bbox'][0].tolist() == pytest.approx(
        [965 - 471.8, 339 + 70.77 - 471.8, 965 + 471.8, 339 + 70.77 + 471.8], abs=1e-3
    )
