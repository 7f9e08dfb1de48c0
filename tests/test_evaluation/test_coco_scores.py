import json

import pytest
from mmengine.evaluator import Evaluator
from mmpose.evaluation.metrics import CocoMetric, CocoWholeBodyMetric, PCKAccuracy
from xtcocotools import cocoeval

from phr_mmpose.compat import NoCOCOeval
from phr_mmpose.evaluation.coco_scores import check_coco_scores
from phr_mmpose.utils.errors import UserError


@pytest.fixture(params=[None, NoCOCOeval])
def missing(request, monkeypatch):
    """Whether xtcocotools is, in any environment."""
    monkeypatch.setattr(cocoeval, 'COCOeval', request.param)
    return request.param is not None


@pytest.mark.parametrize('metric', [CocoMetric, CocoWholeBodyMetric])
def test_coco_scores_name_what_to_install(missing, metric):
    evaluator = Evaluator([PCKAccuracy(), metric()])
    if not missing:
        check_coco_scores(evaluator)
        return
    with pytest.raises(UserError, match=f'{metric.__name__}: .* gcc and python3-dev'):
        check_coco_scores(evaluator)


def test_what_computes_none_goes_on(missing, tmp_path):
    writes_only = CocoMetric(format_only=True, outfile_prefix=str(tmp_path / 'out'))
    check_coco_scores(Evaluator([PCKAccuracy(), writes_only]))


def test_areas_are_missed_before_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr(cocoeval, 'COCOeval', None)
    person = dict(id=7, image_id=1, category_id=1)
    people = dict(images=[], categories=[], annotations=[person])
    path = tmp_path / 'people.json'
    for area, options in ((None, {}), (None, dict(use_area=False)), (9.0, {})):
        if area:
            person['area'] = area
        path.write_text(json.dumps(people))
        evaluator = Evaluator([CocoMetric(ann_file=str(path), **options)])
        if area or options:
            check_coco_scores(evaluator)
            continue
        with pytest.raises(UserError, match='annotation 7 of its ann_file has no "ar'):
            check_coco_scores(evaluator)
