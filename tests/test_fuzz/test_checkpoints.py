"""Mutated checkpoints load into a model or a run, or give a UserError; no code runs."""

import io
import os
import pickle
import re
import runpy
import uuid
import zipfile
from collections import OrderedDict, defaultdict, deque
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzzing import CODE, ODD, counts, mutated, mutated_bytes, survives
from mmengine.logging import HistoryBuffer

from phr_mmpose.apis.estimation import estimate_poses
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.engine.resuming import latest_checkpoint
from phr_mmpose.utils.allowed_pickles import AllowList
from phr_mmpose.utils.checkpoint import safe_load

REPO = Path(__file__).resolve().parents[2]


class RunsCode:
    """A pickle that runs a command when it is loaded."""

    def __reduce__(self):
        return os.system, ('true',)

    def __deepcopy__(self, memo):
        return self


ODD_PARTS = (
    *ODD,
    *(torch.zeros(0), torch.zeros(7), torch.zeros(7).long(), torch.full((), torch.nan)),
    *(torch.zeros(2, dtype=torch.complex64), torch.zeros(10**9, device='meta')),
    *(torch.zeros(3, 3).to_sparse(), torch.zeros(1).expand(10**6, 10**6)),
    *(np.zeros(3), np.array(['a']), np.float32(2), np.zeros((2, 0)), RunsCode()),
    *(HistoryBuffer([1.0], [1]), Path('/etc'), datetime(2020, 1, 1), {1, 'a'}, (1, 2)),
    *(OrderedDict(a=1), defaultdict(list), deque([1], 3), b'a', 1j, slice(3), 'cuda:7'),
)
NAMES = (
    *AllowList(0).names(),
    *('os.system', 'builtins.eval', 'builtins.exec', 'posix.system'),
    *('torch._utils._rebuild_tensor_v2', 'torch._utils._rebuild_parameter'),
    *('torch._utils._rebuild_sparse_tensor', 'torch.nn.modules.linear.Linear'),
    *('torch.FloatStorage', 'torch.storage.UntypedStorage', 'torch.Tensor'),
)


def checkpoint(weights: dict) -> dict:
    """The kinds of things that MMEngine's checkpoints hold."""
    return dict(
        state_dict=weights,
        meta=dict(
            epoch=2, iter=6, seed=1, cfg='a = 1', time=datetime(2020, 1, 1), path=Path()
        ),
        message_hub=dict(
            log_scalars=OrderedDict({'train/loss': HistoryBuffer([1.0, 2.0], [1, 1])}),
            runtime_info=OrderedDict(epoch=2, best=np.float32(3)),
            resumed_keys=OrderedDict(epoch=True),
        ),
        deque=deque([1], maxlen=3),
        default=defaultdict(list, a=[1]),
        array=np.arange(6.0).reshape(2, 3),
        text=np.array(['a', 'bc']),
    )


