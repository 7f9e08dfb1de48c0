"""From a .t7 file to poses: the converter, the test tool and MMPose's inferencer."""

import json
import os
import subprocess
import sys
from pathlib import Path

from phr_mmpose.utils.cli import run

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmpose.apis import MMPoseInferencer
from mmpose.models.builder import build_pose_estimator
from tool_modules import load_tool
from torch import nn
from torch7_networks import (
    container,
    convolution,
    randomize,
    released,
    relu,
    sequential,
)
from torch7_writer import Obj, dump

from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError
from projects.released_weights.convert import main as convert

PROJECT = Path(__file__).resolve().parents[1]
REPO = PROJECT.parents[1]


@pytest.fixture(scope='module')
def small_config(tmp_path_factory):
    """The cascade's config at 64 px, of few channels."""
    path = tmp_path_factory.mktemp('config') / 'small.py'
    path.write_text(
        f"""_base_ = '{PROJECT / 'configs' / 'cascade_lsp.py'}'
size = (64, 64)
test_pipeline = [
    dict(t, input_size=size) if t['type'] == 'TopdownAffine' else t
    for t in _base_.test_pipeline
]
model = dict(
    backbone=dict(depth=18, base_channels=8, stem_channels=8),
    head=dict(
        input_size=size,
        detector=dict(in_channels=64),
        refiner=dict(width=16, depth=1, blocks=1),
    ),
)
test_dataloader = dict(
    num_workers=0, persistent_workers=False, dataset=dict(pipeline=test_pipeline)
)
"""
    )
    return str(path)


def made_up(conv):
    """Some network from 3 x H x W to 16 maps, unlike any cascade."""
    return sequential(
        container('ConcatTable', Obj('nn.Identity'), convolution(conv)),
        Obj('nn.JoinTable', {'dimension': 1, 'nInputDims': 3}),
        Obj('nn.Narrow', {'dimension': 2, 'index': 4, 'length': 16}),
        Obj('cudnn.SpatialMaxPooling', dict(kW=2, kH=2, dW=2, dH=2)),
        Obj('nn.SpatialUpSamplingNearest', {'scale_factor': 2}),
        Obj('nn.MulConstant', {'constant_scalar': -0.5}),
    )


@pytest.fixture(scope='module')
def conv():
    return randomize(nn.Conv2d(3, 16, 5, padding=2))


@pytest.fixture(scope='module')
def network_config(tmp_path_factory, conv):
    """The made-up network, converted as it is: its config and checkpoint."""
    folder = tmp_path_factory.mktemp('converted')
    source, checkpoint = folder / 'made_up.t7', folder / 'made_up.pth'
    source.write_bytes(dump(made_up(conv)))
    convert([str(source), str(checkpoint), '--as-is'])
    config = folder / 'network.py'
    config.write_text(
        f"_base_ = '{PROJECT / 'configs' / 'network_mpii.py'}'\n"
        f"model = dict(backbone=dict(file='{source}'))\n"
    )
    return str(config), str(checkpoint)


def expected_maps(conv, crop):
    """The authors' demo on a crop of 256 x 256, step by step."""

    def network(image):
        maps = nn.functional.max_pool2d(conv(image), 2)
        return maps.repeat_interleave(2, 2).repeat_interleave(2, 3) * -0.5

    rgb = crop[..., ::-1].astype(np.float32).transpose(2, 0, 1) / 255
    image = torch.from_numpy(rgb.copy())[None]
    swap = [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10]
    with torch.no_grad():
        mirrored = network(image.flip(3))[:, swap].flip(3)
        return ((network(image) + mirrored) / 2).clamp(min=0)[0]


