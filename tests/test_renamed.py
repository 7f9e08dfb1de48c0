from pathlib import Path

import pytest
from mmengine.registry import DefaultScope, init_default_scope
from mmpose.registry import DATASETS, MODELS

from phr_mmpose.deploy.onnx_weights import onnx_config
from phr_mmpose.renamed import RENAMED
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'


@pytest.mark.parametrize(
    'registry,name,instead', RENAMED, ids=lambda row: str(row)[:20]
)
def test_configs_of_yesterday_end_in_one_line(registry, name, instead):
    init_default_scope('mmpose')
    with pytest.raises(UserError) as error:
        registry.build(dict(type=name, lr=1e-3))
    line = str(error.value)
    assert name in line and instead in line and '\n' not in line


def test_a_crop_cache_of_yesterday():
    init_default_scope('mmpose')
    with pytest.raises(UserError, match=r'tools/crop_dataset\.py'):
        DATASETS.build(dict(type='LspDataset', crop_cache='crops.lmdb'))


@pytest.mark.parametrize(
    ('path', 'value', 'fact'),
    [
        ('model.fold_frozen', True, 'fuse_frozen'),
        ('model.head.decoder', dict(type='GaussianConfidence'), 'refiner_codec'),
        ('model.test_cfg.fold', True, 'fuses by itself'),
        ('model.test_cfg.autocast', 'bfloat16', 'torch.autocast'),
        ('model.head.nonsense', 1, 'nonsense'),
    ],
)
def test_old_options_of_a_model_end_in_one_line(path, value, fact):
    config = load_config(CONFIGS / 'phr_tiny_lsp.py', {path: value})
    with DefaultScope.overwrite_default_scope('mmpose'):
        with pytest.raises((UserError, TypeError), match=fact):
            MODELS.build(config.model)


def test_an_onnx_file_s_config_is_looked_at_as_well():
    config = load_config(
        CONFIGS / 'phr_tiny_lsp.py',
        {'model.head.decoder': dict(type='GaussianConfidence')},
    )
    with DefaultScope.overwrite_default_scope('mmpose'):
        with pytest.raises(UserError, match='refiner_codec'):
            MODELS.build(onnx_config(config.model, 'any.onnx'))
