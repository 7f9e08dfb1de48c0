import gzip
import json
import shutil

import numpy as np
import pytest
import scipy.io

from phr_mmpose.datasets.annotation_list import load_annotation_list
from phr_mmpose.datasets.readers.mpii import read_mpii_lists, read_mpii_release
from phr_mmpose.utils.errors import UserError


def listed(image, x, scale):
    return {
        'image': image,
        'center': [x, 50.0],
        'scale': scale,
        'joints': [[-1, -1]] * 16,
        'joints_vis': [0] * 16,
        'joints_visible': [0] * 16,
    }


@pytest.fixture
def release(synthetic, tmp_path):
    return synthetic.write_mpii(tmp_path / 'src')


def test_single_persons_with_visibility(release, tmp_path):
    annotations = read_mpii_release(release, tmp_path).lists['mpii_train']
    assert annotations.images == ['mpii/a.jpg', 'mpii/b.jpg']
    assert annotations.centers.tolist() == [[100, 50], [200, 50]]
    assert annotations.scales.tolist() == [2, 4.7184911]
    # Ids 0, 1, 2, 3, 8, 9; flags '1', '0', 1, 0, empty, no field.
    assert np.flatnonzero(annotations.annotated[0]).tolist() == [0, 1, 2, 3, 8, 9]
    assert np.flatnonzero(annotations.visible[0]).tolist() == [0, 2, 8, 9]
    assert annotations.joints[0, 8].tolist() == [9.25, 10.5]
    assert annotations.joints[0, 4].tolist() == [-1, -1]
    assert annotations.head_boxes[0].tolist() == [10, 20, 13, 24]


def test_all_annotated_persons(release, tmp_path):
    source = read_mpii_release(release, tmp_path, persons='annotated')
    annotations = source.lists['mpii_train']
    assert annotations.images == ['mpii/a.jpg', 'mpii/a.jpg', 'mpii/b.jpg']
    assert np.flatnonzero(annotations.visible[1]).tolist() == [15]


def test_photos_of_the_validation_list_leave_the_training_list(release, tmp_path):
    names = tmp_path / 'val.txt'
    names.write_text('b.jpg\n')
    lists = read_mpii_release(release, tmp_path, val_list=names).lists
    assert lists['mpii_train'].images == ['mpii/a.jpg']
    assert lists['mpii_val'].images == ['mpii/b.jpg']
    train = tmp_path / 'train.json'
    train.write_text(json.dumps([listed('a.jpg', 0, 1)]))
    lists = read_mpii_release(release, tmp_path, val_list=train, train_list=names).lists
    assert lists['mpii_train'].images == ['mpii/b.jpg']
    assert lists['mpii_val'].images == ['mpii/a.jpg']


def test_exactly_the_listed_persons_in_their_order(release, tmp_path):
    path = tmp_path / 'val.json'
    entries = [listed('b.jpg', 200, 4.718), listed('a.jpg', 200, 4.718)]
    path.write_text(json.dumps(entries))
    lists = read_mpii_release(release, tmp_path, path, persons='listed').lists
    assert list(lists) == ['mpii_val']
    annotations = lists['mpii_val']
    assert annotations.images == ['mpii/b.jpg', 'mpii/a.jpg']
    assert annotations.annotated[:, 15].all()

    path.write_text(json.dumps([*entries, listed('a.jpg', 150, 2)]))
    with pytest.raises(UserError, match=r'val\.json: entry 2 \(a\.jpg\) is not in'):
        read_mpii_release(release, tmp_path, path, persons='listed')
    with pytest.raises(UserError, match='--val-list'):
        read_mpii_release(release, tmp_path, persons='listed')


def test_a_list_of_other_photos_is_refused(release, tmp_path):
    names = tmp_path / 'val.txt'
    names.write_text('x.jpg\n')
    with pytest.raises(UserError, match=r'val\.txt: no person'):
        read_mpii_release(release, tmp_path, val_list=names)
    names.write_text('')
    with pytest.raises(UserError, match='holds no image name'):
        read_mpii_release(release, tmp_path, val_list=names)


