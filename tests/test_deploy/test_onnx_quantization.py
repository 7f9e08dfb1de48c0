"""A cascade in 8-bit integers computes nearly the same."""

import numpy as np
import pytest
import torch

from phr_mmpose.apis.estimation import estimate_poses
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.deploy import onnx_quantization
from phr_mmpose.deploy.onnx_export import export_onnx
from phr_mmpose.deploy.onnx_quantization import quantize_onnx, training_crops
from phr_mmpose.utils import packages
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError

onnx = pytest.importorskip('onnx', reason='needs the extra "onnx"')
pytest.importorskip('onnxruntime', reason='needs the extra "onnx"')


@pytest.fixture(scope='module')
def crops():
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (24, 3, 12, 12), np.uint8)
    return np.kron(coarse, np.ones((1, 1, 8, 8), np.uint8))


@pytest.fixture(scope='module')
def quantized(exported, crops, tmp_path_factory):
    path = tmp_path_factory.mktemp('int8') / 'cascade.onnx'
    return path, quantize_onnx(exported, path, crops)


def test_weights_are_integers(exported, quantized):
    path, _ = quantized
    weights = [
        onnx.numpy_helper.to_array(each)
        for each in onnx.load(str(path)).graph.initializer
        if each.data_type == onnx.TensorProto.INT8
    ]
    kernels = [weight for weight in weights if weight.ndim == 4]
    assert len(kernels) > 40
    floats = [
        tuple(each.dims)
        for each in onnx.load(str(path)).graph.initializer
        if each.data_type == onnx.TensorProto.FLOAT and len(each.dims) == 4
    ]
    # The last ones of detector and refiner, and of the backbone the stem's, whose
    # grid is half the input's.
    assert len(floats) == 3 and (32, 3, 7, 7) in floats
    assert max(np.abs(kernel.astype(int)).max() for kernel in kernels) > 100
    float_size = len(onnx.load(exported).SerializeToString())
    assert path.stat().st_size < 0.4 * float_size


def test_the_range_can_be_reduced(exported, crops, tmp_path):
    path = tmp_path / 'cascade.onnx'
    quantize_onnx(exported, path, crops, reduce_range=True)
    for each in onnx.load(str(path)).graph.initializer:
        if each.data_type == onnx.TensorProto.INT8:
            assert np.abs(onnx.numpy_helper.to_array(each).astype(int)).max() <= 64


def test_sizes_are_no_numbers_of_the_network(tmp_path):
    # EfficientNet-Lite pads as TensorFlow does: how much is computed from the size of
    # the input, and was rounded to one of 256 levels.
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (20, 3, 12, 12), np.uint8)
    crops = np.kron(coarse, np.ones((1, 1, 16, 16), np.uint8))
    exported, integers = tmp_path / 'float.onnx', tmp_path / 'int8.onnx'
    export_onnx(load_pose_model('phr_lite_lsp'), exported)
    # Sums of 8 bits overflow on processors without VNNI.
    differences = quantize_onnx(exported, integers, crops, reduce_range=True)
    assert max(differences.values()) < 0.4
    kinds = {node.op_type for node in onnx.load(str(exported)).graph.node}
    assert not kinds & {'Ceil', 'ConstantOfShape', 'Gather', 'Mul'}
    # The stem and three layers, whose grids are half the input's.
    kernels = [
        tuple(each.dims)
        for each in onnx.load(str(integers)).graph.initializer
        if each.data_type == onnx.TensorProto.FLOAT and len(each.dims) == 4
    ]
    fine = [(32, 3, 3, 3), (32, 1, 3, 3), (16, 32, 1, 1), (96, 16, 1, 1)]
    assert set(fine) < set(kernels)


