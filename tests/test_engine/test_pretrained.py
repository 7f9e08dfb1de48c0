"""What a run takes from a checkpoint of another model is said in a few lines."""

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpose.registry import MODELS
from torch import nn

from phr_mmpose.engine.pretrained import describe_fit
from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.errors import UserError


def model(joints, trunk=8, neck=False):
    """Backbone and a head of two parts, with as many score maps as joints."""
    head = nn.Module()
    head.detector = nn.Conv2d(trunk, joints, 1)
    head.refiner = nn.Sequential(nn.Conv2d(joints, 4, 1), nn.Conv2d(4, joints, 1))
    whole = nn.Module()
    whole.backbone = nn.Sequential(nn.Conv2d(3, trunk, 3), nn.BatchNorm2d(trunk))
    whole.head = head
    if neck:
        whole.neck = nn.Linear(1, 1)
    return whole


def test_nothing_is_said_where_all_fits():
    state = model(14).state_dict()
    assert describe_fit(model(14), state, 'x.pth') is None
    del state['backbone.1.num_batches_tracked']
    assert describe_fit(model(14), state, 'x.pth') is None


def test_other_keypoints_by_hand():
    text = describe_fit(model(17, neck=True), model(14).state_dict(), 'lsp.pth')
    # The backbone's six and one bias of the refiner; the neck's two are missing.
    assert text.splitlines() == [
        'lsp.pth: 7 of 14 weights fit and are loaded, the others start at random',
        '  of another shape: '
        '2 in head.detector (weight (14, 8, 1, 1) -> (17, 8, 1, 1), …), '
        '3 in head.refiner (0.weight (4, 14, 1, 1) -> (4, 17, 1, 1), …)',
        '  missing: 2 in neck (weight, …)',
    ]


def test_what_the_model_lacks_is_named():
    state = model(14, neck=True).state_dict()
    del state['neck.bias']
    text = describe_fit(model(14), state, 'x.pth')
    assert text.splitlines()[1:] == ['  unexpected: 1 in neck (weight)']


def test_it_stays_a_few_lines_whatever_differs():
    wide = nn.ModuleDict({f'part{i}': model(3) for i in range(50)})
    wide['same'] = nn.Linear(2, 2)
    other = nn.ModuleDict({'same': nn.Linear(2, 2), 'more': model(3)})
    lines = describe_fit(wide, other.state_dict(), 'x.pth').splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) < 200
    assert lines[1].endswith('and others in 46 more')


def test_nothing_that_fits_is_refused():
    state = {'conv.weight': nn.Linear(1, 1).weight}
    with pytest.raises(UserError) as caught:
        describe_fit(model(14), state, 'x.pth')
    line = str(caught.value)
    assert 'x.pth' in line and 'conv.weight' in line and '\n' not in line


def test_a_counter_alone_is_no_weight():
    counter = {
        key: value
        for key, value in model(14).state_dict().items()
        if key.endswith('num_batches_tracked')
    }
    with pytest.raises(UserError):
        describe_fit(model(14), counter, 'x.pth')


def test_a_run_starts_from_what_fits(tiny, tmp_path, capsys):
    config = tiny.config(tmp_path, **{'model.head.out_channels': 5})
    with DefaultScope.overwrite_default_scope('mmpose'):
        other = MODELS.build(config.model).state_dict()
    torch.save(dict(state_dict=other), tmp_path / 'other.pth')
    arguments = [str(tiny.path), '--no-validate', f'--work-dir={tmp_path / "work"}']
    arguments += ['--stages', 'refiner', '--load-from', str(tmp_path / 'other.pth')]
    # A name of its own, since runners of one process share logs by it.
    tiny.tool('train').main([*arguments, '--cfg-options', 'experiment_name=other'])
    said = capsys.readouterr().err
    assert '(5, 64, 1, 1) -> (16, 64, 1, 1)' in said
    # The detector stood still: it is what was loaded.
    trained = safe_load(tmp_path / 'work' / 'stage_refiner.pth')['state_dict']
    key = 'backbone.layer4.0.conv1.weight'
    assert torch.equal(trained[key], other[key])
    assert trained['head.detector.score.weight'].shape[0] == 16
