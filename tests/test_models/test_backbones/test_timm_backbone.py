import re

import pytest
import timm
import torch
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

from phr_mmpose.models import TIMMBackbone
from phr_mmpose.utils.errors import UserError


@pytest.mark.parametrize(
    ('name', 'out_indices'),
    [
        ('resnet18', (1, 3)),
        ('tf_efficientnet_lite0', (0, 2, 4)),
        ('mobilenetv3_small_050', None),
        ('convnext_atto', (0, 2)),
    ],
)
def test_levels_have_the_channels_and_strides_that_are_told(name, out_indices):
    model = TIMMBackbone(name, out_indices).eval()
    with torch.no_grad():
        levels = model(torch.rand(2, 3, 64, 96))
    assert isinstance(levels, tuple)
    assert out_indices is None or len(levels) == len(out_indices)
    for level, channels, stride in zip(
        levels, model.channels, model.strides, strict=True
    ):
        assert level.shape == (2, channels, 64 // stride, 96 // stride)


def test_channels_come_first_in_every_network():
    model = TIMMBackbone('swin_tiny_patch4_window7_224', (0, 1), img_size=64).eval()
    with torch.no_grad():
        levels = model(torch.rand(1, 3, 64, 64))
    assert [level.shape[1:] for level in levels] == [(96, 16, 16), (192, 8, 8)]


def test_channels_come_first_where_they_are_as_many_as_rows():
    model = TIMMBackbone('mambaout_femto', (0,)).eval()
    picture = torch.rand(1, 3, 192, 192)
    with torch.no_grad():
        (plain,) = model.timm_model(picture)
        (level,) = model(picture)
    assert plain.shape == level.shape == (1, 48, 48, 48)
    assert torch.equal(level, plain.permute(0, 3, 1, 2))


def test_the_registry_builds_it_with_timm_s_own_arguments():
    init_default_scope('mmpose')
    config = dict(type='TIMMBackbone', model_name='resnet18', output_stride=16)
    model = MODELS.build(dict(config, in_channels=5))
    assert model.strides[-1] == 16
    assert model(torch.rand(1, 5, 32, 32))[-1].shape == (1, 512, 2, 2)


def test_frozen_modules_stand_still():
    model = TIMMBackbone('resnet18', (1, 2), frozen_modules=['conv1', 'bn1', 'layer1'])
    model.train()
    still = {k: v.clone() for k, v in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    sum(level.square().mean() for level in model(torch.rand(4, 3, 32, 32))).backward()
    optimizer.step()
    moved = {
        key.split('.')[1]
        for key, value in model.state_dict().items()
        if not torch.equal(value, still[key])
    }
    assert moved == {'layer2'}


def test_a_checkpoint_in_timm_s_names_is_read(tmp_path):
    whole = timm.create_model('resnet18')
    whole.layer1[0].bn1.running_mean.fill_(3)
    path = tmp_path / 'weights.pth'
    torch.save(whole.state_dict(), path)
    model = TIMMBackbone('resnet18', checkpoint_path=str(path))
    model.init_weights()
    found = model.timm_model
    torch.testing.assert_close(found.conv1.weight, whole.conv1.weight)
    torch.testing.assert_close(
        found.layer4[1].conv2.weight, whole.layer4[1].conv2.weight
    )
    assert (found.layer1[0].bn1.running_mean == 3).all()


def test_pretrained_weights_are_fetched_only_to_begin_a_training(monkeypatch):
    create = timm.create_model

    def without_hub(*args, pretrained=False, **kwargs):
        if pretrained:
            raise OSError('no network\nand more')
        return create(*args, **kwargs)

    monkeypatch.setattr(timm, 'create_model', without_hub)
    model = TIMMBackbone('resnet18', (1,), pretrained=True)
    model.load_state_dict(TIMMBackbone('resnet18', (1,)).state_dict())
    with pytest.raises(UserError, match=r'resnet18.*no network[^\n]*.*--random-init'):
        model.init_weights()


def test_weights_are_fetched_once(tmp_path):
    path = tmp_path / 'weights.pth'
    torch.save(timm.create_model('resnet18').state_dict(), path)
    model = TIMMBackbone('resnet18', checkpoint_path=str(path))
    model.init_weights()
    path.unlink()
    trained = model.timm_model.conv1.weight.detach().zero_()
    model.init_weights()
    assert not trained.any()


@pytest.mark.parametrize(
    ('options', 'fact'),
    [
        (dict(model_name='resnett18'), 'resnett18'),
        (dict(model_name='resnet18x'), 'no network'),
        (dict(model_name='resnet18', out_indices=(1, 9)), r'out_indices \(1, 9\)'),
        (dict(model_name='resnet18', frozen_modules=['layer9']), 'layer9'),
        (dict(model_name='resnet18', no_such_option=1), 'no_such_option'),
    ],
)
def test_what_timm_does_not_have_is_named(options, fact):
    with pytest.raises(UserError, match=fact):
        TIMMBackbone(**options)


@pytest.mark.parametrize('content', [None, 'resnet50'])
def test_a_file_that_cannot_be_used_is_named(tmp_path, content):
    path = tmp_path / 'w.pth'
    if content:
        torch.save(timm.create_model(content).state_dict(), path)
    with pytest.raises(UserError, match=re.escape(str(path))):
        TIMMBackbone('resnet18', checkpoint_path=str(path)).init_weights()


class Malice:
    def __reduce__(self):
        return print, ('code ran',)


def test_a_checkpoint_runs_no_code(tmp_path, capsys):
    torch.save(dict(state_dict=Malice()), tmp_path / 'evil.pth')
    with pytest.raises(UserError, match='was not loaded'):
        TIMMBackbone(
            'resnet18', checkpoint_path=str(tmp_path / 'evil.pth')
        ).init_weights()
    assert 'code ran' not in capsys.readouterr().out
