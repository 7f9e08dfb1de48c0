"""Values and gradients by hand, on maps of 2 x 2 pixels."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmpose.registry import MODELS

from phr_mmpose.models import ConfidenceMSELoss, SigmoidCrossEntropyLoss
from phr_mmpose.utils.errors import UserError

LOSSES = [SigmoidCrossEntropyLoss, ConfidenceMSELoss]
# Logits whose sigmoid is 3/4, 1/4, 1/2 and 1/2.
LOGITS = [[math.log(3), -math.log(3)], [0.0, 0.0]]
LABELS = [[1.0, 1.0], [0.0, 1.0]]
# -log of the probability of each label: 3/4, 1/4, 1/2, 1/2.
CROSS_ENTROPY = (math.log(4 / 3) + math.log(4) + 2 * math.log(2)) / 4


def maps(*joints, grad=False):
    """One sample (1, K, 2, 2)."""
    return torch.tensor([joints], dtype=torch.float32, requires_grad=grad)


def test_cross_entropy_by_hand():
    output = maps(LOGITS, grad=True)
    loss = SigmoidCrossEntropyLoss()(output, maps(LABELS), torch.ones(1, 1))
    assert loss.item() == pytest.approx(CROSS_ENTROPY)
    loss.backward()
    # (probability - label) / 4 pixels
    expected = torch.tensor([[-0.25, -0.75], [0.5, -0.5]]) / 4
    torch.testing.assert_close(output.grad[0, 0], expected)


def test_squared_error_by_hand():
    output = maps([[1.0, 2.0], [3.0, 0.0]], grad=True)
    loss = ConfidenceMSELoss()(output, maps([[1.0, 0.0], [0.0, 1.0]]))
    assert loss.item() == (0 + 4 + 9 + 1) / 4
    loss.backward()
    # 2 (output - target) / 4 pixels
    expected = torch.tensor([[0.0, 4.0], [6.0, -2.0]]) / 4
    torch.testing.assert_close(output.grad[0, 0], expected)


def test_weights_select_joints_of_each_sample():
    ones, twos, nines = ([[value] * 2] * 2 for value in (1.0, 2.0, 9.0))
    output = torch.cat([maps(ones, nines), maps(twos, ones)]).requires_grad_()
    weights = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    loss = ConfidenceMSELoss()(output, torch.zeros(2, 2, 2, 2), weights)
    assert loss.item() == (1 + 4 + 1) / 3
    loss.backward()
    assert output.grad[0, 1].abs().sum() == 0
    torch.testing.assert_close(output.grad[1, 0], torch.full((2, 2), 4 / (4 * 3)))
    # MMPose stacks the weights of N = 1 persons as (B, 1, K).
    again = ConfidenceMSELoss()(output, torch.zeros(2, 2, 2, 2), weights[:, None])
    assert again == loss
    # The paper's mean is over all K parts of all samples.
    paper = ConfidenceMSELoss(reduction='sum')
    assert paper(output, torch.zeros(2, 2, 2, 2), weights).item() == (4 + 16 + 4) / 4


@pytest.mark.parametrize('kind', LOSSES)
def test_the_paper_s_sum_is_65536_times_the_mean_at_256_px(kind):
    torch.manual_seed(0)
    output, target = torch.randn(1, 2, 256, 256), torch.rand(1, 2, 256, 256)
    mean = kind()(output, target)
    torch.testing.assert_close(kind(reduction='sum')(output, target), mean * 65536)


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
@pytest.mark.parametrize('kind', LOSSES)
def test_without_weight_the_loss_and_its_gradient_are_zero(kind, reduction):
    output = maps(LOGITS, grad=True)
    loss = kind(reduction=reduction)(output, maps(LABELS), torch.zeros(1, 1))
    assert loss.item() == 0
    loss.backward()
    assert output.grad.tolist() == torch.zeros(1, 1, 2, 2).tolist()


def test_extreme_logits_stay_finite():
    output = maps([[1e4, -1e4], [88.0, -104.0]], grad=True)
    loss = SigmoidCrossEntropyLoss()(output, maps([[0.0, 1.0], [1.0, 0.0]]))
    assert loss.item() == pytest.approx(5000)
    loss.backward()
    assert torch.isfinite(output.grad).all()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('kind', LOSSES)
def test_half_precision_is_reduced_in_float32(kind, dtype):
    torch.manual_seed(0)
    output = (4 * torch.randn(2, 3, 64, 64)).to(dtype).requires_grad_()
    target = torch.rand(2, 3, 64, 64)
    loss = kind(reduction='sum')(output, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, kind(reduction='sum')(output.float(), target))
    loss.backward()
    assert output.grad.dtype == dtype and torch.isfinite(output.grad).all()


@pytest.mark.parametrize(
    'kind, reference',
    [
        (SigmoidCrossEntropyLoss, F.binary_cross_entropy_with_logits),
        (ConfidenceMSELoss, F.mse_loss),
    ],
)
def test_equals_torch_where_all_joints_weigh(kind, reference):
    torch.manual_seed(0)
    output = torch.randn(2, 3, 5, 7, requires_grad=True)
    target = torch.rand(2, 3, 5, 7)
    loss, expected = kind(loss_weight=3)(output, target), 3 * reference(output, target)
    torch.testing.assert_close(loss, expected)
    got = torch.autograd.grad(loss, output)[0]
    torch.testing.assert_close(got, torch.autograd.grad(expected, output)[0])


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
@pytest.mark.parametrize('kind', LOSSES)
def test_loss_weight_is_a_factor_of_either_reduction(kind, reduction):
    output, target = maps(LOGITS), maps(LABELS)
    once, thrice = (kind(reduction, weight)(output, target) for weight in (1, 3))
    torch.testing.assert_close(thrice, 3 * once)


@pytest.mark.parametrize('kind', LOSSES)
def test_registered_and_strict_about_the_reduction(kind):
    assert MODELS.get(kind.__name__) is kind
    with pytest.raises(UserError, match="reduction must be 'mean' or 'sum'"):
        kind(reduction='none')