def forged(content: bytes, generator: np.random.Generator) -> bytes:
    """Change the pickle of a checkpoint; with right checksums if it is an archive."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return changed_pickle(content, generator)
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(result, 'w') as target,
    ):
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename.endswith('data.pkl'):
                data = changed_pickle(data, generator)
            elif generator.random() < 0.05:
                data = mutated_bytes(data + b'\0', generator)
            target.writestr(entry.filename, data)
    return result.getvalue()


def changed_pickle(content: bytes, generator: np.random.Generator) -> bytes:
    if generator.random() < 0.4:
        return mutated_bytes(content, generator)
    found = list(re.finditer(rb'c([\w.]+)\n(\w+)\n', content))
    for at in reversed(found):
        if generator.random() < 1 / len(found):
            name = NAMES[generator.integers(len(NAMES))]
            text = 'c{}\n{}\n'.format(*name.rsplit('.', 1)).encode()
            content = content[: at.start()] + text + content[at.end() :]
    for at in reversed(list(re.finditer(rb'K.|M..', content, re.DOTALL))):
        if generator.random() < 0.05:
            number = b'J' + generator.bytes(4)
            content = content[: at.start()] + number + content[at.end() :]
    return content


def save(value: object, path: Path) -> bool:
    """Save a checkpoint, and say whether that can be done."""
    try:
        torch.save(value, path)
    except Exception:
        return False
    return True


@counts(150, 6000)
@pytest.mark.parametrize('archive', [True, False], ids=['archive', 'legacy'])
def test_forged_bytes(archive, seeds, tmp_path):
    stream = io.BytesIO()
    weights = {'a.weight': torch.ones(2, 3), 'b': torch.zeros(2).half()}
    torch.save(checkpoint(weights), stream, _use_new_zipfile_serialization=archive)
    path = tmp_path / 'mutated.pth'

    def case(generator):
        content = stream.getvalue()
        path.write_bytes(
            forged(content, generator)
            if generator.random() < 0.8
            else mutated_bytes(content, generator)
        )
        pickle.dumps(safe_load(path, 'cpu'))

    survives(seeds, case)


@counts(8, 100)
def test_models(seeds, tmp_path, config, checkpoints, photo):
    sound = torch.load(checkpoints['with_meta'], weights_only=False)
    path = tmp_path / 'mutated.pth'

    def case(generator):
        # One half of them in what says which joints there are.
        content = dict(sound)
        if generator.random() < 0.5:
            content['meta'] = mutated(content['meta'], generator, ODD_PARTS)
        else:
            content = mutated(content, generator, ODD_PARTS)
        if save(content, path):
            model = load_pose_model(config, path, 'cpu')
            estimate_poses(model, photo, np.float32([[5, 5, 80, 90]]))

    survives(seeds, case)


@pytest.fixture(scope='module')
def resumable(tmp_path_factory):
    """A run of the tiny cascade, its config and how it is trained."""
    main = runpy.run_path(str(REPO / 'tools' / 'train.py'))['main']
    folder = tmp_path_factory.mktemp('run')
    config = folder / 'config.py'
    base = REPO / 'tests' / 'test_engine' / 'tiny_config.py'
    config.write_text(f"""
_base_ = [{str(base)!r}]
train_dataloader = dict(dataset=dict(count=4))
model = dict(head=dict(refiner=dict(width=8)))
default_hooks = dict(param_scheduler=dict(stages=[
    dict(name='detector', trains=['detector'], epochs=1, lr=1e-3),
    dict(name='joint', trains=['detector', 'refiner'], epochs=2, lr=1e-3,
         param_scheduler=[dict(type='LinearLR', start_factor=0.5, end=2)])]))
train_cfg = dict(max_epochs=3, val_interval=9)
custom_hooks = [dict(type='EMAHook')]
log_level = 'ERROR'
""")

    def train(work_dir: Path, *arguments: str) -> None:
        name = f'experiment_name={uuid.uuid4().hex}'
        main([str(config), f'--work-dir={work_dir}', *arguments, '--cfg-options', name])

    train(folder / 'run')
    return folder / 'run' / 'epoch_2.pth', train


@counts(3, 50)
def test_runs(seeds, tmp_path, resumable):
    sound, train = resumable
    sound = torch.load(sound, weights_only=False)
    path = tmp_path / 'mutated.pth'

    def case(generator):
        content = dict(sound)
        key = ('meta', 'message_hub', 'optimizer', 'param_schedulers', None)[
            generator.integers(5)
        ]
        if key:
            content[key] = mutated(content[key], generator, ODD_PARTS)
            if key == 'meta' and generator.random() < 0.1:
                content['meta']['config'] = CODE
        else:
            content = mutated(content, generator, ODD_PARTS)
        if save(content, path):
            option = ('--resume', '--load-from')[int(generator.random() < 0.2)]
            train(tmp_path / 'work', f'{option}={path}')

    survives(seeds, case)


@counts(100, 1000)
def test_notes_of_the_last_checkpoint(seeds, tmp_path):
    note, other = tmp_path / 'last_checkpoint', tmp_path / 'epoch_1.pth'
    torch.save(dict(optimizer={}), other)

    def case(generator):
        name = str(other).encode()
        note.write_bytes(
            mutated_bytes(name, generator)
            if generator.random() < 0.5
            else (b'/' * 5000, b'a' * 300 + b'.pth', b'..', b'\xff.pth')[
                generator.integers(4)
            ]
        )
        assert latest_checkpoint(tmp_path) is not None

    survives(seeds, case)
