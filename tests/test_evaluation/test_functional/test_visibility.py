import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phr_mmpose.evaluation.functional.visibility import (
    reliability,
    roc_auc,
    visibility_rates,
)


def test_the_area_counts_pairs_and_ties_by_half():
    probability = np.array([0.9, 0.4, 0.4, 0.1])
    visible = np.array([True, True, False, False])
    # Pairs: 0.9 above both, 0.4 ties with 0.4 and is above 0.1: 3.5 of 4.
    assert roc_auc(probability, visible) == pytest.approx(3.5 / 4)
    assert roc_auc(-probability, visible) == pytest.approx(0.5 / 4)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_the_area_equals_the_share_of_ordered_pairs(pairs):
    values = np.array([value for value, _ in pairs])
    visible = np.array([flag for _, flag in pairs])
    found = roc_auc(values, visible)
    if visible.all() or not visible.any():
        assert np.isnan(found)
        return
    gap = values[visible][:, None] - values[~visible]
    assert found == pytest.approx(((gap > 0) + 0.5 * (gap == 0)).mean())


def test_bins_compare_what_is_said_with_what_is_true():
    probability = np.array([0.05, 0.0, 0.95, 1.0, 0.91])
    visible = np.array([False, True, True, True, False])
    found = reliability(probability, visible)
    np.testing.assert_allclose(found.said, [0.025, 2.86 / 3])
    np.testing.assert_allclose(found.true, [1 / 2, 2 / 3])
    np.testing.assert_array_equal(found.count, [2, 3])
    gaps = (0.5 - 0.025) * 2 + (2.86 / 3 - 2 / 3) * 3
    assert found.error == pytest.approx(gaps / 5)


def test_a_model_that_has_diverged_has_no_number():
    probability, visible = np.array([0.9, np.nan, 0.1]), np.array([True, True, False])
    rates = visibility_rates([(probability, visible)])
    assert list(rates) == ['AUC', 'ECE']
    assert np.isnan(list(rates.values())).all()
    assert visibility_rates([(probability, np.ones(3, bool))]) == {}
