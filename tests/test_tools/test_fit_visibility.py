from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmpose.registry import MODELS
from tool_modules import load_tool

from phr_mmpose.codecs.binary_disc import peak_logit
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError
from phr_mmpose.zoo import model_files

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'fit_visibility.py'


@pytest.fixture(scope='module')
def tool():
    return load_tool('fit_visibility')


def test_the_weights_that_made_the_flags_are_found(tool):
    torch.manual_seed(0)
    peak, mass = torch.rand(20000, 2), 2 * torch.rand(20000, 2)
    true = dict(peak=1.5, mass=-0.5, bias=[0.5, -1.0])
    visible = torch.rand(20000, 2) < tool.logistic(peak, mass, true)
    annotated = torch.ones_like(visible)
    # What is not annotated does not count, whatever it says.
    annotated[:5000] = False
    visible[:5000] = peak[:5000] < 0.5
    found = tool.fit(peak, mass, visible, annotated)
    assert found['peak'] == pytest.approx(1.5, abs=0.1)
    assert found['mass'] == pytest.approx(-0.5, abs=0.1)
    assert found['bias'] == pytest.approx([0.5, -1.0], abs=0.1)


def test_a_keypoint_that_is_never_hidden_keeps_a_bounded_bias(tool):
    peak = torch.full((50, 2), 0.5)
    visible = torch.ones(50, 2, dtype=torch.bool)
    visible[::2, 0] = False
    found = tool.fit(peak, torch.zeros(50, 2), visible, torch.ones_like(visible))
    assert peak_logit(peak).abs().max() == 0
    assert abs(found['bias'][0]) < 0.1
    assert 3 < found['bias'][1] < 20


@pytest.fixture
def figures():
    """A cascade with random weights, and the config of its figures."""
    config = load_config(TOOL.parents[1] / 'configs' / 'phr_tiny_figures.py')
    config.val_dataloader.dataset.num = 4
    config.val_dataloader.update(num_workers=0, persistent_workers=False)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpose'):
        yield MODELS.build(config.model).eval(), config.val_dataloader


@pytest.mark.parametrize('packing', ['PackCascadeInputs', 'PackPoseInputs'])
def test_the_flags_are_those_of_the_data(tool, figures, packing):
    model, loader = figures
    loader.dataset.pipeline[-1] = dict(type=packing)
    loader = Runner.build_dataloader(loader)
    signs = tool.read_signs(model, loader)
    figure = loader.dataset.get_data_info
    for index, (peak, mass, visible, annotated) in enumerate(signs):
        assert peak.shape == mass.shape == (16,)
        known, seen = figure(index)['keypoints_visible'][0].T > 0
        assert annotated.tolist() == known.tolist()
        assert visible.tolist() == (known & seen).tolist()
    assert len(signs) == 4
    assert any((visible < annotated).any() for *_, visible, annotated in signs)


def test_persons_of_unknown_visibility_are_left_out(tool, figures, monkeypatch):
    """As those of LSPET beside LSP's: they are not all visible."""
    model, loader = figures
    loader = Runner.build_dataloader(loader)
    batches = list(loader)
    del batches[0]['data_samples'][1].gt_instances.keypoints_unoccluded
    assert len(tool.read_signs(model, batches)) == 3
    monkeypatch.setattr(Runner, 'build_dataloader', lambda *_: [])
    with pytest.raises(UserError, match='does not know which joints are hidden'):
        tool.main(list(model_files('phr_lite_lsp')))


def test_options_for_the_model_reach_it(tool):
    arguments = [*model_files('phr_lite_lsp'), '--cfg-options']
    with pytest.raises(UserError, match='the head 13'):
        tool.main([*arguments, 'model.head.out_channels=13'])
