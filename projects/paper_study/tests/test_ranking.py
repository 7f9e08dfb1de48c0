"""Who is shown as best, median and worst."""

import numpy as np
import pytest

from phr_mmpose.utils.errors import UserError
from projects.paper_study.ranking import choose_persons, person_errors


def test_errors_by_hand():
    distances = np.array(
        [[0.1, 0.3, 9.0], [0.2, np.inf, 0.2], [np.nan] * 3, [1.0, 1.0, 1.0]]
    )
    counted = np.array([[1, 1, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]])
    np.testing.assert_allclose(
        person_errors(distances, counted), [0.2, np.inf, np.nan, np.nan]
    )


def test_groups_by_rank():
    errors = np.array([5, np.nan, 1, 4, np.inf, 3, 2, 7, 6], float)
    # By rank: 2, 6, 5, 3, 0, 8, 7, 4.
    assert choose_persons(errors, 1) == {'best': [2], 'median': [3], 'worst': [4]}
    assert choose_persons(errors, 2) == {
        'best': [2, 6],
        'median': [3, 0],
        'worst': [4, 7],
    }
    assert choose_persons(errors, 8, ['worst']) == {'worst': [4, 7, 8, 0, 3, 5, 6, 2]}


@pytest.mark.parametrize(
    'count, groups', [(3, ['best', 'median', 'worst']), (9, ['best'])]
)
def test_too_few_persons(count, groups):
    errors = np.array([5, np.nan, 1, 4, np.inf, 3, 2, 7, 6])
    with pytest.raises(UserError, match=f'8 persons .* are too few for {count}'):
        choose_persons(errors, count, groups)
