"""Boxes come from files of two forms, or from a detector."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from phr_mmpose.apis.person_boxes import (
    BoxFile,
    PersonDetector,
    SomeBoxesFaulty,
    whole_image,
)
from phr_mmpose.utils.errors import UserError
from phr_mmpose.zoo import model_files

IMAGE = np.zeros((80, 60, 3), np.uint8)


@pytest.fixture
def box_file(tmp_path):
    def write(content: object) -> BoxFile:
        path = tmp_path / 'boxes.json'
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return BoxFile(path)

    return write


def test_the_whole_image_is_one_box():
    boxes, scores = whole_image(Path('x.jpg'), IMAGE)
    assert boxes.tolist() == [[0, 0, 60, 80]] and scores.tolist() == [1]


@pytest.mark.parametrize(
    'content',
    [
        {'a.jpg': [[1, 2, 30, 40], [5, 6, 50, 60]], 'b.jpg': []},
        [
            {'image': 'a.jpg', 'bbox': [1, 2, 30, 40]},
            {'image': 'c.jpg', 'bbox': [0, 0, 1, 1]},
            {'image': 'a.jpg', 'bbox': [5, 6, 50, 60]},
        ],
    ],
)
def test_both_forms_are_read(box_file, content):
    boxes, scores = box_file(content)(Path('some/a.jpg'), IMAGE)
    assert boxes.tolist() == [[1, 2, 30, 40], [5, 6, 50, 60]]
    assert scores.tolist() == [1, 1]


def test_the_longest_name_that_fits_wins(box_file):
    boxes = box_file({'a.jpg': [[0, 0, 1, 1]], 'x/a.jpg': [[0, 0, 2, 2]]})
    assert boxes(Path('/data/x/a.jpg'), IMAGE)[0].tolist() == [[0, 0, 2, 2]]
    assert boxes(Path('/data/y/a.jpg'), IMAGE)[0].tolist() == [[0, 0, 1, 1]]


def test_no_person_is_no_fault_but_no_entry_is(box_file):
    boxes = box_file({'b.jpg': []})
    assert boxes(Path('b.jpg'), IMAGE)[0].shape == (0, 4)
    with pytest.raises(UserError, match=r'a\.jpg: has no boxes in .*boxes\.json'):
        boxes(Path('a.jpg'), IMAGE)


@pytest.mark.parametrize(
    ('box', 'fault'),
    [
        ('[60, 0, 90, 40]', 'outside'),
        ('[5, 5, 5, 40]', 'empty'),
        ('[NaN, 5, 10, 40]', 'NaN'),
        ('[5, 10, 40]', 'N x'),
        ('"a"', 'N x'),
        ('[0, 0, 1e6, 1e6]', '20 times'),
        ('[-1e6, -1e6, 1e6, 1e6]', '20 times'),
        ('[-1e30, -1e30, 1e30, 1e30]', '20 times'),
        ('[-3e38, 0, 3e38, 40]', '20 times'),
        ('[-1e308, 0, 1e308, 40]', '20 times'),
        ('[5, 5, 1e999, 40]', 'infinity'),
        (f'[5, 5, 1{"0" * 400}, 40]', 'NaN or infinity'),
    ],
)
def test_faulty_boxes_are_named(box_file, box, fault):
    boxes = box_file(f'{{"a.jpg": [{box}]}}')
    with pytest.raises(UserError, match=fault) as caught:
        boxes(Path('a.jpg'), IMAGE)
    assert 'a.jpg' in str(caught.value) and 'boxes.json' in str(caught.value)


def test_of_some_faulty_boxes_the_others_can_be_used(box_file):
    entries = [([1, 2, 30, 40], 0.9), ([0, 0, 1e6, 9], 0.8), ([5, 6, 50, 60], 0.25)]
    boxes = box_file([dict(image='a.jpg', bbox=b, score=s) for b, s in entries])
    with pytest.raises(SomeBoxesFaulty, match=r'box 1 .*20 times') as caught:
        boxes(Path('a.jpg'), IMAGE)
    assert caught.value.boxes.tolist() == [[1, 2, 30, 40], [5, 6, 50, 60]]
    np.testing.assert_allclose(caught.value.box_scores, [0.9, 0.25])


def test_a_box_may_reach_far_over_the_photo(box_file):
    box = [-300, -200, 400, 500]
    boxes, _ = box_file({'a.jpg': [box]})(Path('a.jpg'), IMAGE)
    assert boxes.tolist() == [box]


def test_scores_are_kept(box_file):
    entries = [dict(image='a.jpg', bbox=[0, 0, 9, 9], score=s) for s in (0.75, 1, 0)]
    entries.append(dict(image='a.jpg', bbox=[0, 0, 9, 9]))
    _, scores = box_file(entries)(Path('a.jpg'), IMAGE)
    assert scores.tolist() == [0.75, 1, 0, 1]


@pytest.mark.parametrize('score', ['NaN', 'Infinity', '1e300', '"0.9"', '[1]', 'true'])
def test_a_score_that_is_no_number_is_refused(box_file, score):
    with pytest.raises(UserError, match='entry 0 has a score'):
        box_file(f'[{{"image": "a.jpg", "bbox": [0, 0, 9, 9], "score": {score}}}]')


@pytest.mark.parametrize('name', ['x\\a.jpg', 'x/a.jpg', '.\\x\\a.jpg', './x//a.jpg'])
def test_names_may_have_slashes_of_either_kind(box_file, name):
    boxes = box_file({name: [[0, 0, 2, 2]], 'b.jpg': []})
    assert boxes(Path('/data/x/a.jpg'), IMAGE)[0].tolist() == [[0, 0, 2, 2]]
    with pytest.raises(UserError, match='has no boxes'):
        boxes(Path('/data/y/a.jpg'), IMAGE)


@pytest.mark.parametrize(
    ('content', 'fault'),
    [
        ('{"a.jpg": [', 'not readable JSON'),
        ('3', 'neither an object nor a list'),
        ({'a.jpg': 3}, '"a.jpg" has no list'),
        ([[1, 2, 3, 4]], 'entry 0 has no image'),
        ([{'image': 'a.jpg'}], 'entry 0 has no bbox'),
    ],
)
def test_files_of_another_form_are_refused(box_file, content, fault):
    with pytest.raises(UserError, match=fault):
        box_file(content)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r'none\.json: No such file'):
        BoxFile(tmp_path / 'none.json')


@pytest.fixture(scope='module')
def detector(tmp_path_factory) -> tuple[str, str]:
    """RTMDet-tiny's config and a checkpoint of random weights that fits it."""
    import mmdet
    from mmdet.registry import MODELS
    from mmengine.config import Config
    from mmengine.registry import DefaultScope

    config = (
        Path(mmdet.__file__).parent
        / '.mim/configs/rtmdet/rtmdet_tiny_8xb32-300e_coco.py'
    )
    settings = Config.fromfile(config).model
    settings.backbone.init_cfg = None
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(settings)
    for layer in model.bbox_head.rtm_cls:
        # Random weights see class 1 everywhere.
        torch.nn.init.constant_(layer.bias.data[1], 1)
    weights = model.state_dict()
    path = tmp_path_factory.mktemp('detector') / 'random.pth'
    # As other tools' weights, with something that the model has no place for.
    meta = dict(dataset_meta=dict(classes=('cat', 'person')))
    torch.save(dict(state_dict=dict(weights, extra=torch.ones(1)), meta=meta), path)
    return str(config), str(path)


