"""Several results side by side."""

import cv2
import numpy as np
import pytest

from phr_mmpose.datasets.joints import LSP_JOINTS, lsp_to_mpii
from phr_mmpose.evaluation.comparison import (
    Comparison,
    choose_one_based,
    parse_named_files,
)
from phr_mmpose.evaluation.ground_truth import GroundTruth
from phr_mmpose.utils.errors import UserError


@pytest.fixture
def truth(tmp_path) -> GroundTruth:
    """Four persons whose reference length is 10 px."""
    joints = np.random.default_rng(0).uniform(1, 200, (4, 14, 2))
    return GroundTruth(
        path=tmp_path / 'list.json',
        measure='PCK',
        thr=0.2,
        extra_thrs=(),
        names=LSP_JOINTS,
        joints=joints,
        annotated=np.ones((4, 14), bool),
        visible=None,
        reference=np.full(4, 10.0),
    )


def shifted(truth: GroundTruth, joint: str, persons: int) -> np.ndarray:
    """The truth, but for one joint of some persons that is 5 px off."""
    joints = truth.joints.copy()
    joints[:persons, LSP_JOINTS.index(joint), 0] += 5
    return joints


def test_a_row_and_a_line_for_each_file(truth, tmp_path):
    """Files of other kinds, orders, joints and grids meet in one table."""
    np.save(tmp_path / 'a.npy', shifted(truth, 'left_knee', 1).transpose(2, 0, 1))
    mpii = lsp_to_mpii(shifted(truth, 'left_wrist', 2), fill=np.nan) - 1
    np.savez(tmp_path / 'b.npz', preds=mpii, scores=np.ones((4, 16)))
    comparison = Comparison(truth)
    comparison.add('own', truth.joints)
    comparison.add_file('knee', str(tmp_path / 'a.npy'), one_based=True)
    comparison.add_file('wrist', str(tmp_path / 'b.npz'))
    measure, header, *rows = comparison.table().splitlines()
    assert measure == 'PCK@0.2'
    columns = header.split()
    found = {name: values for name, *values in map(str.split, rows)}
    assert list(found) == ['own', 'knee', 'wrist']
    assert found['own'] == ['100.0'] * 8
    # One knee of eight: 100 and 75 %, the mean 87.5; 55 of 56 joints.
    assert found['knee'][columns.index('Knee')] == '87.5'
    assert found['knee'][columns.index('Total')] == '98.2'
    assert found['wrist'][columns.index('Wrist')] == '75.0'
    assert found['wrist'][columns.index('Total')] == '96.4'

    differences = comparison.differences()
    assert list(differences) == ['knee', 'wrist']
    assert differences['knee'].keys() == {'all'}
    assert differences['knee']['all'].points == pytest.approx(-100 / 56)
    assert differences['wrist']['all'].points == pytest.approx(-200 / 56)

    path = tmp_path / 'curves.png'
    comparison.draw(str(path), 'LSP')
    picture = cv2.imread(str(path))
    # The second and the third line have colours of their own.
    for blue, green, red in ((0x00, 0x5E, 0xD5), (0x73, 0x9E, 0x00)):
        assert (picture == (blue, green, red)).all(-1).sum() > 100


def test_a_name_is_taken_once(truth):
    comparison = Comparison(truth)
    comparison.add('own', truth.joints)
    with pytest.raises(UserError, match="'own' is taken"):
        comparison.add('own', truth.joints)


def test_a_file_of_other_persons_is_refused(truth, tmp_path):
    np.save(tmp_path / 'five.npy', np.zeros((5, 14, 2)))
    with pytest.raises(UserError, match=r'five\.npy: no order of axes gives 4 persons'):
        Comparison(truth).add_file('five', str(tmp_path / 'five.npy'))


def test_names_and_files(tmp_path):
    path = tmp_path / 'a=b.npy'
    path.touch()
    assert parse_named_files([]) == {}
    assert parse_named_files([f'x={path}', f' y ={path}']) == {
        'x': str(path),
        'y': str(path),
    }
    for entries, reason in (
        (['x'], '--compare x: give name=file'),
        ([f'={path}'], 'give name=file'),
        (['x='], 'give name=file'),
        ([f'x={path}', f'x={path}'], "two files are named 'x'"),
        ([f'x={tmp_path}/none.npy'], 'none.npy: no such file'),
        ([f'x={tmp_path}'], 'no such file'),
    ):
        with pytest.raises(UserError, match=reason):
            parse_named_files(entries)


def test_which_files_count_from_one():
    names = ['a', 'b']
    assert choose_one_based(None, names) == set()
    assert choose_one_based([], names) == {'a', 'b'}
    assert choose_one_based(['b'], names) == {'b'}
    with pytest.raises(UserError, match='--one-based c: --compare has a, b'):
        choose_one_based(['c'], names)
    with pytest.raises(UserError, match='--one-based c: --compare has no file'):
        choose_one_based(['c'], [])
