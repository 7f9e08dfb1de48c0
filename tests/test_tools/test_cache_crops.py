import runpy
from pathlib import Path

import pytest
from crop_samples import build, settings, write_data
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS

from phr_mmpose.datasets.joints import MPII_JOINTS, build_metainfo
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
    with pytest.raises(UserError, match=r'joins 2 data sets; .*crop_cache=\['):
        cache_crops(write_config(folder, twice), '--out', 'x.lmdb')


def test_what_it_says_of_joined_data_is_what_they_read(cache_crops, folder, capsys):
    options = {'metainfo': build_metainfo('mpii', MPII_JOINTS), 'type': 'JoinedDataset'}
    lists = ['first.json', 'second.json']
    for name in lists:
        (folder / name).write_bytes((folder / 'list.json').read_bytes())
    sets = [settings(folder, ann_file=name) for name in lists]
    config = write_config(folder, dict(options, datasets=sets))
    cache_crops(config)
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == "crop_cache=['cache/first_64.lmdb', 'cache/second_64.lmdb']"
    names = ['cache/first_64.lmdb', 'cache/second_64.lmdb']
    joined = dict(options, datasets=sets, crop_cache=names)
    # Named in the config, it makes the same ones; here they are finished.
    cache_crops(write_config(folder, joined))
    assert capsys.readouterr().out.splitlines()[-1] == line
    init_default_scope('mmpose')
    found = DATASETS.build(joined)
    for number, name in ((0, names[0]), (4, names[1])):
        info = found.get_data_info(number)
        assert info['crop_cache'].path == str(folder / name)
    some = DATASETS.build(dict(joined, crop_cache=[None, names[1]]))
    assert 'crop_cache' not in some.get_data_info(0)
    for wrong in (names[0], names[:1]):
        with pytest.raises(UserError, match='2 data sets are joined; give a list'):
            DATASETS.build(dict(joined, crop_cache=wrong))


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
