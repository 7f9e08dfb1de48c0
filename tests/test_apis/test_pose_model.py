"""Models load with the weights they fit, or say in one line why not."""

import copy

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.apis import init_model

from phr_mmpose.apis import pose_model
from phr_mmpose.apis.pose_model import joint_links, load_pose_model
from phr_mmpose.datasets.joints import LSP_JOINTS
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.joints_meta import checked_joints, joint_names


def refused(config, weights, device='cpu') -> str:
    with pytest.raises(UserError) as caught:
        load_pose_model(config, weights, device)
    message = str(caught.value)
    assert '\n' not in message
    return message


@pytest.mark.parametrize('kind', ['with_meta', 'without_meta'])
def test_joints_are_known_with_and_without_meta(config, checkpoints, kind):
    model = load_pose_model(config, checkpoints[kind], 'cpu')
    assert not model.training
    assert joint_names(model.dataset_meta) == list(LSP_JOINTS)
    limbs = {
        (joint_names(model.dataset_meta)[a], joint_names(model.dataset_meta)[b])
        for a, b in joint_links(model)
    }
    assert ('left_elbow', 'left_wrist') in limbs
    saved = torch.load(checkpoints[kind], weights_only=False)['state_dict']
    # Normalisation is fused into the convolutions of this one's weights.
    norm = {key[13:]: saved[key] for key in saved if key.startswith('backbone.bn1.')}
    factor = norm['weight'] / (norm['running_var'] + 1e-5).sqrt()
    torch.testing.assert_close(
        model.backbone.conv1.weight,
        saved['backbone.conv1.weight'] * factor[:, None, None, None],
    )
    score = 'head.refiner.tail.3.weight'
    assert torch.equal(model.state_dict()[score], saved[score])


def test_a_config_that_was_read_and_changed_is_taken_as_it_is(config, checkpoints):
    changed = Config.fromfile(config)
    changed.model.test_cfg = dict(flip_test=False, shift_heatmap=True)
    before = copy.deepcopy(changed)
    model = load_pose_model(changed, checkpoints['with_meta'], 'cpu')
    assert model.test_cfg == dict(flip_test=False, shift_heatmap=True)
    assert changed.model == before.model
    del changed.model.backbone
    assert str(config) in refused(changed, checkpoints['with_meta'])


def test_a_checkpoint_of_another_model_is_refused(config, checkpoints, tmp_path):
    saved = torch.load(checkpoints['without_meta'], weights_only=True)
    saved['state_dict'].popitem()
    path = tmp_path / 'other.pth'
    torch.save(saved, path)
    message = refused(config, path)
    assert (
        str(path) in message and 'another model' in message and '1 missing' in message
    )


@pytest.mark.parametrize('weight', [torch.zeros(1, device='meta'), 'one', 1j])
def test_odd_weights_are_refused_by_mmposes_own_tools_too(
    config, checkpoints, tmp_path, weight
):
    saved = torch.load(checkpoints['with_meta'], weights_only=False)
    saved['state_dict']['backbone.bn1.weight'] = weight
    path = tmp_path / 'odd.pth'
    torch.save(saved, path)
    with pytest.raises(UserError, match=r"'backbone\.bn1\.weight' is no plain|complex"):
        init_model(config, str(path), 'cpu')


def test_a_truncated_checkpoint_is_refused(config, checkpoints, tmp_path):
    path = tmp_path / 'short.pth'
    with open(checkpoints['with_meta'], 'rb') as file:
        path.write_bytes(file.read(5000))
    assert f'{path} is damaged' in refused(config, path)


def test_a_checkpoint_of_other_joints_is_refused(config, checkpoints, tmp_path):
    saved = torch.load(checkpoints['with_meta'], weights_only=False)
    meta = saved['meta']['dataset_meta']
    meta.update(keypoint_id2name={0: 'nose', 1: 'tail'}, flip_indices=[0, 1])
    meta.update(keypoint_colors=[[0, 0, 0]] * 2, skeleton_links=[(0, 1)])
    meta.update(skeleton_link_colors=[[0, 0, 0]])
    path = tmp_path / 'fish.pth'
    torch.save(saved, path)
    assert 'puts out 14 joints, but 2 are named' in refused(config, path)


