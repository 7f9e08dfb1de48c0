import json
import shutil

import numpy as np
import pytest
import scipy.io
from mat_samples import save_mat73
from photo_samples import with_orientation

from phr_mmpose.datasets.annotation_list import load_annotation_list
from phr_mmpose.datasets.body_size import LSP_SCALE
from phr_mmpose.datasets.readers.lsp import read_lsp_folder
from phr_mmpose.utils.errors import UserError


@pytest.fixture(scope='module')
def lsp(synthetic, tmp_path_factory):
    return synthetic.write_lsp(tmp_path_factory.mktemp('lsp'))


def write_cropped(synthetic, folder, joints):
    """Two persons; photos im00007.jpg and im00009.jpg."""
    names = ['im00007.jpg', 'im00009.jpg']
    for name in names:
        synthetic.write_photo(folder / 'images' / name)
    entries = [{'image': name, 'joints': joints} for name in names]
    (folder / 'annotations.json').write_text(json.dumps(entries))
    return folder


def some_joints():
    joints = [[float(10 + k), float(20 + 2 * k), 1] for k in range(14)]
    joints[0] = [0.0, 0.0, 0]
    return joints


def test_lsp_flag_means_occluded(lsp):
    lists = read_lsp_folder(lsp).lists
    assert list(lists) == ['lsp_train', 'lsp_test']
    train, test = lists.values()
    assert len(train) == len(test) == 1000
    assert train.images[2] == 'lsp/im0003.jpg'
    assert test.images[0] == 'lsp/im1001.jpg'
    assert train.annotated.all()
    occluded = np.argwhere(~train.visible)
    assert occluded.tolist() == [[2, 1]]
    assert train.joints[0, :, 0].tolist() == list(range(1, 15))
    # 30 x 40 px, counted from 1: the middle is at (15.5, 20.5).
    assert train.centers[0].tolist() == [15.5, 20.5]
    assert (train.scales == LSP_SCALE).all()


def test_lsp_centre_is_that_of_the_upright_photo(synthetic, tmp_path):
    folder = synthetic.write_lsp(tmp_path)
    turned = folder / 'images' / 'im0002.jpg'
    turned.unlink()
    picture = np.zeros((40, 30, 3), np.uint8)
    turned.write_bytes(with_orientation(picture, 'JPEG', 6))
    annotations = read_lsp_folder(folder).lists['lsp_train']
    assert annotations.centers[:3].tolist() == [
        [15.5, 20.5],
        [20.5, 15.5],
        [15.5, 20.5],
    ]


def test_lspet_original_flag_means_labelled(synthetic, tmp_path):
    joints = np.zeros((14, 3, 10000))
    joints[:, 0, :] = np.arange(14)[:, None] * 3 + 1
    joints[:, 1, :] = 5
    joints[:, 2, :] = 1
    joints[3, 2, 1] = 0  # person 2, left hip
    joints[1:, 2, 2] = 0  # person 3: one joint only
    scipy.io.savemat(tmp_path / 'joints.mat', {'joints': joints})
    source = read_lsp_folder(tmp_path, check_photos=False)
    annotations = source.lists['lspet_train']
    assert len(annotations) == 9999
    assert source.notes == ['left out: 1 persons with too few labelled joints']
    assert annotations.images[2] == 'lspet/im00004.jpg'
    assert not annotations.annotated[1, 3]
    assert annotations.annotated.sum() == 9999 * 14 - 1
    assert (annotations.visible == annotations.annotated).all()
    assert not annotations.visibility_known.any()
    assert annotations.joints[0, 2].tolist() == [7, 5]
    assert annotations.joints[1, 3].tolist() == [0, 0]
    assert annotations.centers[0].tolist() == [20.5, 5]


def test_lspet_cropped(synthetic, tmp_path):
    folder = write_cropped(synthetic, tmp_path, some_joints())
    annotations = read_lsp_folder(folder).lists['lspet_train']
    assert annotations.images == ['lspet/im00007.jpg', 'lspet/im00009.jpg']
    assert annotations.annotated[0].tolist() == [False] + [True] * 13
    assert annotations.centers[0].tolist() == [17, 34]


def test_lsp_of_version_7_3(lsp, tmp_path):
    (tmp_path / 'images').symlink_to(lsp / 'images')
    joints = scipy.io.loadmat(lsp / 'joints.mat')['joints']
    joints[1] *= 2
    save_mat73(tmp_path / 'joints.mat', {'joints': joints})
    annotations = read_lsp_folder(tmp_path).lists['lsp_train']
    assert annotations.joints[1, 4].tolist() == [5, 10]
    assert np.argwhere(~annotations.visible).tolist() == [[2, 1]]


