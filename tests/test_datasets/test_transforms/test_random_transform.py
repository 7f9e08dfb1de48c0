import copy
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch.utils.data import DataLoader, WeightedRandomSampler, default_collate

from phr_mmpose.datasets.transforms.random_transform import run_clock


class Draws(BaseDataset):
    """What two transforms draw for each of eight samples: number, scale, angle."""

    def __init__(self):
        init_default_scope('mmpose')
        super().__init__(
            serialize_data=False,
            pipeline=[dict(type='RandomMirror'), dict(type='RandomScaleRotation')],
        )

    def load_data_list(self):
        return [dict(bbox_scale=np.ones((1, 2), np.float32)) for _ in range(8)]

    def prepare_data(self, idx):
        out = super().prepare_data(idx)
        return idx, float(out['bbox_scale'][0, 0]), float(out['bbox_rotation'][0])


@pytest.fixture(autouse=True)
def no_run():
    yield
    run_clock().stop()


def read(loader):
    return [tuple(x.tolist()) for batch in loader for x in torch.stack(batch, -1)]


WRAPPERS = {
    'plain': lambda: Draws(),
    'repeated': lambda: RepeatDataset(Draws(), times=3),
    'twice': lambda: ConcatDataset([Draws(), Draws()]),
}
WORKERS = {
    'none': dict(num_workers=0),
    'two': dict(num_workers=2),
    'persistent': dict(num_workers=2, persistent_workers=True),
}


@pytest.mark.parametrize('with_hook', [True, False])
@pytest.mark.parametrize('workers', WORKERS)
@pytest.mark.parametrize('wrapper', WRAPPERS)
def test_two_visits_of_a_sample_differ(wrapper, workers, with_hook):
    dataset = WRAPPERS[wrapper]()
    # Each sample some three times, none in order, some not at all.
    sampler = WeightedRandomSampler(torch.ones(len(dataset)), 3 * len(dataset))
    # As MMEngine makes it: its workers seed numpy and torch whenever they start.
    loader = Runner.build_dataloader(
        dict(dataset=dataset, batch_size=5, sampler=sampler, **WORKERS[workers]),
        seed=3,
    )
    loader.collate_fn = default_collate
    seen = []
    for epoch in range(2):
        if with_hook:
            run_clock().set(7, epoch, batch_size=5)
        seen += read(loader)
    assert len(seen) == 6 * len(dataset)
    assert len({tuple(draws) for _, *draws in seen}) == len(seen)


@pytest.mark.parametrize('workers', WORKERS)
def test_a_seeded_run_repeats(workers):
    runs = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        loader = DataLoader(Draws(), batch_size=3, shuffle=True, **WORKERS[workers])
        runs.append([read(loader), read(loader)])
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def epochs_of_a_run(dataset, first, last, seed=7, batch_size=3, **workers):
    loader = DataLoader(dataset, batch_size=batch_size, **workers)
    found = []
    for epoch in range(first, last):
        run_clock().set(seed, epoch, batch_size=batch_size)
        found.append(read(loader))
    return found


@pytest.mark.parametrize('wrapper', WRAPPERS)
def test_a_run_with_the_hook_resumes_whatever_the_workers(wrapper):
    dataset = WRAPPERS[wrapper]()
    whole = epochs_of_a_run(dataset, 0, 3)
    for workers in WORKERS.values():
        assert epochs_of_a_run(dataset, 1, 3, **workers) == whole[1:]
    assert epochs_of_a_run(dataset, 0, 1, seed=8)[0] != whole[0]


@pytest.mark.slow
def test_spawned_workers_follow_the_epochs():
    # One loader: each worker takes the time to import the stack anew.
    spawned = dict(
        num_workers=1, multiprocessing_context='spawn', persistent_workers=True
    )
    found = epochs_of_a_run(Draws(), 1, 3, **spawned)
    assert found == epochs_of_a_run(Draws(), 1, 3)


def test_an_epoch_begins_anew_in_the_same_process():
    epochs = [epochs_of_a_run(Draws(), 1, 2) for _ in range(2)]
    assert epochs[0] == epochs[1]


def test_ranks_draw_apart():
    draws = []
    for rank in (0, 1):
        run_clock().set(1, 2, rank=rank)
        draws.append(Draws()[0])
    assert draws[0] != draws[1]


@settings(max_examples=25)
@given(
    st.integers(0, 2**40),
    st.integers(0, 1000),
    st.integers(1, 64),
    st.integers(1, 200),
)
def test_no_two_visits_of_a_run_share_their_numbers(seed, epoch, batch_size, count):
    clock = copy.deepcopy(run_clock())
    draws = set()
    for each in (epoch, epoch + 1):
        clock.set(seed, each, batch_size=batch_size)
        draws |= {clock.generator().random() for _ in range(count)}
    assert len(draws) == 2 * count


@pytest.mark.parametrize('with_hook', [True, False])
def test_global_generators_are_left_alone(with_hook):
    if with_hook:
        run_clock().set(1, 2)
    states = np.random.get_state()[1].copy(), random.getstate()
    torch.manual_seed(5)
    first = torch.rand(1), Draws()[0], torch.rand(1)
    assert (np.random.get_state()[1] == states[0]).all()
    assert random.getstate() == states[1]
    # torch's goes on from where it was: with another seed it gives other numbers.
    torch.manual_seed(6)
    second = torch.rand(1), Draws()[0], torch.rand(1)
    assert first[2] != second[2]
    if with_hook:
        torch.manual_seed(5)
        torch.rand(1)
        assert torch.rand(1) == first[2]


def test_the_transforms_of_a_visit_share_one_generator():
    run_clock().set(1, 0)
    out = Draws().pipeline(dict(bbox_scale=np.ones((1, 2), np.float32)))
    reference = np.random.default_rng([1, 0, 0, 0])
    assert out['mirror'] == (reference.random() < 0.5)
    assert out['bbox_scale'][0, 0] == pytest.approx(1 / reference.uniform(0.7, 1.3))
    assert out['bbox_rotation'][0] == pytest.approx(reference.uniform(-40, 40))
