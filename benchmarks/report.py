"""The results as a page of tables."""

from collections.abc import Mapping, Sequence

from benchmarks.bars import Outcomes
from benchmarks.measure import summarise

_UNITS = {
    'seconds': 's',
    'images_per_s': 'images/s',
    'gmac_per_s': 'GMac/s',
    'share_of_ceiling': 'of the ceiling',
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
        ``repeats``, or ``reason`` alone. Lists of numbers (growth) are summed
        up place by place.
    """
    return {name: _summarise(rounds) for name, rounds in outcomes.items()}


def _summarise(rounds: Sequence[Mapping]) -> dict:
    reasons = [outcome['reason'] for outcome in rounds if 'reason' in outcome]
    if reasons:
        return dict(reason=reasons[0])
    summary = {}
    for key, first in rounds[0].items():
        values = [outcome[key] for outcome in rounds]
        if isinstance(first, (int, float)):
            summary[key] = summarise(values)
        elif key == 'sizes' or not all(isinstance(v, (int, float)) for v in first):
            summary[key] = first
        else:
            summary[key] = [summarise(column) for column in zip(*values, strict=True)]
    return summary


def add_shares(outcomes: Outcomes, ceiling: Mapping[str, float] | None) -> None:
    """Add each case's share of the machine's ceiling, in place.

    Args:
        outcomes (Outcomes): Cases whose names end in their precision.
        ceiling (Mapping[str, float] | None): GMac/s by precision; None where it
            was not measured.
    """
    for name, rounds in outcomes.items():
        for outcome in rounds:
            if ceiling and 'gmac_per_s' in outcome:
                limit = ceiling[name.rpartition('/')[2]]
                outcome['share_of_ceiling'] = outcome['gmac_per_s'] / limit


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
            'in brackets the lowest and the highest. What the cases and bars are: '
            'README.md of this folder.',
            '',
            *_section('Bars', bars_table(result['bars'])),
            *_section('Cases', cases_table(result['cases'])),
            *_section('Growth', growth_table(result['cases'])),
            *_profiles(result['cases']),
        ]
    )


def _section(title: str, lines: list[str]) -> list[str]:
    return [f'## {title}', '', *lines, ''] if lines else []


def bars_table(bars: Mapping[str, Mapping]) -> list[str]:
    """List the bars, met or not.

    Args:
        bars (Mapping): From :func:`benchmarks.bars.judge`.
    """
    lines = ['| bar | value | to reach | met |', '| --- | --- | --- | --- |']
    for name, bar in bars.items():
        sign = '>=' if 'at_least' in bar else '<='
        limit = bar.get('at_least', bar.get('at_most'))
        met = {True: 'yes', False: 'no', None: '-'}[bar['met']]
        value = '-' if bar['value'] is None else _with_extent(bar['value'], bar)
        note = f' ({bar["reason"]})' if 'reason' in bar else ''
        lines.append(f'| {name} | {value}{note} | {sign} {limit:g} | {met} |')
    return lines


def cases_table(cases: Mapping[str, Mapping]) -> list[str]:
    """List the cases' numbers, those of growth and profiles apart.

    Args:
        cases (Mapping): From :func:`summarise_cases`.
    """
    rows = []
    for name, case in cases.items():
        if name.startswith(('growth/', 'profile/')):
            continue
        if 'reason' in case:
            rows.append(f'| {name} | not measured: {case["reason"]} |')
            continue
        cells = [
            f'{_UNITS.get(key, key)} {_with_extent(value["median"], value)}'
            for key, value in case.items()
        ]
        rows.append(f'| {name} | {"; ".join(cells)} |')
    return ['| case | numbers |', '| --- | --- |', *rows] if rows else []


def growth_table(cases: Mapping[str, Mapping]) -> list[str]:
    """List the exponents, and time and memory by size.

    Args:
        cases (Mapping): From :func:`summarise_cases`.
    """
    rows = []
    for name, case in cases.items():
        if not name.startswith('growth/'):
            continue
        if 'reason' in case:
            rows.append(f'| {name} | not measured: {case["reason"]} | | |')
            continue
        points = ', '.join(
            f'{size}: {seconds["median"]:.3g} s, {memory["median"]:.2g} GB'
            for size, seconds, memory in zip(
                case['sizes'], case['seconds'], case['memory_gb'], strict=True
            )
        )
        exponents = [case[key]['median'] for key in ('exponent', 'memory_exponent')]
        rows.append(f'| {name} | {exponents[0]:.2f} | {exponents[1]:.2f} | {points} |')
    head = ['| what grows | exponent of time | of memory | measured |']
    return [*head, '| --- | --- | --- | --- |', *rows] if rows else []


def _profiles(cases: Mapping[str, Mapping]) -> list[str]:
    lines = []
    for name, case in cases.items():
        if not name.startswith('profile/'):
            continue
        stage = name.removeprefix('profile/')
        if 'reason' in case:
            lines += _section(f'Profile: {stage}', [f'Not measured: {case["reason"]}.'])
            continue
        rows = [
            f'| `{each["name"]}` | {each["calls"]} | {each["ms"]:.1f} '
            f'| {each["share"]:.1f} |'
            for each in case['operators']
        ]
        head = ['| operator | calls | ms | % |', '| --- | --- | --- | --- |']
        lines += _section(
            f'Profile: a step of stage {stage}, {case["total_ms"]["median"]:.0f} ms',
            head + rows,
        )
    return lines


def _with_extent(value: float, extent: Mapping) -> str:
    if extent['low'] == extent['high']:
        return _number(value)
    return f'{_number(value)} [{_number(extent["low"])}, {_number(extent["high"])}]'


def _number(value: float) -> str:
    return f'{value:,.0f}' if abs(value) >= 1000 else f'{value:.3g}'