def test_joints_that_are_picked_are_refused(config, checkpoints):
    changed = Config.fromfile(config)
    changed.model.test_cfg.output_keypoint_indices = [0, 1]
    assert 'output_keypoint_indices picks some' in refused(
        changed, checkpoints['with_meta']
    )


def test_a_head_may_have_a_heatmap_and_two_offsets_for_each_joint(
    config, checkpoints, tmp_path
):
    changed = Config.fromfile(config)
    codec = dict(
        type='UDPHeatmap',
        input_size=(96, 96),
        heatmap_size=(24, 24),
        heatmap_type='combined',
    )
    changed.model = dict(
        type='TopdownPoseEstimator',
        backbone=dict(type='ResNet', depth=18, base_channels=8),
        head=dict(
            type='HeatmapHead',
            in_channels=64,
            out_channels=3 * 14,
            loss=dict(type='CombinedTargetMSELoss', use_target_weight=True),
            decoder=codec,
        ),
    )
    saved = torch.load(checkpoints['with_meta'], weights_only=False)
    saved['state_dict'] = init_model(changed, None, 'cpu').state_dict()
    path = tmp_path / 'offsets.pth'
    torch.save(saved, path)
    model = load_pose_model(changed, path, 'cpu')
    assert len(joint_names(model.dataset_meta)) == 14


ODD_META = dict(
    keypoint_id2name=[
        *(
            'text',
            5,
            [],
            {},
            dict.fromkeys(range(14), 7),
            dict.fromkeys('abcdefghijklmn'),
            dict.fromkeys(range(14), '\ud800'),
            dict.fromkeys(range(14), 'a\x1b[31m'),
            dict.fromkeys(range(14), 'a' * 1000),
        ),
        {index + 1: 'a' for index in range(14)},
    ],
    flip_indices=[None, 'text', 3, [0] * 14, list(range(13)), [[0, 1]], [1e9] * 14]
    + [[str(index) for index in range(14)]],
    skeleton_links=[
        None,
        3,
        'ab',
        [(0, 1, 2)],
        [(0, 14)],
        [(-1, 2)],
        [(0, None)],
        [('0', '1')],
        [(0.0, 1.0)],
        [0.5],
    ],
    keypoint_colors=[
        None,
        'red',
        [[0, 0, 0]],
        [[0, 0, 256]] * 14,
        [[10**400] * 3] * 14,
        torch.zeros(1).expand(10**6, 10**6),
    ],
    skeleton_link_colors=[{}, [[0, 0, 0]], [[float('nan')] * 3] * 14],
)


@pytest.mark.parametrize(
    ('key', 'value'),
    [(key, value) for key, values in ODD_META.items() for value in values],
)
def test_odd_joints_of_a_checkpoint_are_refused(checkpoints, key, value):
    saved = torch.load(checkpoints['with_meta'], weights_only=False)
    meta = saved['meta']['dataset_meta']
    assert checked_joints(meta, 'x.pth').keys() == meta.keys()
    with pytest.raises(UserError, match=f'x.pth: {key} of its dataset_meta'):
        checked_joints({**meta, key: value}, 'x.pth')


def test_joints_without_colours_are_grey(checkpoints):
    saved = torch.load(checkpoints['with_meta'], weights_only=False)
    meta = saved['meta']['dataset_meta']
    del meta['keypoint_colors'], meta['skeleton_link_colors']
    found = checked_joints(meta, 'x.pth')
    assert found['keypoint_colors'].shape == (14, 3)
    assert (found['skeleton_link_colors'] == 200).all()


def test_mmposes_own_loader_refuses_odd_joints(config, checkpoints, tmp_path):
    saved = torch.load(checkpoints['with_meta'], weights_only=False)
    saved['meta']['dataset_meta']['skeleton_links'] = [('0', '1')]
    torch.save(saved, tmp_path / 'odd.pth')
    with pytest.raises(UserError, match=r'odd\.pth: skeleton_links'):
        init_model(config, str(tmp_path / 'odd.pth'), 'cpu')