def test_a_detector_gives_boxes_of_persons_that_do_not_overlap(detector, photo):
    found = PersonDetector(*detector, device='cpu', score_threshold=0.0)
    assert found.person == 1
    for step in found.model.cfg.test_dataloader.dataset.pipeline:
        if step.type in ('Resize', 'Pad'):
            step['scale' if step.type == 'Resize' else 'size'] = (160, 160)
    boxes, scores = found(Path('x.jpg'), photo)
    assert 1 < len(boxes) == len(scores)
    assert (np.diff(scores) <= 0).all()
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    assert (area > 0).all()
    first, second = boxes[0], boxes[1]
    shared = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    assert np.maximum(shared, 0).prod() <= 0.35 * (area[0] + area[1])
    # Reduced digits are for poses.
    with torch.autocast('cpu', torch.bfloat16):
        np.testing.assert_array_equal(found(Path('x.jpg'), photo)[0], boxes)
    found.score_threshold = 1.0
    assert found(Path('x.jpg'), photo)[0].shape == (0, 4)


def test_only_persons_that_are_sure_and_apart_are_kept(detector, monkeypatch):
    instances = InstanceData(
        bboxes=torch.tensor(
            [
                [0.0, 0, 10, 10],
                [0, 0, 10, 9],  # 90 of 100 px shared with the first
                [0, 7, 10, 17],  # 30 of 170 px
                [20, 0, 30, 10],  # no person
                [40, 0, 50, 10],  # unsure
                [60, 0, 60, 10],  # empty
            ]
        ),
        scores=torch.tensor([0.9, 0.8, 0.7, 0.95, 0.2, 0.99]),
        labels=torch.tensor([1, 1, 1, 0, 1, 1]),
    )
    monkeypatch.setattr(
        'mmdet.apis.inference_detector',
        lambda *_: SimpleNamespace(pred_instances=instances),
    )
    boxes, scores = PersonDetector(*detector, device='cpu')(Path('x.jpg'), IMAGE)
    assert boxes.tolist() == [[0, 0, 10, 10], [0, 7, 10, 17]]
    np.testing.assert_allclose(scores, [0.9, 0.7])


def test_the_checkpoint_says_which_class_is_a_person(detector, tmp_path):
    config, weights = detector
    state_dict = torch.load(weights)['state_dict']

    def person(meta, config=config):
        path = tmp_path / 'detector.pth'
        torch.save(dict(state_dict=state_dict, meta=meta), path)
        return PersonDetector(config, path, device='cpu').person

    classes = ('cat', 'dog', 'person')
    # As MMDetection 2 wrote it, as some of 3 do, and without names: COCO's 80.
    assert person(dict(CLASSES=classes)) == 2
    assert person(dict(dataset_meta=dict(CLASSES=classes))) == 2
    assert person(dict()) == 0
    assert person(None) == 0
    # Twenty nameless classes are not COCO's.
    few = tmp_path / 'few.py'
    few.write_text(
        f'_base_ = [{config!r}]\nmodel = dict(bbox_head=dict(num_classes=20))\n'
    )
    state_dict = {
        key: value[:20] if 'rtm_cls' in key else value
        for key, value in state_dict.items()
    }
    assert person(dict(CLASSES=classes), few) == 2
    with pytest.raises(UserError, match='does not name its classes'):
        person(dict(), few)


def test_a_detector_needs_weights_that_fit(detector, checkpoints):
    with pytest.raises(UserError, match='names no weights; give --det-weights'):
        PersonDetector(detector[0], device='cpu')
    with pytest.raises(UserError, match='checkpoint of another model'):
        PersonDetector(detector[0], checkpoints['with_meta'], device='cpu')
    poses, weights = model_files('phr_lite_lsp')
    with pytest.raises(UserError, match='is for poses; give one of MMDetection'):
        PersonDetector(poses, weights, device='cpu')
