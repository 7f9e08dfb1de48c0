import pytest

from benchmarks.ratios import compute_ratios
from benchmarks.report import summarise_cases, table_page


@pytest.fixture
def outcomes():
    return {
        'train/phr_res152-joint/fp32': [
            dict(gmac_per_s=30.0, seconds=2.0),
            dict(gmac_per_s=50.0, seconds=1.0),
        ],
        'train/phr_res152-refiner/fp32': [dict(seconds=1.0), dict(seconds=0.25)],
        'train/td-hm_res152/fp32': [dict(reason='killed by signal 9')],
    }


def test_numbers_are_summarised(outcomes):
    cases = summarise_cases(outcomes)
    assert cases['train/phr_res152-joint/fp32']['gmac_per_s'] == dict(
        median=40, low=30, high=50, repeats=2
    )
    assert cases['train/td-hm_res152/fp32'] == dict(reason='killed by signal 9')


def test_the_page_shows_ratios_and_cases(outcomes):
    result = dict(
        command='python benchmarks/run.py',
        date='2020-01-01',
        machine=dict(
            processor='p', cores=2, threads=2, memory_gb=8.0, versions=dict(torch='2')
        ),
        repeats=2,
        ratios=compute_ratios(outcomes),
        cases=summarise_cases(outcomes),
    )
    page = table_page(result)
    reason = 'train/td-hm_res152/fp32: killed by signal 9'
    assert f'| train_rate | - ({reason}) |' in page
    assert '| stage2_time | 0.375 [0.25, 0.5] |' in page
    assert '| train/phr_res152-joint/fp32 | GMac/s 40 [30, 50]; s 1.5 [1, 2] |' in page
    assert '| train/td-hm_res152/fp32 | not measured: killed by signal 9 |' in page