def lspet_joints(number):
    """Person i (from 0) is i px further right; the right ankle is not labelled."""
    joints = np.ones((14, 3, number))
    joints[:, 0] = np.arange(14)[:, None] + np.arange(number)
    joints[:, 1] = np.arange(14)[:, None] * 3
    joints[0, 2] = 0
    return joints


@pytest.mark.parametrize('order', [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
def test_a_cut_of_lspet_takes_photos_by_their_numbers(synthetic, tmp_path, order):
    joints = lspet_joints(4)
    scipy.io.savemat(tmp_path / 'joints.mat', {'joints': joints.transpose(order)})
    for name in ('im10.png', 'im9.png', 'im200.png', 'im7.png'):
        synthetic.write_photo(tmp_path / 'images' / name)
    (tmp_path / 'images' / 'Thumbs.db').touch()
    source = read_lsp_folder(tmp_path)
    annotations = source.lists['lspet_train']
    assert annotations.images == [f'lspet/im{number}.png' for number in (7, 9, 10, 200)]
    assert annotations.joints[:, 5].tolist() == [[5, 15], [6, 15], [7, 15], [8, 15]]
    assert annotations.annotated.tolist() == [[False] + [True] * 13] * 4


def test_2000_persons_in_lspet_s_order_are_lspet_s(tmp_path):
    # As 14 x 3 x 2000, or as version 7.3 stores that.
    scipy.io.savemat(tmp_path / 'joints.mat', {'joints': lspet_joints(2000)})
    for number in range(2000):
        (tmp_path / f'im{number:05d}.jpg').touch()
    for _ in range(2):
        source = read_lsp_folder(tmp_path, check_photos=False)
        assert source.photos == tmp_path  # there is no images/
        assert len(source.lists['lspet_train']) == 2000
        save_mat73(tmp_path / 'joints.mat', {'joints': lspet_joints(2000)})


def test_photos_of_another_number_are_refused(synthetic, tmp_path):
    scipy.io.savemat(tmp_path / 'joints.mat', {'joints': lspet_joints(9)})
    synthetic.write_photo(tmp_path / 'images' / 'im1.jpg')
    with pytest.raises(UserError, match='images: 1 photos for the 9 persons'):
        read_lsp_folder(tmp_path)


@pytest.mark.parametrize(
    ('shape', 'flag', 'word'),
    [
        # A cut of LSP, all of whose joints would be taken as not labelled.
        ((3, 14, 1999), 0, 'form of LSPET, with flags as of LSP;'),
        ((14, 3, 2000), 0, 'form of LSPET, with flags as of LSP;'),
        # LSPET's, all of whose joints would be taken as occluded.
        ((3, 14, 2000), 1, 'form of LSP, with flags as of LSPET;'),
        # Which 14 are the joints?
        ((14, 3, 14), 0, 'holds joints 14 x 3 x 14'),
        ((4, 14, 2000), 0, 'holds joints 4 x 14 x 2000'),
        ((2, 14, 2000), 0, 'without flags'),
    ],
)
def test_what_is_neither_is_refused(tmp_path, shape, flag, word):
    joints = np.full(shape, flag)
    scipy.io.savemat(tmp_path / 'joints.mat', {'joints': joints})
    with pytest.raises(UserError, match=word):
        read_lsp_folder(tmp_path)


def test_lspet_is_not_observer_centric(tmp_path):
    path = tmp_path / 'joints_observer_centric.mat'
    scipy.io.savemat(path, {'joints': lspet_joints(10000)})
    with pytest.raises(UserError, match='not of LSP'):
        read_lsp_folder(tmp_path, observer_centric=True)


def test_other_flags_and_nan_are_refused(lsp, tmp_path):
    for value, word in ((2, 'flags'), (np.nan, 'flags')):
        joints = scipy.io.loadmat(lsp / 'joints.mat')['joints']
        joints[2, 5, 7] = value
        scipy.io.savemat(tmp_path / 'joints.mat', {'joints': joints})
        with pytest.raises(UserError, match=word):
            read_lsp_folder(tmp_path)
    joints[2, 5, 7] = 0
    joints[0, 5, 7] = np.nan
    scipy.io.savemat(tmp_path / 'joints.mat', {'joints': joints})
    with pytest.raises(UserError, match='person 8 has joints that are no pixels'):
        read_lsp_folder(tmp_path)


@pytest.mark.parametrize(
    ('content', 'word'),
    [
        ('[]', 'no person'),
        ('{', 'not readable JSON'),
        ('[{"joints": []}]', "entry 0: 'image' is missing"),
        (
            '[{"image": "a.jpg", "joints": [[1, 2, 1]]}]',
            r'entry 0: "joints" is \(1, 3\)',
        ),
        ('[{"image": "a.jpg", "joints": ["x"]}]', 'entry 0: expected'),
        ('[7]', 'entry 0: expected'),
    ],
)
def test_a_faulty_cropped_list_is_named(tmp_path, content, word):
    (tmp_path / 'annotations.json').write_text(content)
    with pytest.raises(UserError, match=word) as caught:
        read_lsp_folder(tmp_path)
    assert 'annotations.json' in str(caught.value)


def test_without_labelled_joints_there_is_nothing_to_train_on(synthetic, tmp_path):
    folder = write_cropped(synthetic, tmp_path, [[0, 0, 0]] * 14)
    with pytest.raises(UserError, match='no person with labelled joints'):
        read_lsp_folder(folder)


def test_tool_writes_lists_and_links(run_tool, synthetic, tmp_path, capsys):
    folder = write_cropped(synthetic, tmp_path / 'src', some_joints())
    photo = folder / 'images' / 'im00007.jpg'
    photo.chmod(0o444)
    run_tool('prepare_lsp', folder, tmp_path / 'dst')
    run_tool('prepare_lsp', folder, tmp_path / 'dst')  # again does no harm
    out = capsys.readouterr().out
    assert '2 persons in 2 photos, 26 joints, occlusion unknown' in out
    linked = tmp_path / 'dst' / 'images' / 'lspet' / 'im00007.jpg'
    assert linked.samefile(photo)
    assert photo.stat().st_mode & 0o777 == 0o444
    annotations = load_annotation_list(
        tmp_path / 'dst' / 'annotations' / 'lspet_train.json', 14
    )
    assert annotations.images == ['lspet/im00007.jpg', 'lspet/im00009.jpg']
    assert {path.name for path in (tmp_path / 'dst').rglob('*') if path.is_file()} == {
        'im00007.jpg',
        'im00009.jpg',
        'lspet_train.json',
    }


@pytest.mark.parametrize(('way', 'count'), [('copy', 2), ('none', 0)])
def test_tool_copies_or_leaves_photos(run_tool, synthetic, tmp_path, way, count):
    folder = write_cropped(synthetic, tmp_path / 'src', some_joints())
    run_tool('prepare_lsp', folder, tmp_path / 'dst', '--images', way)
    photos = list((tmp_path / 'dst').rglob('*.jpg'))
    assert len(photos) == count
    for photo in photos:
        original = folder / 'images' / photo.name
        assert photo.read_bytes() == original.read_bytes()
        assert not photo.samefile(original)


def fail(run_tool, capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        run_tool('prepare_lsp', *arguments)
    assert caught.value.code == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith('error: ')
    assert '\n' not in message
    return message


def test_tool_refuses_a_wrong_folder(run_tool, tmp_path, capsys):
    assert 'no joints.mat' in fail(run_tool, capsys, tmp_path, tmp_path / 'dst')
    message = fail(run_tool, capsys, tmp_path, tmp_path / 'dst', '--observer-centric')
    assert 'joints_observer_centric.mat' in message
    assert not (tmp_path / 'dst').exists()


def test_tool_refuses_a_file_to_fill(run_tool, synthetic, tmp_path, capsys):
    folder = write_cropped(synthetic, tmp_path / 'src', some_joints())
    (tmp_path / 'dst').write_text('')
    for way in ('link', 'copy', 'none'):
        message = fail(run_tool, capsys, folder, tmp_path / 'dst', '--images', way)
        assert str(tmp_path / 'dst') in message
        assert 'name another place' in message


def test_tool_refuses_faulty_photos_and_writes_nothing(
    run_tool, lsp, synthetic, tmp_path, capsys
):
    folder = tmp_path / 'src'
    shutil.copytree(lsp, folder, copy_function=shutil.copyfile)
    bad = folder / 'images' / 'im1234.jpg'
    whole = bad.read_bytes()
    for content, word in (
        (whole[:500], 'ends early'),
        (b'', 'empty'),
        (None, 'No such'),
    ):
        bad.unlink(missing_ok=True)
        if content is not None:
            bad.write_bytes(content)
        message = fail(run_tool, capsys, folder, tmp_path / 'dst')
        assert 'im1234.jpg' in message
        assert word in message
        assert not (tmp_path / 'dst').exists()


def test_observer_centric_swaps_left_and_right(data_root):
    person_centric = read_lsp_folder(data_root / 'lsp').lists['lsp_test'].joints
    source = read_lsp_folder(data_root / 'lsp', observer_centric=True)
    observer = source.lists['lsp_test'].joints
    for limb in (slice(0, 6), slice(6, 12)):  # legs, arms
        same = (observer[:, limb] == person_centric[:, limb]).all(axis=(1, 2))
        mirrored = observer[:, limb][:, ::-1]
        swapped = (mirrored == person_centric[:, limb]).all(axis=(1, 2))
        assert (same ^ swapped).all()
        assert 0.3 < swapped.mean() < 0.4
