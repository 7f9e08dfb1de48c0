import gzip
import json
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from phr_mmpose.datasets.annotation_list import (
    AnnotationList,
    load_annotation_list,
    occluded_share,
    save_annotation_list,
    select,
)
from phr_mmpose.utils.errors import UserError


def person(**changes):
    entry = {
        'image': 'a/im1.jpg',
        'center': [10.0, 20],
        'scale': 1.5,
        'joints': [[1, 2], [3, 4], [-1, -1]],
        'joints_vis': [1, 1, 0],
        'joints_visible': [1, 0, 0],
    }
    entry.update(changes)
    return {key: value for key, value in entry.items() if value is not None}


def write(path, entries):
    path.write_text(json.dumps(entries))
    return path


def test_reads_every_column(tmp_path):
    entries = [person(), person(image='b.jpg', head_box=[1, 2, 4, 6])]
    annotations = load_annotation_list(write(tmp_path / 'list.json', entries), 3)
    assert len(annotations) == 2
    assert annotations.images == ['a/im1.jpg', 'b.jpg']
    assert annotations.centers.tolist() == [[10, 20]] * 2
    assert annotations.scales.tolist() == [1.5, 1.5]
    assert annotations.joints[0].tolist() == [[1, 2], [3, 4], [-1, -1]]
    assert annotations.annotated[0].tolist() == [True, True, False]
    assert annotations.visible[0].tolist() == [True, False, False]
    assert np.isnan(annotations.head_boxes[0]).all()
    assert annotations.head_boxes[1].tolist() == [1, 2, 4, 6]
    assert occluded_share(annotations) == 0.5


def test_a_joint_without_annotation_is_not_visible(tmp_path):
    path = write(tmp_path / 'list.json', [person(joints_visible=[1, 1, 1])])
    assert load_annotation_list(path, 3).visible.tolist() == [[True, True, False]]


def test_visibility_is_unknown_for_those_without_the_flags(tmp_path):
    entries = [person(), person(joints_visible=None)]
    path = write(tmp_path / 'list.json', entries)
    annotations = load_annotation_list(path, 3)
    assert annotations.visibility_known.tolist() == [True, False]
    assert (annotations.visible[1] == annotations.annotated[1]).all()
    # One of two joints is hidden; the other person has no say in it.
    assert occluded_share(annotations) == 0.5
    assert np.isnan(occluded_share(select(annotations, [1])))
    save_annotation_list(path, annotations)
    assert ['joints_visible' in entry for entry in json.loads(path.read_text())] == [
        True,
        False,
    ]
    assert load_annotation_list(path, 3).visibility_known.tolist() == [True, False]


NAN = float('nan')


@pytest.mark.parametrize(
    ('changes', 'key'),
    [
        ({'image': None}, '"image" is missing'),
        ({'center': None}, '"center" is missing'),
        ({'scale': None}, '"scale" is missing'),
        ({'joints': None}, '"joints" is missing'),
        ({'joints_vis': None}, '"joints_vis" is missing'),
        ({'image': ''}, '"image"'),
        ({'image': '/etc/passwd'}, '"image" must be relative'),
        ({'image': 'a/../../b.jpg'}, '"image" must be relative'),
        ({'image': 7}, '"image"'),
        ({'center': [1]}, '"center"'),
        ({'center': [NAN, 1]}, '"center" holds nan'),
        ({'scale': 0}, '"scale" must be positive'),
        ({'scale': NAN}, '"scale" holds nan'),
        ({'scale': 'big'}, '"scale"'),
        # Boxes that float32 holds empty or not at all.
        ({'scale': 1e-9}, '"scale" must be positive'),
        ({'scale': 1e300}, '"scale" holds 1e+300'),
        ({'center': [1e9, 1]}, '"center" holds 1000000000.0'),
        ({'head_box': [1, 2, 3, 1e300]}, '"head_box" holds 1e+300'),
        ({'joints': [[1, 2]] * 4}, '"joints" has 4 joints where 3 belong'),
        (
            {'joints': [[1, 2], [3, NAN], [0, 0]]},
            '"joints" holds nan at 1/1',
        ),
        ({'joints': [[1, 2], [3], [0, 0]]}, '"joints"'),
        ({'joints': [[1, 2, 3]] * 3}, '"joints"'),
        ({'joints_vis': [1, 1]}, '"joints_vis"'),
        ({'joints_vis': [1, 2, 0]}, '"joints_vis" may hold only 0 and 1'),
        ({'joints_visible': [1, 'x', 0]}, '"joints_visible"'),
        ({'head_box': [5, 5, 5, 9]}, '"head_box" is empty'),
        ({'head_box': [1, 2, 3]}, '"head_box"'),
    ],
)
def test_a_faulty_entry_is_named(tmp_path, changes, key):
    path = write(tmp_path / 'list.json', [person(), person(**changes)])
    with pytest.raises(UserError) as caught:
        load_annotation_list(path, 3)
    message = str(caught.value)
    assert message.startswith(f'{path}: entry 1: ')
    assert key in message
    assert '\n' not in message