def test_a_release_of_one_photo_and_one_person(synthetic, tmp_path):
    # Squeezing turns arrays of one element into the element.
    one = synthetic.person(5, [synthetic.point(7, 1, 2, is_visible='0')])
    photo = {
        'image': synthetic.struct([{'name': 'a.jpg'}]),
        'annorect': synthetic.struct([one]),
    }
    path = synthetic.write_mpii(
        tmp_path,
        {
            'annolist': synthetic.struct([photo]),
            'img_train': np.array([[1]]),
            'single_person': synthetic.cell([1]),
        },
    )
    annotations = read_mpii_release(path, tmp_path).lists['mpii_train']
    assert len(annotations) == 1
    assert np.flatnonzero(annotations.annotated[0]).tolist() == [7]
    assert not annotations.visible.any()


def test_faulty_releases(synthetic, tmp_path):
    release = synthetic.mpii_release()
    without = {key: value for key, value in release.items() if key != 'single_person'}
    path = synthetic.write_mpii(tmp_path, without)
    with pytest.raises(UserError, match='5 annolist, 5 img_train and 0 single_person'):
        read_mpii_release(path, tmp_path)

    path = synthetic.write_mpii(
        tmp_path, {**release, 'img_train': np.zeros((1, 5), int)}
    )
    with pytest.raises(UserError, match='no person with joints'):
        read_mpii_release(path, tmp_path)

    wrong_id = synthetic.person(5, [synthetic.point(16, 1, 2)])
    photo = {
        'image': synthetic.struct([{'name': 'a.jpg'}]),
        'annorect': synthetic.struct([wrong_id]),
    }
    release['annolist'][0, 0] = tuple(synthetic.struct([photo])[0, 0])
    path = synthetic.write_mpii(tmp_path, release)
    with pytest.raises(UserError, match='a joint with id 16'):
        read_mpii_release(path, tmp_path)

    scipy.io.savemat(path, {'RELEASE': np.eye(3)})
    with pytest.raises(UserError, match='RELEASE has 0 annolist'):
        read_mpii_release(path, tmp_path)


@pytest.mark.parametrize(
    'oddity',
    [
        lambda make: dict(image=make.struct([{'title': 'a.jpg'}])),
        lambda make: dict(image=3),
        lambda make: dict(image=make.struct([{'name': np.zeros((2, 2))}])),
        lambda make: dict(
            annorect=make.struct([make.person(5, [{'id': np.inf, 'x': 1, 'y': 1}])])
        ),
    ],
)
def test_odd_structs_are_named_by_their_place(synthetic, tmp_path, oddity):
    release = synthetic.mpii_release()
    whole = synthetic.person(5, [synthetic.point(1, 1, 2)])
    photo = dict(
        image=synthetic.struct([{'name': 'a.jpg'}]),
        annorect=synthetic.struct([whole]),
    )
    photo.update(oddity(synthetic))
    release['annolist'][0, 0] = tuple(synthetic.struct([photo])[0, 0])
    path = synthetic.write_mpii(tmp_path, release)
    with pytest.raises(UserError, match=r'\.mat: (annolist\(1\)|a joint with id inf)'):
        read_mpii_release(path, tmp_path)


def test_json_lists_with_head_boxes(tmp_path):
    entries = [listed('a.jpg', 1, 1), listed('b.jpg', 2, 1)]
    with gzip.open(tmp_path / 'mpii_val.json.gz', 'wt') as stream:
        json.dump(entries, stream)
    boxes = np.arange(8).reshape(2, 2, 2)  # corner, coordinate, person
    scipy.io.savemat(tmp_path / 'heads.mat', {'headboxes_src': boxes})
    source = read_mpii_lists(tmp_path, tmp_path / 'heads.mat')
    annotations = source.lists['mpii_val']
    assert annotations.head_boxes.tolist() == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert source.absent == {'mpii/a.jpg', 'mpii/b.jpg'}
    assert any('the widely used list has 2,958' in note for note in source.notes)

    scipy.io.savemat(tmp_path / 'heads.mat', {'headboxes_src': boxes[..., :1]})
    with pytest.raises(UserError, match='wants 2 x 2 x 2'):
        read_mpii_lists(tmp_path, tmp_path / 'heads.mat')


