"""LSP's metric on samples as MMPose's evaluator hands them over."""

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from mmpose.registry import METRICS
from mmpose.structures import PoseDataSample

from phr_mmpose.datasets.joints import lsp_to_mpii
from phr_mmpose.evaluation.functional.pck import COLUMNS
from phr_mmpose.evaluation.metrics import LspPCKAccuracy
from phr_mmpose.utils.errors import UserError


def person(joints: int = 14) -> np.ndarray:
    """Joints on a line 10 px apart, torso 100 px."""
    keypoints = np.stack([10.0 * np.arange(14), np.zeros(14)], axis=1)[None]
    keypoints[0, 9] = keypoints[0, 2] + (60, 80)
    return lsp_to_mpii(keypoints) if joints == 16 else keypoints


def sample(
    gt: np.ndarray,
    pred: np.ndarray,
    annotated: np.ndarray | None = None,
    visible: np.ndarray | None = None,
    said: np.ndarray | None = None,
) -> PoseDataSample:
    flags = np.ones(gt.shape[:2], np.float32)
    truth = InstanceData(
        keypoints=gt.astype(np.float32),
        keypoints_visible=flags if annotated is None else annotated,
    )
    if visible is not None:
        truth.keypoints_unoccluded = visible
    result = PoseDataSample(gt_instances=truth)
    result.pred_instances = InstanceData(
        keypoints=pred.astype(np.float32), keypoint_scores=np.ones(gt.shape[:2])
    )
    if said is not None:
        result.pred_instances.keypoints_visible = said
    return result


def evaluate(samples: list[PoseDataSample], **options) -> dict[str, float]:
    evaluator = Evaluator(LspPCKAccuracy(**options))
    for one in samples:
        evaluator.process([one], {})
    metrics = evaluator.evaluate(len(samples))
    assert all(key.startswith('lsp/') for key in metrics)
    return {key.removeprefix('lsp/'): rate for key, rate in metrics.items()}


def test_one_person_of_unknown_visibility_leaves_nothing_to_split():
    gt = person()
    known = sample(gt, gt, visible=np.ones((1, 14), np.float32))
    assert 'Total_visible' in evaluate([known])
    metrics = evaluate([known, sample(gt, gt)])
    assert metrics['Total'] == 100
    assert not any('visible' in key or 'occluded' in key for key in metrics)


def test_is_registered():
    assert METRICS.get('LspPCKAccuracy') is LspPCKAccuracy


def test_threshold_of_a_fifth_of_the_torso_counts():
    gt = person()
    on, beyond = gt.copy(), gt.copy()
    on[0, 11] += (12, 16)
    beyond[0, 11] += (12, 16.01)
    metrics = evaluate([sample(gt, on), sample(gt, beyond)])
    assert list(metrics) == list(COLUMNS)
    assert metrics['Wrist'] == 75
    assert metrics['Total'] == pytest.approx(100 * 27 / 28)
    assert metrics['Head'] == 100


def test_sixteen_joints_are_rated_on_the_fourteen_of_lsp():
    gt = person(16)
    annotated = np.ones((1, 16), np.float32)
    annotated[0, [6, 7]] = 0
    pred = gt.copy()
    pred[0, [6, 7]] += 1000
    # MPII's 15 is the left wrist, 8 the upper neck.
    pred[0, [15, 8]] += 1000
    metrics = evaluate([sample(gt, pred, annotated, annotated)])
    assert metrics['Wrist'] == 50
    assert metrics['Head'] == 50
    assert metrics['Total'] == pytest.approx(100 * 12 / 14)
    assert metrics['Total_visible'] == metrics['Total']
    assert 'Total_occluded' not in metrics


def test_visible_and_occluded_joints_apart():
    gt = person()
    visible = np.ones((1, 14), np.float32)
    visible[0, [0, 11]] = 0
    pred = gt.copy()
    pred[0, [0, 1]] += 1000
    metrics = evaluate([sample(gt, pred, visible=visible)])
    assert metrics['Total_visible'] == pytest.approx(100 * 11 / 12)
    assert metrics['Total_occluded'] == 50
    assert metrics['Ankle_occluded'] == 0
    assert metrics['Wrist_occluded'] == 100
    assert 'Hip_occluded' not in metrics
    # Both flags in one array, as the stock packing leaves them.
    both = np.stack([np.ones((1, 14), np.float32), visible], axis=-1)
    assert evaluate([sample(gt, pred, both)]) == metrics


def test_visibility_is_rated_over_the_annotated_joints():
    gt, annotated = person(), np.ones((1, 14), np.float32)
    annotated[0, 13] = 0
    visible = annotated.copy()
    visible[0, :3] = 0
    said = np.full((1, 14), 0.85, np.float32)
    said[0, [0, 1, 2, 13]] = 0.25, 0.35, 0.95, 0.99
    metrics = evaluate([sample(gt, gt, annotated, visible, said)])
    # All ten visible ones are above two of the three hidden ones.
    assert metrics['visibility_AUC'] == pytest.approx(100 * 2 / 3)
    # Bins of ten, one, one and one.
    gaps = 10 * (1 - 0.85) + 0.25 + 0.35 + 0.95
    assert metrics['visibility_ECE'] == pytest.approx(100 * gaps / 13, rel=1e-5)


def test_scores_repeated_as_visibility_are_not_rated():
    gt, annotated = person(), np.ones((1, 14), np.float32)
    visible = annotated.copy()
    visible[0, :3] = 0
    scores = np.linspace(0, 1, 14, dtype=np.float32)[None]
    repeated = sample(gt, gt, annotated, visible, scores)
    repeated.pred_instances.keypoint_scores = scores.copy()
    metrics = evaluate([repeated])
    assert metrics['Total'] == 100
    assert not any(key.startswith('visibility') for key in metrics)


def test_tensors_and_missing_predictions():
    gt = person()
    pred = gt.copy()
    pred[0, 3] = np.nan
    data = sample(gt, pred).to_dict()
    data['pred_instances']['keypoints'] = torch.tensor(pred)
    metric = LspPCKAccuracy()
    metric.process({}, [data])
    assert metric.evaluate(1)['lsp/Hip'] == 50


def test_a_person_without_torso_is_left_out():
    gt = person()
    annotated = np.ones((1, 14), np.float32)
    annotated[0, 2] = 0
    metrics = evaluate([sample(gt, gt), sample(gt, gt + 1000, annotated)])
    assert metrics['Total'] == 100


def test_nothing_to_rate_is_said():
    gt = person()
    with pytest.raises(UserError, match='no person has a reference length'):
        evaluate([sample(gt, gt, np.zeros((1, 14), np.float32))])
    with pytest.raises(UserError, match=r'14 .* 16 .* not 17'):
        gt = np.ones((1, 17, 2))
        evaluate([sample(gt, gt)])


def test_saves_predictions_whole(tmp_path):
    gt = person()
    out = tmp_path / 'deep' / 'preds.npz'
    evaluate([sample(gt, gt), sample(gt, gt + 1)], out=str(out))
    saved = np.load(out)
    assert saved['preds'].shape == (2, 14, 2)
    np.testing.assert_allclose(saved['preds'][1], gt[0] + 1)
    assert saved['scores'].shape == (2, 14)
    assert [path.name for path in out.parent.iterdir()] == ['preds.npz']


def test_saves_npz_only():
    with pytest.raises(UserError, match=r'preds\.mat.*\.npz'):
        LspPCKAccuracy(out='preds.mat')
