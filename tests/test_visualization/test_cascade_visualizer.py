import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from mmpose.registry import VISUALIZERS
from mmpose.structures import PoseDataSample

from phr_mmpose.datasets.joints import LSP14_METAINFO

SIDE = 200
# A figure with its joints apart from each other.
POINTS = np.stack(np.meshgrid([30, 80, 130, 170], [30, 80, 130, 170]), -1)
POINTS = POINTS.reshape(-1, 2)[:14].astype(np.float32)


@pytest.fixture
def visualizer():
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    init_default_scope('mmpose')
    found = VISUALIZERS.build(
        dict(type='CascadeVisualizer', name='test', vis_backends=[])
    )
    found.set_dataset_meta(parse_pose_metainfo(LSP14_METAINFO))
    return found


def drawn(visualizer, instances, **options):
    sample = PoseDataSample(**instances)
    image = np.full((SIDE, SIDE, 3), 128, np.uint8)
    visualizer.add_datasample(
        'name', image, sample, draw_bbox=False, draw_heatmap=False, **options
    )
    return visualizer.get_image()


def centres(picture, points=POINTS):
    columns, rows = points.astype(int).T
    return picture[rows, columns]


def test_inferred_keypoints_are_hollow_and_none_is_left_out(visualizer):
    visible = np.full((1, 14), 0.9, np.float32)
    visible[0, :3] = 0.1
    person = InstanceData(
        keypoints=POINTS[None],
        keypoint_scores=np.full((1, 14), 0.8, np.float32),
        keypoints_visible=visible,
    )
    picture = drawn(visualizer, dict(pred_instances=person), draw_gt=False)
    # A ring is white in its middle, a disc has its side's colour.
    hollow = (centres(picture) > 240).all(-1)
    np.testing.assert_array_equal(hollow, visible[0] < 0.3)
    assert (centres(picture) != 128).any(-1).all()
    strict = drawn(visualizer, dict(pred_instances=person), draw_gt=False, kpt_thr=0.95)
    assert (centres(strict) > 240).all()


def test_in_the_input_keypoints_stand_where_the_crop_has_put_them(visualizer):
    photo = dict(keypoints=POINTS[None], keypoints_visible=np.ones((1, 14)))
    crop = dict(photo, keypoints=POINTS[None] * 3 + 40)
    crop['transformed_keypoints'] = POINTS[None]
    pictures = [
        drawn(visualizer, dict(gt_instances=InstanceData(**each)), draw_pred=False)
        for each in (photo, crop)
    ]
    np.testing.assert_array_equal(*pictures)


def test_annotated_keypoints_are_drawn_by_their_own_flags(visualizer):
    annotated = np.ones((1, 14), np.float32)
    annotated[0, 13] = 0
    visible = annotated.copy()
    visible[0, :2] = 0
    person = InstanceData(
        keypoints=POINTS[None],
        keypoints_visible=annotated,
        keypoints_unoccluded=visible,
    )
    # As MMPose's PackPoseInputs hands them on.
    both = InstanceData(
        keypoints=POINTS[None], keypoints_visible=np.stack([annotated, visible], -1)
    )
    for each in (person, both):
        picture = drawn(visualizer, dict(gt_instances=each), draw_pred=False)
        hollow = (centres(picture) > 240).all(-1)
        np.testing.assert_array_equal(np.flatnonzero(hollow), [0, 1])
        assert (centres(picture)[13] == 128).all()


def test_seen_keypoints_have_the_data_set_s_colours(visualizer):
    person = InstanceData(
        keypoints=POINTS[None], keypoint_scores=np.ones((1, 14), np.float32)
    )
    picture = drawn(visualizer, dict(pred_instances=person), draw_gt=False)
    colours = visualizer.dataset_meta['keypoint_colors']
    np.testing.assert_array_equal(centres(picture), colours)


def test_keypoints_can_be_numbered(visualizer):
    person = InstanceData(
        keypoints=POINTS[None], keypoint_scores=np.ones((1, 14), np.float32)
    )
    plain = drawn(visualizer, dict(pred_instances=person), draw_gt=False)
    numbered = drawn(
        visualizer, dict(pred_instances=person), draw_gt=False, show_kpt_idx=True
    )
    assert (plain != numbered).any()