def test_tool_on_a_release(run_tool, synthetic, release, tmp_path, capsys):
    photo = synthetic.write_photo(release.parent / 'images' / 'a.jpg')
    run_tool('prepare_mpii', release.parent, tmp_path / 'dst')
    out = capsys.readouterr().out
    assert '2 persons in 2 photos, 7 joints, 28.6% occluded' in out
    assert '1 of 2 photos are not in' in out
    assert 'no list of validation photos' in out
    assert (tmp_path / 'dst' / 'images' / 'mpii' / 'a.jpg').samefile(photo)
    annotations = load_annotation_list(
        tmp_path / 'dst' / 'annotations' / 'mpii_train.json', 16
    )
    assert annotations.head_boxes[0].tolist() == [10, 20, 13, 24]


def test_tool_splits_a_release_by_the_lists_beside_it(run_tool, release, tmp_path):
    dst = tmp_path / 'dst'
    (release.parent / 'valid.json').write_text(json.dumps([listed('b.jpg', 200, 4.7)]))
    run_tool('prepare_mpii', release.parent, dst)
    found = [
        load_annotation_list(dst / 'annotations' / f'{name}.json', 16).images
        for name in ('mpii_train', 'mpii_val')
    ]
    assert found == [['mpii/a.jpg'], ['mpii/b.jpg']]


def test_a_photo_that_leads_out_of_the_folder_is_refused(run_tool, synthetic, tmp_path):
    image = synthetic.struct([{'name': '../../a.jpg'}])
    rectangles = synthetic.struct([synthetic.person(5, [synthetic.point(7, 1, 2)])])
    photo = synthetic.struct([{'image': image, 'annorect': rectangles}])
    content = {
        'annolist': photo,
        'img_train': np.array([[1]]),
        'single_person': synthetic.cell([1]),
    }
    path = synthetic.write_mpii(tmp_path / 'src', content)
    with pytest.raises(SystemExit):
        run_tool('prepare_mpii', path, tmp_path / 'dst')
    assert not (tmp_path / 'dst').exists()


def test_tool_refuses(run_tool, synthetic, release, tmp_path, capsys):
    photo = synthetic.write_photo(release.parent / 'images' / 'a.jpg')
    photo.write_bytes(photo.read_bytes()[:300])
    empty = tmp_path / 'empty'
    empty.mkdir()
    cases = [
        ([release.parent], 'a.jpg: the photo ends early'),
        ([empty], 'give the folder that holds them'),
        ([empty, '--persons', 'listed'], '--persons go with it'),
        ([release, '--headboxes', 'x.mat'], 'drop --headboxes'),
        ([tmp_path / 'none.mat'], 'no such file'),
    ]
    for (source, *options), word in cases:
        with pytest.raises(SystemExit) as caught:
            run_tool('prepare_mpii', source, tmp_path / 'dst', *options)
        assert caught.value.code == 2
        message = capsys.readouterr().err
        assert word in message
        assert message.count('\n') == 1
    assert not (tmp_path / 'dst').exists()


def test_tool_on_a_real_list(run_tool, data_root, tmp_path, capsys):
    folder = tmp_path / 'src'
    folder.mkdir()
    shutil.copy(data_root / 'mpii' / 'mpii_val.json.gz', folder / 'val.json.gz')
    run_tool('prepare_mpii', folder, tmp_path / 'dst')
    out = capsys.readouterr().out
    assert '2,958 persons in 2,729 photos, 44,240 joints, 23.2% occluded' in out
    assert '2,729 of 2,729 photos are not in' in out
    assert '2,958 persons have no head box' in out
    assert 'widely used' not in out


@pytest.fixture
def faulty_release(synthetic, tmp_path):
    """A whole person (number 3) among faulty ones, each alone in its way."""
    joints = [synthetic.point(0, 1, 2, is_visible=1), synthetic.point(1, 3, 4)]
    nan = [synthetic.point(0, 1, 2), synthetic.point(1, float('nan'), 4)]
    empty = [{**synthetic.point(0, 1, 2), 'x': synthetic.EMPTY}]
    whole = synthetic.person(100, joints)
    persons = [
        synthetic.person(1, nan),
        synthetic.person(2, empty),
        whole,
        synthetic.person(4, joints, scale=0),
        synthetic.person(5, joints, scale=-1),
        synthetic.person(6, joints, scale=1e-9),
        synthetic.person(float('inf'), joints),
        synthetic.person(float('nan'), joints),
        {**synthetic.person(9, joints), 'x2': 10},
        {**synthetic.person(10, joints), 'y2': 1},
        {**synthetic.person(11, joints), 'x1': synthetic.EMPTY},
    ]
    image = synthetic.struct([{'name': 'a.jpg'}])
    photo = {'image': image, 'annorect': synthetic.struct(persons)}
    other = {
        'image': synthetic.struct([{'name': 'b.jpg'}]),
        'annorect': synthetic.EMPTY,
    }
    content = {
        'annolist': synthetic.struct([photo, other]),
        'img_train': np.array([[1, 1]]),
        'single_person': synthetic.cell([np.arange(1, 12)[None], synthetic.EMPTY]),
    }
    return synthetic.write_mpii(tmp_path / 'src', content)


