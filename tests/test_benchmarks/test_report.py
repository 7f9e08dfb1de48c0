import pytest

from benchmarks.bars import judge
from benchmarks.plot import draw_growth
from benchmarks.report import add_shares, summarise_cases, table_page
from phr_mmpose.utils.errors import UserError


@pytest.fixture
def outcomes():
    def point(seconds):
        return dict(
            sizes=[1, 2],
            seconds=[seconds, 2 * seconds],
            memory_gb=[0.1, 0.2],
            exponent=1.0,
            memory_exponent=1.0,
        )

    operators = [dict(name='aten::mm', calls=3, ms=1.5, share=75.0)]
    return {
        'train/phr_res152-joint/fp32': [
            dict(gmac_per_s=30.0, seconds=2.0),
            dict(gmac_per_s=50.0, seconds=1.0),
        ],
        'train/td-hm_res152/fp32': [dict(reason='killed by signal 9')],
        'growth/batch': [point(1.0), point(3.0)],
        'profile/joint': [dict(total_ms=2.0, operators=operators)],
    }


def test_numbers_and_lists_are_summarised_place_by_place(outcomes):
    cases = summarise_cases(outcomes)
    assert cases['train/phr_res152-joint/fp32']['gmac_per_s'] == dict(
        median=40, low=30, high=50, repeats=2
    )
    assert [p['median'] for p in cases['growth/batch']['seconds']] == [2, 4]
    assert cases['growth/batch']['sizes'] == [1, 2]
    assert cases['train/td-hm_res152/fp32'] == dict(reason='killed by signal 9')


def test_shares_are_of_the_case_s_own_precision(outcomes):
    add_shares(outcomes, dict(fp32=100.0, bf16=400.0))
    shares = [o['share_of_ceiling'] for o in outcomes['train/phr_res152-joint/fp32']]
    assert shares == pytest.approx([0.3, 0.5])


def test_the_page_shows_every_part(outcomes):
    result = dict(
        command='python benchmarks/run.py',
        date='2020-01-01',
        machine=dict(
            processor='p', cores=2, threads=2, memory_gb=8.0, versions=dict(torch='2')
        ),
        repeats=2,
        bars=judge(outcomes),
        cases=summarise_cases(outcomes),
    )
    page = table_page(result)
    reason = 'train/td-hm_res152/fp32: killed by signal 9'
    assert f'| train_rate | - ({reason}) | >= 1.25 | - |' in page
    assert '| growth_batch | 1 | <= 1.05 | yes |' in page
    assert '| train/phr_res152-joint/fp32 | GMac/s 40 [30, 50]; s 1.5 [1, 2] |' in page
    assert '| train/td-hm_res152/fp32 | not measured: killed by signal 9 |' in page
    assert '| growth/batch | 1.00 | 1.00 | 1: 2 s, 0.1 GB, 2: 4 s, 0.2 GB |' in page
    assert '| `aten::mm` | 3 | 1.5 | 75.0 |' in page


def test_growth_is_drawn(outcomes, tmp_path):
    cases = summarise_cases(outcomes)
    assert draw_growth(cases, tmp_path / 'growth.png')
    assert (tmp_path / 'growth.png').read_bytes()[:4] == b'\x89PNG'
    assert not draw_growth({}, tmp_path / 'none.png')
    assert not (tmp_path / 'none.png').exists()
    with pytest.raises(UserError, match=r'growth\.xyz: cannot draw'):
        draw_growth(cases, tmp_path / 'growth.xyz')
