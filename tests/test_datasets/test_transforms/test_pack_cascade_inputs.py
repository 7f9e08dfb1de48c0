import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.datasets.transforms.formatting import image_to_tensor
from mmpose.registry import TRANSFORMS


def build():
    init_default_scope('mmpose')
    return TRANSFORMS.build({'type': 'PackCascadeInputs'})


def sample(**changes):
    results = {
        'img': np.zeros((8, 6, 3), np.uint8),
        'img_path': 'x.jpg',
        'bbox': np.array([[0, 0, 4, 4]], np.float32),
        'bbox_score': np.ones(1, np.float32),
        'keypoints': np.array([[[1, 2], [3, 4], [5, 6]]], np.float32),
        'transformed_keypoints': np.array([[[10, 20], [30, 40], [50, 60]]], np.float32),
        'keypoints_visible': np.array([[[1, 1], [1, 0], [0, 0]]], np.float32),
        'head_size': np.array([12], np.float32),
        'heatmaps': np.zeros((3, 8, 6), np.float32),
    }
    results.update(changes)
    return results


def test_packs_both_flags_and_both_grids():
    packed = build()(sample())
    assert packed['inputs'].shape == (3, 8, 6)
    instances = packed['data_samples'].gt_instances
    assert instances.keypoints.tolist() == [[[1, 2], [3, 4], [5, 6]]]
    assert instances.keypoints_visible.tolist() == [[1, 1, 0]]
    assert instances.keypoints_unoccluded.tolist() == [[1, 0, 0]]
    assert instances.head_size.tolist() == [12]
    assert instances.bbox_scores.tolist() == [1]
    labels = packed['data_samples'].gt_instance_labels
    assert labels.keypoints[0, 1].tolist() == [30, 40]
    assert labels.keypoints_annotated.tolist() == [[1, 1, 0]]
    assert labels.keypoints_unoccluded.tolist() == [[1, 0, 0]]
    for name in ('keypoints', 'keypoints_annotated', 'keypoints_unoccluded'):
        assert labels[name].dtype == np.float32


@pytest.mark.parametrize('channels', [1, 3, 4])
@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_packs_the_picture_as_mmpose_does(channels, dtype):
    image = np.random.default_rng(0).integers(0, 256, (9, 14, channels)).astype(dtype)
    # Every second column, as a view.
    image = image[:, ::2]
    inputs = build()(sample(img=image))['inputs']
    expected = image_to_tensor(image)
    assert inputs.dtype == expected.dtype and inputs.is_contiguous()
    assert inputs.shape == (channels, 9, 7)
    assert (inputs == expected).all()


def test_packs_several_pictures_as_mmpose_does():
    inputs = build()(sample(img=[np.zeros((8, 6, 3), np.uint8)] * 2))['inputs']
    assert inputs.shape == (2, 3, 8, 6)


def test_packs_no_maps():
    assert 'gt_fields' not in build()(sample())['data_samples']


def test_a_single_flag_means_that_visibility_is_unknown():
    flags = np.array([[1, 0, 1]], np.float32)
    packed = build()(sample(keypoints_visible=flags, dataset_name='lspet'))
    packed = packed['data_samples']
    assert packed.gt_instances.keypoints_visible.tolist() == [[1, 0, 1]]
    # The metrics have nothing to split by; the detector's targets need something.
    assert 'keypoints_unoccluded' not in packed.gt_instances
    assert packed.gt_instance_labels.keypoints_unoccluded.tolist() == [[1, 0, 1]]
    assert packed.metainfo['visibility_unknown_in'] == 'lspet'


def test_two_flags_need_no_mark():
    packed = build()(sample(dataset_name='lsp'))['data_samples']
    assert 'visibility_unknown_in' not in packed


def test_what_is_not_annotated_is_not_unoccluded():
    flags = np.array([[[0, 1], [1, 1], [0, 0]]], np.float32)
    labels = build()(sample(keypoints_visible=flags))['data_samples'].gt_instance_labels
    assert labels.keypoints_unoccluded.tolist() == [[0, 1, 0]]


def test_a_bare_photo_has_no_joints():
    # As TopdownAffine leaves a sample without annotation.
    results = sample(
        transformed_keypoints=np.zeros([]), keypoints_visible=np.ones((1, 1, 1))
    )
    del results['keypoints']
    packed = build()(results)
    assert 'keypoints' not in packed['data_samples'].gt_instances
    assert 'keypoints' not in packed['data_samples'].gt_instance_labels
    assert packed['data_samples'].gt_instances.bboxes.shape == (1, 4)
