import json

import pytest

from phr_mmpose.evaluation.functional.pck import COLUMNS
from projects.paper_study.tables import Ablation, Row, mean_and_spread, written


def scores(total, visible=None, **others):
    numbers = dict.fromkeys(COLUMNS, total)
    return dict(numbers, Total_visible=visible, measure='PCK@0.2', **others)


@pytest.fixture
def ablation():
    cascade = Row('a', 'Cascade', images=1200)
    for seed, (total, detector, minutes) in enumerate([(60, 50, 4), (64, 54, None)]):
        cascade.runs[seed] = dict(
            scores=scores(total, visible=70.0),
            detector=scores(detector, Total_occluded=20.04),
            training=dict(core_minutes=minutes),
        )
    alone = Row('b', images=2000)
    alone.runs[0] = dict(scores=scores(55.25, Ankle=None), training=dict())
    alone.runs[0]['scores']['Ankle'] = None
    broken = Row('c', 'Broken', failure='no such config')
    return Ablation([cascade, alone, broken], [0, 1], '20,000 images')


def test_means_and_spreads():
    # Deviations of -2, 0 and 2 from 62: the root of 8 / 2.
    assert mean_and_spread([60, 62, 64]) == (62, 2)
    assert written([60, 62, 64]) == '62.0 ± 2.0'
    assert written([60, 62, 64], digits=0) == '62 ± 2'
    assert written([61.25]) == '61.2'
    assert written([]) == '-'


def cells(text, title):
    lines = [line for line in text.splitlines() if line.startswith(f'| {title} |')]
    return [[cell.strip() for cell in line.split('|')[2:-1]] for line in lines]


def test_the_tables(ablation):
    text = ablation.as_markdown()
    assert text.startswith(
        'Budget of each row and seed: 20,000 images. Seeds: 0, 1, not'
    )
    # sqrt(8) = 2.83
    parts, splits, runs = cells(text, 'Cascade')
    assert parts == ['62.0 ± 2.8'] * 8
    assert splits == ['70.0 ± 0.0', '-', '52.0 ± 2.8', '-', '20.0 ± 0.0']
    assert runs == ['1,200', '4.0', '0, 1']
    parts, splits, runs = cells(text, 'b')
    assert parts == ['55.2'] * 6 + ['-', '55.2']
    assert splits == ['-'] * 5 and runs == ['2,000', '-', '0']
    assert cells(text, 'Broken') == [['-'] * 8, ['-'] * 5, ['-', '-', '-']]
    assert text.endswith('Failed:\n\n- c: no such config\n')
    header = next(
        line for line in text.splitlines() if line.startswith('| PCK@0.2 | H')
    )
    assert header == f'| PCK@0.2 | {" | ".join(COLUMNS)} |'


def test_the_numbers(ablation):
    content = json.loads(json.dumps(ablation.as_dict(), allow_nan=False))
    first, second, third = content['rows']
    assert (content['measure'], content['seeds']) == ('PCK@0.2', [0, 1])
    assert first['mean']['Total'] == 62
    assert first['deviation']['Total'] == pytest.approx(8**0.5)
    assert first['runs']['1']['detector']['Total'] == 54
    assert second['mean']['Ankle'] is None and second['deviation']['Head'] is None
    assert third['failure'] == 'no such config' and third['runs'] == {}
