import runpy
from pathlib import Path

import pytest
from crop_samples import build, settings, write_data

from phr_mmpose.utils.errors import UserError

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'cache_crops.py'


@pytest.fixture
def cache_crops():
    main = runpy.run_path(str(TOOL))['main']
    return lambda *arguments: main([str(each) for each in arguments])


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp('tool') / 'data', 4)


def write_config(folder, dataset):
    path = folder / 'config.py'
    path.write_text(
        f"default_scope = 'mmpose'\ntrain_dataloader = dict(dataset={dataset})\n"
    )
    return path


def test_makes_what_the_data_set_reads(cache_crops, folder, capsys):
    config = write_config(folder, settings(folder))
    cache_crops(config, '--quality', 80)
    line = capsys.readouterr().out
    assert '4 persons' in line
    assert "crop_cache='cache/list_64.lmdb'" in line
    assert len(build(folder, crop_cache='cache/list_64.lmdb')) == 4
    # Finished: nothing to do. Other options: refused.
    cache_crops(config, '--quality', 80)
    with pytest.raises(UserError, match='other data or options'):
        cache_crops(config, '--quality', 70)


def test_the_configs_own_name_and_joined_data(cache_crops, folder):
    named = settings(folder, crop_cache='mine/crops.lmdb')
    joined = {'type': 'JoinedDataset', 'metainfo': {}, 'datasets': [named]}
    cache_crops(write_config(folder, joined), '--threads', 1)
    assert len(build(folder, crop_cache='mine/crops.lmdb')) == 4
    twice = dict(joined, datasets=[named, named])
    with pytest.raises(UserError, match='joins 2 data sets'):
        cache_crops(write_config(folder, twice), '--out', 'x.lmdb')


def test_faults(cache_crops, folder):
    config = write_config(folder, settings(folder))
    for option, value in (('--quality', 0), ('--density', 99), ('--threads', 0)):
        with pytest.raises(UserError, match=option):
            cache_crops(config, option, value)
    figures = write_config(folder, {'type': 'FigureDataset', 'num': 2})
    with pytest.raises(UserError, match='FigureDataset has no annotation list'):
        cache_crops(figures)
    lost = settings(folder, data_prefix={'img': 'nowhere'})
    with pytest.raises(UserError, match='nowhere'):
        cache_crops(write_config(folder, lost), '--out', 'lost.lmdb')
