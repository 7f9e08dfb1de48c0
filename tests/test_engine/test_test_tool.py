import copy
import json
import re

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmpose.registry import DATASETS, MODELS

from phr_mmpose.utils.errors import UserError

COLUMNS = ('Head', 'Shoulder', 'Elbow', 'Wrist', 'Hip', 'Knee', 'Ankle', 'Total')


@pytest.fixture(scope='module')
def test(tiny):
    return tiny.tool('test')


@pytest.fixture(scope='module')
def checkpoint(tiny, tmp_path_factory):
    """Weights that answer at random, and differently in the two outputs."""
    folder = tmp_path_factory.mktemp('weights')
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpose'):
        model = MODELS.build(tiny.config(folder).model)
    for name, parameter in model.named_parameters():
        if 'head.' in name:
            torch.nn.init.normal_(parameter, std=0.1)
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    return folder / 'model.pth'


def evaluate(test, tiny, checkpoint, folder, *arguments):
    test.main(
        [str(tiny.path), str(checkpoint), '--work-dir', str(folder / 'work')]
        + ['--out', str(folder / 'p.npz'), '--json', str(folder / 's.json')]
        + [*arguments, '--cfg-options', 'test_dataloader.dataset.count=6']
    )
    return json.loads((folder / 's.json').read_text())


def test_numbers_and_predictions(test, tiny, checkpoint, tmp_path, capsys):
    numbers = evaluate(test, tiny, checkpoint, tmp_path)
    printed = dict(re.findall(r'^(\S+): (\S+)$', capsys.readouterr().out, re.MULTILINE))
    for column in COLUMNS:
        value = float(printed[f'mpii/{column}'])
        assert value == pytest.approx(numbers[f'mpii/{column}'], rel=1e-3)
    assert numbers['output'] == 'refiner'
    # The saved predictions give the same rate: all but pelvis and thorax within
    # five pixels, half the head size of ten.
    with np.load(tmp_path / 'p.npz') as arrays:
        preds = arrays['preds']
    dataset = DATASETS.build(dict(type='NoiseDataset', count=6))
    truth = np.stack([dataset[index]['keypoints'][0] for index in range(6)])
    near = np.linalg.norm(preds - truth, axis=-1) <= 5
    near = np.delete(near, (6, 7), axis=1)
    assert numbers['mpii/Total'] == pytest.approx(100 * near.mean())

    detector = evaluate(test, tiny, checkpoint, tmp_path, '--output', 'detector')
    assert detector['output'] == 'detector'
    with np.load(tmp_path / 'p.npz') as arrays:
        assert not np.array_equal(arrays['preds'], preds)


def test_an_onnx_file_scores_as_its_checkpoint(
    test, tiny, checkpoint, tmp_path, capsys
):
    pytest.importorskip('onnx', reason='needs the extra "onnx"')
    pytest.importorskip('onnxruntime', reason='needs the extra "onnx"')
    from phr_mmpose.apis.pose_model import load_pose_model
    from phr_mmpose.deploy.onnx_export import export_onnx

    export_onnx(load_pose_model(tiny.path, checkpoint, 'cpu'), tmp_path / 'a.onnx')
    for output in ('refiner', 'detector'):
        first, second = (
            evaluate(test, tiny, weights, tmp_path, '--output', output)
            for weights in (checkpoint, tmp_path / 'a.onnx')
        )
        for column in COLUMNS:
            assert first[f'mpii/{column}'] == second[f'mpii/{column}']
    capsys.readouterr()
    work = tmp_path / 'unused'
    arguments = (tiny.path, tmp_path / 'none.onnx', '--work-dir', work)
    assert 'no such file' in fails(test, *arguments)
    assert not work.exists() and not capsys.readouterr().out
    onnx = pytest.importorskip('onnx')
    content = onnx.load(str(tmp_path / 'a.onnx'))
    facts = {each.key: each.value for each in content.metadata_props}
    facts['joints'] = facts['joints'].replace('right_ankle', 'right_toe')
    onnx.helper.set_model_props(content, facts)
    onnx.save(content, str(tmp_path / 'toes.onnx'))
    arguments = (tiny.path, tmp_path / 'toes.onnx', '--work-dir', tmp_path / 'work')
    assert 'its joints' in fails(test, *arguments)


def fails(test, *arguments):
    with pytest.raises(UserError) as error:
        test.main([str(argument) for argument in arguments])
    assert '\n' not in str(error.value)
    return str(error.value)


