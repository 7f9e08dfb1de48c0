import numpy as np
import pytest

from benchmarks.fits import fit_power
from phr_mmpose.utils.errors import UserError


@pytest.mark.parametrize('exponent', [0.5, 1.0, 2.0])
def test_a_power_law_is_found_again(exponent):
    sizes = np.array([1, 2, 8, 64])
    assert fit_power(sizes, 3 * sizes**exponent) == pytest.approx((exponent, 3))


def test_least_squares_of_the_logarithms():
    # Logarithms to base 2: sizes 0, 1, 2; costs 0, 0, 3; slope 3 / 2.
    assert fit_power([1, 2, 4], [1, 1, 8])[0] == pytest.approx(1.5)


@pytest.mark.parametrize(
    'sizes, costs, message',
    [
        ([1, 2], [1], '2 sizes, but 1 costs'),
        ([2, 2], [1, 1], 'two different sizes'),
        ([1, 2], [0, 1], 'positive'),
        ([], [], 'positive'),
    ],
)
def test_what_determines_no_power_law_is_refused(sizes, costs, message):
    with pytest.raises(UserError, match=message):
        fit_power(sizes, costs)
