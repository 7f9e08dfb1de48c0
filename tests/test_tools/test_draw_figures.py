"""The tool writes pictures, a list that agrees with them, and a sheet."""

import json
import os
import re
from pathlib import Path

from phr_mmpose.utils.cli import run

import cv2
import numpy as np
import pytest
from tool_modules import load_tool

from phr_mmpose.apis.known_joints import known_joints
from phr_mmpose.datasets.body import (
    CocoKeypointDataset,
    FigureDataset,
    MpiiPartDataset,
)
from phr_mmpose.datasets.joints import MPII_JOINTS


@pytest.fixture(scope='module')
def main():
    return load_tool('draw_figures').main


@pytest.mark.parametrize('annotated', [False, True])
def test_the_written_list_reads_as_the_data_set(main, tmp_path, capsys, annotated):
    options = ['--num', '3', '--seed', '5', '--size', '80', '--out', str(tmp_path)]
    main(options + ['--annotated'] * annotated)
    assert '3 figures' in capsys.readouterr().out
    written = MpiiPartDataset(
        ann_file='annotations/figures.json',
        data_root=str(tmp_path),
        data_prefix={'img': 'images'},
    )
    drawn = FigureDataset(num=3, seed=5, image_size=80)
    assert len(written) == 3
    boxes = json.loads((tmp_path / 'boxes.json').read_text())
    assert len(boxes) == 3
    for one, other in zip(written, drawn, strict=True):
        assert np.array_equal(cv2.imread(one['img_path']), other['img'])
        for key in ('keypoints', 'bbox', 'head_size'):
            np.testing.assert_allclose(one[key], other[key], atol=2e-3)
        assert np.array_equal(one['keypoints_visible'], other['keypoints_visible'])
        # The tools of use take the same crops as training does.
        name = Path(one['img_path']).name
        np.testing.assert_allclose(boxes[name], other['bbox'], atol=1e-4)
        known = known_joints(tmp_path / 'annotations/figures.json', name, MPII_JOINTS)
        np.testing.assert_allclose(known.box, other['bbox'][0], atol=2e-3)
    sheet = cv2.imread(str(tmp_path / 'sheet.png'))
    assert sheet.shape == (120, 360, 3)
    plain = cv2.resize(
        drawn[0]['img'], None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC
    )
    assert np.array_equal(sheet[:, :120], plain) is not annotated


def test_the_coco_file_tells_what_is_hidden(main, tmp_path):
    options = ['--num', '6', '--seed', '5', '--size', '80', '--out', str(tmp_path)]
    main([*options, '--occlusion', '0.4', '--coco', str(tmp_path / 'a' / 'coco.json')])
    assert {path.name for path in tmp_path.iterdir()} == {'a', 'images', 'sheet.png'}
    written = CocoKeypointDataset(
        ann_file='a/coco.json',
        data_root=str(tmp_path),
        data_prefix={'img': 'images'},
    )
    drawn = FigureDataset(num=6, seed=5, image_size=80, occlusion=0.4)
    names = written.metainfo['keypoint_id2name']
    assert len(written) == 6
    seen = set()
    for one, other in zip(written, drawn, strict=True):
        assert np.array_equal(cv2.imread(one['img_path']), other['img'])
        x1, y1, x2, y2 = one['bbox'][0]
        for index, name in names.items():
            flags = one['keypoints_visible'][0, index].tolist()
            if name not in MPII_JOINTS:
                assert flags == [0, 0]
                continue
            joint = MPII_JOINTS.index(name)
            assert flags == other['keypoints_visible'][0, joint].tolist()
            x, y = one['keypoints'][0, index]
            np.testing.assert_allclose([x, y], other['keypoints'][0, joint], atol=0.006)
            if flags[0]:
                assert x1 <= x <= x2 and y1 <= y <= y2
            seen.add(tuple(flags))
        box = other['bbox'][0]
        assert x2 - x1 < box[2] - box[0] or y2 - y1 < box[3] - box[1]
    assert seen >= {(1, 1), (1, 0)}


@pytest.mark.parametrize(
    'options, words',
    [
        (['--num', '0'], 'num=0'),
        (['--occlusion', '2'], 'occlusion=2.0'),
        (['--zoom', '0'], '--zoom 0: give a number from 0.1 to 10'),
        # Before anything is drawn.
        (['--coco', '.'], 'folder'),
    ],
)
def test_bad_options_get_one_line(main, tmp_path, capsys, options, words):
    with pytest.raises(SystemExit) as caught:
        run(lambda: main(['--out', str(tmp_path / 'out'), *options]))
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert words in error and error.count('\n') == 1
    assert not (tmp_path / 'out').exists()


def test_a_folder_s_name_need_not_be_utf8(main, tmp_path):
    out = tmp_path / os.fsdecode(b'figures\xff')
    try:
        out.mkdir()
    except OSError:
        pytest.skip('this file system takes UTF-8 only')
    main(['--num', '1', '--size', '64', '--out', str(out)])
    for path in (out / 'sheet.png', next((out / 'images').iterdir())):
        content = np.frombuffer(path.read_bytes(), np.uint8)
        assert cv2.imdecode(content, cv2.IMREAD_COLOR) is not None


def test_a_folder_that_is_a_file_gets_one_line(main, tmp_path, capsys):
    (tmp_path / 'out').write_text('in the way')
    with pytest.raises(SystemExit):
        run(lambda: main(['--num', '1', '--out', str(tmp_path / 'out')]))
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith('error: ') and 'cannot be written' in last


def test_figures_of_other_options_are_not_replaced(main, tmp_path, capsys):
    """Their list would tell of joints that the new pictures hide."""
    options = ['--num', '3', '--size', '64', '--out', str(tmp_path)]
    main([*options, '--coco', str(tmp_path / 'a.json')])
    before = {path: path.read_bytes() for path in tmp_path.rglob('*.*')}
    for others in (['--occlusion', '0.9'], ['--size', '80'], ['--back-views', '1']):
        with pytest.raises(SystemExit):
            run(lambda o=others: main([*options, *o, '--coco', str(tmp_path / 'b')]))
        assert 'is another figure' in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob('*.*')} == before
    main([*options, '--coco', str(tmp_path / 'a.json')])
    main([*options, '--seed', '1', '--occlusion', '0.9'])
    assert len(list((tmp_path / 'images').iterdir())) == 6


def test_the_shares_of_hidden_joints_have_one_base(main, tmp_path, capsys):
    options = ['--num', '60', '--size', '64', '--occlusion', '0.3']
    main([*options, '--out', str(tmp_path)])
    hidden, behind = re.findall(r'([\d.]+) %', capsys.readouterr().out)
    dataset = FigureDataset(num=60, image_size=64, occlusion=0.3)
    figures = [dataset.figure(number) for number in range(60)]
    joints = sum(figure.annotated.sum() for figure in figures)
    visible = sum(figure.visible.sum() for figure in figures)
    assert float(hidden) == pytest.approx(100 * (1 - visible / joints), abs=0.051)
    assert float(behind) == pytest.approx(
        100 * sum(figure.behind_object.sum() for figure in figures) / joints, abs=0.051
    )