def test_a_checkpoint_s_meta_is_not_taken_for_a_sample(config, checkpoints, tmp_path):
    saved = torch.load(checkpoints['with_meta'], weights_only=False)
    saved['meta']['dataset_meta'].update(bbox_scale=7, keypoints='none', links=[])
    # As MMPose writes it for joints without links.
    none = dict(skeleton_links=[], skeleton_link_colors=np.array([]))
    saved['meta']['dataset_meta'].update(none)
    torch.save(saved, tmp_path / 'odd.pth')
    model = load_pose_model(config, tmp_path / 'odd.pth', 'cpu')
    assert not {'bbox_scale', 'keypoints', 'links'} & set(model.dataset_meta)
    assert joint_links(model) == []


def test_configs_that_are_none_are_refused(checkpoints, tmp_path):
    weights = checkpoints['with_meta']
    assert 'no such config' in refused(tmp_path / 'none.py', weights)
    empty = tmp_path / 'empty.py'
    empty.write_text('x = 1\n')
    assert 'has no model.backbone' in refused(empty, weights)
    odd = tmp_path / 'odd.py'
    odd.write_text(
        "model = dict(type='NoSuchModel', backbone=dict(type='ResNet', depth=18))\n"
        'test_dataloader = dict(dataset=dict(pipeline=[dict()]))\n'
    )
    assert 'its model cannot be built' in refused(odd, weights)


def test_sizes_that_do_not_fit_are_refused(config, checkpoints, tmp_path):
    odd = tmp_path / 'odd.py'
    odd.write_text(
        f'_base_ = {config!r}\nmodel = dict(head=dict(heatmap_size=(40, 48)))\n'
    )
    assert 'heatmap_size (40, 48) does not fit' in refused(
        odd, checkpoints['with_meta']
    )


@pytest.mark.parametrize('device', ['gpu', 'cuda:97', 'meta'])
def test_a_device_that_is_not_there_is_refused(config, checkpoints, device):
    assert f"device '{device}'" in refused(config, checkpoints['with_meta'], device)


def test_an_onnx_file_stands_in_for_a_checkpoint(config, exported):
    model = load_pose_model(config, exported)
    assert not model.training
    assert joint_names(model.dataset_meta) == list(LSP_JOINTS)
    assert model.data_preprocessor.device.type == 'cpu'


def test_onnx_files_that_do_not_fit_are_refused(
    config, exported, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(pose_model, 'choose_device', torch.device)
        assert 'computed on the CPU' in refused(config, exported, 'cuda:0')
    mpii = tmp_path / 'mpii.py'
    mpii.write_text(
        f'_base_ = [{config!r}]\n'
        "test_dataloader = dict(dataset=dict(joints='mpii'))\n"
        'model = dict(head=dict(out_channels=16))\n'
    )
    assert 'number of joints is 14' in refused(mpii, exported, None)
    assert 'none.onnx: no such file' in refused(config, 'none.onnx', None)


def test_an_onnx_file_of_other_joints_is_refused(config, exported, tmp_path):
    onnx = pytest.importorskip('onnx')
    content = onnx.load(exported)
    facts = {each.key: each.value for each in content.metadata_props}
    facts['joints'] = facts['joints'].replace('right_ankle', 'right_toe')
    onnx.helper.set_model_props(content, facts)
    onnx.save(content, str(tmp_path / 'toes.onnx'))
    assert 'its joints' in refused(config, tmp_path / 'toes.onnx', None)
    facts['joints'] = facts['joints'].replace('right_toe', 'right_ankle')
    facts['flip_indices'] = str(list(range(14)))
    onnx.helper.set_model_props(content, facts)
    onnx.save(content, str(tmp_path / 'toes.onnx'))
    assert 'its flip_indices' in refused(config, tmp_path / 'toes.onnx', None)
