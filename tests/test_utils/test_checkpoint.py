"""Checkpoints load without running code, and only into the model they fit."""

import os
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import BaseDataset
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.runner import CheckpointLoader, Runner, load_checkpoint
from torch import nn

from phr_mmpose.utils.checkpoint import (
    check_matches,
    get_state_dict,
    load_from_url,
    safe_load,
)
from phr_mmpose.utils.errors import UserError


class Regressor(BaseModel):
    """The smallest model that mmengine trains."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)
        self.norm = nn.BatchNorm1d(1)

    def forward(self, inputs, sample_idx=None, mode='tensor'):
        output = self.norm(self.layer(torch.stack(inputs)))
        return {'loss': output.square().sum()} if mode == 'loss' else output


class Numbers(BaseDataset):
    """Four samples, and metainfo with arrays as MMPose's datasets have it."""

    METAINFO = dict(
        sigmas=np.array([0.1, 0.2], np.float32),
        names=np.array(['a', 'bc']),
        flip_pairs=[(0, 1)],
        upper={0, 1},
        scale=np.float64(1.5),
        count=np.int64(2),
    )

    def load_data_list(self):
        return [dict(inputs=torch.full((2,), float(i))) for i in range(4)]


def make_runner(folder: Path, **options) -> Runner:
    return Runner(
        Regressor(),
        str(folder),
        train_dataloader=dict(
            dataset=Numbers(), batch_size=2, sampler=dict(type='DefaultSampler')
        ),
        train_cfg=dict(by_epoch=True, max_epochs=options.pop('epochs', 1)),
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.01)),
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=2),
            dict(type='MultiStepLR', milestones=[1]),
        ],
        custom_hooks=[dict(type='EMAHook')],
        default_scope='mmengine',
        experiment_name=f'{folder.name}_{len(options)}',
        log_level='ERROR',
        **options,
    )


@pytest.fixture(scope='module')
def trained(tmp_path_factory) -> Path:
    """A checkpoint as mmengine writes it, with all that it puts in."""
    folder = tmp_path_factory.mktemp('trained')
    make_runner(folder).train()
    return folder / 'epoch_1.pth'


class RunsCode:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self):
        return os.system, (f'touch {self.made}',)


@pytest.fixture(params=['new', 'legacy'])
def malicious(request, tmp_path) -> Path:
    path = tmp_path / 'malicious.pth'
    torch.save(
        dict(state_dict={'layer.weight': RunsCode(tmp_path / 'ran')}),
        path,
        _use_new_zipfile_serialization=request.param == 'new',
    )
    return path


def one_line(caught) -> str:
    """Give the error's message, once it is seen to be one line."""
    message = str(caught.value)
    assert '\n' not in message
    return message


def test_a_checkpoint_of_mmengine_loads_whole(trained):
    checkpoint = safe_load(trained)
    assert set(checkpoint) >= {
        'state_dict',
        'ema_state_dict',
        'optimizer',
        'param_schedulers',
        'message_hub',
        'meta',
    }
    meta = checkpoint['meta']['dataset_meta']
    assert meta['sigmas'].tolist() == Numbers.METAINFO['sigmas'].tolist()
    assert meta['sigmas'].dtype == np.float32
    assert meta['names'].tolist() == ['a', 'bc']
    assert meta['upper'] == {0, 1}
    assert meta['scale'] == 1.5 and meta['count'] == 2
    losses = checkpoint['message_hub']['log_scalars']['train/loss']
    assert isinstance(losses, HistoryBuffer)
    assert losses.statistics('mean') == losses.data[0].mean()


def test_a_run_resumes_from_it(trained, tmp_path):
    runner = make_runner(tmp_path, epochs=2, load_from=str(trained), resume=True)
    runner.train()
    assert runner.epoch == 2
    assert len(runner.message_hub.get_scalar('train/loss').data[0]) == 4


