import copy
import random

import numpy as np
import pytest
from mmengine.dataset import Compose
from phr_mmpose.datasets.transforms.seed_augmentation import (
    SeedAugmentation,
    run_clock,
)
from torch.utils.data import DataLoader, Dataset


class Draws(Dataset):
    def __init__(self):
        self.pipeline = Compose([dict(type='mmpose.SeedAugmentation')])

    def __len__(self):
        return 8

    def __getitem__(self, idx):
        self.pipeline(dict(sample_idx=idx, img_path=f'photos/{idx}.jpg'))
        return random.random(), np.random.rand()


def draw(**kwargs):
    """Draw three epochs from one loader: (3, 8, 2)."""
    loader = DataLoader(Draws(), batch_size=2, **kwargs)
    epochs = []
    for epoch in range(3):
        run_clock().set(7, epoch)
        epochs.append([np.stack(batch, axis=-1) for batch in loader])
    return np.concatenate(epochs, axis=1).reshape(-1, 2).tolist()


@pytest.fixture(scope='module')
def expected():
    return draw()


def test_every_sample_and_epoch_draws_anew(expected):
    assert len({tuple(pair) for pair in expected}) == 24


@pytest.mark.parametrize('workers', [1, 2])
@pytest.mark.parametrize('persistent', [False, True])
def test_workers_do_not_matter(expected, workers, persistent):
    assert draw(num_workers=workers, persistent_workers=persistent) == expected


def test_spawned_workers_follow_the_epochs(expected):
    found = draw(
        num_workers=1, persistent_workers=True, multiprocessing_context='spawn'
    )
    assert found == expected


def test_history_does_not_matter():
    run_clock().set(1, 2)
    transform = SeedAugmentation()
    transform(dict(sample_idx=3, img_path='a/x.jpg'))
    first = np.random.rand(), random.random()
    np.random.rand(5)
    # The folder of the data does not, either.
    copy.deepcopy(transform)(dict(sample_idx=3, img_path='b/x.jpg'))
    assert (np.random.rand(), random.random()) == first


@pytest.mark.parametrize(
    'seed,epoch,results',
    [
        (2, 2, dict(sample_idx=3, img_path='x.jpg')),
        (1, 3, dict(sample_idx=3, img_path='x.jpg')),
        (1, 2, dict(sample_idx=4, img_path='x.jpg')),
        (1, 2, dict(sample_idx=3, img_path='y.jpg')),
        (1, 2, dict(sample_idx=3)),
    ],
)
def test_what_does_matter(seed, epoch, results):
    transform = SeedAugmentation()
    run_clock().set(1, 2)
    transform(dict(sample_idx=3, img_path='x.jpg'))
    first = np.random.rand(), random.random()
    run_clock().set(seed, epoch)
    assert transform(results) is results
    assert np.random.rand() != first[0]
    assert random.random() != first[1]
