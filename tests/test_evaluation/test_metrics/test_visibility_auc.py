import cv2
import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmpose.registry import METRICS

from phr_mmpose.utils.errors import UserError


def rate(persons, **options):
    init_default_scope('mmpose')
    metric = METRICS.build(dict(type='VisibilityAUC', **options))
    metric.process(None, persons)
    return metric.evaluate(len(persons))


def person(predicted, annotated, visible=None):
    gt = dict(keypoints_visible=np.array([annotated], np.float32))
    if visible is not None:
        gt['keypoints_unoccluded'] = np.array([visible], np.float32)
    found = np.array([predicted], np.float32)
    return dict(pred_instances=dict(keypoints_visible=found), gt_instances=gt)


def test_annotated_joints_of_all_persons_count():
    # The joint without annotation, of probability 1, would spoil the order.
    found = rate(
        [
            person([0.9, 0.2, 1.0], [1, 1, 0], [1, 0, 0]),
            person([0.6, 0.7, 0.5], [1, 1, 1], [1, 0, 1]),
        ]
    )
    # Visible 0.9, 0.6, 0.5 against hidden 0.2, 0.7: 4 of 6 pairs in order.
    assert found['visibility/AUC'] == pytest.approx(100 * 4 / 6)
    gaps = [1 - 0.9, 0.2, 1 - 0.6, 0.7, 1 - 0.5]
    assert found['visibility/ECE'] == pytest.approx(100 * np.mean(gaps), rel=1e-5)


def test_where_the_data_cannot_tell_nothing_is_reported():
    assert rate([person([0.9, 0.2], [1, 1])]) == {}
    assert rate([person([0.9, 0.2], [1, 1], [1, 1])]) == {}


def test_a_model_that_repeats_its_scores_is_not_rated(caplog, monkeypatch):
    told = person([0.9, 0.2], [1, 1], [1, 0])
    told['pred_instances']['keypoint_scores'] = np.float32([[0.8, 0.7]])
    assert rate([told])['visibility/AUC'] == 100
    scores = told['pred_instances']['keypoints_visible'].copy()
    told['pred_instances']['keypoint_scores'] = scores
    # The stack's logger keeps its lines to itself.
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'handlers', [caplog.handler])
    assert rate([told]) == {}
    assert 'does not tell which keypoints are visible' in caplog.text


def test_persons_of_unknown_visibility_are_left_out():
    known = person([0.9, 0.2], [1, 1], [1, 0])
    found = rate([known, person([0.1, 0.1], [1, 1])])
    assert found['visibility/AUC'] == 100


def test_the_reliability_is_drawn(tmp_path):
    path = tmp_path / 'plot.png'
    rate([person([0.9, 0.2, 0.6], [1, 1, 1], [1, 0, 1])], plot=str(path))
    assert cv2.imread(str(path)).std() > 5
    with pytest.raises(UserError, match='cannot draw'):
        rate([], plot='plot.docx')


def test_flags_as_mmpose_packs_them():
    packed = person([0.9, 0.2, 1.0], [1, 1, 0])
    flags = np.float32([[[1, 1], [1, 0], [0, 0]]])
    packed['gt_instances']['keypoints_visible'] = flags
    assert rate([packed])['visibility/AUC'] == 100