@pytest.mark.parametrize(
    ('content', 'word'),
    [
        (b'[]', 'no person'),
        (b'{"a": 1}', 'list of persons'),
        (b'[1]', 'entry 0'),
        (b'[{"image": ', 'not readable JSON'),
        (b'\xff\xfe\x00', 'not readable JSON'),
    ],
)
def test_a_faulty_file_is_named(tmp_path, content, word):
    path = tmp_path / 'list.json'
    path.write_bytes(content)
    with pytest.raises(UserError, match=word) as caught:
        load_annotation_list(path, 3)
    assert str(path) in str(caught.value)


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(UserError, match=r'none\.json: No such file'):
        load_annotation_list(tmp_path / 'none.json', 3)
    whole = gzip.compress(json.dumps([person()]).encode())
    for content in (whole[:-12], whole[:15] + b'xxxx' + whole[19:], b'[]'):
        path = tmp_path / 'list.json.gz'
        path.write_bytes(content)
        with pytest.raises(UserError, match='not readable JSON'):
            load_annotation_list(path, 3)


coordinates = st.integers(-5000, 5000).map(lambda value: value / 8)


@settings(max_examples=25)
@given(data=st.data(), zipped=st.booleans())
def test_what_is_saved_is_read_back(tmp_path_factory, data, zipped):
    count = data.draw(st.integers(1, 3))
    annotated = data.draw(hnp.arrays(bool, (count, 4)))
    annotations = AnnotationList(
        images=[f'im{index}.jpg' for index in range(count)],
        centers=data.draw(hnp.arrays(float, (count, 2), elements=coordinates)),
        scales=data.draw(
            hnp.arrays(float, count, elements=st.sampled_from([0.5, 3.25]))
        ),
        joints=data.draw(hnp.arrays(float, (count, 4, 2), elements=coordinates)),
        annotated=annotated,
        visible=annotated & data.draw(hnp.arrays(bool, (count, 4))),
        head_boxes=np.full((count, 4), np.nan),
    )
    annotations.head_boxes[0] = [1, 2, 3, 4.5]
    name = 'list.json.gz' if zipped else 'list.json'
    path = tmp_path_factory.mktemp('lists') / name
    save_annotation_list(path, annotations)
    again = load_annotation_list(path, 4)
    assert again.images == annotations.images
    for column in ('centers', 'scales', 'joints', 'annotated', 'visible', 'head_boxes'):
        np.testing.assert_array_equal(
            getattr(again, column), getattr(annotations, column)
        )


def test_select_keeps_rows_together(tmp_path):
    entries = [person(image=f'{index}.jpg', scale=index + 1) for index in range(3)]
    annotations = load_annotation_list(write(tmp_path / 'list.json', entries), 3)
    assert select(annotations, np.array([True, False, True])).images == [
        '0.jpg',
        '2.jpg',
    ]
    reordered = select(annotations, np.array([2, 0]))
    assert reordered.images == ['2.jpg', '0.jpg']
    assert reordered.scales.tolist() == [3, 1]
    for each in fields(annotations):
        column, chosen = (getattr(a, each.name) for a in (annotations, reordered))
        np.testing.assert_array_equal(chosen, [column[2], column[0]], each.name)


def test_occluded_share_without_annotation_is_nan(tmp_path):
    path = write(tmp_path / 'list.json', [person(joints_vis=[0, 0, 0])])
    assert np.isnan(occluded_share(load_annotation_list(path, 3)))


@pytest.mark.parametrize(
    ('name', 'persons', 'photos', 'joints', 'occluded'),
    [
        ('mpii_train.json.gz', 22246, 14679, 332023, 0.2303),
        ('mpii_val.json.gz', 2958, 2729, 44240, 0.2315),
    ],
)
def test_the_real_mpii_lists(data_root, name, persons, photos, joints, occluded):
    annotations = load_annotation_list(data_root / 'mpii' / name, 16)
    assert len(annotations) == persons
    assert len(set(annotations.images)) == photos
    assert annotations.annotated.sum() == joints
    assert occluded_share(annotations) == pytest.approx(occluded, abs=1e-4)
