import copy

import pytest
import torch
from mmpose.registry import OPTIMIZERS
from torch.optim import RMSprop

from phr_mmpose.engine.optimizers import FusedRMSprop

fused_only = pytest.mark.skipif(
    tuple(map(int, torch.__version__.split('.')[:2])) < (2, 4),
    reason='this torch has no kernel for CPUs',
)


class Trained:
    """A small network with an optimizer, on fixed pictures."""

    def __init__(self, kind, layout=torch.channels_last, **options):
        torch.manual_seed(0)
        self.model = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 2, 3)
        ).to(memory_format=layout)
        self.images = torch.randn(4, 3, 8, 8).contiguous(memory_format=layout)
        groups = [
            dict(params=self.model[0].parameters(), lr=0.02),
            dict(params=self.model[2].parameters()),
        ]
        self.optimizer = kind(groups, lr=0.01, eps=1e-8, **options)

    def steps(self, number):
        for _ in range(number):
            self.optimizer.zero_grad()
            (self.model(self.images) - 1).square().mean().backward()
            self.optimizer.step()
        return self

    def weights(self):
        return torch.cat([p.detach().flatten() for p in self.model.parameters()])


@pytest.fixture
def kernel_calls(monkeypatch):
    calls, kernel = [], torch._fused_adam_

    def counted(*args, **kwargs):
        calls.append(len(args[0]))
        return kernel(*args, **kwargs)

    monkeypatch.setattr(torch, '_fused_adam_', counted)
    return calls


@fused_only
@pytest.mark.parametrize('layout', [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize('alpha', [0.9, 0.99])
def test_steps_as_the_plain_one_does(kernel_calls, layout, alpha):
    fused = Trained(FusedRMSprop, layout, alpha=alpha).steps(20)
    plain = Trained(RMSprop, layout, alpha=alpha).steps(20)
    torch.testing.assert_close(fused.weights(), plain.weights(), rtol=1e-5, atol=1e-6)
    assert kernel_calls == [2, 2] * 20


@fused_only
def test_a_step_by_hand_leaves_the_gradient():
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    frozen = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = FusedRMSprop([weight, frozen], lr=0.1, alpha=0.75)
    weight.grad = torch.tensor([2.0, -4.0])
    optimizer.step()
    # The average is a quarter of the square: its root is half of the gradient.
    torch.testing.assert_close(weight.detach(), torch.tensor([0.8, 2.2]))
    assert weight.grad.tolist() == [2.0, -4.0]
    assert optimizer.state[weight]['square_avg'].tolist() == [1.0, 4.0]
    assert frozen.item() == 3.0 and frozen not in optimizer.state


@pytest.mark.parametrize(
    'options', [dict(momentum=0.9), dict(centered=True), dict(weight_decay=0.1)]
)
def test_steps_plainly_with_other_options(kernel_calls, options):
    fused = Trained(FusedRMSprop, **options).steps(5)
    assert torch.equal(fused.weights(), Trained(RMSprop, **options).steps(5).weights())
    assert not kernel_calls


@pytest.mark.parametrize(
    'first, second', [(FusedRMSprop, RMSprop), (RMSprop, FusedRMSprop)]
)
def test_either_resumes_from_the_other_s_state(first, second):
    through = Trained(RMSprop).steps(8).weights()
    begun = Trained(first).steps(4)
    # In another order in memory, as after a change of channels_last.
    resumed = Trained(second, torch.contiguous_format)
    resumed.model.load_state_dict(begun.model.state_dict())
    resumed.optimizer.load_state_dict(copy.deepcopy(begun.optimizer.state_dict()))
    resumed.steps(4)
    torch.testing.assert_close(resumed.weights(), through, rtol=1e-4, atol=1e-5)


def test_a_closure_gives_its_loss():
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = FusedRMSprop([weight])

    def closure():
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 1.0
    assert weight.item() < 1


def test_is_registered():
    assert OPTIMIZERS.get('FusedRMSprop') is FusedRMSprop
