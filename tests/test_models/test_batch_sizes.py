"""Batches are cut where that is faster, and nobody notices."""

from unittest import mock

import pytest
import torch
from cascade_samples import batch, build_model

from phr_mmpose.models import batch_sizes
from phr_mmpose.models.batch_sizes import persons_at_once, predict_in_parts


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 2)


@pytest.mark.parametrize(
    'device, size, expected',
    [('cpu', (256, 256), 2), ('cpu', (192, 256), 2), ('cpu', (96, 96), 14)]
    + [('cpu', (1024, 1024), 1), ('cuda', (256, 256), 16), ('other', (256, 256), 16)],
)
def test_smaller_crops_go_in_larger_batches(two_threads, device, size, expected):
    assert persons_at_once(device, size) == expected


def test_more_threads_take_more_at_once(monkeypatch):
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 32)
    assert persons_at_once('cpu', (256, 256)) == 32
    assert persons_at_once('cuda', (256, 256)) == 16


@pytest.mark.parametrize('device, sizes', [('cpu', [2, 2, 1]), ('meta', [5])])
def test_only_a_cpu_s_batches_are_cut(two_threads, device, sizes):
    seen = []

    def predict(inputs, samples):
        assert len(inputs) == len(samples)
        seen.append(len(samples))
        return [f'{sample}!' for sample in samples]

    crops = torch.empty(5, 3, 256, 256, device=device)
    assert predict_in_parts(predict, crops, 'abcde') == ['a!', 'b!', 'c!', 'd!', 'e!']
    assert seen == sizes


@pytest.mark.parametrize('test_cfg', [{}, dict(flip_test=True, output_heatmaps=True)])
def test_a_cut_batch_has_the_results_of_a_whole_one(monkeypatch, test_cfg):
    model = build_model(lively=True).eval()
    model.test_cfg = test_cfg
    images, samples = batch(5)
    with torch.no_grad():
        whole = [s.clone() for s in model.predict(images, samples)]
        monkeypatch.setattr(batch_sizes, 'persons_at_once', lambda *size: 2)
        with mock.patch.object(model, '_predict', wraps=model._predict) as seen:
            parts = model.predict(images, samples)
    assert [len(call.args[0]) for call in seen.call_args_list] == [2, 2, 1]
    for one, other in zip(parts, whole, strict=True):
        a, b = one.pred_instances, other.pred_instances
        torch.testing.assert_close(a.keypoints, b.keypoints, rtol=0, atol=1e-4)
        torch.testing.assert_close(a.keypoint_scores, b.keypoint_scores)
        if test_cfg:
            found, expected = one.pred_fields.heatmaps, other.pred_fields.heatmaps
            torch.testing.assert_close(found, expected)


def test_statistics_are_those_of_the_whole_batch(monkeypatch):
    # Predicting in training mode moves them, as MMEngine's PreciseBN does.
    monkeypatch.setattr(batch_sizes, 'persons_at_once', lambda *size: 2)
    model = build_model(lively=True).train()
    with mock.patch.object(model, '_predict', wraps=model._predict) as seen:
        model.predict(*batch(5))
    assert [len(call.args[0]) for call in seen.call_args_list] == [5]
