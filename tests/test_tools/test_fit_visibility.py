import importlib.util
from pathlib import Path

import pytest
import torch

from phr_mmpose.codecs.binary_disc import peak_logit
from phr_mmpose.utils.errors import UserError
from phr_mmpose.zoo import model_files

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'fit_visibility.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('fit_visibility', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def test_options_for_the_model_reach_it(tool):
    arguments = [*model_files('phr_lite_lsp'), '--cfg-options']
    with pytest.raises(UserError, match='the head 13'):
        tool.main([*arguments, 'model.head.out_channels=13'])