@pytest.mark.parametrize(
    ('ours', 'other'), [('numpy._core', 'numpy.core'), ('numpy.core', 'numpy._core')]
)
def test_arrays_saved_under_another_numpy_load(tmp_path, ours: str, other: str):
    path, moved = tmp_path / 'ours.pth', tmp_path / 'other.pth'
    torch.save(dict(array=np.arange(3), scalar=np.float32(2)), path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(moved, 'w') as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename.endswith('data.pkl'):
                data = data.replace(f'c{ours}.'.encode(), f'c{other}.'.encode())
            target.writestr(entry.filename, data)
    loaded = safe_load(moved)
    assert loaded['array'].tolist() == [0, 1, 2]
    assert loaded['scalar'] == 2


LOADERS = {
    'safe_load': safe_load,
    'CheckpointLoader': lambda path: CheckpointLoader.load_checkpoint(str(path)),
    'load_checkpoint': lambda path: load_checkpoint(Regressor(), str(path)),
    'url': lambda path: load_from_url(path.as_uri(), str(path.parent / 'cache')),
    'http scheme': lambda path: CheckpointLoader._schemes['https://'](
        path.as_uri(), model_dir=str(path.parent / 'cache')
    ),
    'buffer': lambda path: safe_load(path.open('rb')),
}


@pytest.mark.parametrize('loader', LOADERS)
def test_no_code_is_run_by_any_way_of_loading(malicious, loader: str):
    with pytest.raises(UserError, match=r'malicious.pth.*system.*trust') as caught:
        LOADERS[loader](malicious)
    one_line(caught)
    assert not (malicious.parent / 'ran').exists()


def test_the_option_to_trust_a_file_is_ignored(malicious):
    import mmengine.runner.checkpoint as loading

    with pytest.raises(UserError):
        loading.torch.load(malicious, weights_only=False)
    assert not (malicious.parent / 'ran').exists()


def test_resuming_a_run_runs_no_code(malicious, tmp_path):
    runner = make_runner(tmp_path, load_from=str(malicious), resume=True)
    with pytest.raises(UserError, match=r'malicious'):
        runner.train()
    assert not (malicious.parent / 'ran').exists()


@pytest.mark.parametrize('archive', [True, False], ids=['archive', 'legacy'])
@pytest.mark.parametrize('place', [0, 1], ids=['storage', 'size'])
def test_a_tensor_claims_no_more_than_the_file_has(tmp_path, place, archive):
    path = tmp_path / 'claims.pth'
    weights = dict(a=torch.zeros(70_000), b=torch.zeros(70_000))
    torch.save(weights, path, _use_new_zipfile_serialization=archive)
    assert torch.equal(safe_load(path)['a'], weights['a'])
    # 70,000 as four bytes, at first in the name of a storage, then in the tensor.
    written = b'J' + (70_000).to_bytes(4, 'little')
    parts = path.read_bytes().split(written)
    numbers = [written] * (len(parts) - 1)
    numbers[place] = b'J\0\0\0\x7f'
    content = b''.join(map(b''.join, zip(parts, [*numbers, b''], strict=True)))
    path.write_bytes(content)
    with pytest.raises(UserError, match=r'claims\.pth') as caught:
        safe_load(path)
    # Before torch makes room for 2**31 numbers, or reads where none are.
    assert isinstance(caught.value.__cause__, pickle.UnpicklingError)


def test_resuming_does_not_run_a_config_that_the_checkpoint_has(trained, tmp_path):
    # mmengine's runner executes the text of meta['config'].
    checkpoint = torch.load(trained, weights_only=False)
    checkpoint['meta']['config'] = f'open({str(tmp_path / "ran")!r}, "w")'
    torch.save(checkpoint, tmp_path / 'forged.pth')
    runner = make_runner(
        tmp_path / 'run', load_from=str(tmp_path / 'forged.pth'), resume=True
    )
    runner.train()
    assert not (tmp_path / 'ran').exists()


class Reaches:
    """A pickle that asks ``getattr`` for more than a HistoryBuffer's statistics."""

    def __init__(self, owner: object, name: str) -> None:
        self.call = getattr, (owner, name)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ('owner', 'name'), [(HistoryBuffer, '__init__'), (np.ndarray, 'tofile')]
)
def test_getattr_reaches_statistics_only(tmp_path, owner, name):
    path = tmp_path / 'reaching.pth'
    torch.save(Reaches(owner, name), path)
    with pytest.raises(UserError, match=r'reaching.pth.*getattr'):
        safe_load(path)


