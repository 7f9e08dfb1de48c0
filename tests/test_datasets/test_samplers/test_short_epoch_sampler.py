from itertools import chain

from hypothesis import given
from hypothesis import strategies as st
from mmpose.registry import DATA_SAMPLERS

from phr_mmpose.datasets.samplers import ShortEpochSampler


def epoch(sampler, number):
    sampler.set_epoch(number)
    return list(sampler)


def test_registered():
    assert DATA_SAMPLERS.get('ShortEpochSampler') is ShortEpochSampler


@given(st.integers(1, 20), st.integers(1, 50), st.integers(0, 9))
def test_epochs_of_one_length_cut_a_row_of_whole_passes(size, length, seed):
    sampler = ShortEpochSampler(range(size), length, seed)
    epochs = [epoch(sampler, number) for number in range(5)]
    assert {len(each) for each in epochs} == {length} == {len(sampler)}
    drawn = list(chain(*epochs))
    for begin in range(0, len(drawn) - size + 1, size):
        assert sorted(drawn[begin : begin + size]) == list(range(size))


def test_an_epoch_follows_from_seed_and_number_alone():
    sampler = ShortEpochSampler(range(100), 30, seed=1)
    forwards = [epoch(sampler, number) for number in range(5)]
    again = ShortEpochSampler(range(100), 30, seed=1)
    assert [epoch(again, number) for number in (4, 2)] == [forwards[4], forwards[2]]
    assert epoch(ShortEpochSampler(range(100), 30, seed=2), 0) != forwards[0]
    # The second pass is shuffled anew.
    drawn = list(chain(*forwards))
    assert drawn[:50] != drawn[100:150]


def test_processes_share_an_epoch_and_have_as_many_samples(monkeypatch):
    # Seven among three processes become nine.
    whole = epoch(ShortEpochSampler(range(10), 9, seed=0), 3)
    parts = []
    for rank in range(3):
        monkeypatch.setattr(
            'phr_mmpose.datasets.samplers.short_epoch_sampler.get_dist_info',
            lambda place=rank: (place, 3),
        )
        sampler = ShortEpochSampler(range(10), 7, seed=0)
        parts.append(epoch(sampler, 3))
        assert len(parts[-1]) == len(sampler) == 3
    assert [parts[i % 3][i // 3] for i in range(9)] == whole
