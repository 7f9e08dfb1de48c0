"""Both metrics in one evaluator, as a config may ask for them."""

import numpy as np
import pytest
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.evaluation.evaluators import MultiDatasetEvaluator

from phr_mmpose.datasets.joints import LSP14_METAINFO, LSP_METAINFO, MPII_METAINFO
from phr_mmpose.evaluation.metrics import LspPCKAccuracy, MpiiPCKhAccuracy


@pytest.mark.parametrize('prefix', [None, 'val'])
def test_their_keys_stand_apart(prefix):
    init_default_scope('mmpose')
    gt = np.stack([20.0 * np.arange(16), np.full(16, 7.0)], axis=1)[None]
    pred = gt.copy()
    # The right ankle is 30 px off: within a fifth of the torso, from joint 13 to
    # joint 2 (220 px), and beyond half the head size of 10 px.
    pred[0, 0, 1] += 30
    sample = dict(
        pred_instances=dict(keypoints=pred),
        gt_instances=dict(
            keypoints=gt,
            keypoints_visible=np.ones((1, 16)),
            head_size=np.float32([10]),
        ),
    )
    evaluator = Evaluator(
        [
            dict(type='LspPCKAccuracy', prefix=prefix),
            dict(type='MpiiPCKhAccuracy'),
        ]
    )
    evaluator.process([sample], {})
    metrics = evaluator.evaluate(1)
    assert metrics[f'{prefix or "lsp"}/Ankle'] == 100
    assert metrics['mpii/Ankle'] == 50
    # One key for each number of each metric.
    assert len(metrics) == 8 + 2 * 8


def of_mmpose(name):
    return dict(from_file=f'configs/_base_/datasets/{name}.py')


@pytest.fixture
def warnings(caplog):
    """Set a metric's meta information, and give what it warns of."""
    # The stack's logger keeps its lines to itself.
    logger = MMLogger.get_instance('metrics')
    logger.addHandler(caplog.handler)

    def of(metric, meta):
        caplog.clear()
        metric.dataset_meta = meta
        assert metric.dataset_meta is meta
        return [record.getMessage() for record in caplog.records]

    yield of
    logger.removeHandler(caplog.handler)


@pytest.mark.parametrize('metainfo', [MPII_METAINFO, LSP_METAINFO, of_mmpose('mpii')])
def test_sixteen_joints_can_be_rated_by_both(warnings, metainfo):
    meta = parse_pose_metainfo(metainfo)
    assert not warnings(LspPCKAccuracy(), meta) + warnings(MpiiPCKhAccuracy(), meta)
    assert not warnings(LspPCKAccuracy(), None) + warnings(LspPCKAccuracy(), {})


@pytest.mark.parametrize('neck', ['upper_neck', 'neck'])
def test_fourteen_joints_of_lsp_by_one(warnings, neck):
    meta = parse_pose_metainfo(LSP14_METAINFO)
    meta['keypoint_id2name'][12] = neck
    assert not warnings(LspPCKAccuracy(), meta)
    (line,) = warnings(MpiiPCKhAccuracy(), meta)
    assert "'lsp' has 14, from 'right_ankle' to 'head_top'" in line


# CrowdPose has as many joints as LSP, in another order.
@pytest.mark.parametrize('name', ['coco', 'crowdpose'])
@pytest.mark.parametrize('metric', [LspPCKAccuracy, MpiiPCKhAccuracy])
def test_joints_in_another_order_are_told_of_before_training(warnings, metric, name):
    (line,) = warnings(metric(), parse_pose_metainfo(of_mmpose(name)))
    assert metric.__name__ in line and f'{name!r} has 1' in line


def test_metrics_of_several_data_sets_that_convert_their_joints():
    init_default_scope('mmpose')
    data = dict(type='AicDataset', ann_file='aic.json')
    MultiDatasetEvaluator(metrics=[dict(type='LspPCKAccuracy')], datasets=[data])
