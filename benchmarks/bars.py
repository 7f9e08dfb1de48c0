"""The bars: ratios within one run, and whether they are met."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.models import BFLOAT16, FLOAT32, INT8
from benchmarks.plan import OURS

#: Outcomes by the name of the case: a dict for each round, with ``reason`` alone
#: where there is nothing to tell.
Outcomes = Mapping[str, Sequence[Mapping]]

_JOINT = f'train/{OURS}-joint/fp32'
_RES152 = 'train/td-hm_res152/fp32'
# Points of PCK that less precise numbers may cost, by the bar that they win.
_PCK_TOLERANCES = {'bf16_test': (BFLOAT16, 0.2), 'int8_test': (INT8, 0.5)}


@dataclass(frozen=True)
class Ratio:
    """One measured number over another, round by round.

    Args:
        above (tuple[str, str]): Case and number.
        below (tuple[str, str]): Case and number.
        at_least (float | None): The bar, if more is better.
        at_most (float | None): The bar, if less is better.
    """

    above: tuple[str, str]
    below: tuple[str, str]
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Exponent:
    """How the time of a growth case grows.

    Args:
        case (str): The case.
        at_most (float): The bar.
        at_least (None): There is none; as in :class:`Ratio`.
    """

    case: str
    at_most: float
    at_least: None = None


BARS: dict[str, Ratio | Exponent] = {
    'train_rate': Ratio((_JOINT, 'gmac_per_s'), (_RES152, 'gmac_per_s'), at_least=1.25),
    'stage2_time': Ratio(
        (f'train/{OURS}-regressor/fp32', 'seconds'), (_JOINT, 'seconds'), at_most=0.65
    ),
    'stage2_memory': Ratio(
        (f'memory/{OURS}-regressor/fp32', 'step_gb'),
        (f'memory/{OURS}-joint/fp32', 'step_gb'),
        at_most=0.60,
    ),
    'stage1_time': Ratio(
        (f'train/{OURS}-detector/fp32', 'seconds'), (_RES152, 'seconds'), at_most=1.0
    ),
    'loader_cropped': Ratio(
        ('loader/cropped/synthetic', 'images_per_s'),
        ('loader/stock/synthetic', 'images_per_s'),
        at_least=6,
    ),
    'loader_plain': Ratio(
        ('loader/plain/synthetic', 'images_per_s'),
        ('loader/stock/synthetic', 'images_per_s'),
        at_least=2,
    ),
    'queue_bytes': Ratio(
        ('loader/plain/synthetic', 'bytes_per_sample'),
        ('loader/stock/synthetic', 'bytes_per_sample'),
        at_most=0.05,
    ),
    'test_rate': Ratio(
        (f'test/{OURS}/fp32', 'images_per_s'),
        ('test/td-hm_hourglass52/fp32', 'images_per_s'),
        at_least=1.1,
    ),
    'onnx_rate': Ratio(
        (f'onnx/{OURS}', 'fp32_images_per_s'),
        ('test/td-hm_hourglass52/fp32', 'images_per_s'),
        at_least=1.1,
    ),
    'bf16_test': Ratio(
        (f'test/{OURS}/bf16', 'images_per_s'),
        (f'test/{OURS}/fp32', 'images_per_s'),
        at_least=3,
    ),
    'int8_test': Ratio(
        (f'onnx/{OURS}', 'int8_images_per_s'),
        (f'test/{OURS}/fp32', 'images_per_s'),
        at_least=2,
    ),
    'bf16_train': Ratio(
        (f'train/{OURS}-joint/bf16', 'images_per_s'),
        (_JOINT, 'images_per_s'),
        at_least=2,
    ),
    'crowd': Ratio(
        (f'crowd/{OURS}', 'crowd_seconds_per_person'),
        (f'crowd/{OURS}', 'single_seconds_per_person'),
        at_most=0.75,
    ),
    'growth_batch': Exponent('growth/batch', at_most=1.05),
    'growth_pixels': Exponent('growth/pixels', at_most=1.05),
    'growth_joints': Exponent('growth/joints', at_most=1.05),
}


def judge(outcomes: Outcomes) -> dict[str, dict]:
    """Hold the outcomes against the bars.

    Args:
        outcomes (Outcomes): Of all rounds.

    Returns:
        dict[str, dict]: By the bar's name: ``value``, the median over the
        rounds, with ``low`` and ``high``; ``at_least`` or ``at_most``;
        ``met``. Where it cannot be measured ``value`` and ``met`` are None
        and ``reason`` says why.
    """
    judged = {}
    for name, bar in BARS.items():
        limit = _limit(bar)
        values, reason = _values(bar, outcomes)
        if not values:
            judged[name] = dict(value=None, **limit, met=None, reason=reason)
            continue
        value = statistics.median(values)
        met = value >= bar.at_least if bar.at_least else value <= bar.at_most
        judged[name] = dict(
            value=value, low=min(values), high=max(values), **limit, met=met
        )
    for name, (precision, tolerance) in _PCK_TOLERANCES.items():
        _add_accuracy(judged[name], outcomes, precision, tolerance)
    return judged


def _limit(bar: Ratio | Exponent) -> dict:
    kind = 'at_least' if bar.at_least is not None else 'at_most'
    return {kind: getattr(bar, kind)}


def _values(bar: Ratio | Exponent, outcomes: Outcomes) -> tuple[list[float], str]:
    """The bar's value of each round, or why there is none."""
    if isinstance(bar, Exponent):
        return _each(outcomes, [(bar.case, 'exponent')], lambda exponent: exponent)
    return _each(outcomes, [bar.above, bar.below], lambda above, below: above / below)


def _each(
    outcomes: Outcomes,
    wanted: Sequence[tuple[str, str]],
    function: Callable[..., float],
) -> tuple[list[float], str]:
    for case, key in wanted:
        if case not in outcomes:
            return [], f'{case} was not run'
        reasons = [o['reason'] for o in outcomes[case] if 'reason' in o]
        if reasons:
            return [], f'{case}: {reasons[0]}'
        if any(key not in outcome for outcome in outcomes[case]):
            return [], f'{case} has no {key}'
    # A case that is run once is held against the others' first round.
    rows = zip(*(outcomes[case] for case, _ in wanted), strict=False)
    values = [
        function(*(row[key] for row, (_, key) in zip(each, wanted, strict=True)))
        for each in rows
    ]
    return values, ''


def _add_accuracy(
    bar: dict, outcomes: Outcomes, precision: str, tolerance: float
) -> None:
    """Speed by less precise numbers counts only if the accuracy stays."""
    if bar['met'] is None:
        return
    loss, reason = _each(
        outcomes,
        [('accuracy/phr_tiny_lsp', FLOAT32), ('accuracy/phr_tiny_lsp', precision)],
        lambda single, less: single - less,
    )
    if loss:
        bar['pck_lost'] = loss[0]
        bar['met'] = bar['met'] and loss[0] <= tolerance
    elif bar['met']:
        bar |= dict(met=None, reason=f'the accuracy is not measured: {reason}')
