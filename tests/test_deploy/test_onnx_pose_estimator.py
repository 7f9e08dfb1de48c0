"""An exported cascade predicts what the cascade does."""

import copy
import json
import pickle

import numpy as np
import pytest
import torch
from cascade_samples import MODEL, SIDE, batch, build_model
from mmpose.registry import MODELS

from phr_mmpose.deploy.onnx_weights import is_onnx, onnx_config
from phr_mmpose.models.heads import CascadeHeatmapRegressionHead
from phr_mmpose.utils import packages
from phr_mmpose.utils.errors import UserError

onnx = pytest.importorskip('onnx', reason='needs the extra "onnx"')
pytest.importorskip('onnxruntime', reason='needs the extra "onnx"')


def export(model, path):
    from phr_mmpose.deploy.onnx_export import export_onnx

    model.dataset_meta = dict(
        keypoint_id2name=dict(enumerate('abcd')), flip_indices=[1, 0, 2, 3]
    )
    export_onnx(model.eval(), path)


@pytest.fixture(scope='module')
def cascade():
    return build_model(lively=True).eval()


@pytest.fixture(scope='module')
def file(cascade, tmp_path_factory):
    path = tmp_path_factory.mktemp('onnx') / 'cascade.onnx'
    export(cascade, path)
    return path


@pytest.fixture(scope='module')
def model(file):
    return MODELS.build(onnx_config(MODEL, file)).eval()


def predict(model, **test_cfg):
    _, samples = batch(3)
    crops = np.random.default_rng(0).integers(0, 256, (3, 3, SIDE, SIDE), np.uint8)
    model.test_cfg = test_cfg
    with torch.no_grad():
        return model.test_step(
            dict(inputs=list(torch.from_numpy(crops)), data_samples=samples)
        )


@pytest.mark.parametrize(
    'test_cfg',
    [
        dict(),
        dict(output='detector'),
        dict(flip_test=True, output_heatmaps=True),
        dict(flip_test=True, shift_heatmap=False, output_keypoint_indices=[2, 0]),
    ],
    ids=lambda cfg: '-'.join(cfg) or 'plain',
)
def test_it_predicts_what_the_cascade_does(cascade, model, test_cfg):
    pairs = zip(predict(model, **test_cfg), predict(cascade, **test_cfg), strict=True)
    for found, expected in pairs:
        a, b = found.pred_instances, expected.pred_instances
        assert a.keypoints.shape == b.keypoints.shape
        np.testing.assert_allclose(a.keypoints, b.keypoints, rtol=0, atol=1e-2)
        np.testing.assert_allclose(
            a.keypoint_scores, b.keypoint_scores, rtol=1e-4, atol=1e-4
        )
        np.testing.assert_allclose(
            a.keypoints_visible, b.keypoints_visible, rtol=1e-4, atol=1e-4
        )
        assert ('pred_fields' in found) == ('output_heatmaps' in test_cfg)
        if 'pred_fields' in found:
            for name in ('heatmaps', 'detector_heatmaps'):
                maps = found.pred_fields.get(name), expected.pred_fields.get(name)
                torch.testing.assert_close(*maps, rtol=1e-4, atol=1e-4)


def test_threads_of_torch_do_not_spin_beside_those_of_the_file(model, monkeypatch):
    seen = []

    def note(crops):
        seen.append(torch.get_num_threads())
        raise KeyError

    monkeypatch.setattr(model.backbone, 'forward', note)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(KeyError):
            predict(model)
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(threads)


def test_a_detector_alone(tmp_path):
    alone = build_model(dict(refiner=None), lively=True)
    export(alone, tmp_path / 'alone.onnx')
    config = copy.deepcopy(MODEL)
    config['head']['refiner'] = None
    model = MODELS.build(onnx_config(config, tmp_path / 'alone.onnx')).eval()
    for found, expected in zip(predict(model), predict(alone), strict=True):
        a, b = found.pred_instances, expected.pred_instances
        np.testing.assert_allclose(a.keypoints, b.keypoints, rtol=0, atol=1e-2)


