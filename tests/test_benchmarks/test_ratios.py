import pytest

from benchmarks.ratios import RATIOS, compute_ratios

JOINT, PEER = RATIOS['train_rate']


def test_the_median_of_the_rounds_ratios_with_its_extent():
    outcomes = {
        JOINT[0]: [{JOINT[1]: value} for value in (3.0, 8.0, 2.0)],
        PEER[0]: [{PEER[1]: value} for value in (1.0, 2.0, 1.0)],
    }
    found = compute_ratios(outcomes)['train_rate']
    assert found == dict(value=3.0, low=2.0, high=4.0)


def test_a_case_that_is_run_once_meets_the_first_round():
    above, below = RATIOS['bf16_train']
    outcomes = {
        above[0]: [{above[1]: 1.0}],
        below[0]: [{below[1]: 4.0}, {below[1]: 1.0}],
    }
    assert compute_ratios(outcomes)['bf16_train']['value'] == pytest.approx(0.25)


def test_what_is_missing_says_why():
    outcomes = {JOINT[0]: [dict(reason='no memory')], PEER[0]: [{PEER[1]: 1.0}]}
    found = compute_ratios(outcomes)
    assert found['train_rate'] == dict(reason=f'{JOINT[0]}: no memory')
    assert 'was not run' in found['loader_plain']['reason']
    outcomes[JOINT[0]] = [dict(seconds=1.0)]
    assert 'has no' in compute_ratios(outcomes)['train_rate']['reason']