class Malice:
    def __reduce__(self):
        return print, ('code ran',)


def test_checkpoints_that_must_not_pass(test, tiny, checkpoint, tmp_path, capsys):
    arguments = ['--work-dir', tmp_path / 'work', '--json', tmp_path / 's.json']
    other = tmp_path / 'other.pth'
    torch.save(dict(state_dict={'conv.weight': torch.zeros(1)}), other)
    torn = tmp_path / 'torn.pth'
    torn.write_bytes(checkpoint.read_bytes()[:5000])
    evil = tmp_path / 'evil.pth'
    torch.save(dict(state_dict=Malice()), evil)
    for path, reason in (
        (other, 'is a checkpoint of another model'),
        (torn, 'is damaged'),
        (evil, 'was not loaded'),
        (tmp_path / 'none.pth', 'no such checkpoint'),
    ):
        line = fails(test, tiny.path, path, *arguments)
        assert str(path) in line
        assert reason in line
    assert 'code ran' not in capsys.readouterr().out
    assert not (tmp_path / 's.json').exists()


def test_what_cannot_be_built_or_made_is_one_line(test, tiny, checkpoint, tmp_path):
    arguments = [tiny.path, checkpoint, '--work-dir', tmp_path / 'work']
    for option in ('model.foo=1', 'test_dataloader.dataset.foo=1'):
        line = fails(test, *arguments, '--cfg-options', option)
        assert line.startswith(f'{tiny.path}: cannot be built: ') and 'foo' in line
    (tmp_path / 'file').write_text('')
    line = fails(test, *arguments[:2], '--work-dir', tmp_path / 'file')
    assert 'cannot be a folder for results (File exists)' in line


def coco_list(folder):
    """The persons of the tiny test data as a COCO file."""
    dataset = DATASETS.build(dict(type='NoiseDataset', count=4))
    images, annotations = [], []
    for index in range(4):
        keypoints = dataset[index]['keypoints'][0]
        flat = np.concatenate([keypoints, np.full((16, 1), 2)], axis=1).ravel()
        images.append(dict(id=index, width=40, height=40, file_name=f'{index}.png'))
        annotations.append(
            dict(
                id=index + 1,
                image_id=index,
                category_id=1,
                keypoints=flat.tolist(),
                num_keypoints=16,
                bbox=[0, 0, 40, 40],
                area=1600,
                iscrowd=0,
            )
        )
    categories = [dict(id=1, name='person', keypoints=[''] * 16, skeleton=[])]
    content = dict(images=images, annotations=annotations, categories=categories)
    (folder / 'coco.json').write_text(json.dumps(content))
    return folder / 'coco.json'


