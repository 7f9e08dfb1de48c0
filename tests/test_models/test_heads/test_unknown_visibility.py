"""The detector of visible joints tells of data that cannot say what is hidden."""

import logging

import pytest
from cascade_samples import batch, build_model
from mmengine.logging import MMLogger


@pytest.fixture
def logged():
    """Every warning in the current log, as it comes."""
    lines = []

    class Keep(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    logger = MMLogger.get_current_instance()
    handler = Keep(logging.WARNING)
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def batch_of(*names):
    """One sample for each name; None is one whose visibility is known."""
    images, samples = batch(len(names))
    for sample, name in zip(samples, names, strict=True):
        if name is not None:
            sample.set_field(name, 'visibility_unknown_in', field_type='metainfo')
    return images, samples


def loss(model, *names):
    images, samples = batch_of(*names)
    return model.head.loss(model.extract_feat(images), samples)


def test_each_data_set_is_named_once(logged):
    model = build_model()
    loss(model, None, None)
    assert logged == []
    loss(model, None, 'lspet', 'lspet')
    loss(model, 'lspet', 'coco')
    loss(model, 'coco', 'lspet')
    assert len(logged) == 2
    assert "'lspet'" in logged[0] and "'coco'" in logged[1]
    # Another model tells anew.
    loss(build_model(), 'coco')
    assert len(logged) == 3


def test_a_detector_of_all_joints_has_no_need_of_it(logged):
    # Confidence maps show hidden joints as well.
    head = dict(
        detector_codec=dict(type='GaussianConfidence', sigma=2),
        loss_detector=dict(type='ConfidenceMSELoss'),
        stack='logits',
    )
    loss(build_model(head), 'lspet')
    assert logged == []


def test_only_the_main_process_tells(logged, monkeypatch):
    monkeypatch.setattr(
        'phr_mmpose.models.heads.unknown_visibility.is_main_process', lambda: False
    )
    loss(build_model(), 'lspet')
    assert logged == []
