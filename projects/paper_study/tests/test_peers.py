"""MMPose's models beside MSS-Net's rows, on the same data and schedule."""

from pathlib import Path

import pytest
import torch
from config_samples import (
    check_predictions,
    first_batch,
    flattened,
    read_from,
    write_persons,
)
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmpose.models.backbones import CPM
from mmpose.registry import MODELS

from phr_mmpose.engine.stages import config_stages
from phr_mmpose.utils.config import load_config
from projects.paper_study.narrow_cpm import NarrowCPM

ROOT = Path(__file__).resolve().parents[3]
PEERS = sorted((ROOT / 'projects/paper_study/configs/peers_tiny').glob('[!_]*.py'))


@pytest.mark.parametrize('path', PEERS, ids=lambda path: path.stem)
def test_a_peer_trains_as_the_hourglass_does(path):
    peer = load_config(path)
    hourglass = load_config(ROOT / 'configs/mssnet/tiny/hourglass.py')
    (stage,), (other,) = config_stages(peer), config_stages(hourglass)
    assert dict(stage, name=None, trains=None) == dict(other, name=None, trains=None)
    assert peer.optim_wrapper == hourglass.optim_wrapper
    assert peer.model.data_preprocessor == hourglass.model.data_preprocessor
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        ours, theirs = peer[name], hourglass[name]
        steps, wanted = ours.dataset.pop('pipeline'), theirs.dataset.pop('pipeline')
        assert ours == theirs
        # The same pictures; what is made of them for the model is MMPose's.
        assert [step for step in steps if step.type != 'GenerateTarget'][:-1] == (
            wanted[:-1]
        )
        assert steps[-1].type == 'PackPoseInputs'


@pytest.mark.parametrize('path', PEERS, ids=lambda path: path.stem)
def test_a_peer_steps_and_predicts(path, tmp_path):
    write_persons(tmp_path)
    config = load_config(path)
    init_default_scope(config.default_scope)
    read_from(config, tmp_path)
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.init_weights()
    batch = first_batch(config.train_dataloader)
    before = flattened([model.backbone])
    losses = model.train_step(batch, build_optim_wrapper(model, config.optim_wrapper))
    assert torch.isfinite(losses['loss_kpt'])
    assert not torch.equal(flattened([model.backbone]), before)
    check_predictions(config, model)


def test_a_wide_narrow_cpm_is_mmpose_s():
    torch.manual_seed(0)
    peer = CPM(3, 5, feat_channels=24, middle_channels=32, num_stages=2)
    ours = NarrowCPM(3, 5, 128, 512, 24, 32, 2)
    ours.load_state_dict(peer.state_dict())
    peer.eval()  # MMPose's returns nothing
    ours.eval()
    image = torch.randn(1, 3, 16, 24)
    with torch.no_grad():
        for got, expected in zip(ours(image), peer(image), strict=True):
            assert torch.equal(got, expected)


def test_a_narrow_cpm_gives_an_eighth_of_the_picture_for_each_stage():
    model = NarrowCPM(3, 5, stem_channels=4, score_channels=6)
    scores = model(torch.randn(1, 3, 32, 48))
    assert [tuple(each.shape) for each in scores] == [(1, 5, 4, 6)] * 3
