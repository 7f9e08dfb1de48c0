import pytest
import torch
from mmpose.registry import OPTIMIZERS

from phr_mmpose.engine.optimizers import FusedAdamW


def train(kind, steps=5, groups=False):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 2))
    params = model.parameters()
    if groups:
        params = [
            dict(params=model[0].parameters(), lr=0.1),
            dict(params=model[1].parameters(), weight_decay=0.0),
        ]
    optimizer = kind(params, lr=0.01, weight_decay=0.1)
    images = torch.randn(16, 4)
    for _ in range(steps):
        optimizer.zero_grad()
        model(images).square().sum().backward()
        optimizer.step()
    return optimizer, torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize('groups', [False, True])
def test_steps_as_the_plain_one_does(groups):
    _, fused = train(FusedAdamW, groups=groups)
    _, plain = train(torch.optim.AdamW, groups=groups)
    torch.testing.assert_close(fused, plain, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('groups', [False, True])
def test_steps_plainly_where_there_is_no_kernel(monkeypatch, groups):
    start = torch.optim.AdamW.__init__

    def without_kernel(self, params, fused=None, **kwargs):
        # As torch 2.1 on a CPU: it takes the groups apart, then finds out.
        start(self, params, **kwargs)
        if fused:
            raise RuntimeError('`fused=True` requires all the params to be on CUDA')

    monkeypatch.setattr(torch.optim.AdamW, '__init__', without_kernel)
    optimizer, weights = train(FusedAdamW, groups=groups)
    monkeypatch.undo()
    assert not optimizer.defaults['fused']
    torch.testing.assert_close(weights, train(torch.optim.AdamW, groups=groups)[1])


def test_wrong_arguments_are_not_swallowed():
    with pytest.raises(ValueError, match='learning rate'):
        FusedAdamW([torch.nn.Parameter(torch.zeros(1))], lr=-1)


def test_is_registered():
    assert OPTIMIZERS.get('FusedAdamW') is FusedAdamW
