"""The panel tool, with and without ground truth."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from tool_modules import load_tool

from phr_mmpose.apis.known_joints import joint_index, known_joints
from phr_mmpose.datasets.joints import LSP_JOINTS, MPII_JOINTS
from phr_mmpose.utils.errors import UserError


@pytest.fixture(scope='module')
def main():
    return load_tool('show_cascade').main


@pytest.fixture
def model(config, checkpoints) -> list[str]:
    weights = checkpoints['with_meta']
    return ['--config', config, '--weights', weights, '--device', 'cpu', '--dpi', '60']


def person(image: str, count: int = 14, center=(46, 61)) -> dict:
    """Joint k at (k + 1, 2 k + 1) of a list, which counts from 1; the last hidden."""
    return dict(
        image=image,
        center=list(center),
        scale=0.5,
        joints=[[k + 1, 2 * k + 1] for k in range(count)],
        joints_vis=[1] * (count - 1) + [0],
        joints_visible=[1] * (count - 2) + [0, 0],
    )


@pytest.fixture
def annotation_list(tmp_path) -> Path:
    path = tmp_path / 'list.json'
    path.write_text(json.dumps([person('other.png'), person('a.png')]))
    return path


def test_a_panel_is_drawn_with_and_without_truth(
    main, model, folder, annotation_list, tmp_path
):
    photo, out = str(folder / 'a.png'), tmp_path / 'out'
    main([photo, *model, '--out', str(out / 'chosen.png')])
    main(
        [photo, *model, '--out', str(out / 'known.png'), '--gt', str(annotation_list)]
        + ['--joints', 'r_wrist', 'l_knee', 'neck', '--box', '10,10,80,100']
    )
    six, three = (cv2.imread(str(out / f'{n}.png')) for n in ('chosen', 'known'))
    assert six.shape[1] > 1.5 * three.shape[1] > three.shape[0] > 100
    assert len(list(out.iterdir())) == 2


def test_bad_input_is_one_line_and_leaves_nothing(
    main, model, folder, annotation_list, tmp_path
):
    photo, out = str(folder / 'a.png'), ['--out', str(tmp_path / 'panel.png')]
    for arguments, fault in (
        ([str(folder / 'no.png'), *model, *out], r'no\.png: No such file'),
        ([photo, *model, *out, '--joints', 'tail'], "no joint 'tail'; there are right"),
        ([photo, *model, *out, '--box', '1,2,3'], 'give four numbers'),
        ([photo, *model, *out, '--box', '95,0,99,9'], 'outside the photo of 90 x 120'),
        ([photo, *model, *out, '--box', 'nan,0,9,9'], 'NaN'),
        ([photo, *model, *out, '--gt', 'no.json'], r'no\.json: No such file'),
        ([photo, *model, '--out', 'x.doc'], 'cannot draw this kind'),
        ([photo, *model, *out, '--sure', '0.3'], 'give --kpt-thr'),
        ([photo, *model, *out, '--kpt-thr', '2'], '--kpt-thr 2: give a number'),
    ):
        with pytest.raises(UserError, match=fault) as caught:
            main(arguments)
        assert '\n' not in str(caught.value)
    assert not (tmp_path / 'panel.png').exists()


def test_joints_have_short_names():
    assert joint_index('r_wrist', LSP_JOINTS) == LSP_JOINTS.index('right_wrist')
    assert joint_index('Left-Knee', LSP_JOINTS) == LSP_JOINTS.index('left_knee')
    assert joint_index('neck', LSP_JOINTS) == LSP_JOINTS.index('upper_neck')
    assert joint_index('head_top', LSP_JOINTS) == LSP_JOINTS.index('head_top')


def test_a_list_of_other_joints_is_mapped_by_name(annotation_list):
    known = known_joints(annotation_list, 'some/a.png', MPII_JOINTS)
    # LSP's joint 0 is the right ankle, 6 the right wrist, 12 the neck.
    for name, index in (('right_ankle', 0), ('right_wrist', 6), ('upper_neck', 12)):
        place = known.joints[MPII_JOINTS.index(name)]
        assert place.tolist() == [index, 2 * index]
    assert np.isnan(known.joints[MPII_JOINTS.index('pelvis')]).all()
    assert np.isnan(known.joints[MPII_JOINTS.index('head_top')]).all()
    hidden = [MPII_JOINTS[i] for i in np.flatnonzero(known.occluded)]
    assert hidden == ['upper_neck']
    # Side 0.5 x 200 px about (46, 61), counted from 1.
    assert known.box.tolist() == [-5, 10, 95, 110]


def test_of_several_persons_the_one_nearest_to_the_box_is_taken(tmp_path):
    path = tmp_path / 'list.json'
    persons = [person('x/a.png', 16, center) for center in ((21, 21), (81, 81))]
    path.write_text(json.dumps(persons))
    near = known_joints(path, 'x/a.png', MPII_JOINTS, np.array([60, 60, 90, 90]))
    # Moved down by 15 px of 200, as MpiiPartDataset moves it.
    assert near.box.tolist() == [30, 37.5, 130, 137.5]
    for photo in ('b.png', 'y/a.png'):
        with pytest.raises(UserError, match=rf'holds no person of {photo}'):
            known_joints(path, photo, MPII_JOINTS)
    # A bare name is enough where only one photo has it.
    assert known_joints(path, 'a.png', MPII_JOINTS).box.tolist() == [
        -30,
        -22.5,
        70,
        77.5,
    ]
    persons.append(person('y/a.png', 16))
    path.write_text(json.dumps(persons))
    with pytest.raises(UserError, match='holds several of this name'):
        known_joints(path, 'a.png', MPII_JOINTS)


def test_a_list_may_not_say_what_is_hidden(tmp_path):
    path = tmp_path / 'list.json'
    unknown = person('a.png', 14)
    del unknown['joints_visible']
    path.write_text(json.dumps([unknown]))
    assert known_joints(path, 'a.png', LSP_JOINTS).occluded is None


def test_several_photos_get_a_panel_each(main, model, folder, tmp_path):
    photos = [str(folder / name) for name in ('a.png', 'b.jpg')]
    main([*photos, *model, '--out', str(tmp_path / 'panels')])
    assert sorted(p.name for p in (tmp_path / 'panels').iterdir()) == ['a.png', 'b.png']
    main([photos[1], *model, '--out', str(tmp_path / 'alone.png')])
    together, alone = tmp_path / 'panels' / 'b.png', tmp_path / 'alone.png'
    assert np.array_equal(cv2.imread(str(together)), cv2.imread(str(alone)))
    with pytest.raises(UserError, match='same name'):
        main([photos[0], photos[0], *model, '--out', str(tmp_path / 'panels')])
