"""The demo on good and on bad input."""

import json
import subprocess
import sys
from pathlib import Path

from phr_mmpose.utils.cli import run

import cv2
import numpy as np
import pytest
from mmpose.models.heads import HeatmapHead
from photo_samples import with_orientation
from tool_modules import load_tool

from phr_mmpose.apis.estimation import estimate_poses
from phr_mmpose.apis.pose_model import load_pose_model

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'demo.py'


@pytest.fixture(scope='module')
def main():
    return load_tool('demo').main


@pytest.fixture
def model(config, checkpoints) -> list[str]:
    weights = checkpoints['with_meta']
    return ['--config', config, '--weights', weights, '--device', 'cpu']


def results(folder: Path) -> dict:
    return json.loads((folder / 'poses.json').read_text())


def exit_line(main, arguments: list, capsys) -> str:
    """Run the tool, which is to fail, and give what it says on stderr."""
    with pytest.raises(SystemExit) as caught:
        run(lambda: main([str(argument) for argument in arguments]))
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_photos_and_videos_are_annotated(main, model, folder, photo, tmp_path):
    out = tmp_path / 'out'
    main([str(folder), *model, '--out-dir', str(out), '--output-heatmaps'])
    found = results(out)
    assert len(found['joints']) == 14 and found['failed'] == []
    assert [Path(image['image']).name for image in found['images']] == [
        'a.png',
        'b.jpg',
    ]
    (person,) = found['images'][0]['persons']
    assert person['box'] == [0, 0, 90, 120]
    assert np.shape(person['keypoints']) == (14, 2)
    assert np.shape(person['scores']) == np.shape(person['visible']) == (14,)
    assert all(0 <= value <= 1 for value in person['visible'])
    assert np.ptp(person['keypoints'], axis=0).min() > 5

    drawn = cv2.imread(str(out / found['images'][0]['drawn']))
    assert drawn.shape == photo.shape
    assert np.abs(drawn.astype(int) - photo).max() > 60

    (video,) = found['videos']
    assert (video['fps'], [frame['frame'] for frame in video['frames']]) == (
        10,
        [0, 1, 2],
    )
    capture = cv2.VideoCapture(str(out / video['drawn']))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert capture.read()[1].shape == photo.shape

    assert found['images'][0]['heatmaps'] == 'heatmaps/a.npz'
    with np.load(out / 'heatmaps' / 'a.npz') as maps:
        assert maps['detector'].shape == maps['refiner'].shape == (1, 14, 48, 48)
        peak = np.unravel_index(maps['refiner'][0, 3].argmax(), (48, 48))[::-1]
        corner = maps['centers'][0] - maps['sizes'][0] / 2
        place = corner + np.array(peak) * maps['sizes'][0] / 48
        step = maps['sizes'][0].max() / 48
        np.testing.assert_allclose(place, person['keypoints'][3], atol=step)


def test_persons_of_a_box_file_come_in_its_order(main, model, folder, tmp_path):
    boxes = tmp_path / 'boxes.json'
    boxes.write_text(
        '{"a.png": [[0, 0, 50, 60], [20, 30, 80, 110]], "b.jpg": [], '
        '"clip.mp4": [[0, 0, 90, 90]]}'
    )
    out = tmp_path / 'out'
    main(
        [str(folder), *model, '--out-dir', str(out), '--boxes', str(boxes)]
        # Two frames of the video in one batch, then the third.
        + ['--no-draw', '--batch-size', '2']
    )
    first, second = results(out)['images']
    assert [person['box'] for person in first['persons']] == [
        [0, 0, 50, 60],
        [20, 30, 80, 110],
    ]
    assert second['persons'] == []
    frames = results(out)['videos'][0]['frames']
    assert [len(frame['persons']) for frame in frames] == [1, 1, 1]
    assert [path.name for path in out.iterdir()] == ['poses.json']


