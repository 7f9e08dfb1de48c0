"""phr-web: what it refuses before it shows a page."""

import pytest
import torch
from mmpose.apis import init_model

from phr_mmpose.commands.options import box_source
from phr_mmpose.commands.web import draw_figures, main, parse_args
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError
from phr_mmpose.zoo import config_folder


@pytest.fixture
def plain_model(tmp_path):
    """MMPose's own head on a small trunk: no cascade."""
    config = load_config(
        config_folder() / 'survey' / 'simple_baseline_res50_lsp.py',
        {'model.backbone.depth': 18, 'model.head.in_channels': 512},
    )
    config.model.backbone.init_cfg = None
    path, weights = tmp_path / 'plain.py', tmp_path / 'plain.pth'
    config.dump(path)
    model = init_model(config, None, device='cpu')
    meta = {'dataset_meta': dict(model.dataset_meta)}
    torch.save(dict(state_dict=model.state_dict(), meta=meta), weights)
    return str(path), str(weights)


@pytest.mark.parametrize(
    ('argv', 'fact'),
    [
        (['--kpt-thr', '2'], '--kpt-thr'),
        (['--bbox-thr', 'nan'], '--bbox-thr nan'),
        (['--port', '0'], '--port'),
        (['--det-weights', 'x.pth'], '--det-weights: needs --det-config'),
        (['--bbox-thr', '0'], '--bbox-thr: needs --det-config'),
    ],
)
def test_faulty_options_are_refused(argv, fact):
    with pytest.raises(UserError, match=fact):
        main(argv)


@pytest.mark.parametrize(
    ('options', 'given'), [([], {}), (['--bbox-thr', '0'], {'score_threshold': 0})]
)
def test_a_detector_gets_its_threshold(monkeypatch, options, given):
    monkeypatch.setattr(
        'phr_mmpose.commands.options.PersonDetector', lambda *_, **named: named
    )
    assert box_source(parse_args(['--det-config', 'x.py', *options])) == given


def test_without_gradio_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr('phr_mmpose.utils.packages.find_spec', lambda name: None)
    with pytest.raises(UserError, match=r'pip install.*\[web\]'):
        main([])


def test_a_model_that_is_no_cascade_is_refused(plain_model):
    pytest.importorskip('gradio')
    config, weights = plain_model
    with pytest.raises(UserError, match='no detector heatmaps'):
        main(['--config', config, '--weights', weights, '--device', 'cpu'])


def test_the_figures_are_the_same_each_time():
    first, second = draw_figures(), draw_figures()
    assert len(first) == 4
    assert all((a.image == b.image).all() for a, b in zip(first, second, strict=True))
