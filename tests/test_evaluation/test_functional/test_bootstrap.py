import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phr_mmpose.evaluation.functional.bootstrap import rate_difference

FOUND, MISSED = 0.1, 0.9


def distances(right):
    return np.where(right, FOUND, MISSED)


def difference(first, second, counted=None, **options):
    counted = np.ones_like(first) if counted is None else counted
    return rate_difference(
        distances(first), distances(second), counted, threshold=0.2, **options
    )


def test_the_difference_is_that_of_the_pooled_rates():
    first = np.array([[1, 0, 0], [1, 1, 0]], bool)
    second = np.array([[1, 1, 0], [1, 0, 1]], bool)
    # Of the five joints that count the first finds two, the second four.
    counted = np.array([[1, 1, 1], [1, 0, 1]], bool)
    assert difference(first, second, counted).points == pytest.approx(40)
    assert difference(second, first, counted).points == pytest.approx(-40)


def test_a_model_does_not_differ_from_itself():
    right = np.random.default_rng(0).random((20, 14)) < 0.5
    found = difference(right, right)
    assert found == (0, 0, 0)
    assert str(found) == '+0.0 (+0.0 to +0.0)'


@pytest.mark.parametrize('together', [False, True])
def test_the_range_is_that_of_persons(together):
    """1.96 standard errors, which are larger where a person's joints go together."""
    rng = np.random.default_rng(1)
    first = np.zeros((400, 14), bool)
    second = rng.random((400, 1 if together else 14)) < 0.3
    second = np.broadcast_to(second, first.shape)
    found = difference(first, second)
    error = 100 * second.mean(1).std() / np.sqrt(len(second))
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    binomial = 100 * np.sqrt(0.3 * 0.7 / second.size)
    assert error == pytest.approx(binomial * (np.sqrt(14) if together else 1), rel=0.1)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_the_range_holds_the_difference_and_comes_again(seed, persons):
    rng = np.random.default_rng(seed)
    first, second, counted = rng.random((3, persons, 4)) < 0.5
    found = difference(first, second, counted, samples=200)
    assert found == difference(first, second, counted, samples=200) or not counted.any()
    if counted.any():
        assert -100 <= found.low <= found.high <= 100


def test_without_a_joint_there_is_no_number():
    right = np.ones((3, 2), bool)
    assert np.isnan(difference(right, right, np.zeros((3, 2)))).all()
    # One person of a hundred has the only joint: many samples lack it.
    right, wrong = np.ones((100, 1), bool), np.zeros((100, 1), bool)
    counted = np.arange(100)[:, None] == 7
    assert difference(wrong, right, counted) == (100, 100, 100)


def test_a_joint_on_the_threshold_or_without_a_reference():
    first = np.array([[0.2, np.nan, np.inf]])
    second = np.array([[0.3, np.nan, 0.1]])
    assert rate_difference(first, second, np.ones((1, 3)), 0.2) == (0, 0, 0)