def test_photos_of_every_kind_work(main, model, photo, tmp_path):
    grey = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    kinds = dict(
        grey=grey,
        deep=photo.astype(np.uint16) * 257,
        clear=np.dstack([photo, np.full_like(grey, 255)]),
    )
    paths = []
    for name, picture in {'plain': photo, **kinds}.items():
        paths.append(str(tmp_path / f'{name}.png'))
        cv2.imwrite(paths[-1], picture)
    main([*paths, *model, '--out-dir', str(tmp_path / 'out'), '--no-draw'])
    plain, _, deep, clear = results(tmp_path / 'out')['images']
    assert plain['persons'] == deep['persons'] == clear['persons']


def test_photos_are_turned_by_exif(main, model, photo, tmp_path):
    paths = [tmp_path / 'upright.png']
    cv2.imwrite(str(paths[0]), np.rot90(photo, -1))
    for kind in ('JPEG', 'PNG', 'WEBP', 'TIFF'):
        paths.append(tmp_path / f'turned.{kind.lower()}')
        paths[-1].write_bytes(with_orientation(photo, kind, 6))
    out = tmp_path / 'out'
    main([*map(str, paths), *model, '--out-dir', str(out)])
    upright, jpeg, *others = results(out)['images']
    for image in (jpeg, *others):
        assert (image['width'], image['height']) == (120, 90)
        assert image['persons'][0]['box'] == [0, 0, 120, 90]
        assert cv2.imread(str(out / image['drawn'])).shape == (90, 120, 3)
    for image in others:
        assert image['persons'] == upright['persons']


