"""The exported file computes what the model does, for any batch."""

import json
from pathlib import Path

from phr_mmpose.utils.cli import run

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from small_cascade import random_weights
from tool_modules import load_tool

from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.deploy import onnx_export
from phr_mmpose.utils import packages
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError

onnxruntime = pytest.importorskip('onnxruntime', reason='needs the extra "onnx"')
pytest.importorskip('onnx', reason='needs the extra "onnx"')

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'export_onnx.py'


@pytest.fixture(scope='module')
def main():
    return load_tool('export_onnx').main


@pytest.fixture(scope='module')
def model(config, checkpoints):
    return load_pose_model(config, checkpoints['with_meta'], 'cpu')


@pytest.fixture(scope='module')
def file(main, config, checkpoints, tmp_path_factory):
    path = tmp_path_factory.mktemp('onnx') / 'tiny.onnx'
    main([config, checkpoints['with_meta'], str(path)])
    return path


@pytest.fixture(scope='module')
def session(file):
    return onnxruntime.InferenceSession(str(file), providers=['CPUExecutionProvider'])


@pytest.mark.parametrize('count', [1, 4])
def test_maps_and_joints_are_torch_s(model, session, count):
    crops = torch.randint(0, 256, (count, 3, 96, 96), dtype=torch.uint8)
    detector, refiner = session.run(['detector', 'refiner'], {'crops': crops.numpy()})
    # The model's own way from uint8 crops, batch normalisation not fused.
    data = dict(inputs=list(crops), data_samples=[PoseDataSample()] * count)
    inputs = model.data_preprocessor(data)
    with torch.no_grad():
        logits, confidence = model.head(model.extract_feat(inputs['inputs']))
    np.testing.assert_allclose(detector, logits.sigmoid(), rtol=0, atol=1e-4)
    scale = max(1, confidence.abs().max().item())
    np.testing.assert_allclose(refiner, confidence, rtol=0, atol=1e-4 * scale)
    found, _ = model.head.refiner_codec.decode_batch(torch.from_numpy(refiner))
    expected, _ = model.head.refiner_codec.decode_batch(confidence)
    assert abs(found - expected).max() < 0.1


def test_the_file_says_what_its_maps_are(session, model):
    assert [i.name for i in session.get_inputs()] == ['crops']
    assert session.get_inputs()[0].shape == ['batch', 3, 96, 96]
    assert [o.name for o in session.get_outputs()] == ['detector', 'refiner']
    facts = {
        key: json.loads(value)
        for key, value in session.get_modelmeta().custom_metadata_map.items()
    }
    assert facts['input_size'] == [96, 96] and facts['heatmap_size'] == [48, 48]
    assert facts['joints'][0] == 'right_ankle' and len(facts['joints']) == 14
    assert facts['flip_indices'] == list(model.dataset_meta['flip_indices'])


def test_the_model_stays_as_it_was(model):
    weight = model.backbone.conv1.weight
    onnx_export.ExportedCascade(model)
    assert model.backbone.conv1.weight is weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert model.memory_format is torch.channels_last


@pytest.fixture
def small():
    """Levels of which the image cuts a part off, and no refiner."""
    with DefaultScope.overwrite_default_scope('mmpose'):
        model = MODELS.build(
            dict(
                type='CascadePoseEstimator',
                data_preprocessor=dict(type='PoseDataPreprocessor'),
                backbone=dict(
                    type='FullyConvolutionalVGG',
                    width=4,
                    hidden=16,
                    kernel=3,
                    batch_norm=True,
                ),
                head=dict(
                    type='CascadeHeatmapRegressionHead',
                    input_size=(40, 40),
                    out_channels=4,
                    refiner=None,
                    detector=dict(type='FCNPartDetectorHead', in_channels=(16, 32, 16)),
                ),
            )
        )
    for score in model.head.detector.scores:
        torch.nn.init.normal_(score.weight)
    model.dataset_meta = dict(
        keypoint_id2name=dict(enumerate('abcd')), flip_indices=[1, 0, 2, 3]
    )
    return model.eval()


