import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import paper_model
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError

REPO = Path(__file__).resolve().parent.parent.parent
CONFIG = REPO / 'configs' / 'phr_tiny_figures.py'


@pytest.fixture(scope='module')
def lsp(tmp_path_factory):
    """Two persons on noise, prepared as LSP."""
    folder = tmp_path_factory.mktemp('lsp')
    (folder / 'images').mkdir()
    (folder / 'annotations').mkdir()
    random = np.random.default_rng(0)
    persons = []
    for index in range(2):
        picture = random.integers(0, 256, (180, 120, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / 'images' / f'{index}.jpg'), picture)
        persons.append(
            dict(
                image=f'{index}.jpg',
                center=[60, 90],
                scale=0.7,
                joints=random.uniform(20, 100, (14, 2)).tolist(),
                joints_vis=[1] * 14,
                joints_visible=[1] * 14,
            )
        )
    for split in ('lsp_train', 'lsp_test'):
        path = folder / 'annotations' / f'{split}.json'
        path.write_text(json.dumps(persons))
    return folder


def run_case(capsys, lsp, case):
    paper_model.main(
        ['--config', str(CONFIG), '--data', str(lsp), '--batch', '2']
        + ['--iterations', '2', '--random-init', '--case', case]
    )
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize(
    'case, losses',
    [
        ('detector', {'loss', 'loss_detector'}),
        ('regressor', {'loss', 'loss_refiner'}),
        ('joint', {'loss', 'loss_detector', 'loss_refiner'}),
    ],
)
def test_a_stage_trains_what_it_names(capsys, lsp, case, losses):
    result = run_case(capsys, lsp, case)
    assert set(result['losses']) == losses
    assert all(np.isfinite(value) for value in result['losses'].values())
    assert len(result['seconds']) == 2 and min(result['seconds']) > 0
    assert result['peak_memory_gb'] > 0.1


def test_prediction(capsys, lsp):
    result = run_case(capsys, lsp, 'prediction')
    assert result['joints'] == 16 and 'losses' not in result
    assert len(result['seconds']) == 2


def test_the_paper_s_model_has_the_paper_s_size():
    config = load_config(REPO / 'configs' / 'phr_res152_mpii.py')
    size = paper_model.model_size(config)
    assert size['detector']['gmac'] == pytest.approx(17.8, abs=0.1)
    assert size['refiner']['gmac'] == pytest.approx(15.7, abs=0.1)
    assert size['detector']['parameters'] == 58_180_704
    assert size['refiner']['parameters'] == 17_370_528


def test_bad_arguments_get_one_line(tmp_path):
    with pytest.raises(UserError, match='--batch must be at least 1, got 0'):
        paper_model.main(['--batch', '0'])
    with pytest.raises(UserError, match=r'lsp_train\.json'):
        paper_model.main(
            ['--config', str(CONFIG), '--data', str(tmp_path), '--case', 'detector']
            + ['--random-init']
        )
