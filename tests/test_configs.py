"""Every config reads, builds and fits together."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.apis import init_model
from mmpose.registry import DATASETS, TRANSFORMS

from phr_mmpose.datasets.joints import LSP14_METAINFO, LSP_METAINFO
from phr_mmpose.engine.freezing import Freezing
from phr_mmpose.engine.stages import StageSchedule, config_stages
from phr_mmpose.models.complexity import build_without_memory, count_parameters

FOLDER = Path(__file__).resolve().parent.parent / 'configs'
CONFIGS = sorted([*FOLDER.glob('*.py'), *FOLDER.glob('mssnet/**/[!_]*.py')])


def load(path):
    config = Config.fromfile(path)
    init_default_scope(config.default_scope)
    return config


@pytest.fixture(scope='module', params=CONFIGS, ids=lambda path: path.stem)
def config(request):
    return load(request.param)


@pytest.fixture(scope='module')
def model(config):
    return build_without_memory(config.model)


def test_there_are_the_four():
    assert {
        'phr_res152_mpii',
        'phr_res152_lsp',
        'phr_tiny_lsp',
        'phr_tiny_figures',
    } <= {path.stem for path in CONFIGS}


def test_the_model_fits_the_pipelines_and_the_data(config, model):
    size = model.head.detector_codec.input_size
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        dataset = config[name].dataset
        sizes = [t.input_size for t in dataset.pipeline if 'input_size' in t]
        assert [tuple(each) for each in sizes] == [size], name
        assert dataset.pipeline[-1].type == 'PackCascadeInputs'
        for transform in dataset.pipeline:
            assert TRANSFORMS.get(transform.type), transform.type
        for subset in _datasets(dataset):
            kind = DATASETS.get(subset.type)
            joints = 14 if subset.get('joints') == 'lsp14' else 16
            assert kind and joints == model.head.out_channels
    with torch.device('meta'):
        logits, confidence = model.head(
            model.extract_feat(torch.empty(2, 3, *reversed(size)))
        )
    width, height = model.head.detector_codec.heatmap_size
    shape = (2, model.head.out_channels, height, width)
    assert logits.shape == confidence.shape == shape


def _datasets(dataset):
    return dataset.datasets if 'datasets' in dataset else [dataset]


def test_what_the_inferencer_reads(config):
    assert config.data_mode == 'topdown'
    assert DATASETS.get(config.dataset_type)
    # Its default detector is chosen by the token after "datasets." of this path.
    module = DATASETS.get(config.dataset_type).__module__
    assert module.startswith('phr_mmpose.datasets.body.')


def test_stages_train_parts_of_the_model(config, model):
    schedule = StageSchedule(config_stages(config))
    for stage in schedule.stages:
        assert Freezing(model).parameters(stage.trains)
    assert config.train_cfg.by_epoch and config.train_cfg.max_epochs == schedule.epochs
    assert config.default_hooks.param_scheduler.type == 'StagedTrainingHook'
    assert config.get('param_scheduler') is None
    # All begin gently.
    for stage in schedule.stages:
        assert stage.param_scheduler[0]['type'] == 'LinearLR'


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_what_mmpose_s_scripts_read(path):
    config = Config.fromfile(path)
    # What --auto-scale-lr scales by is 1 where nothing was changed.
    assert config.auto_scale_lr == {
        'base_batch_size': config.train_dataloader.batch_size
    }
    hook = config.default_hooks.visualization
    assert hook == {'type': 'PoseVisualizationHook', 'enable': False}


def test_sizes_in_pixels_scale_with_the_heatmaps(config, model):
    for subnetwork, codec in model.head.codecs.items():
        name, pixels = ('radius', 10) if hasattr(codec, 'radius') else ('sigma', 5)
        # Unless the config says otherwise.
        own = config.model.head[f'{subnetwork}_codec'].get(name)
        length = pixels * codec.heatmap_size[1] / 256 if own is None else own
        assert getattr(codec, name) == pytest.approx(length)


@pytest.mark.parametrize('name', ['phr_res152_mpii', 'phr_res152_lsp'])
def test_the_paper_s_model(name):
    config = load(FOLDER / f'{name}.py')
    model = build_without_memory(config.model)
    # torchvision's ResNet-152 without its fully connected layer.
    assert count_parameters(model.backbone) == 60_192_808 - (2048 * 1000 + 1000)
    assert count_parameters(model.head.detector) == (2048 * 16 + 16) + (
        16 * 16 * 16 + 16
    )
    assert count_parameters(model.head.refiner) == 17_370_528
    assert count_parameters(model) == count_parameters(
        model.backbone, model.head.detector, model.head.refiner
    )
    assert model.head.refiner_codec.input_size == model.head.refiner_codec.heatmap_size
    assert (model.head.detector_codec.radius, model.head.refiner_codec.sigma) == (10, 5)
    assert model.head.refiner_codec.input_size == (256, 256)
    assert tuple(config.model.backbone.strides) == (1, 2, 2, 1)
    assert config.train_dataloader.batch_size == 8
    assert config.optim_wrapper.optimizer.type == 'RMSprop'
    pretrained = config.model.backbone.init_cfg
    assert pretrained.checkpoint == 'torchvision://resnet152'


def test_the_paper_s_schedule():
    config = load(FOLDER / 'phr_res152_mpii.py')
    stages = [(s.name, list(s.trains), s.epochs) for s in config_stages(config)]
    assert stages == [
        ('detector', ['detector'], 50),
        ('refiner', ['refiner'], 40),
        ('joint', ['detector', 'refiner'], 50),
    ]
    train = {t.type: t for t in config.train_dataloader.dataset.pipeline}
    assert tuple(train['RandomScaleRotation'].scale) == (0.7, 1.3)
    assert train['RandomScaleRotation'].rotation == 40
    assert 'RandomMirror' in train
    lsp = load(FOLDER / 'phr_res152_lsp.py')
    assert sum(stage.epochs for stage in config_stages(lsp)) == 30


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('phr_tiny_lsp', LSP14_METAINFO),
        ('phr_res152_lsp_lspet', LSP_METAINFO),
        ('phr_res50_lsp', LSP_METAINFO),
    ],
)
def test_combined_data_sets_name_their_joints(name, expected, tmp_path, monkeypatch):
    # The file is found, and what a run dumps stands alone, wherever it is read.
    monkeypatch.chdir(tmp_path)
    config = load(FOLDER / f'{name}.py')
    config.dump(tmp_path / 'dumped.py')
    for each in (config, Config.fromfile(tmp_path / 'dumped.py')):
        dataset = each.train_dataloader.dataset
        info = Config.fromfile(expected['from_file']).dataset_info
        assert dataset.metainfo.to_dict() == info.to_dict()
        assert [subset.pipeline for subset in dataset.datasets] == [[], []]


@pytest.mark.parametrize('name', ['phr_tiny_lsp', 'phr_tiny_figures'])
def test_init_model_builds_the_tiny_ones(name):
    model = init_model(str(FOLDER / f'{name}.py'), device='cpu')
    assert count_parameters(model) < 6e6
    joints = model.head.out_channels
    assert model.dataset_meta['num_keypoints'] == joints
    assert len(model.dataset_meta['flip_indices']) == joints


def test_init_model_builds_from_a_path_and_a_checkpoint(tmp_path):
    path = FOLDER / 'phr_tiny_lsp.py'
    first = init_model(str(path), device='cpu')
    torch.nn.init.normal_(first.head.detector.score.weight)
    checkpoint = tmp_path / 'model.pth'
    torch.save(
        dict(state_dict=first.state_dict(), meta=dict(dataset_meta=first.dataset_meta)),
        checkpoint,
    )
    second = init_model(str(path), str(checkpoint), device='cpu')
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