@pytest.mark.parametrize('kept', [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_named(trained, tmp_path, kept: float):
    data = trained.read_bytes()
    path = tmp_path / 'cut.pth'
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(UserError, match=r'cut.pth is (damaged|empty).*again') as caught:
        load_checkpoint(Regressor(), str(path))
    one_line(caught)


@pytest.mark.parametrize('content', [b'not a checkpoint', b'\x80\x02.', b'{"a": 1}'])
def test_another_kind_of_file_is_named(tmp_path, content: bytes):
    path = tmp_path / 'other.pth'
    path.write_bytes(content)
    with pytest.raises(UserError, match=r'other.pth') as caught:
        safe_load(path)
    one_line(caught)
    # Nothing of torch's advice, which ends in running the file's code.
    assert re.search(r'\((no pickle|[\w ]+: [^.]*)\): ', str(caught.value))


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(UserError, match=r'none.pth: no such checkpoint'):
        load_checkpoint(Regressor(), str(tmp_path / 'none.pth'))
    with pytest.raises(UserError, match=r'cannot be read|no such checkpoint'):
        safe_load(tmp_path)


@settings(max_examples=40)
@given(data=st.data())
def test_damage_anywhere_gives_a_clear_error_or_the_same(trained, data):
    content = bytearray(trained.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255))
    damaged = trained.parent / 'damaged.pth'
    damaged.write_bytes(content)
    try:
        loaded = safe_load(damaged)
    except UserError as error:
        assert 'damaged.pth' in str(error)
        return
    for name, weight in safe_load(trained)['state_dict'].items():
        assert torch.equal(loaded['state_dict'][name], weight)


def test_a_flipped_bit_in_the_weights_is_noticed(trained, tmp_path):
    content = bytearray(trained.read_bytes())
    weight = safe_load(trained)['state_dict']['layer.weight'].numpy().tobytes()
    content[content.index(weight)] ^= 1
    path = tmp_path / 'flipped.pth'
    path.write_bytes(content)
    for load in (safe_load, lambda path: safe_load(path.open('rb'))):
        with pytest.raises(UserError, match=r'flipped\.pth is damaged.*checksum'):
            load(path)


def test_a_file_without_checksums_loads(tmp_path):
    path = tmp_path / 'plain.pth'
    with zipfile.ZipFile(path, 'w') as target, _archive(tmp_path) as source:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
            target.filelist[-1].CRC = 0
    assert safe_load(path)['weight'].tolist() == [1, 1]


@pytest.mark.parametrize('times', [1, 100])
def test_an_archive_that_unfolds_is_refused(tmp_path, times):
    path = tmp_path / 'bomb.pth'
    method = zipfile.ZIP_DEFLATED if times == 1 else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, 'w', method) as target, _archive(tmp_path) as source:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
        # The same bytes under many names.
        largest = max(target.filelist, key=lambda entry: entry.file_size)
        target.filelist.extend([largest] * times)
    with pytest.raises(UserError, match=r'bomb\.pth is damaged.*compressed'):
        safe_load(path)


def _archive(folder: Path) -> zipfile.ZipFile:
    torch.save(dict(weight=torch.ones(2), more=torch.zeros(1000)), folder / 'one.pth')
    return zipfile.ZipFile(folder / 'one.pth')


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize(
    'name', ['__builtin__ bytearray', 'torch Tensor', 'torch.storage UntypedStorage']
)
def test_a_pickle_that_makes_room_of_any_size_is_refused(tmp_path, name, legacy):
    number = b'J' + (2**20).to_bytes(4, 'little')
    called = b'c%s\n%s\n' % tuple(name.encode().split()) + number + b'\x85R'
    path = tmp_path / 'x.pth'
    if legacy:
        torch.save({}, path, _use_new_zipfile_serialization=False)
        empty = pickle.dumps({}, 2)
        content = path.read_bytes()
        place = content.index(empty, 60)
        path.write_bytes(
            content[:place]
            + b'\x80\x02'
            + called
            + b'.'
            + content[place + len(empty) :]
        )
    else:
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('archive/data.pkl', b'\x80\x02' + called + b'.')
            archive.writestr('archive/version', '3\n')
    with pytest.raises(UserError, match=f'asks to run {name.replace(" ", ".")},'):
        safe_load(path)