def test_heatmaps_as_they_are_and_no_training(model, cascade):
    images, samples = batch(2)
    crops = images.mul(50).add(128).clamp(0, 255).round()
    detector, refiner = model(crops, None)
    with torch.no_grad():
        # The cascade's own mean, deviation and channel order.
        logits, confidence = cascade((crops.flip(1) - 127.5) / 64, None)
    torch.testing.assert_close(detector, logits.sigmoid(), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(refiner, confidence, rtol=1e-4, atol=1e-4)
    assert not list(model.parameters())
    with pytest.raises(UserError, match='cannot be trained'):
        model(images, samples, mode='loss')


def refused(file, config=MODEL, **head):
    config = copy.deepcopy(config)
    config['head'].update(head)
    with pytest.raises(UserError) as caught:
        MODELS.build(onnx_config(config, file))
    message = str(caught.value)
    assert '\n' not in message and str(file) in message
    return message


def test_a_file_of_another_config_is_refused(file):
    assert 'input_size is [32, 32]' in refused(file, input_size=(64, 64))
    small = refused(file, heatmap_size=(8, 8), refiner=dict(output_stride=4))
    assert "heatmap_size is [32, 32], the config's [8, 8]" in small
    assert 'number of joints is 4' in refused(file, out_channels=16)
    assert 'number of outputs is 2' in refused(file, refiner=None)
    assert 'config is HeatmapHead' in refused(file, type='HeatmapHead')
    assert 'config is Nothing' in refused(file, type='Nothing')


def test_what_is_no_exported_cascade_is_refused(file, tmp_path):
    assert 'no such file' in refused(tmp_path / 'none.onnx')
    torn = tmp_path / 'torn.onnx'
    torn.write_bytes(file.read_bytes()[:5000])
    assert 'cannot read it' in refused(torn)
    text = tmp_path / 'text.onnx'
    text.write_text('a cascade')
    assert 'cannot read it' in refused(text)

    content = onnx.load(str(file))
    facts = {each.key: each.value for each in content.metadata_props}
    assert json.loads(facts['joints']) == list('abcd')
    for changed in ('[32, 32', '32', None):
        del content.metadata_props[:]
        own = {**facts, 'input_size': changed} if changed else {}
        onnx.helper.set_model_props(content, own)
        onnx.save(content, str(tmp_path / 'other.onnx'))
        assert 'is no cascade that' in refused(tmp_path / 'other.onnx')


def test_crops_of_another_size_are_refused(model):
    with pytest.raises(UserError, match=r'crops of \[40, 32\] px'):
        model(torch.zeros(1, 3, 32, 40), None)


@pytest.mark.parametrize(
    'copied', [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_copies_open_the_file_again(model, copied):
    # MMEngine's EMAHook copies the model, also before a test.
    other = copied(model)
    assert other.backbone.session is not model.backbone.session
    for found, expected in zip(predict(other), predict(model), strict=True):
        a, b = found.pred_instances, expected.pred_instances
        np.testing.assert_array_equal(a.keypoints, b.keypoints)


@pytest.mark.parametrize(
    'head_type',
    ['CascadeHeatmapRegression', 'mmpose.CascadeHeatmapRegressionHead']
    + [CascadeHeatmapRegressionHead],
)
def test_all_names_of_the_head_will_do(file, head_type):
    config = copy.deepcopy(MODEL)
    config['head']['type'] = head_type
    MODELS.build(onnx_config(config, file))


def test_a_lacking_package_is_named(file, monkeypatch):
    monkeypatch.setattr(packages, 'find_spec', lambda name: None)
    with pytest.raises(UserError, match='onnxruntime is not installed: pip install'):
        MODELS.build(onnx_config(MODEL, file))


def test_files_are_told_by_their_names():
    assert is_onnx('a/b.onnx') and is_onnx('B.ONNX') and not is_onnx('onnx.pth')


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('input_size', [SIDE, SIDE // 2]),
        ('input_size', [SIDE]),
        ('heatmap_size', ['a', {}]),
        ('joints', ['a', 'b', 'c']),
    ],
)
def test_metadata_that_the_shapes_contradict_are_refused(file, tmp_path, key, value):
    content = onnx.load(str(file))
    for each in content.metadata_props:
        if each.key == key:
            each.value = json.dumps(value)
    path = tmp_path / 'odd.onnx'
    onnx.save(content, str(path))
    assert f'{path}: ' in refused(path) and 'its metadata say' in refused(path)


def test_every_output_has_a_fixed_height_and_width(file):
    outputs = onnx.load(str(file)).graph.output
    shapes = [
        [size.dim_value for size in each.type.tensor_type.shape.dim] for each in outputs
    ]
    assert len(shapes) == 2 and all(shape[1] == 4 for shape in shapes)
    assert all(min(shape[2:]) > 0 and shape[0] == 0 for shape in shapes)