def test_a_detector_alone(small, tmp_path):
    differences = onnx_export.export_onnx(small, tmp_path / 'vgg.onnx')
    assert list(differences) == ['detector'] and differences['detector'] <= 1e-4


@pytest.mark.parametrize(
    ('row', 'outputs'),
    [
        ('hourglass', ['detector']),
        ('hourglass_scales', ['detector']),
        ('hourglass_structure', ['detector', 'refiner']),
        ('hourglass_cascade', ['detector', 'refiner']),
    ],
)
def test_hourglasses_with_all_that_stands_behind_them(row, outputs, tmp_path):
    config = load_config(TOOL.parents[1] / f'configs/mssnet/tiny/{row}.py')
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpose'):
        model = MODELS.build(config.model).eval()
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    model.dataset_meta = parse_pose_metainfo(config.dataset_info)
    differences = onnx_export.export_onnx(model, tmp_path / 'mssnet.onnx')
    assert list(differences) == outputs


def refused(main, arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        run(lambda: main([str(argument) for argument in arguments]))
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_bad_input_writes_nothing(main, config, checkpoints, tmp_path, capsys):
    weights = checkpoints['with_meta']
    out = tmp_path / 'new' / 'a.onnx'
    assert 'none.py' in refused(main, ['none.py', weights, out], capsys)
    assert 'none.pth' in refused(main, [config, 'none.pth', out], capsys)
    (tmp_path / 'file').write_text('')
    place = tmp_path / 'file' / 'a.onnx'
    assert 'cannot be written' in refused(main, [config, weights, place], capsys)
    assert [path.name for path in tmp_path.iterdir()] == ['file']


def test_options_are_looked_at_before_any_work(main, config, tmp_path, capsys):
    def said(*arguments):
        return refused(main, [config, 'none.pth', *arguments], capsys)

    assert 'is for --int8 only' in said(tmp_path / 'a.onnx', '--crops', 4)
    assert '--crops must be at least 1' in said(
        tmp_path / 'a.onnx', '--int8', '--crops', 0
    )
    assert 'ends with .onnx' in said(tmp_path / 'a.pth')
    (tmp_path / 'd.onnx').mkdir()
    assert 'is a folder' in said(tmp_path / 'd.onnx')
    line = refused(main, [config, 'a.onnx', tmp_path / 'b.onnx'], capsys)
    assert 'exported already' in line


def test_integers_by_the_command(main, config, tmp_path, capsys):
    """On drawn figures, which need no data."""
    figures = config.replace('phr_tiny_lsp', 'phr_tiny_figures')
    torch.save(dict(state_dict=random_weights(figures)), tmp_path / 'model.pth')
    out = tmp_path / 'int8.onnx'
    main(['--int8', figures, str(tmp_path / 'model.pth'), str(out), '--crops', '4'])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f'{out}: ') and 'root mean square difference' in line
    maps = onnxruntime.InferenceSession(str(out)).run(
        None, {'crops': np.zeros((2, 3, 64, 64), np.uint8)}
    )
    assert [each.shape for each in maps] == [(2, 16, 32, 32)] * 2


def test_what_differs_from_torch_is_not_written(small, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, 'TOLERANCE', -1)
    with pytest.raises(UserError, match='heatmaps differ from torch'):
        onnx_export.export_onnx(small, tmp_path / 'a.onnx')
    assert not list(tmp_path.iterdir())


def test_a_lacking_package_is_named(small, tmp_path, monkeypatch):
    monkeypatch.setattr(packages, 'find_spec', lambda name: None)
    with pytest.raises(UserError, match='onnx is not installed: pip install'):
        onnx_export.export_onnx(small, tmp_path / 'a.onnx')


def test_another_model_gets_one_line():
    with pytest.raises(UserError, match='cannot be exported'):
        onnx_export.ExportedCascade(torch.nn.Identity())
