"""The tool on real ground truth and on faulty input."""

import gzip
import json

from phr_mmpose.utils.cli import run

import numpy as np
import pytest
import scipy.io
from tool_modules import load_tool

from phr_mmpose.evaluation.functional.pck import COLUMNS
from phr_mmpose.utils.errors import UserError


@pytest.fixture(scope='module')
def main():
    return load_tool('eval_predictions').main


@pytest.fixture(scope='module')
def lsp(data_root) -> tuple[str, np.ndarray]:
    path = data_root / 'lsp' / 'joints.mat'
    return str(path), scipy.io.loadmat(path)['joints'][:2, :, 1000:]


def printed(text: str, row: str) -> list[str]:
    return next(
        line.removeprefix(row).split()
        for line in text.splitlines()
        if line.startswith(f'{row}  ')
    )


def test_the_truth_itself_scores_full_marks(main, lsp, tmp_path, capsys):
    gt, joints = lsp
    scipy.io.savemat(tmp_path / 'pred.mat', {'pred': joints})
    result = tmp_path / 'out' / 'scores.json'
    curve = tmp_path / 'out' / 'curve.png'
    pred = str(tmp_path / 'pred.mat')
    main(
        ['--dataset', 'lsp', '--gt', gt, '--pred', pred, '--one-based']
        + ['--json', str(result), '--curve', str(curve)]
    )
    text = capsys.readouterr().out
    assert 'LSP, 1000 persons' in text
    assert printed(text, 'PCK@0.2') == ['100.0'] * 8
    assert printed(text, 'PCK@0.2 occluded') == ['100.0'] * 8
    scores = json.loads(result.read_text())
    assert all(scores[key] == 100 for key in COLUMNS)
    assert scores['persons'] == 1000
    assert scores['counts']['all']['Total'] == 14000
    counts = scores['counts']
    assert counts['visible']['Total'] + counts['occluded']['Total'] == 14000
    assert scores['joints']['head_top'] == 100
    assert curve.stat().st_size > 10_000


@pytest.mark.parametrize('share, rate', [(0.2, '100.0'), (0.2001, '0.0')])
def test_a_shift_by_a_fifth_of_the_torso(main, lsp, tmp_path, capsys, share, rate):
    gt, joints = lsp
    torso = np.hypot(*(joints[:, 9] - joints[:, 2]))
    np.save(
        tmp_path / 'pred.npy', joints + share * torso * np.array([[[0.6]], [[0.8]]])
    )
    pred = str(tmp_path / 'pred.npy')
    main(['--dataset', 'lsp', '--gt', gt, '--pred', pred, '--one-based'])
    assert printed(capsys.readouterr().out, 'PCK@0.2') == [rate] * 8


def test_predictions_from_zero_and_from_one(main, lsp, tmp_path, capsys):
    gt, joints = lsp
    noisy = joints + np.random.default_rng(0).normal(0, 6, joints.shape)
    rows = []
    for name, poses, option in [('0', noisy - 1, []), ('1', noisy, ['--one-based'])]:
        np.save(tmp_path / f'{name}.npy', poses)
        pred = str(tmp_path / f'{name}.npy')
        main(['--dataset', 'lsp', '--gt', gt, '--pred', pred, *option])
        rows.append(printed(capsys.readouterr().out, 'PCK@0.2'))
    assert rows[0] == rows[1]
    assert 30 < float(rows[0][-1]) < 99


def test_a_row_by_the_kit_to_the_digit(main, lsp, tmp_path, capsys):
    """The kit's steps in its own layout (2 x 14 x 1000), as MATLAB prints them."""
    gt, joints = lsp
    pred = joints + np.random.default_rng(7).laplace(0, 5, joints.shape)
    scipy.io.savemat(tmp_path / 'pred.mat', {'pred': pred})
    path = str(tmp_path / 'pred.mat')
    main(['--dataset', 'lsp', '--gt', gt, '--pred', path, '--one-based'])
    reference = np.sqrt(((joints[:, 9] - joints[:, 2]) ** 2).sum(0))
    hit = np.sqrt(((pred - joints) ** 2).sum(0)) / reference <= 0.2
    rate = [100 * np.mean(hit[joint]) for joint in range(14)]
    pairs = [(12, 13), (8, 9), (7, 10), (6, 11), (2, 3), (1, 4), (0, 5)]
    row = [(rate[a] + rate[b]) / 2 for a, b in pairs] + [100 * np.mean(hit)]
    assert printed(capsys.readouterr().out, 'PCK@0.2') == [f'{r:1.1f}' for r in row]