def test_it_says_how_far_the_maps_are_off(exported, quantized, crops):
    import onnxruntime

    path, differences = quantized
    assert sorted(differences) == ['detector', 'refiner']
    maps = [
        onnxruntime.InferenceSession(str(file)).run(
            ['detector', 'refiner'], {'crops': crops[-onnx_quantization.HELD_OUT :]}
        )
        for file in (exported, path)
    ]
    for name, a, b in zip(('detector', 'refiner'), *maps, strict=True):
        expected = np.linalg.norm((b - a).ravel()) / np.linalg.norm(a.ravel())
        assert 0 < differences[name] < 0.5
        assert differences[name] == pytest.approx(expected, rel=1e-3)


def test_joints_stay_where_they_were(config, exported, quantized, photo):
    boxes = np.float32([[0, 0, 90, 120], [10, 20, 70, 110]])
    poses = [
        estimate_poses(load_pose_model(config, str(file)), photo, boxes)
        for file in (exported, quantized[0])
    ]
    distances = np.linalg.norm(poses[0].keypoints - poses[1].keypoints, axis=-1)
    # Weights are random, so some maps have two peaks that are as high.
    assert np.median(distances) < 2.5


def test_maps_have_more_than_256_levels(quantized, crops):
    import onnxruntime

    for maps in onnxruntime.InferenceSession(str(quantized[0])).run(
        None, {'crops': crops}
    ):
        assert len(np.unique(maps)) > 1000


def test_it_keeps_what_the_file_says_of_itself(config, quantized):
    facts = load_pose_model(config, quantized[0]).backbone.facts
    assert facts['input_size'] == [96, 96] and len(facts['joints']) == 14


def test_what_loses_the_joints_is_not_written(exported, crops, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_quantization, '_LIMIT', 1e-6)
    with pytest.raises(UserError, match='heatmaps of 8-bit integers differ'):
        quantize_onnx(exported, tmp_path / 'a.onnx', crops)
    with pytest.raises(UserError, match='16 crops are too few'):
        quantize_onnx(exported, tmp_path / 'a.onnx', crops[:16])
    assert not list(tmp_path.iterdir())


def test_a_lacking_package_is_named(exported, crops, tmp_path, monkeypatch):
    monkeypatch.setattr(packages, 'find_spec', lambda name: None)
    with pytest.raises(UserError, match='onnx is not installed'):
        quantize_onnx(exported, tmp_path / 'a.onnx', crops)


def test_the_root_logger_is_as_it_was(quantized, caplog):
    import logging

    logging.getLogger().warning('heard')
    assert 'heard' in caplog.text


@pytest.fixture
def figures(config):
    """Drawn figures, which need no files, for the crops."""
    path = config.replace('phr_tiny_lsp', 'phr_tiny_figures')
    settings = load_config(path)
    settings.train_dataloader.dataset.num = 30
    return settings, path


def test_crops_are_those_of_training_and_always_the_same(figures):
    crops = training_crops(*figures, (64, 64), 8)
    assert crops.shape == (8, 3, 64, 64) and crops.dtype == np.uint8
    assert len(np.unique(crops.reshape(8, -1), axis=0)) == 8
    torch.manual_seed(7)
    np.random.seed(7)
    np.testing.assert_array_equal(training_crops(*figures, (64, 64), 8), crops)
    with pytest.raises(UserError, match='has 30 persons, 40 are wanted'):
        training_crops(*figures, (64, 64), 40)


def test_lacking_data_and_crops_of_another_size_get_one_line(config, figures):
    settings = load_config(config)
    settings.train_dataloader.dataset.datasets[0].data_root = 'nowhere/'
    with pytest.raises(UserError, match='nowhere'):
        training_crops(settings, config, (96, 96), 4)
    settings, path = figures
    with pytest.raises(UserError, match=r'no uint8 crops of \(96, 64\) px'):
        training_crops(settings, path, (96, 64), 4)
    settings.train_dataloader.dataset.pipeline.pop()
    with pytest.raises(UserError, match='no uint8'):
        training_crops(settings, path, (64, 64), 4)