def test_the_config_of_the_training_stays(
    test, tiny, checkpoint, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    trained = tmp_path / 'work_dirs' / tiny.path.stem / tiny.path.name
    trained.parent.mkdir(parents=True)
    trained.write_text('trained = True\n')
    arguments = [tiny.path, checkpoint, '--output', 'detector']
    test.main([str(argument) for argument in arguments])
    assert trained.read_text() == 'trained = True\n'
    tested = Config.fromfile(trained.parent / 'test' / tiny.path.name)
    assert tested.model.test_cfg.output == 'detector'


def test_several_processes_are_refused(test, tiny, checkpoint, monkeypatch):
    monkeypatch.setenv('WORLD_SIZE', '2')
    assert "MMPose's own test.py" in fails(test, tiny.path, checkpoint)


OTHER_METRICS = {
    'one of MMPose': [dict(type='PCKAccuracy', thr=0.5)],
    'COCO': [dict(type='CocoMetric')],
    'several': [dict(type='PCKAccuracy'), dict(type='AUC'), dict(type='EPE')],
    'both of ours': [dict(type='MpiiPCKhAccuracy'), dict(type='LspPCKAccuracy')],
}
KEYS = {
    'one of MMPose': {'PCK'},
    'COCO': {'coco/AP', 'coco/AR'},
    'several': {'PCK', 'AUC', 'EPE'},
    'both of ours': {'mpii/Total', 'mpii/Total@0.1', 'lsp/Total'},
}


@pytest.mark.parametrize('kind', OTHER_METRICS)
def test_any_evaluator_runs(test, tiny, checkpoint, tmp_path, capsys, kind):
    evaluator = copy.deepcopy(OTHER_METRICS[kind])
    if kind == 'COCO':
        evaluator[0]['ann_file'] = str(coco_list(tmp_path))
    config = tmp_path / 'other.py'
    config.write_text(f"_base_ = '{tiny.path}'\ntest_evaluator = {evaluator!r}\n")
    arguments = [config, checkpoint, '--work-dir', tmp_path / 'work']
    arguments += ['--json', tmp_path / 's.json']
    test.main([str(argument) for argument in arguments])
    # MMEngine's log is in between.
    printed = dict(re.findall(r'^(\S+): (\S+)$', capsys.readouterr().out, re.MULTILINE))
    numbers = json.loads((tmp_path / 's.json').read_text())
    assert KEYS[kind] <= set(numbers) and KEYS[kind] <= set(printed)
    for key in KEYS[kind]:
        assert float(printed[key]) == pytest.approx(numbers[key], rel=1e-3)
    assert numbers['checkpoint'] == str(checkpoint)
    line = fails(test, *arguments[:4], '--out', tmp_path / 'p.npz')
    assert 'exactly one of LspPCKAccuracy, MpiiPCKhAccuracy' in line


def test_one_of_ours_beside_another(test, tiny, checkpoint, tmp_path, capsys):
    config = tmp_path / 'both.py'
    config.write_text(
        f"_base_ = '{tiny.path}'\n"
        "test_evaluator = [dict(type='MpiiPCKhAccuracy', thr=0.4),\n"
        "                  dict(type='PCKAccuracy')]\n"
    )
    arguments = [config, checkpoint, '--work-dir', tmp_path / 'work']
    arguments += ['--json', tmp_path / 's.json', '--out', tmp_path / 'p.npz']
    test.main([str(argument) for argument in arguments])
    numbers = json.loads((tmp_path / 's.json').read_text())
    assert {'mpii/Total', 'mpii/Total@0.1', 'PCK'} <= set(numbers)
    assert numbers['measure'] == 'PCKh@0.4'
    assert (tmp_path / 'p.npz').exists()


def test_outputs_are_checked_before_the_evaluation(
    test, tiny, checkpoint, tmp_path, monkeypatch
):
    def evaluated(runner):
        raise AssertionError('the evaluation has begun')

    monkeypatch.setattr(Runner, 'test', evaluated)
    np.save(tmp_path / 'five.npy', np.zeros((5, 16, 2)))
    arguments = [tiny.path, checkpoint, '--work-dir', tmp_path / 'work']
    for option, value, fault in (
        ('--json', tmp_path / 'five.npy' / 'c.json', 'cannot be written'),
        ('--json', tmp_path, 'is a folder'),
        ('--out', tmp_path, 'is a folder'),
        ('--curve', 'c.png', 'tools/eval_predictions.py --curve'),
        ('--detector', '', 'give --output detector'),
    ):
        assert fault in fails(test, *arguments, option, value)


@pytest.mark.parametrize('output', ['detector', 'refiner'])
def test_a_model_that_is_no_cascade_has_one_output(
    test, tiny, checkpoint, tmp_path, output
):
    config = tmp_path / 'plain.py'
    head = dict(_delete_=True, type='HeatmapHead', in_channels=64, out_channels=16)
    config.write_text(f"_base_ = '{tiny.path}'\nmodel = dict(head={head!r})\n")
    line = fails(test, config, checkpoint, '--output', output)
    assert line == (
        f'{config}: --output {output}: the model is no cascade; leave it out'
    )


def test_persons_without_a_reference_length_are_not_counted(
    test, tiny, checkpoint, tmp_path, capsys
):
    arguments = [tiny.path, checkpoint, '--work-dir', tmp_path / 'work']
    arguments += ['--cfg-options', 'test_evaluator.type=LspPCKAccuracy']
    arguments += ['test_dataloader.dataset.without_shoulder=1']
    test.main([str(argument) for argument in arguments])
    assert '3 persons, 1 without a reference length' in capsys.readouterr().out


def test_the_output_is_the_last_subnetwork_s_unless_told(test):
    head = dict(type='CascadeHeatmapRegressionHead')
    refiner = dict(type='HourglassRefiner')
    for model, output in (
        (dict(head=dict(head, refiner=None)), 'detector'),
        (dict(head=dict(head, refiner=refiner)), 'refiner'),
        (
            dict(head=dict(head, refiner=refiner), test_cfg=dict(output='detector')),
            'detector',
        ),
        # A head of another kind has neither.
        (dict(head=dict(type='HeatmapHead')), None),
    ):
        assert test.decoded_output(Config(dict(model=model))) == output