def test_mpii_with_head_boxes_of_a_mat_file(main, data_root, tmp_path, capsys):
    gt = data_root / 'mpii' / 'mpii_val.json.gz'
    persons = json.loads(gzip.decompress(gt.read_bytes()))
    joints = np.array([person['joints'] for person in persons])
    annotated = np.array([person['joints_vis'] for person in persons], bool)
    # Head boxes of 60 x 80 px: a head size of 60 px.
    boxes = np.zeros((2, 2, len(persons)))
    boxes[1] = [[60], [80]]
    scipy.io.savemat(tmp_path / 'gt_valid.mat', {'headboxes_src': boxes})
    pred = joints.copy()
    pred[:, 9] += (30, 0)
    pred[:, 0] += (6, 0)
    pred[:, 15] += (31, 0)
    pred[:, 6:8] += 500
    scipy.io.savemat(tmp_path / 'preds.mat', {'preds': pred.transpose(1, 2, 0)})
    main(
        ['--dataset', 'mpii', '--gt', str(gt), '--one-based']
        + ['--pred', str(tmp_path / 'preds.mat')]
        + ['--headboxes', str(tmp_path / 'gt_valid.mat')]
    )
    text = capsys.readouterr().out
    assert 'MPII, 2958 persons' in text
    scored = annotated[:, [j for j in range(16) if j not in (6, 7)]].sum()
    total = 100 * (1 - annotated[:, 15].sum() / scored)
    strict = 100 * (1 - annotated[:, [15, 9]].sum() / scored)
    assert printed(text, 'PCKh@0.5') == (
        ['100.0', '100.0', '100.0', '50.0', '100.0', '100.0', '100.0', f'{total:.1f}']
    )
    assert 'head top alone 100.0' in text
    assert printed(text, 'PCKh@0.1') == (
        ['50.0', '100.0', '100.0', '50.0', '100.0', '100.0', '100.0', f'{strict:.1f}']
    )


def test_mat_files_read_from_zero_are_remarked(main, lsp, tmp_path, capsys):
    gt, joints = lsp
    scipy.io.savemat(tmp_path / 'pred.mat', {'pred': joints})
    main(['--dataset', 'lsp', '--gt', gt, '--pred', str(tmp_path / 'pred.mat')])
    assert '--one-based' in capsys.readouterr().err


def test_faults_are_one_line_and_leave_nothing_behind(main, lsp, tmp_path, capsys):
    gt, _ = lsp
    result = tmp_path / 'scores.json'
    arguments = ['--dataset', 'lsp', '--gt', gt, '--json', str(result)]
    with pytest.raises(SystemExit) as caught:
        run(lambda: main([*arguments, '--pred', str(tmp_path / 'none.mat')]))
    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        f'error: {tmp_path / "none.mat"}: no such file\n'
    )
    assert not list(tmp_path.iterdir())


def test_outputs_are_checked_before_the_work(main, tmp_path):
    arguments = ['--dataset', 'lsp', '--gt', 'none.mat', '--pred', 'none.mat']
    for option, path, fault in (
        ('--curve', tmp_path / 'c.xyz', 'cannot draw this kind of file'),
        ('--json', tmp_path, 'is a folder'),
    ):
        with pytest.raises(UserError, match=fault):
            main([*arguments, option, str(path)])


def test_head_boxes_have_no_use_on_lsp(main, lsp):
    arguments = ['--dataset', 'lsp', '--gt', lsp[0], '--pred', lsp[0]]
    with pytest.raises(UserError, match='--headboxes belongs to MPII'):
        main([*arguments, '--headboxes', 'gt_valid.mat'])


def test_several_files_in_one_table_and_one_plot(main, lsp, tmp_path, capsys):
    gt, joints = lsp
    noisy = joints + np.random.default_rng(1).normal(0, 6, joints.shape)
    np.save(tmp_path / 'truth.npy', joints - 1)
    scipy.io.savemat(tmp_path / 'noisy.mat', {'pred': noisy})
    main(
        ['--dataset', 'lsp', '--gt', gt, '--pred', str(tmp_path / 'noisy.mat')]
        + ['--one-based']
    )
    alone = printed(capsys.readouterr().out, 'PCK@0.2')
    curve, result = tmp_path / 'out' / 'both.png', tmp_path / 'out' / 'both.json'
    main(
        ['--dataset', 'lsp', '--gt', gt, '--curve', str(curve), '--json', str(result)]
        + ['--compare', f'all right={tmp_path / "truth.npy"}']
        + [f'noisy={tmp_path / "noisy.mat"}', '--one-based', 'noisy']
    )
    output = capsys.readouterr()
    assert output.out.startswith('LSP, 1000 persons, PCK@0.2\n')
    assert not output.err
    assert printed(output.out, 'all right') == ['100.0'] * 8
    # The names are not of one length.
    lines = output.out.splitlines()
    (row,) = [line for line in lines if line.startswith('noisy ')]
    assert row.split()[1:] == alone
    assert 'Total beside all right (95 % by bootstrap over persons)' in lines
    (beside,) = [line for line in lines if line.startswith('noisy: all ')]
    assert curve.stat().st_size > 10_000
    systems = json.loads(result.read_text())['systems']
    assert systems['all right']['Total'] == 100
    assert f'{systems["noisy"]["Total"]:.1f}' == alone[-1]
    assert systems['all right']['beside_first'] == {}
    by = systems['noisy']['beside_first']['all']
    assert by['points'] == pytest.approx(systems['noisy']['Total'] - 100)
    assert by['low'] < by['points'] < by['high'] < 0
    assert f'noisy: all {by["points"]:+.1f} (' in beside
    assert [system['one_based'] for system in systems.values()] == [False, True]


def test_one_file_or_several(main, lsp, tmp_path):
    arguments = ['--dataset', 'lsp', '--gt', lsp[0]]
    for more in ([], ['--pred', 'a.npy', '--compare', 'b=b.npy']):
        with pytest.raises(UserError, match='give either --pred FILE or --compare'):
            main([*arguments, *more])
    with pytest.raises(UserError, match=r'none\.npy: no such file'):
        main([*arguments, '--compare', f'a={tmp_path / "none.npy"}'])