def test_names_that_are_not_utf8(config, checkpoints, folder, tmp_path):
    (folder / 'a.png').rename(folder / 'caf\udce9.png')
    (folder / 'clip.mp4').rename(folder / 'clip\udce9.mp4')
    out = tmp_path / 'sal\udce9'
    done = subprocess.run(
        [sys.executable, TOOL, folder, '--config', config]
        + ['--weights', checkpoints['without_meta'], '--out-dir', out],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert 'clip' in line and 'not UTF-8' in line
    found = results(out)
    assert [Path(image['image']).name for image in found['images']] == [
        'b.jpg',
        'caf\udce9.png',
    ]
    assert (out / 'drawn' / 'caf\udce9.jpg').stat().st_size > 1000
    assert [Path(one['input']).name for one in found['failed']] == ['clip\udce9.mp4']


def test_one_faulty_box_costs_one_person(main, model, folder, tmp_path, capsys):
    boxes = tmp_path / 'boxes.json'
    good, faulty = [10, 10, 80, 110], [-3e38, -3e38, 3e38, 3e38]
    entries = [
        dict(image=name, bbox=box, score=0.5)
        for name in ('a.png', 'photos\\b.jpg', 'clip.mp4')
        for box in (faulty, good)
    ]
    boxes.write_text(json.dumps(entries))
    out = tmp_path / 'out'
    lines = exit_line(
        main, [folder, *model, '--out-dir', out, '--boxes', boxes], capsys
    ).splitlines()
    assert len(lines) == 3 and all('box 0' in line for line in lines)
    found = results(out)
    assert len(found['failed']) == 3
    frames = found['videos'][0]['frames']
    assert len(frames) == 3
    for each in (*found['images'], *frames):
        (person,) = each['persons']
        assert (person['box'], person['box_score']) == (good, 0.5)


def test_a_full_disk_costs_the_drawn_video_and_no_pose(
    main, model, folder, tmp_path, capsys, monkeypatch
):
    out = tmp_path / 'out'
    arguments = [folder / 'clip.mp4', *model, '--out-dir', out]
    resource = pytest.importorskip('resource')
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    try:
        line = exit_line(main, arguments, capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert line.count('\n') == 1
    assert 'clip.mp4' in line and 'room on the disk' in line
    found = results(out)
    (video,) = found['videos']
    assert len(video['frames']) == 3 and 'drawn' not in video
    assert found['failed'][0]['error'] == video['note']
    assert list((out / 'drawn').iterdir()) == []


def test_a_broken_photo_does_not_stop_the_others(config, checkpoints, folder, tmp_path):
    broken = folder / 'aa.jpg'
    broken.write_bytes((folder / 'b.jpg').read_bytes()[:700])
    (folder / 'clip.mp4').unlink()
    cv2.imwrite(str(folder / 'dot.png'), np.zeros((1, 1, 3), np.uint8))
    out = tmp_path / 'out'
    done = subprocess.run(
        [sys.executable, TOOL, folder, '--config', config]
        + ['--weights', checkpoints['without_meta'], '--out-dir', out],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first.startswith(f'error: {broken}: the photo ends early')
    assert second.startswith(f'error: {folder / "dot.png"}: a photo of 1 x 1 px')
    found = results(out)
    assert [Path(image['image']).name for image in found['images']] == [
        'a.png',
        'b.jpg',
    ]
    assert [Path(one['input']).name for one in found['failed']] == ['aa.jpg', 'dot.png']
    assert {p.name for p in (out / 'drawn').iterdir()} == {'a.jpg', 'b.jpg'}


def test_a_cascade_computes_with_fewer_digits(main, model, folder, tmp_path):
    keypoints = []
    for options in ([], ['--precision', 'bfloat16']):
        out = tmp_path / f'out{len(options)}'
        main([str(folder / 'a.png'), *model, '--out-dir', str(out), *options])
        (image,) = results(out)['images']
        keypoints.append(np.float32(image['persons'][0]['keypoints']))
    apart = np.linalg.norm(keypoints[1] - keypoints[0], axis=1)
    # Random weights may well prefer another place for a joint or two.
    assert apart.max() > 0 and np.median(apart) < 1


def test_fewer_digits_are_for_cascades(
    main, model, exported, folder, tmp_path, capsys, monkeypatch
):
    options = ['--out-dir', tmp_path / 'out', '--precision', 'bfloat16']
    onnx = [model[0], model[1], '--weights', exported]
    line = exit_line(main, [folder, *onnx, *options], capsys)
    assert line == 'error: --precision: an ONNX file has its own; leave it out\n'

    def load(*args):
        loaded = load_pose_model(*args)
        loaded.head = HeatmapHead(4, 14, decoder=None)
        return loaded

    monkeypatch.setattr('phr_mmpose.commands.pose.load_pose_model', load)
    line = exit_line(main, [folder, *model, *options], capsys)
    assert line.count('\n') == 1 and 'for cascades, and HeatmapHead' in line
    assert not (tmp_path / 'out').exists()


def test_an_input_on_which_the_model_fails_does_not_stop_the_others(
    main, model, folder, tmp_path, capsys, monkeypatch
):
    at_second_photo(monkeypatch, np.linalg.LinAlgError('Singular matrix\nof 2 x 2'))
    out = tmp_path / 'out'
    arguments = [folder, *model, '--out-dir', out, '--no-draw']
    line = exit_line(main, arguments, capsys)
    assert line == f'error: {folder}/b.jpg: LinAlgError: Singular matrix\n'
    found = results(out)
    assert [Path(image['image']).name for image in found['images']] == ['a.png']
    assert len(found['videos'][0]['frames']) == 3
    (failed,) = found['failed']
    assert f'error: {failed["error"]}\n' == line


def test_after_ctrl_c_the_poses_until_then_are_there(
    main, model, folder, tmp_path, monkeypatch
):
    at_second_photo(monkeypatch, KeyboardInterrupt())
    out = tmp_path / 'out'
    with pytest.raises(KeyboardInterrupt):
        main([str(folder), *model, '--out-dir', str(out), '--no-draw'])
    found = results(out)
    assert [Path(image['image']).name for image in found['images']] == ['a.png']
    assert found['videos'] == found['failed'] == []


def at_second_photo(monkeypatch, error: BaseException) -> None:
    """Have an error raised in the place of the second photo's poses."""
    photos = []

    def estimate(model, image, *args):
        photos.append(image)
        if len(photos) == 2:
            raise error
        return estimate_poses(model, image, *args)

    monkeypatch.setattr('phr_mmpose.apis.pose_writer.estimate_poses', estimate)


@pytest.mark.parametrize(
    ('box', 'fault'),
    [
        ('[95, 0, 99, 50]', 'outside'),
        ('[9, 9, 9, 50]', 'empty'),
        ('[NaN, 0, 9, 9]', 'NaN'),
    ],
)
def test_faulty_boxes_leave_nothing_behind(
    main, model, folder, tmp_path, capsys, box, fault
):
    boxes = tmp_path / 'boxes.json'
    boxes.write_text(f'{{"a.png": [{box}]}}')
    out = tmp_path / 'out'
    arguments = [folder / 'a.png', *model, '--out-dir', out, '--boxes', boxes]
    line = exit_line(main, arguments, capsys)
    assert line.count('\n') == 1 and 'a.png' in line and fault in line
    assert [path.name for path in out.iterdir()] == ['poses.json']
    found = results(out)
    assert found['images'] == [] and fault in found['failed'][0]['error']


def test_nothing_old_is_left_when_every_input_fails(
    main, model, folder, tmp_path, capsys
):
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'poses.json').write_text('{"images": ["of an earlier run"]}')
    (folder / 'a.png').write_bytes(b'no photo')
    exit_line(main, [folder / 'a.png', *model, '--out-dir', out], capsys)
    found = results(out)
    assert found['images'] == [] and len(found['joints']) == 14
    assert [Path(one['input']).name for one in found['failed']] == ['a.png']


def test_of_a_video_that_ends_early_the_frames_before_are_kept(
    main, model, cut_video, tmp_path, capsys
):
    out = tmp_path / 'out'
    line = exit_line(main, [cut_video, *model, '--out-dir', out], capsys)
    assert line.startswith(f'error: {cut_video}: the video ends early, after ')
    assert line.count('\n') == 1
    found = results(out)
    (video,) = found['videos']
    assert 4 <= len(video['frames']) <= 8
    assert video['note'] == found['failed'][0]['error']
    capture = cv2.VideoCapture(str(out / video['drawn']))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == len(video['frames'])


def test_wrong_paths_and_options_are_one_line(main, model, folder, tmp_path, capsys):
    out = ['--out-dir', tmp_path / 'out']
    empty = tmp_path / 'empty'
    empty.mkdir()
    in_the_way = tmp_path / 'in_the_way'
    (in_the_way / 'poses.json').mkdir(parents=True)
    for inputs, options, fault in (
        ([tmp_path / 'no.jpg'], [*model, *out], 'no.jpg: no such file or folder'),
        ([empty], [*model, *out], 'no photo or video in this folder'),
        ([folder], [*model, *out, '--det-weights', 'x.pth'], 'needs --det-config'),
        (
            [folder],
            # It is for a detector's boxes; those of a file are all taken.
            [*model, *out, '--boxes', 'x.json', '--bbox-thr', '0.5'],
            '--bbox-thr: needs --det-config',
        ),
        (
            [folder],
            [*model, *out, '--batch-size', '0'],
            '--batch-size must be at least 1',
        ),
        ([folder], [*model, *out, '--hollow-below', '0.5'], 'give --kpt-thr'),
        ([folder], [*model, *out, '--detector=x.py'], 'give --det-config'),
        ([folder], ['--weights', 'x.pth', *out], 'needs --config'),
        ([folder], ['--config', 'x.py', *out], 'a config needs weights'),
        ([folder], [*model, *out, '--boxes', 'no.json'], 'no.json: No such file'),
        ([folder], [*model, '--out-dir', folder / 'a.png'], 'a.png is no folder'),
        ([folder], [*model, '--out-dir', in_the_way], 'is a folder; name a file'),
        (
            [folder],
            ['--config', folder / 'no.py', '--weights', 'x.pth', *out],
            'no such config',
        ),
    ):
        line = exit_line(main, [*inputs, *options], capsys)
        assert line.startswith('error: ') and line.count('\n') == 1
        assert fault in line
    assert not (tmp_path / 'out').exists()
