import gzip
import json
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS

from phr_mmpose.utils.errors import UserError

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'crop_dataset.py'


@pytest.fixture
def crop_dataset():
    main = runpy.run_path(str(TOOL))['main']
    return lambda *arguments: main([str(each) for each in arguments])


@pytest.fixture
def folder(tmp_path):
    """A prepared folder with two persons of LSP on one photo."""
    for name in ('images', 'annotations'):
        (tmp_path / name).mkdir()
    cv2.imwrite(str(tmp_path / 'images' / 'a.png'), np.full((300, 400, 3), 90, 'u1'))
    persons = [
        {
            'image': 'a.png',
            'center': [200, 150],
            'scale': 0.8,
            'joints': [[150 + 5 * k, 100 + 7 * k] for k in range(14)],
            'joints_vis': [1] * 14,
            'joints_visible': [1] * 14,
        }
    ] * 2
    (tmp_path / 'annotations' / 'two.json').write_text(json.dumps(persons))
    return tmp_path


def paths(folder):
    return folder / 'annotations' / 'two.json', folder / 'images', folder / 'crops'


def test_the_data_set_reads_it_by_its_folder_alone(crop_dataset, folder, capsys):
    options = ('--input-size', 96, 96, '--rotation', 0, '--scale', 1, 1)
    crop_dataset('LspDataset', *paths(folder), *options)
    assert '2 persons, for inputs of 96 x 96 px' in capsys.readouterr().out
    init_default_scope('mmpose')
    settings = dict(
        type='LspDataset',
        joints='lsp14',
        ann_file='annotations/two.json',
        data_prefix=dict(img='images/'),
        pipeline=[
            dict(type='GetBBoxCenterScale'),
            dict(type='LoadPersonCrop', input_size=(96, 96)),
        ],
    )
    there = DATASETS.build(dict(settings, data_root=str(folder)))
    cropped = DATASETS.build(dict(settings, data_root=str(folder / 'crops')))
    # A crop of 200 px is reduced by 2 and shows the photo 4 px farther.
    assert cropped[1]['img_shape'] == (105, 105)
    for number in range(2):
        np.testing.assert_allclose(
            cropped[number]['transformed_keypoints'],
            there[number]['transformed_keypoints'],
            atol=0.01,
        )
        difference = cropped[number]['img'].astype(int) - there[number]['img']
        assert np.abs(difference).max() < 4


@pytest.mark.parametrize('suffix', ['.json', '.json.gz'])
def test_lists_keep_their_whole_names(crop_dataset, folder, suffix):
    path, *others = paths(folder)
    opened = gzip.open if suffix.endswith('.gz') else open
    for name in ('v1.2_train', 'v1.2_val'):
        file = path.with_name(f'{name}{suffix}')
        with opened(file, 'wb') as copy:
            copy.write(path.read_bytes())
        crop_dataset('LspDataset', file, *others)
    for kind, end in (('annotations', '.json'), ('images', '')):
        found = {each.name for each in (folder / 'crops' / kind).iterdir()}
        assert found == {f'v1.2_train{end}', f'v1.2_val{end}'}


def test_the_list_that_is_read_is_never_replaced(crop_dataset, folder):
    path, photos, _ = paths(folder)
    before = path.read_bytes()
    with pytest.raises(UserError, match='holds the list itself'):
        crop_dataset('LspDataset', path, photos, folder)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    'options',
    [
        ('--quality', 0),
        ('--threads', 0),
        ('--padding', 0),
        ('--rotation', 200),
        ('--scale', 1.3, 0.7),
        ('--scale', 0, 1),
        ('--input-size', 0, 64),
    ],
)
def test_options_out_of_range(crop_dataset, folder, options):
    with pytest.raises(UserError, match=options[0]):
        crop_dataset('LspDataset', *paths(folder), *options)


def test_a_list_of_another_body(crop_dataset, folder):
    with pytest.raises(UserError, match='has 14 joints where 16 belong'):
        crop_dataset('MpiiPartDataset', *paths(folder))
