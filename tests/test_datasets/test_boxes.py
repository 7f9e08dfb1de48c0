import numpy as np
import pytest

from phr_mmpose.datasets.boxes import check_boxes
from phr_mmpose.utils.errors import UserError

NAN = float('nan')


def test_good_boxes_pass_also_over_the_border():
    boxes = [[0, 0, 10, 10], [-50, -50, 1, 1], [99, 49, 300, 300]]
    checked = check_boxes(boxes, (50, 100), 'boxes.json')
    assert checked.dtype == np.float32
    assert checked.tolist() == boxes


@pytest.mark.parametrize('boxes', [[], np.empty((0, 4))])
def test_no_box_is_no_fault(boxes):
    assert check_boxes(boxes, (50, 100), 'boxes.json').shape == (0, 4)


@pytest.mark.parametrize(
    ('box', 'word'),
    [
        ([NAN, 0, 10, 10], 'NaN'),
        ([0, 0, float('inf'), 10], 'infinity'),
        ([5, 5, 5, 9], 'is empty'),
        ([5, 9, 8, 5], 'is empty'),
        ([5, 5, 5 + 1e-9, 9], 'is empty'),  # in float32
        ([100 - 1e-9, 0, 120, 10], 'outside'),
        ([0, 0, 1e300, 10], '20 times'),
        ([100, 0, 120, 10], 'outside the photo of 100 x 50 px'),
        ([0, 50, 10, 60], 'outside'),
        ([-20, 0, 0, 10], 'outside'),
        ([0, -20, 10, -5], 'outside'),
    ],
)
def test_a_faulty_box_is_named(box, word):
    with pytest.raises(UserError, match=word) as caught:
        check_boxes([[0, 0, 10, 10], box], (50, 100), 'boxes.json')
    assert str(caught.value).startswith('boxes.json: box 1 ')


@pytest.mark.parametrize('boxes', [[1, 2, 3, 4], [[1, 2, 3]], [['a', 1, 2, 3]], [[]]])
def test_other_shapes_are_refused(boxes):
    with pytest.raises(UserError, match='N x'):
        check_boxes(boxes, (50, 100), 'boxes.json')
