"""Both metrics in one evaluator, as a config may ask for them."""

import numpy as np
import pytest
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope

import phr_mmpose  # noqa: F401


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