def test_the_inferencer_does_as_the_demo(network_config, conv):
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    picture = cv2.resize(noise, (256, 256), interpolation=cv2.INTER_CUBIC)
    config, checkpoint = network_config
    inferencer = MMPoseInferencer(
        pose2d=config,
        pose2d_weights=checkpoint,
        det_model='whole_image',
        device='cpu',
    )
    (person,) = next(inferencer(picture))['predictions'][0]
    # The crop is 1.25 times the box, which is the picture: 320 px, as 256 px.
    warp = np.float32([[0.8, 0, 25.6], [0, 0.8, 25.6]])
    crop = cv2.warpAffine(picture, warp, (256, 256), flags=cv2.INTER_LINEAR)
    maps = expected_maps(conv, crop)
    best = maps.flatten(1).argmax(1)
    points = (np.stack([best % 256, best // 256], 1) - 128) * 1.25 + 128
    np.testing.assert_allclose(person['keypoints'], points, atol=1e-3)
    np.testing.assert_allclose(
        person['keypoint_scores'], maps.flatten(1).amax(1), atol=1e-5
    )


def test_a_network_is_for_inference(network_config):
    model = load_pose_model(*network_config, 'cpu')
    assert not model.train().backbone.network.training
    assert model.dataset_meta['num_keypoints'] == 16
    with pytest.raises(UserError, match='for inference'):
        model.head.loss((), [])


@pytest.mark.parametrize(
    ('layer', 'reason'),
    [
        (nn.Conv2d(3, 14, 1), 'not those of 16 keypoints'),
        (nn.Conv2d(4, 16, 1), 'does not run on images of'),
    ],
)
def test_networks_that_do_not_fit(network_config, tmp_path, layer, reason):
    source, out = tmp_path / 'x.t7', str(tmp_path / 'x.pth')
    source.write_bytes(dump(convolution(layer)))
    convert([str(source), out, '--as-is'])
    config = tmp_path / 'network.py'
    config.write_text(
        f"_base_ = '{network_config[0]}'\n"
        f"model = dict(backbone=dict(file='{source}'))\n"
    )
    model = load_pose_model(config, out, 'cpu')
    with pytest.raises(UserError, match=reason):
        model(torch.rand(1, 3, 64, 64), None, mode='tensor')


@pytest.fixture
def lsp(tmp_path):
    """Two photos with LSP's 14 joints."""
    folder = tmp_path / 'lsp'
    (folder / 'images').mkdir(parents=True)
    (folder / 'annotations').mkdir()
    rng = np.random.default_rng(1)
    persons = []
    for number in range(2):
        photo = cv2.resize(
            rng.integers(0, 255, (20, 15, 3), dtype=np.uint8), (150, 200)
        )
        cv2.imwrite(str(folder / 'images' / f'{number}.png'), photo)
        joints = rng.uniform(30, 120, (14, 2)).tolist()
        persons.append(
            dict(
                image=f'{number}.png',
                center=[75.5, 100.5],
                scale=178 / 250,
                joints=joints,
                joints_vis=[1] * 14,
                joints_visible=[1] * 14,
            )
        )
    (folder / 'annotations' / 'lsp_test.json').write_text(json.dumps(persons))
    return folder


def evaluate(config, checkpoint, lsp, tmp_path, *arguments):
    load_tool('test').main(
        [config, str(checkpoint), '--work-dir', str(tmp_path / 'work')]
        + ['--out', str(tmp_path / 'p.npz'), '--json', str(tmp_path / 's.json')]
        + [*arguments, '--cfg-options', f'test_dataloader.dataset.data_root={lsp}/']
    )
    with np.load(tmp_path / 'p.npz') as arrays:
        return arrays['preds'], json.loads((tmp_path / 's.json').read_text())


def build_small(config):
    with DefaultScope.overwrite_default_scope('mmpose'):
        return build_pose_estimator(load_config(config).model)


def test_a_cascade_s_weights(small_config, lsp, tmp_path, capsys):
    cascade = randomize(build_small(small_config))
    source, out = tmp_path / 'released.t7', tmp_path / 'out.pth'
    source.write_bytes(dump(released(cascade.backbone, cascade.head)))
    convert([str(source), str(out), '--config', small_config])
    assert str(out) in capsys.readouterr().out
    saved = safe_load(out)
    own = cascade.state_dict()
    assert set(saved['state_dict']) == set(own)
    for name, value in saved['state_dict'].items():
        torch.testing.assert_close(value, own[name], atol=1e-6, rtol=1e-6)
    assert saved['meta']['dataset_meta']['num_keypoints'] == 16
    preds, _ = evaluate(small_config, out, lsp, tmp_path)
    assert np.isfinite(preds).all()
    _, detector = evaluate(small_config, out, lsp, tmp_path, '--output', 'detector')
    assert detector['output'] == 'detector'


def test_another_network_is_not_converted_to_the_cascade(small_config, conv, tmp_path):
    cascade = randomize(build_small(small_config))
    source, out = tmp_path / 'x.t7', tmp_path / 'out.pth'
    source.write_bytes(dump(made_up(conv)))
    with pytest.raises(UserError, match=r'backbone\.conv1.*--as-is'):
        convert([str(source), str(out), '--config', small_config])
    # All its layers, and one step more.
    network = sequential(released(cascade.backbone, cascade.head), Obj('nn.Sigmoid'))
    source.write_bytes(dump(network))
    with pytest.raises(UserError, match=r'computes something else.*--as-is'):
        convert([str(source), str(out), '--config', small_config])
    assert not out.exists()


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'not a file of Torch7', 'no binary Torch7 file'),
        (dump(sequential(relu()))[:100], 'is no whole Torch7 file'),
        (dump(sequential(Obj('nn.Foo'))), 'module nn.Foo is not known'),
        (dump({'a': 1}), 'holds no network'),
        (None, 'No such file'),
    ],
)
def test_bad_input_ends_in_one_line_and_no_file(tmp_path, capsys, content, reason):
    source, out = tmp_path / 'x.t7', tmp_path / 'folder' / 'out.pth'
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(SystemExit) as end:
        run(lambda: convert([str(source), str(out)]))
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ')
    assert error.count('\n') == 1
    assert reason in error
    assert not out.parent.exists()


def test_the_source_is_kept(conv, tmp_path):
    source = tmp_path / 'x.t7'
    source.write_bytes(dump(made_up(conv)))
    with pytest.raises(UserError, match='is the source itself'):
        convert([str(source), str(source)])


@pytest.mark.slow
def test_it_starts_in_a_process_of_its_own(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    done = subprocess.run(
        [sys.executable, 'projects/released_weights/convert.py', '--help'],
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert 'OUT.pth' in done.stdout


@pytest.mark.parametrize('name', ['mpii', 'lsp'])
def test_the_configs_fit(name):
    cascade = load_config(PROJECT / 'configs' / f'cascade_{name}.py')
    network = load_config(PROJECT / 'configs' / f'network_{name}.py')
    with torch.device('meta'), DefaultScope.overwrite_default_scope('mmpose'):
        assert build_pose_estimator(cascade.model).head.out_channels == 16
    size = cascade.model.head.input_size
    for config in (cascade, network):
        (affine,) = [
            step
            for step in config.test_dataloader.dataset.pipeline
            if step.type == 'TopdownAffine'
        ]
        assert affine.input_size == size
    assert network.model.head.decoder.input_size == size
