"""The results as a page of tables."""

from collections.abc import Mapping, Sequence

from benchmarks.measure import summarise
from benchmarks.ratios import Outcomes

_UNITS = {
    'seconds': 's',
    'images_per_s': 'images/s',
    'gmac_per_s': 'GMac/s',
    'peak_gb': 'peak GB',
    'step_gb': 'GB beyond the idle process',
    'bytes_per_sample': 'bytes/sample',
}


def summarise_cases(outcomes: Outcomes) -> dict[str, dict]:
    """Summarise each number of each case over the rounds.

    Args:
        outcomes (Outcomes): Of all rounds.

    Returns:
        dict[str, dict]: By case; by number ``median``, ``low``, ``high`` and
        ``repeats``, or ``reason`` alone.
    """
    return {name: _summarise(rounds) for name, rounds in outcomes.items()}


def _summarise(rounds: Sequence[Mapping]) -> dict:
    reasons = [outcome['reason'] for outcome in rounds if 'reason' in outcome]
    if reasons:
        return dict(reason=reasons[0])
    keys = [key for key, value in rounds[0].items() if isinstance(value, (int, float))]
    return {key: summarise([each[key] for each in rounds]) for key in keys}


def table_page(result: Mapping) -> str:
    """Write the whole result as markdown.

    Args:
        result (Mapping): What ``benchmarks/run.py`` writes as JSON.

    Returns:
        str: The page.
    """
    machine = result['machine']
    versions = ', '.join(f'{k} {v}' for k, v in machine['versions'].items())
    where = machine.get('gpu') or f'{machine["processor"]}, {machine["cores"]} cores'
    return '\n'.join(
        [
            '# Benchmark',
            '',
            f'`{result["command"]}`, {result["date"]}: {where}, '
            f'{machine["threads"]} threads, {machine["memory_gb"]} GB; {versions}.',
            '',
            f'Medians of up to {result["repeats"]} processes for each case, in turn; '
            'in brackets the lowest and the highest. What cases and ratios are: '
            'README.md of this folder.',
            '',
            *_section('Ratios', ratios_table(result['ratios'])),
            *_section('Cases', cases_table(result['cases'])),
        ]
    )


def _section(title: str, lines: list[str]) -> list[str]:
    return [f'## {title}', '', *lines, ''] if lines else []


def ratios_table(ratios: Mapping[str, Mapping]) -> list[str]:
    """List the ratios.

    Args:
        ratios (Mapping): From :func:`benchmarks.ratios.compute_ratios`.
    """
    lines = ['| ratio | value |', '| --- | --- |']
    for name, ratio in ratios.items():
        if 'value' in ratio:
            value = _with_extent(ratio['value'], ratio)
        else:
            value = f'- ({ratio["reason"]})'
        lines.append(f'| {name} | {value} |')
    return lines


def cases_table(cases: Mapping[str, Mapping]) -> list[str]:
    """List the cases' numbers.

    Args:
        cases (Mapping): From :func:`summarise_cases`.
    """
    rows = []
    for name, case in cases.items():
        if 'reason' in case:
            rows.append(f'| {name} | not measured: {case["reason"]} |')
            continue
        cells = [
            f'{_UNITS.get(key, key)} {_with_extent(value["median"], value)}'
            for key, value in case.items()
        ]
        rows.append(f'| {name} | {"; ".join(cells)} |')
    return ['| case | numbers |', '| --- | --- |', *rows] if rows else []


def _with_extent(value: float, extent: Mapping) -> str:
    if extent['low'] == extent['high']:
        return _number(value)
    return f'{_number(value)} [{_number(extent["low"])}, {_number(extent["high"])}]'


def _number(value: float) -> str:
    return f'{value:,.0f}' if abs(value) >= 1000 else f'{value:.3g}'
