"""Photos with patches, here figures, whose hidden joints are known."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpose.registry import DATASETS, MODELS

from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError
from projects.paper_study import masked_photos, occlusion_study
from projects.paper_study.testing import subnetwork_options

GROUPS = (masked_photos.PATCH, masked_photos.LABELS, masked_photos.VISIBLE)


@pytest.fixture(scope='module')
def path(small_cascade, tmp_path_factory):
    path = tmp_path_factory.mktemp('config') / 'cascade.py'
    path.write_text(small_cascade)
    return path


@pytest.fixture(scope='module')
def photos(path):
    masked = masked_photos.with_masking(load_config(path), str(path))
    return masked_photos.MaskedPhotos(masked, str(path))


def test_every_annotated_joint_is_in_one_group(photos, path):
    patch, labels, visible = (photos.groups[name].astype(int) for name in GROUPS)
    assert patch.sum() > 5 and labels.sum() > 5 and visible.sum() > 100
    with DefaultScope.overwrite_default_scope('mmpose'):
        dataset = load_config(path).test_dataloader.dataset
        figures = DATASETS.build(dict(dataset, pipeline=[]))
    flags = np.stack([figure['keypoints_visible'][0] for figure in figures]) > 0
    np.testing.assert_array_equal(patch + labels + visible, flags[..., 0])
    np.testing.assert_array_equal(labels, flags[..., 0] & ~flags[..., 1])


def test_the_groups_are_rated_apart(photos):
    patch, visible = photos.groups['hidden by a patch'], photos.groups['visible']
    # The refiner finds what is under the patches, and loses what is in sight.
    distances = {
        'detector': np.where(patch, 9.0, 0.1),
        'refiner': np.where(visible, 9.0, 0.1),
    }
    rates = photos.rate(distances)
    assert photos.measure == 'PCKh@0.5' and list(rates) == list(GROUPS)
    found = [(rate['detector'], rate['refiner']) for rate in rates.values()]
    assert found == [(0, 100), (100, 100), (100, 0)]
    differences = [rate['difference']['points'] for rate in rates.values()]
    assert differences == [100, 0, -100]
    # Pelvis and thorax are in no column.
    assert rates['visible']['number'] < visible.sum()


def test_the_tool_rates_both_subnetworks(path, tmp_path, capsys):
    with DefaultScope.overwrite_default_scope('mmpose'):
        model = MODELS.build(load_config(path).model)
    checkpoint = str(tmp_path / 'random.pth')
    torch.save(model.state_dict(), checkpoint)
    out = tmp_path / 'out'
    masked_photos.main(
        ['--config', str(path), '--checkpoint', checkpoint, '--out', str(out)]
    )
    content = json.loads((out / 'masked.json').read_text())
    assert content['masking']['seed'] == 0
    (result,) = content['checkpoints']
    assert result['checkpoint'] == checkpoint
    assert list(result['joints']) == list(GROUPS)
    for rates in result['joints'].values():
        by = rates['difference']
        assert by['points'] == pytest.approx(rates['refiner'] - rates['detector'])
        assert by['low'] <= by['points'] <= by['high']
    assert content['persons'] == dict(number=16)
    table = (out / 'masked.md').read_text()
    first, empty, *rows = table.splitlines()
    assert (first, empty, len(rows)) == ('Persons: number 16', '', 5)
    assert table in capsys.readouterr().out


def test_a_group_without_joints_is_left_out(photos, monkeypatch):
    """Labels that do not say what is hidden: 0 of 0 joints are no 0 percent."""
    nobody = np.zeros_like(photos.groups['visible'])
    groups = dict(photos.groups, **{masked_photos.LABELS: nobody})
    monkeypatch.setattr(photos, 'groups', groups)
    rates = photos.rate(dict(detector=nobody + 0.1))
    assert list(rates) == [masked_photos.PATCH, masked_photos.VISIBLE]
    assert 'difference' not in rates['visible']


@pytest.mark.parametrize('study', [masked_photos, occlusion_study])
def test_every_checkpoint_must_be_there_before_the_first_test(study, path, tmp_path):
    (tmp_path / 'a.pth').touch()
    checkpoints = [str(tmp_path / name) for name in ('a.pth', 'b.pth')]
    arguments = ['--config', str(path), '--out', str(tmp_path / 'out')]
    with pytest.raises(UserError, match=r'b\.pth: no such checkpoint'):
        study.main([*arguments, '--checkpoint', *checkpoints])


@pytest.mark.parametrize(
    ('head', 'options'),
    [
        (dict(refiner=dict(type='HourglassRefiner')), [['--output', 'detector'], []]),
        # tools/test.py refuses --output for a model that is no cascade.
        (dict(refiner=None), [[]]),
        (dict(type='HeatmapHead'), [[]]),
    ],
)
def test_how_each_subnetwork_is_tested(head, options):
    config = Config(dict(model=dict(head=head)))
    assert list(subnetwork_options(config).values()) == options


def test_faults_get_one_line(path):
    config = load_config(path)
    masked = masked_photos.with_masking(config, 'x.py')
    before, after = (c.test_dataloader.dataset.pipeline for c in (config, masked))
    assert len(before) + 1 == len(after)
    masked.test_evaluator = dict(type='VisibilityAUC')
    with pytest.raises(UserError, match='its test_evaluator has neither'):
        masked_photos.MaskedPhotos(masked, 'x.py')
    config.test_dataloader.dataset.pipeline = []
    with pytest.raises(UserError, match='does not end with PackCascadeInputs'):
        masked_photos.with_masking(config, 'x.py')
