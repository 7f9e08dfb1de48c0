"""The models that come with the package."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tool_modules import load_tool

import phr_mmpose  # noqa: F401
from phr_mmpose.apis import estimate_poses, load_pose_model
from phr_mmpose.datasets.figures import draw_figure
from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.errors import UserError
from phr_mmpose.zoo import find_model, list_models, model_card, model_files, shipped

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def publish():
    return load_tool('publish_model').main


@pytest.fixture
def card(tmp_path):
    path = tmp_path / 'card.json'
    path.write_text(json.dumps(dict(data='noise')))
    return path


def test_the_lite_cascade_is_in_the_box():
    assert 'phr_lite_lsp' in list_models()


@pytest.mark.parametrize('name', list_models())
def test_a_model_in_the_box(name):
    _, weights = model_files(name)
    assert Path(weights).stat().st_size < 10e6
    card = model_card(name)
    assert {'data', 'licence', 'command', 'figures', 'sha256'} <= set(card)
    for key, value in safe_load(weights)['state_dict'].items():
        whole = '.running_' in key or key.endswith('num_batches_tracked')
        assert whole or value.dtype == torch.float16
    model = load_pose_model(name, device='cpu')
    figure = draw_figure(seed=7, index=1, size=160)
    poses = estimate_poses(model, figure.image, figure.box[None])
    # It has learned what a person is: most joints lie near where they are drawn.
    names = [model.dataset_meta['keypoint_id2name'][index] for index in range(14)]
    from phr_mmpose.datasets.joints import MPII_JOINTS

    truth = figure.joints[[MPII_JOINTS.index(each) for each in names]]
    near = np.linalg.norm(poses.keypoints[0] - truth, axis=1) < 0.15 * 160
    assert near.mean() > 0.5
    assert (poses.visible >= 0).all() and (poses.visible <= 1).all()


def test_a_name_that_is_none_tells_which_there_are():
    with pytest.raises(UserError, match='no_such_model'):
        load_pose_model('no_such_model')


def test_a_command_line_means_a_model_in_the_box_or_files():
    shipped_files = model_files('phr_lite_lsp')
    assert find_model(None, None) == find_model('phr_lite_lsp', None) == shipped_files
    assert find_model('my.py', 'my.pth') == ('my.py', 'my.pth')
    with pytest.raises(UserError, match='needs --config'):
        find_model(None, 'my.pth')
    with pytest.raises(UserError, match=r'my\.py: a config needs weights'):
        find_model('my.py', None)


@pytest.mark.parametrize(
    ('tool', 'options', 'more'),
    [('test', ['--work-dir', 'w'], []), ('export_onnx', ['--int8'], ['out.onnx'])],
)
def test_tools_take_its_name_for_config_and_checkpoint(tool, options, more):
    parse = load_tool(tool).parse_args
    args = parse(['phr_lite_lsp', *options, *more])
    assert (args.config, args.checkpoint) == model_files('phr_lite_lsp')
    # Both, with options between.
    args = parse(['my.py', *options, 'my.pth', *more])
    assert (args.config, args.checkpoint) == ('my.py', 'my.pth')


def test_a_published_model_predicts_as_its_checkpoint(
    publish, config, checkpoints, card, photo, tmp_path, monkeypatch
):
    monkeypatch.setattr(shipped, '_FOLDER', tmp_path / 'zoo')
    weights = checkpoints['with_meta']
    publish([config, weights, '--card', str(card), '--folder', str(tmp_path / 'zoo')])
    name = Path(config).stem
    assert list_models() == [name] and model_card(name)['data'] == 'noise'
    saved = safe_load(weights)['state_dict']
    published = safe_load(model_files(name)[1])['state_dict']
    assert list(published) == list(saved)
    for key, value in saved.items():
        torch.testing.assert_close(
            published[key].to(value.dtype), value, rtol=1e-3, atol=1e-6
        )
    found = load_pose_model(name, device='cpu')
    box = np.float32([[5, 5, 85, 115]])
    assert np.isfinite(estimate_poses(found, photo, box).keypoints).all()
    assert Path(model_files(name)[0]) == Path(config)

    file = tmp_path / 'zoo' / name / 'weights.pth'
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match='is damaged'):
        load_pose_model(name)


def test_what_cannot_be_published(publish, config, checkpoints, card, tmp_path):
    folder = ['--folder', str(tmp_path / 'zoo')]
    unnamed = tmp_path / 'weights.pth'
    shutil.copy(checkpoints['without_meta'], unnamed)
    with pytest.raises(UserError, match='which joints'):
        publish([config, str(unnamed), '--card', str(card), *folder])
    card.write_text('[]')
    with pytest.raises(UserError, match='is no card'):
        publish([config, checkpoints['with_meta'], '--card', str(card), *folder])
    card.write_text('{}')
    large = tmp_path / 'large.pth'
    content = torch.load(checkpoints['with_meta'], weights_only=False)
    content['state_dict']['head.detector.score.bias'] += 1e6
    torch.save(content, large)
    with pytest.raises(UserError, match='beyond half'):
        publish([config, str(large), '--card', str(card), *folder])
    del content['state_dict']['head.detector.score.bias']
    torch.save(content, large)
    with pytest.raises(UserError, match='another model'):
        publish([config, str(large), '--card', str(card), *folder])
    assert not list(tmp_path.glob('zoo/*'))
    # Another's config would not be there where the package is installed.
    own = tmp_path / 'own.py'
    shutil.copy(config, own)
    with pytest.raises(UserError, match='is not in'):
        publish([str(own), checkpoints['with_meta'], '--card', str(card), *folder])
