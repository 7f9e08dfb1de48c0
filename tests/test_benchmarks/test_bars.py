import pytest

from benchmarks.bars import BARS, judge

STEP = 'train/phr_res152-joint/fp32'
STOCK = 'train/td-hm_res152/fp32'


def rates(*values):
    return [dict(gmac_per_s=value) for value in values]


def test_a_bar_is_the_median_of_the_rounds_ratios():
    # Ratios 1.0, 1.5, 2.0: the machine was twice as fast in the third round.
    bar = judge({STEP: rates(10, 15, 40), STOCK: rates(10, 10, 20)})['train_rate']
    assert bar == dict(value=1.5, low=1.0, high=2.0, at_least=1.25, met=True)


def test_a_case_run_once_is_held_against_the_first_round():
    outcomes = {
        'train/phr_res152-joint/bf16': [dict(images_per_s=4.0)],
        STEP: [dict(images_per_s=2.0), dict(images_per_s=1.0)],
    }
    bar = judge(outcomes)['bf16_train']
    assert (bar['value'], bar['low'], bar['high']) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize('seconds, met', [(0.65, True), (0.66, False)])
def test_less_is_better_up_to_the_bar_itself(seconds, met):
    outcomes = {
        'train/phr_res152-regressor/fp32': [dict(seconds=seconds)],
        STEP: [dict(seconds=1.0)],
        'memory/phr_res152-regressor/fp32': [dict(step_gb=1.0)],
        'memory/phr_res152-joint/fp32': [dict(step_gb=2.0)],
    }
    bars = judge(outcomes)
    assert bars['stage2_time']['met'] is met
    assert (bars['stage2_memory']['value'], bars['stage2_memory']['met']) == (0.5, True)


def test_growth_is_held_against_its_exponent():
    bar = judge({'growth/pixels': [dict(exponent=e) for e in (1.0, 1.1, 1.2)]})
    assert bar['growth_pixels'] == dict(
        value=1.1, low=1.0, high=1.2, at_most=1.05, met=False
    )


def test_what_is_not_measured_is_null_with_its_reason():
    outcomes = {STEP: rates(10), STOCK: [dict(reason='killed')]}
    bars = judge(outcomes)
    assert bars['train_rate'] == dict(
        value=None, at_least=1.25, met=None, reason=f'{STOCK}: killed'
    )
    assert bars['crowd']['reason'] == 'crowd/phr_res152 was not run'
    assert list(bars) == list(BARS) and len(bars) == 16


FEWER_DIGITS = [
    ('bf16_test', 'bf16', ('test/phr_res152/bf16', 'images_per_s')),
    ('int8_test', 'int8', ('onnx/phr_res152', 'int8_images_per_s')),
]


@pytest.mark.parametrize('bar, precision, fast', FEWER_DIGITS)
@pytest.mark.parametrize('lost, met', [(0.1, True), (0.6, False)])
def test_speed_by_fewer_digits_counts_only_with_the_accuracy(
    bar, precision, fast, lost, met
):
    outcomes = {
        fast[0]: [{fast[1]: 4.0}],
        'test/phr_res152/fp32': [dict(images_per_s=1.0)],
        'accuracy/phr_tiny_lsp': [{'fp32': 60.0, precision: 60.0 - lost}],
    }
    judged = judge(outcomes)[bar]
    assert (judged['value'], judged['met']) == (4.0, met)
    assert judged['pck_lost'] == pytest.approx(lost)


def test_a_number_that_a_case_does_not_have_is_named():
    outcomes = {
        'onnx/phr_res152': [dict(int8_images_per_s=4.0)],
        'test/phr_res152/fp32': [dict(images_per_s=1.0)],
        'accuracy/phr_tiny_lsp': [dict(fp32=60.0, bf16=60.0)],
    }
    bar = judge(outcomes)['int8_test']
    assert bar['met'] is None and bar['reason'].endswith('phr_tiny_lsp has no int8')


def test_integers_may_cost_more_than_bf16():
    outcomes = {
        'test/phr_res152/fp32': [dict(images_per_s=1.0)],
        'test/phr_res152/bf16': [dict(images_per_s=4.0)],
        'onnx/phr_res152': [dict(int8_images_per_s=4.0)],
        'accuracy/phr_tiny_lsp': [dict(fp32=60.0, bf16=59.7, int8=59.7)],
    }
    judged = judge(outcomes)
    assert [judged[bar]['met'] for bar in ('bf16_test', 'int8_test')] == [False, True]


@pytest.mark.parametrize('bar, precision, fast', FEWER_DIGITS)
def test_speed_without_accuracy_is_not_called_met(bar, precision, fast):
    outcomes = {
        fast[0]: [{fast[1]: 4.0}],
        'test/phr_res152/fp32': [dict(images_per_s=1.0)],
        'accuracy/phr_tiny_lsp': [dict(reason='no --data given')],
    }
    judged = judge(outcomes)[bar]
    assert judged['value'] == 4.0 and judged['met'] is None
    assert judged['reason'].endswith('no --data given')
