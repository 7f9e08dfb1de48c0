"""From a .t7 file to poses: the tool, the test tool and MMPose's inferencer."""

import importlib.util
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmpose.apis import MMPoseInferencer
from mmpose.models.builder import build_pose_estimator
from torch import nn
from torch7_networks import (
    container,
    convolution,
    randomize,
    refiner,
    released,
    relu,
    sequential,
)
from torch7_writer import Obj, dump

from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.cli import run
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError

REPO = Path(__file__).resolve().parents[2]
CONFIGS = REPO / 'configs'


def tool(name):
    spec = importlib.util.spec_from_file_location(name, REPO / 'tools' / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def convert():
    return tool('convert_torch7').main


@pytest.fixture(scope='module')
def small_config(tmp_path_factory):
    """The released config at 64 px, its cascade of few channels."""
    path = tmp_path_factory.mktemp('config') / 'small.py'
    path.write_text(
        f"""_base_ = '{CONFIGS / 'phr_released_lsp.py'}'
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
        Obj('nn.AddConstant', {'constant_scalar': -0.2}),
    )


@pytest.fixture(scope='module')
def conv():
    return randomize(nn.Conv2d(3, 16, 5, padding=2))


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory, convert, conv):
    """The made-up network, converted with the config as it is."""
    folder = tmp_path_factory.mktemp('converted')
    (folder / 'made_up.t7').write_bytes(dump(made_up(conv)))
    convert([str(folder / 'made_up.t7'), str(folder / 'made_up.pth')])
    return str(folder / 'made_up.pth')


def expected_maps(conv, photo):
    """The authors' demo on a whole photo of 256 x 256, step by step."""

    def network(image):
        maps = nn.functional.max_pool2d(conv(image), 2)
        return maps.repeat_interleave(2, 2).repeat_interleave(2, 3) - 0.2

    rgb = photo[..., ::-1].astype(np.float32).transpose(2, 0, 1) / 255
    image = torch.from_numpy(rgb.copy())[None]
    swap = [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10]
    with torch.no_grad():
        mirrored = network(image.flip(3))[:, swap].flip(3)
        return ((network(image) + mirrored) / 2).clamp(min=0)[0]


@pytest.fixture(scope='module')
def picture():
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    return cv2.resize(noise, (256, 256), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize('name', ['phr_released_mpii', 'phr_released_lsp'])
def test_the_inferencer_does_as_the_demo(checkpoint, conv, picture, name):
    inferencer = MMPoseInferencer(
        pose2d=str(CONFIGS / f'{name}.py'),
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


def test_what_the_checkpoint_says(checkpoint):
    saved = safe_load(checkpoint)
    assert saved['meta']['torch7'] == {'source': 'made_up.t7', 'matched': []}
    assert saved['meta']['dataset_meta']['num_keypoints'] == 16
    model = load_pose_model(CONFIGS / 'phr_released_lsp.py', checkpoint, 'cpu')
    assert model.is_converted
    assert not model.graph.training
    model.train()
    assert not model.graph.training
    with pytest.raises(UserError, match='for inference'):
        model.head.loss((), [])


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
    tool('test').main(
        [config, str(checkpoint), '--work-dir', str(tmp_path / 'work')]
        + ['--out', str(tmp_path / 'p.npz'), '--json', str(tmp_path / 's.json')]
        + [*arguments, '--cfg-options', f'test_dataloader.dataset.data_root={lsp}/']
    )
    with np.load(tmp_path / 'p.npz') as arrays:
        return arrays['preds'], json.loads((tmp_path / 's.json').read_text())


def test_the_test_tool(checkpoint, small_config, lsp, tmp_path, conv):
    preds, numbers = evaluate(small_config, checkpoint, lsp, tmp_path)
    assert numbers['persons'] == 2
    assert 0 <= numbers['Total'] <= 100
    # The crop of 178 px about the middle of the photo, as 64 px.
    photo = cv2.imread(str(lsp / 'images' / '0.png'))
    warp = np.float32([[64 / 178, 0, 32], [0, 64 / 178, 32]])
    warp[:, 2] -= warp[:, :2] @ np.float32([74.5, 99.5])
    crop = cv2.warpAffine(photo, warp, (64, 64), flags=cv2.INTER_LINEAR)
    maps = expected_maps(conv, crop)
    best = maps.flatten(1).argmax(1).numpy()
    in_crop = np.stack([best % 64, best // 64], 1)
    expected = (in_crop - 32) * 178 / 64 + [74.5, 99.5]
    assert preds.shape[0] == 2
    joints = {14: [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 8, 9]}
    expected = expected[joints.get(preds.shape[1], slice(None))]
    np.testing.assert_allclose(preds[0], expected, atol=0.5)

    with pytest.raises(UserError, match='leave --detector out'):
        evaluate(small_config, checkpoint, lsp, tmp_path, '--detector')


def test_the_cascade_s_own_weights(convert, small_config, lsp, tmp_path, capsys):
    cascade = randomize(build_small(small_config))
    source, out = tmp_path / 'released.t7', tmp_path / 'out.pth'
    source.write_bytes(dump(released(cascade.backbone, cascade.head)))
    convert([str(source), str(out), '--config', small_config])
    text = capsys.readouterr().out
    assert 'whole cascade: all ' in text
    assert f"{out}: the cascade's weights" in text
    assert set(safe_load(out)['state_dict']) == set(cascade.state_dict())
    preds, _ = evaluate(small_config, out, lsp, tmp_path)
    _, detector = evaluate(small_config, out, lsp, tmp_path, '--detector')
    assert detector['maps'] == 'detector'

    generic = tmp_path / 'generic.pth'
    convert([str(source), str(generic), '--config', small_config, '--generic'])
    assert 'the network as it is' in capsys.readouterr().out
    same, _ = evaluate(small_config, generic, lsp, tmp_path)
    np.testing.assert_allclose(same, preds, atol=1e-3)


def build_small(config):
    with DefaultScope.overwrite_default_scope('mmpose'):
        return build_pose_estimator(load_config(config).model)


def test_the_regressor_alone(convert, small_config, tmp_path, capsys):
    cascade = randomize(build_small(small_config))
    source, out = tmp_path / 'regressor.t7', tmp_path / 'out.pth'
    source.write_bytes(dump({'model': refiner(cascade.head.refiner)}))
    convert([str(source), str(out), '--config', small_config])
    assert "the regressor's weights" in capsys.readouterr().out
    state = safe_load(out)['state_dict']
    assert all(name.startswith('head.refiner.') for name in state)


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'not a file of Torch7', 'is no Torch7 file'),
        (dump(sequential(relu()))[:100], 'is no whole Torch7 file'),
        (dump(sequential(Obj('nn.Foo'))), 'module nn.Foo is not known'),
        (dump({'a': 1}), 'holds no network'),
        (None, 'No such file'),
    ],
)
def test_bad_input_ends_in_one_line_and_no_file(
    convert, tmp_path, capsys, content, reason
):
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


def test_a_file_cut_at_each_thousandth_byte(convert, conv, tmp_path, capsys):
    data = dump(made_up(conv))
    source, out = tmp_path / 'cut.t7', tmp_path / 'out.pth'
    assert len(data) > 5000
    for length in range(0, len(data), 1000):
        source.write_bytes(data[:length])
        with pytest.raises(UserError, match=r'cut\.t7') as error:
            convert([str(source), str(out)])
        assert '\n' not in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['cut.t7']


def test_arguments_that_do_not_fit(convert, conv, tmp_path):
    source = tmp_path / 'x.t7'
    source.write_bytes(dump(made_up(conv)))
    with pytest.raises(UserError, match='is the source itself'):
        convert([str(source), str(source)])
    config = str(CONFIGS / 'phr_tiny_lsp.py')
    with pytest.raises(UserError, match='is no ReleasedPoseEstimator'):
        convert([str(source), str(tmp_path / 'o.pth'), '--config', config])


def test_networks_that_do_not_fit_the_config(
    convert, small_config, lsp, tmp_path, capsys
):
    source, out = tmp_path / 'x.t7', tmp_path / 'x.pth'
    source.write_bytes(dump(convolution(nn.Conv2d(3, 14, 1))))
    convert([str(source), str(out), '--config', small_config])
    with pytest.raises(UserError, match='not maps of 16 joints'):
        evaluate(small_config, out, lsp, tmp_path)
    source.write_bytes(dump(convolution(nn.Conv2d(4, 16, 1))))
    convert([str(source), str(out), '--config', small_config])
    assert 'does not take images' in capsys.readouterr().out
    with pytest.raises(UserError, match='does not run on images of'):
        evaluate(small_config, out, lsp, tmp_path)
