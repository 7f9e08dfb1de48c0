"""What is told: numbers of this cascade over those of a peer, within one run."""

import statistics
from collections.abc import Mapping, Sequence

from benchmarks.plan import OURS

#: Outcomes by the name of the case: a dict for each round, with ``reason`` alone
#: where there is nothing to tell.
Outcomes = Mapping[str, Sequence[Mapping]]

_JOINT = f'train/{OURS}-joint/fp32'
_TEST = f'test/{OURS}/fp32'
_PEER_TEST = 'test/td-hm_hourglass52/fp32'
_STOCK_LOADER = 'loader/stock/synthetic'

#: By name: the number above the line, the one below (case and key each).
RATIOS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    'train_rate': ((_JOINT, 'gmac_per_s'), ('train/td-hm_res152/fp32', 'gmac_per_s')),
    'stage1_time': (
        (f'train/{OURS}-detector/fp32', 'seconds'),
        ('train/td-hm_res152/fp32', 'seconds'),
    ),
    'stage2_time': ((f'train/{OURS}-refiner/fp32', 'seconds'), (_JOINT, 'seconds')),
    'stage2_memory': (
        (f'memory/{OURS}-refiner/fp32', 'step_gb'),
        (f'memory/{OURS}-joint/fp32', 'step_gb'),
    ),
    'loader_plain': (
        ('loader/plain/synthetic', 'images_per_s'),
        (_STOCK_LOADER, 'images_per_s'),
    ),
    'loader_cropped': (
        ('loader/cropped/synthetic', 'images_per_s'),
        (_STOCK_LOADER, 'images_per_s'),
    ),
    'queue_bytes': (
        ('loader/plain/synthetic', 'bytes_per_sample'),
        (_STOCK_LOADER, 'bytes_per_sample'),
    ),
    'test_rate': ((_TEST, 'images_per_s'), (_PEER_TEST, 'images_per_s')),
    'onnx_rate': (
        (f'onnx/{OURS}', 'fp32_images_per_s'),
        (_PEER_TEST, 'images_per_s'),
    ),
    'int8_rate': ((f'onnx/{OURS}', 'int8_images_per_s'), (_TEST, 'images_per_s')),
    'bf16_test': ((f'test/{OURS}/bf16', 'images_per_s'), (_TEST, 'images_per_s')),
    'bf16_train': (
        (f'train/{OURS}-joint/bf16', 'images_per_s'),
        (_JOINT, 'images_per_s'),
    ),
}


def compute_ratios(outcomes: Outcomes) -> dict[str, dict]:
    """Divide, round by round.

    Args:
        outcomes (Outcomes): Of all rounds.

    Returns:
        dict[str, dict]: By name ``value``, the median over the rounds, with ``low``
        and ``high``; or ``reason`` alone, where one of both was not measured.
    """
    return {name: _ratio(outcomes, *pair) for name, pair in RATIOS.items()}


def _ratio(outcomes: Outcomes, above: tuple[str, str], below: tuple[str, str]) -> dict:
    for case, key in (above, below):
        rounds = outcomes.get(case, [dict(reason='was not run')])
        for outcome in rounds:
            if key not in outcome:
                return dict(reason=f'{case}: {outcome.get("reason", f"has no {key}")}')
    # A case that is run once is held against the other's first round.
    pairs = zip(outcomes[above[0]], outcomes[below[0]], strict=False)
    values = [first[above[1]] / second[below[1]] for first, second in pairs]
    return dict(value=statistics.median(values), low=min(values), high=max(values))
