"""The grid of poses: who is shown where, and what becomes of faults."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from phr_mmpose.datasets.joints import LSP_JOINTS, lsp_to_mpii
from phr_mmpose.utils.errors import UserError
from projects.paper_study.gallery import main

# Person i is off by i / 10 torso lengths.
PERSONS = 7
COLOURS = [(10 + 30 * i, 240 - 30 * i, 90 * (i % 3)) for i in range(PERSONS)]


@pytest.fixture
def arguments(tmp_path) -> list[str]:
    """Seven prepared persons, each on a photo of one colour, and predictions."""
    for name in ('images', 'annotations'):
        (tmp_path / name).mkdir()
    joints = np.random.default_rng(0).uniform(30, 70, (PERSONS, 14, 2))
    joints[:, LSP_JOINTS.index('left_shoulder')] = (30, 30)
    joints[:, LSP_JOINTS.index('right_hip')] = (60, 70)
    persons = []
    for index, colour in enumerate(COLOURS):
        photo = np.full((100, 100, 3), colour, np.uint8)
        cv2.imwrite(str(tmp_path / 'images' / f'{index}.png'), photo)
        persons.append(
            dict(
                image=f'{index}.png',
                center=[50, 50],
                scale=0.4,
                joints=joints[index].tolist(),
                joints_vis=[1] * 14,
                joints_visible=[1] * 14,
                head_box=[30, 30, 60, 70],
            )
        )
    for name, entries in (
        ('lsp_test', persons),
        ('mpii_val', [as_mpii(person) for person in persons]),
    ):
        (tmp_path / 'annotations' / f'{name}.json').write_text(json.dumps(entries))
    off = 50 * np.arange(PERSONS)[:, None] / 10
    joints[..., 0] += off
    np.savez(tmp_path / 'pred.npz', preds=joints - 1)
    gt = tmp_path / 'annotations' / 'lsp_test.json'
    return (
        ['--dataset', 'lsp', '--gt', str(gt), '--pred', str(tmp_path / 'pred.npz')]
        + ['--dpi', '60', '--out', str(tmp_path / 'out' / 'grid.png')]
    )  # fmt: skip


def as_mpii(person: dict) -> dict:
    joints = lsp_to_mpii(np.array([person['joints']]))[0]
    flags = lsp_to_mpii(np.array([person['joints_vis']]))[0].tolist()
    return dict(person, joints=joints.tolist(), joints_vis=flags, joints_visible=flags)


def shown(path: Path) -> list[list[int]]:
    """The persons of a picture, row by row from left to right."""
    picture = cv2.imread(str(path)).astype(int)
    places = []
    for person, colour in enumerate(COLOURS):
        rows, columns = np.nonzero((abs(picture - colour) <= 2).all(-1))
        if len(rows) > 500:
            places.append((rows.min() // 60, columns.min(), person))
    grid = {}
    for row, _, person in sorted(places):
        grid.setdefault(row, []).append(person)
    return list(grid.values())


def fails(arguments) -> str:
    with pytest.raises(UserError) as caught:
        main(arguments)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_best_median_worst(arguments, tmp_path):
    main([*arguments, '--columns', '2'])
    assert shown(tmp_path / 'out' / 'grid.png') == [[0, 1], [2, 3], [6, 5]]
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['grid.png']


def test_rows_of_one_group(arguments, tmp_path):
    main([*arguments, '--columns', '3', '--rows', '2', '--show', 'worst'])
    assert shown(tmp_path / 'out' / 'grid.png') == [[6, 5, 4], [3, 2, 1]]


def test_mpii(arguments, tmp_path):
    gt = tmp_path / 'annotations' / 'mpii_val.json'
    arguments[1], arguments[3] = 'mpii', str(gt)
    main([*arguments, '--columns', '2', '--show', 'best', 'worst'])
    assert shown(tmp_path / 'out' / 'grid.png') == [[0, 1], [6, 5]]


def test_faults_are_one_line_and_leave_nothing_behind(arguments, tmp_path):
    def replaced(old: str, new: str) -> list[str]:
        place = arguments.index(old) + 1
        return [*arguments[:place], new, *arguments[place + 1 :]]

    gt = tmp_path / 'annotations' / 'lsp_test.json'
    assert '--columns 0: give' in fails([*arguments, '--columns', '0'])
    assert 'too few for 6' in fails(arguments)
    assert 'which names the photos' in fails(replaced('--gt', 'joints.mat'))
    assert 'cannot draw this kind' in fails(replaced('--out', 'grid.txt'))
    assert '--headboxes belongs to MPII' in fails([*arguments, '--headboxes', 'x.mat'])
    other = tmp_path / 'other.npy'
    np.save(other, np.zeros((3, 14, 2)))
    assert 'no order of axes' in fails(replaced('--pred', str(other)))

    two = [*arguments, '--columns', '2']
    (tmp_path / 'images' / '3.png').unlink()
    assert f'{tmp_path}/images/3.png: No such file' in fails(two)
    gt.write_text(gt.read_text().replace('3.png', '../3.png'))
    assert f'{gt}: entry 3: ' in fails(two)
    assert not (tmp_path / 'out').exists()
