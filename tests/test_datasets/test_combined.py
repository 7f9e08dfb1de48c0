"""MMPose's ``CombinedDataset`` hands on what the project's data sets say."""

import json

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS

from phr_mmpose.datasets.joints import LSP_METAINFO, MPII_METAINFO

LOAD = [
    {'type': 'GetBBoxCenterScale'},
    {'type': 'LoadPersonCrop', 'input_size': (64, 64)},
    {'type': 'PackCascadeInputs'},
]


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmpose')


@pytest.fixture
def lists(tmp_path):
    """Two persons in LSP's joints; their photos are named, but not there."""
    for name, visible in (('lsp', [1, 0] * 7), ('lspet', [1] * 14)):
        persons = [
            {
                'image': f'{name}_{number}.jpg',
                'center': [50, 60],
                'scale': 0.3,
                'joints': [[20 + k, 30 + 2 * k + number] for k in range(14)],
                'joints_vis': [1] * 13 + [0],
                'joints_visible': visible,
                'head_box': [10, 10, 40, 50],
            }
            for number in range(2)
        ]
        (tmp_path / f'{name}.json').write_text(json.dumps(persons))
    return tmp_path


def subsets(folder, **options):
    kinds = {'lsp': 'LspDataset', 'lspet': 'LspetDataset'}
    return [
        {
            'type': kind,
            'data_root': str(folder),
            'ann_file': f'{name}.json',
            'pipeline': [],
            **options,
        }
        for name, kind in kinds.items()
    ]


def combined(datasets, **options):
    return DATASETS.build(
        {
            'type': 'CombinedDataset',
            'metainfo': LSP_METAINFO,
            'datasets': datasets,
            **options,
        }
    )


def names(dataset):
    # MMPose's does not end a loop over it.
    return [dataset[index]['dataset_name'] for index in range(len(dataset))]


def test_flags_head_sizes_and_the_names_of_the_data_sets_stay(lists):
    dataset = combined(subsets(lists))
    assert len(dataset) == 4
    assert names(dataset) == ['lsp'] * 2 + ['lspet'] * 2
    assert [dataset[index]['id'] for index in range(4)] == [0, 1, 0, 1]
    # Which joints are hidden is known in one of them.
    for item, flags in ((dataset[1], [[13, 7]]), (dataset[3], [13])):
        assert item['keypoints_visible'].sum(axis=1).tolist() == flags
        assert item['head_size'].tolist() == [30]
        assert item['dataset_keypoint_weights'][[6, 7]].tolist() == [0, 0]
        assert item['flip_indices'] == dataset.metainfo['flip_indices']


def test_a_picture_instead_of_a_file_passes():
    """Drawn figures have no file."""
    figures = [
        {'type': 'FigureDataset', 'num': 2, 'seed': seed, 'pipeline': []}
        for seed in (0, 1)
    ]
    dataset = combined(figures, metainfo=MPII_METAINFO, pipeline=LOAD)
    for index, seed in ((1, 0), (3, 1)):
        alone = DATASETS.build({**figures[seed], 'pipeline': LOAD})[1]
        mine = dataset[index]
        np.testing.assert_array_equal(mine['inputs'], alone['inputs'])
        for part in ('gt_instances', 'gt_instance_labels'):
            theirs = getattr(alone['data_samples'], part)
            assert set(theirs.keys()) == set(getattr(mine['data_samples'], part).keys())
            for key, value in theirs.items():
                np.testing.assert_array_equal(
                    getattr(mine['data_samples'], part)[key], value
                )
        assert mine['data_samples'].img_path.endswith(f'/figure_{seed}_1.png')


def test_a_part_of_each_list(lists):
    """``indices`` belongs to the subsets: MMPose does not read it outside."""
    dataset = combined(subsets(lists, indices=1))
    assert names(dataset) == ['lsp', 'lspet']
