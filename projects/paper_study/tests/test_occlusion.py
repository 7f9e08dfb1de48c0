import json

import pytest

from projects.paper_study.occlusion_study import OcclusionStudy


@pytest.fixture
def study():
    study = OcclusionStudy(hidden={0.0: 0.052, 0.3: 0.3345})
    for (level, part), totals in {
        (0.0, 'detector'): [(90, 70), (92, 74)],
        (0.3, 'detector'): [(80, 40), (82, None)],
        (0.0, 'refiner'): [(91, 71), (91, 71)],
        (0.3, 'refiner'): [(81, 50), (85, 54)],
    }.items():
        study.scores[level, part] = [
            dict(measure='PCKh@0.5', Total_visible=visible, Total_occluded=occluded)
            for visible, occluded in totals
        ]
    return study


def test_the_table(study):
    assert study.as_markdown().splitlines() == [
        '| PCKh@0.5, behind objects | hidden | visible joints, detector '
        '| visible joints, refiner | occluded joints, detector '
        '| occluded joints, refiner |',
        '| --- | --- | --- | --- | --- | --- |',
        '| 0% | 5.2% | 91.0 ± 1.4 | 91.0 ± 0.0 | 72.0 ± 2.8 | 71.0 ± 0.0 |',
        '| 30% | 33.5% | 81.0 ± 1.4 | 83.0 ± 2.8 | 40.0 | 52.0 ± 2.8 |',
    ]


def test_the_numbers_and_the_plot(study, tmp_path):
    content = json.loads(json.dumps(study.as_dict(), allow_nan=False))
    assert content['measure'] == 'PCKh@0.5'
    last = content['levels'][1]
    assert (last['occlusion'], last['hidden']) == (0.3, 0.3345)
    assert [run['Total_occluded'] for run in last['refiner']] == [50, 54]
    study.draw(tmp_path / 'occlusion.svg')
    drawing = (tmp_path / 'occlusion.svg').read_text()
    for text in ('detector, occluded joints', 'PCKh@0.5 (%)', 'joints behind objects'):
        assert text in drawing, text
