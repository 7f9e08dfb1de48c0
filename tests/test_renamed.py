import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS

from phr_mmpose.renamed import RENAMED
from phr_mmpose.utils.errors import UserError


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
