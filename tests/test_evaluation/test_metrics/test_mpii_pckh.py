"""MPII's metric on samples as MMPose's evaluator hands them over."""

import numpy as np
import pytest
from mmengine.evaluator import Evaluator
from mmpose.registry import METRICS

from phr_mmpose.evaluation.functional.pck import COLUMNS
from phr_mmpose.evaluation.metrics import MpiiPCKhAccuracy
from phr_mmpose.utils.errors import UserError

GT = np.stack([20.0 * np.arange(16), np.full(16, 7.0)], axis=1)[None]


def sample(pred: np.ndarray, head_size: float | None = 10, **truth) -> dict:
    instances = {'keypoints': GT, 'keypoints_visible': np.ones((1, 16))}
    if head_size is not None:
        instances['head_size'] = np.array([head_size], np.float32)
    return {
        'pred_instances': {'keypoints': pred},
        'gt_instances': {**instances, **truth},
    }


def evaluate(samples: list[dict]) -> dict[str, float]:
    evaluator = Evaluator(MpiiPCKhAccuracy())
    evaluator.process(samples, {})
    metrics = evaluator.evaluate(len(samples))
    assert all(key.startswith('mpii/') for key in metrics)
    return {key.removeprefix('mpii/'): rate for key, rate in metrics.items()}


def test_is_registered():
    assert METRICS.get('MpiiPCKhAccuracy') is MpiiPCKhAccuracy


def test_keys_and_thresholds():
    pred = GT.copy()
    pred[0, 0] += (3, 4)
    pred[0, 1] += (3, 4.01)
    pred[0, 2] += (1, 0)
    pred[0, 3] += (1.01, 0)
    metrics = evaluate([sample(pred)])
    assert list(metrics) == [*COLUMNS, *(f'{key}@0.1' for key in COLUMNS)]
    assert metrics['Ankle'] == 100
    assert metrics['Knee'] == 50
    assert metrics['Hip@0.1'] == 50
    assert metrics['Total'] == pytest.approx(100 * 13 / 14)
    assert metrics['Total@0.1'] == pytest.approx(100 * 11 / 14)


def test_no_pixel_is_added():
    # MMPose's own metric adds 1 to predictions, which breaks data counted from 0.
    assert evaluate([sample(GT, head_size=1e-3)])['Total@0.1'] == 100


def test_head_is_upper_neck_and_head_top_and_trunk_counts_nowhere():
    pred = GT.copy()
    pred[0, [6, 7, 8]] += 100
    metrics = evaluate([sample(pred)])
    assert metrics['Head'] == 50
    assert metrics['Total'] == pytest.approx(100 * 13 / 14)


def test_unannotated_joints_and_splits():
    annotated = np.ones((1, 16))
    annotated[0, 5] = 0
    visible = annotated.copy()
    visible[0, 0] = 0
    pred = GT.copy()
    pred[0, [0, 5]] += 100
    metrics = evaluate(
        [sample(pred, keypoints_visible=annotated, keypoints_unoccluded=visible)]
    )
    assert metrics['Ankle'] == 0
    assert metrics['Total'] == pytest.approx(100 * 12 / 13)
    assert metrics['Total_visible'] == 100
    assert metrics['Total_occluded'] == 0
    assert 'Ankle_visible' not in metrics
    assert 'Total_visible@0.1' not in metrics


@pytest.mark.parametrize('head_size', [None, np.nan])
def test_head_sizes_are_needed(head_size):
    with pytest.raises(UserError, match='head_box'):
        evaluate([sample(GT, head_size=head_size)])


def test_joints_must_be_those_of_mpii():
    data = sample(GT[:, :14], keypoints=GT[:, :14], keypoints_visible=np.ones((1, 14)))
    with pytest.raises(UserError, match='16 joints in the order of MPII, not 14'):
        evaluate([data])
