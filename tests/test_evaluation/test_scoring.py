"""Keys and rows of the reported numbers."""

import numpy as np

from phr_mmpose.datasets.joints import LSP_JOINTS
from phr_mmpose.evaluation.scoring import score


def test_rows_hold_the_same_numbers_as_the_keys():
    distances = np.zeros((2, 14))
    distances[0, 0] = 0.3
    visible = np.ones((2, 14))
    visible[0, [0, 1]] = 0
    scores = score(distances, np.ones((2, 14)), visible, LSP_JOINTS, 'PCK', 0.2, (0.5,))
    assert list(scores.rows) == [
        'PCK@0.2',
        'PCK@0.2 visible',
        'PCK@0.2 occluded',
        'PCK@0.5',
    ]
    assert scores.metrics['Ankle'] == scores.rows['PCK@0.2']['Ankle'] == 75
    assert scores.metrics['Total_occluded'] == 50
    assert scores.rows['PCK@0.2 occluded']['Total'] == 50
    assert scores.metrics['Ankle@0.5'] == 100
    assert np.isnan(scores.rows['PCK@0.2 occluded']['Hip'])
    assert 'Hip_occluded' not in scores.metrics