def test_a_download_that_fails_says_where_to_put_the_file(tmp_path):
    url = (tmp_path / 'absent.pth').as_uri()
    with pytest.raises(UserError, match=r'absent.pth.*put it at') as caught:
        load_from_url(url, str(tmp_path / 'cache'))
    # Put there, it is found.
    place = re.search(r'put it at (\S+)$', one_line(caught))[1]
    assert list((tmp_path / 'cache').iterdir()) == []
    torch.save(dict(a=torch.ones(1)), place)
    assert load_from_url(url, str(tmp_path / 'cache'))['a'] == 1


def test_downloads_of_one_name_are_kept_apart(tmp_path):
    """Every run's last checkpoint is called stage_joint.pth."""
    addresses = {}
    for value, run in enumerate('ab'):
        (tmp_path / run).mkdir()
        file = tmp_path / run / 'stage_joint.pth'
        torch.save(dict(a=torch.tensor(value)), file)
        addresses[value] = file.as_uri()
    for _ in range(2):  # the second time from the cache
        for value, url in addresses.items():
            assert load_from_url(url, str(tmp_path / 'cache'))['a'] == value


@pytest.mark.parametrize(
    'name',
    ['resnet152-394f9c45.pth', 'res50_coco_256x192-ec54d7f3_20200709.pth'],
)
def test_names_with_a_hash_stay(tmp_path, name):
    """So that files which other programs have downloaded are found."""
    torch.save(dict(a=torch.ones(1)), tmp_path / name)
    loaded = load_from_url(f'https://localhost:9/{name}', str(tmp_path))
    assert loaded['a'] == 1


def test_weights_are_taken_from_either_layout():
    weights = {'module.layer.weight': torch.ones(1, 2)}
    for checkpoint in (weights, {'state_dict': weights, 'meta': {}}):
        assert list(get_state_dict(checkpoint, 'x.pth')) == ['layer.weight']


@pytest.mark.parametrize('checkpoint', [{}, {'state_dict': {}}, {'meta': 1}, [1], 3])
def test_a_file_without_weights_is_named(checkpoint):
    with pytest.raises(UserError, match=r'x.pth holds no model weights'):
        get_state_dict(checkpoint, 'x.pth')


ONES = torch.ones(2)


@pytest.mark.filterwarnings('ignore::UserWarning')
@pytest.mark.parametrize(
    ('state', 'named'),
    [
        (lambda: {1: ONES}, 'of type int'),
        (lambda: {('a', 2): ONES}, 'of type tuple'),
        (lambda: {None: ONES}, 'of type NoneType'),
        (lambda: dict(a=ONES.to('meta')), "'a'"),
        (lambda: dict(b=ONES.to_sparse()), "'b'"),
        (lambda: dict(b=torch.eye(2).to_sparse_csr()), "'b'"),
        (lambda: dict(c=torch.nested.nested_tensor([ONES, ONES[:1]])), "'c'"),
        (lambda: dict(d=ONES.to(torch.complex64)), "'d'"),
        (lambda: dict(e=torch.quantize_per_tensor(ONES, 1, 0, torch.qint8)), "'e'"),
    ],
)
def test_a_state_that_no_model_takes_is_named(state, named):
    with pytest.raises(UserError, match=f'x.pth: .*{named}') as caught:
        get_state_dict(dict(state_dict={'good': ONES, **state()}), 'x.pth')
    one_line(caught)


def test_weights_of_the_model_match(trained):
    check_matches(Regressor(), get_state_dict(safe_load(trained), trained), trained)


def test_a_counter_of_batches_may_be_missing():
    state = Regressor().state_dict()
    del state['norm.num_batches_tracked']
    check_matches(Regressor(), state, 'x.pth')


def test_weights_of_another_model_are_refused():
    state = Regressor().state_dict()
    del state['layer.bias'], state['norm.bias']
    state['head.weight'] = torch.ones(1)
    state['layer.weight'] = torch.ones(3, 2)
    with pytest.raises(UserError) as caught:
        check_matches(Regressor(), state, 'x.pth')
    assert one_line(caught) == (
        'x.pth is a checkpoint of another model, of 7 weights '
        '2 missing (first: layer.bias), 1 unexpected (first: head.weight), '
        '1 of another shape (first: layer.weight (3, 2) -> (1, 2)): '
        'use it with the config it was trained with'
    )