def test_faulty_persons_are_left_out_and_named(
    run_tool, faulty_release, tmp_path, capsys
):
    run_tool('prepare_mpii', faulty_release, tmp_path / 'dst')
    (line,) = [
        each for each in capsys.readouterr().out.splitlines() if 'left out' in each
    ]
    assert 'left out 9 faulty persons' in line
    for number, fault in (
        (1, 'a joint is no pixel'),
        (2, 'a joint is no pixel'),
        (4, 'scale 0.0'),
        (5, 'scale -1.0'),
        (7, 'position [inf, 50.0]'),
        (9, 'head box [10.0, 20.0, 10.0, 24.0]'),
        (10, 'head box [10.0, 20.0, 13.0, 1.0]'),
    ):
        assert f'a.jpg person {number} ({fault})' in line
    # One without a whole head box is no worse than one without any.
    annotations = load_annotation_list(
        tmp_path / 'dst' / 'annotations' / 'mpii_train.json', 16
    )
    assert annotations.centers[:, 0].tolist() == [100, 11]
    assert np.isnan(annotations.head_boxes[1]).all()


def test_control_characters_of_a_photos_name_are_not_printed(synthetic, tmp_path):
    release = synthetic.mpii_release()
    first = release['annolist'][0, 0]
    first['image'] = synthetic.struct([{'name': 'a\x1b[31m.jpg'}])
    first['annorect'][0, 0]['scale'] = 0
    path = synthetic.write_mpii(tmp_path, release)
    notes = read_mpii_release(path, tmp_path, persons='annotated').notes
    assert any(r'a\x1b[31m.jpg person 1 (scale 0' in note for note in notes)


def test_a_listed_person_that_is_faulty_is_left_out(faulty_release, tmp_path):
    path = tmp_path / 'val.json'
    path.write_text(json.dumps([listed('a.jpg', 9, 2), listed('a.jpg', 100, 2)]))
    source = read_mpii_release(faulty_release, tmp_path, path, persons='listed')
    assert source.lists['mpii_val'].centers.tolist() == [[100, 50]]
    assert any('a.jpg person 9 (head box' in note for note in source.notes)


def test_empty_head_boxes_of_a_file_leave_persons_out(tmp_path):
    entries = [listed(f'{name}.jpg', 1, 1) for name in 'abc']
    (tmp_path / 'mpii_val.json').write_text(json.dumps(entries))
    boxes = np.array([[1, 2, 3, 4], [5, 6, 5, 8], [np.nan] * 4]).reshape(3, 2, 2)
    scipy.io.savemat(tmp_path / 'h.mat', {'headboxes_src': boxes.transpose(1, 2, 0)})
    source = read_mpii_lists(tmp_path, tmp_path / 'h.mat')
    assert source.lists['mpii_val'].images == ['mpii/a.jpg', 'mpii/c.jpg']
    assert any('1 faulty persons: entry 1 (head box' in note for note in source.notes)


@pytest.mark.parametrize('unknown', ['no key', 'null'])
def test_unknown_visibility_stays_unknown(run_tool, tmp_path, capsys, unknown):
    entry = listed('a.jpg', 1, 1)
    entry['joints_vis'] = [1] * 16
    if unknown == 'null':
        entry['joints_visible'] = None
    else:
        del entry['joints_visible']
    (tmp_path / 'mpii_val.json').write_text(json.dumps([entry]))
    run_tool('prepare_mpii', tmp_path, tmp_path / 'dst')
    assert '16 joints, occlusion unknown' in capsys.readouterr().out
    path = tmp_path / 'dst' / 'annotations' / 'mpii_val.json'
    (written,) = json.loads(path.read_text())
    assert 'joints_visible' not in written
    assert not load_annotation_list(path, 16).visibility_known.any()
