"""What a checkpoint may hold besides tensors, by either way of loading."""

import datetime
import inspect
import os
import pathlib
import subprocess
import sys
import zipfile
from collections import Counter, OrderedDict, defaultdict, deque

import mmengine.optim.scheduler as schedulers
import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

from phr_mmpose.utils import checkpoint
from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.errors import UserError


@pytest.fixture(
    params=[
        pytest.param(
            True,
            id='torch',
            marks=pytest.mark.skipif(
                not checkpoint._TORCH_ALLOWS_NAMES, reason='needs torch 2.6'
            ),
        ),
        pytest.param(False, id='pickle'),
    ],
    autouse=True,
)
def way(request, monkeypatch):
    """Load as this torch does, and as one before 2.6."""
    monkeypatch.setattr(checkpoint, '_TORCH_ALLOWS_NAMES', request.param)


@pytest.fixture
def load(tmp_path):
    """Save a value and load it."""

    def through_a_file(value):
        torch.save(dict(state_dict={}, meta=value), tmp_path / 'saved.pth')
        return safe_load(tmp_path / 'saved.pth')['meta']

    return through_a_file


UTC = datetime.timezone.utc
HARMLESS = [
    pathlib.Path('work_dirs') / 'a' / 'b.py',
    pathlib.Path('/'),
    pathlib.Path(),
    pathlib.PurePosixPath('/data/x'),
    pathlib.PureWindowsPath('C:/data/x'),
    OrderedDict(b=1, a=[2]),
    Counter('abca'),
    defaultdict(list, {'a': [1], (0, 1): [2, 3]}),
    defaultdict(None, a=1),
    defaultdict(int, a=1),
    defaultdict(dict, a={}),
    defaultdict(set, a={1}),
    defaultdict(float),
    defaultdict(OrderedDict),
    defaultdict(deque),
    deque([1, 2, 3], maxlen=3),
    deque(),
    deque([[1], (2,)]),
    datetime.datetime(2024, 2, 29, 23, 59, 58, 999_999),
    datetime.datetime(2024, 2, 29, tzinfo=UTC),
    datetime.datetime(
        2024, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=-3), 'BRT')
    ),
    datetime.date(1, 1, 1),
    datetime.time(12, 30, 1, 5),
    datetime.timedelta(days=-1, seconds=2, microseconds=3),
    UTC,
    frozenset({1}),
    slice(1, None, 2),
    *(np.dtype(code).type(1) for code in '?bhilBHILefdgFDG'),
    np.str_('text'),
    np.str_(''),
    np.bytes_(b'text'),
    np.datetime64('2024-02-29T12', 'h'),
    np.timedelta64(3, '25s'),
    np.dtype('f4'),
    b'',
    b'text',
    2**70,
]


@pytest.mark.parametrize('value', HARMLESS, ids=lambda value: repr(value)[:40])
def test_harmless_metadata_passes(load, value):
    loaded = load(value)
    assert type(loaded) is type(value) and loaded == value
    if isinstance(value, defaultdict):
        assert loaded.default_factory is value.default_factory
    if isinstance(value, deque):
        assert loaded.maxlen == value.maxlen


@pytest.mark.parametrize(
    'array',
    [
        np.arange(6, dtype=np.int64).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        np.array(1.5),
        np.zeros((0, 3), np.float16),
        np.array(['a', 'bcd']),
        np.array([b'a', b'bcd']),
        np.array([True, False]),
        np.array([1, 2], '>i4'),
        np.array([1 + 2j]),
        np.array(['2024-01-01', 'NaT'], 'M8[D]'),
        np.array(['', 'a'])[:0],
    ],
    ids=lambda array: f'{array.dtype}{array.shape}',
)
def test_plain_arrays_pass(load, array):
    loaded = load(array)
    assert type(loaded) is np.ndarray and loaded.dtype == array.dtype.newbyteorder('=')
    np.testing.assert_array_equal(loaded, array)
    assert loaded.flags.f_contiguous == array.flags.f_contiguous
    assert loaded.flags.writeable and loaded.base is None


def test_an_array_that_is_shared_stays_one(load):
    array = np.arange(3)
    first, (second,) = load([array, (array,)])
    assert first is second
    buffer = HistoryBuffer([1, 2], [1, 1])
    loaded = load(dict(loss=buffer))['loss']
    assert loaded.mean() == 1.5
    loaded.update(3.0)
    assert loaded.current() == 3


def test_containers_stay_one_where_they_are_shared(load):
    shared = deque([1], maxlen=5)
    table = defaultdict(list, rows=[shared, (shared, 'x')])
    table['self'] = table
    value = OrderedDict(first=shared, table=table, count=Counter(a=2), text=('a', (1,)))
    loaded = load(value)
    assert list(loaded) == list(value)
    assert loaded['first'] is loaded['table']['rows'][0]
    assert loaded['first'] is loaded['table']['rows'][1][0]
    assert loaded['first'] == shared and loaded['first'].maxlen == 5
    assert loaded['table']['self'] is loaded['table']
    assert type(loaded['table']) is defaultdict
    assert loaded['count'] == Counter(a=2) and loaded['text'] == ('a', (1,))


class Calls:
    """Pickles as a call."""

    def __init__(self, function, *arguments, state=None):
        self.reduced = (function, arguments) + (() if state is None else (state,))

    def __reduce__(self):
        return self.reduced


def renamed(path, old, new):
    """Change a name in a saved pickle."""
    moved = path.with_name('renamed.pth')
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(moved, 'w') as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename.endswith('data.pkl'):
                assert old in data
                data = data.replace(old, new)
            target.writestr(entry.filename, data)
    return moved


@pytest.mark.parametrize(
    'name, pure',
    [('PosixPath', pathlib.PurePosixPath), ('WindowsPath', pathlib.PureWindowsPath)],
)
@pytest.mark.parametrize('module', [b'pathlib', b'pathlib._local'])
def test_a_path_of_any_system_loads_on_any(tmp_path, name, pure, module):
    torch.save(dict(path=pathlib.PurePath('a', 'b')), tmp_path / 'saved.pth')
    own = type(pathlib.PurePath()).__name__.encode()
    old, new = b'cpathlib\n' + own, b'c' + module + b'\n' + name.encode()
    path = safe_load(renamed(tmp_path / 'saved.pth', old, new))['path']
    assert isinstance(path, pure) and path.parts == ('a', 'b')
    # Only a path of this system can be opened.
    assert isinstance(path, pathlib.Path) == (
        isinstance(pathlib.Path(), getattr(pathlib, name))
    )


@pytest.mark.parametrize(
    'forged',
    [
        Calls(defaultdict, os.system),
        Calls(defaultdict, eval),
        Calls(defaultdict, print),
        # Allowed by itself, but nothing that a defaultdict should make.
        Calls(defaultdict, HistoryBuffer),
        Calls(defaultdict, torch._utils._rebuild_tensor_v2),
        Calls(defaultdict, 'list'),
        Calls(defaultdict, [1]),
        Calls(getattr, OneCycleParamScheduler, '__init__'),
        Calls(getattr, OneCycleParamScheduler, '__subclasses__'),
        Calls(getattr, HistoryBuffer, '_annealing_cos'),
        Calls(getattr, OneCycleParamScheduler, 'mean'),
        Calls(getattr, [], 'append'),
        Calls(getattr, dict, 'update'),
        Calls(getattr, HistoryBuffer, ['mean']),
        Calls(deque, [1], -1),
        Calls(deque, [1], 'a'),
        Calls(pathlib.PosixPath, 1),
        Calls(pathlib.PosixPath, 'a', [b'b']),
        # Month, day and hour out of range, as packed bytes.
        Calls(datetime.date, b'\x07\xe8\x0d\x01'),
        Calls(datetime.date, b'\x07\xe8\x01\xff'),
        Calls(datetime.date, b'\x00\x00\x01\x01'),
        Calls(datetime.datetime, b'\x07\xe8\x01\x01\xff\x00\x00\x00\x00\x00'),
        Calls(datetime.datetime, b'\x07\xe8\x01\x01\x00\x00\x00\xff\xff\xff'),
        Calls(datetime.time, b'\x01\xff\x00\x00\x00\x00'),
        Calls(datetime.timezone, datetime.timedelta(days=2)),
    ],
    ids=lambda forged: repr(forged.reduced)[:60],
)
def test_forged_states_are_refused(load, forged):
    with pytest.raises(UserError, match=r'saved\.pth') as error:
        load(forged)
    assert '\n' not in str(error.value)


def dtype(name, *state):
    return Calls(np.dtype, name, False, True, state=state or None)


def array(content, *state):
    """A plain array's pickle with another state."""
    function, arguments, _ = np.zeros(1).__reduce__()
    return Calls(function, *arguments, state=(1, *state, False, content))


# An 8 byte text whose elements are said to be objects: the bytes become a pointer.
POINTER = dtype('S8', 3, '|', (dtype('O'), (1,)), None, None, 8, 1, 0)
F8 = dtype('f8', 3, '<', None, None, None, -1, -1, 0)
FORGED_ARRAYS = {
    'a pointer': Calls(set, (Calls(np.ndarray, (), POINTER, b'A' * 8),)),
    'a pointer in an array': array(b'A' * 8, (1,), POINTER),
    'objects': array([1], (1,), dtype('O')),
    'a type of objects': dtype('O'),
    'fields': dtype('V8', 3, '|', None, ('a',), {'a': (dtype('O'), 0)}, 8, 1, 0x1B),
    'another size': dtype('S8', 3, '|', None, None, None, 1 << 40, 1, 0),
    'a negative size': dtype('S8', 3, '|', None, None, None, -8, 1, 0),
    'too few bytes': array(b'A' * 8, (2,), F8),
    'too many bytes': array(b'A' * 24, (2,), F8),
    'a negative side': array(b'A' * 8, (-1, -1), F8),
    'a huge shape': array(b'', (1 << 62, 1 << 62, 0), F8),
    'no type': array(b'A' * 8, (1,), 'f8'),
    'an array made at once': Calls(np.ndarray, (1 << 40,)),
    'a scalar of too few bytes': Calls(np.float64(0).__reduce__()[0], F8, b'A'),
    'a scalar that is an object': Calls(
        np.float64(0).__reduce__()[0], dtype('O'), b'A' * 8
    ),
}


def test_forged_arrays_are_refused(tmp_path):
    for kind, forged in FORGED_ARRAYS.items():
        torch.save(forged, tmp_path / f'{kind}.pth')
    # In a process of its own, which a pointer from a file would end.
    code = f"""
import sys
from pathlib import Path
import phr_mmpose
from phr_mmpose.utils import checkpoint
from phr_mmpose.utils.errors import UserError
checkpoint._TORCH_ALLOWS_NAMES = {checkpoint._TORCH_ALLOWS_NAMES}
for path in Path(sys.argv[1]).iterdir():
    try:
        repr(checkpoint.safe_load(path))
    except UserError as error:
        assert str(path) in str(error)
        print(path.stem, flush=True)
"""
    done = subprocess.run(
        [sys.executable, '-c', code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(FORGED_ARRAYS) <= set(done.stdout.splitlines())


def test_a_factory_put_in_afterwards_is_refused_or_without_effect(load):
    state = (None, {'default_factory': HistoryBuffer})
    try:
        loaded = load(Calls(defaultdict, list, state=state))
    except UserError:
        return
    assert loaded.default_factory is list


MAKE, START, STATE = np.zeros(1_000).__reduce__()
SCALAR, CONTENT = np.bytes_(b'a' * 9_000).__reduce__()
LONG, NUMBERS = 'a/' * 5_000, tuple(range(2_000))
PAIRS = tuple((number, 0) for number in NUMBERS)
COPIES = {
    **{kind.__name__: (kind, LONG) for kind in (list, tuple, deque, str)},
    'frozenset': (frozenset, NUMBERS),
    'dict': (dict, PAIRS),
    'defaultdict': (defaultdict, None, PAIRS),
    'path': (pathlib.PurePosixPath, LONG),
    'array': (MAKE, *START),
    'scalar': (SCALAR, *CONTENT),
}
STATES = {'array': STATE}


@pytest.mark.parametrize('kind', COPIES)
def test_a_short_call_does_not_copy_what_is_long(load, kind):
    # Each names the same long value again, in a few bytes.
    calls = [Calls(*COPIES[kind], state=STATES.get(kind)) for _ in range(60)]
    with pytest.raises(UserError, match=r'saved\.pth') as error:
        load(calls)
    assert '\n' not in str(error.value)


def scheduler_classes():
    return {
        name: kind
        for name, kind in inspect.getmembers(schedulers, inspect.isclass)
        if name.endswith(('LR', 'Momentum'))
    }


ARGUMENTS = dict(
    ConstantLR={},
    CosineAnnealingLR=dict(T_max=5),
    CosineRestartLR=dict(periods=[3, 4], restart_weights=[1, 0.5], eta_min=0),
    ExponentialLR=dict(gamma=0.9),
    LinearLR={},
    MultiStepLR=dict(milestones=[2, 4, 4]),
    OneCycleLR=dict(eta_max=0.5, total_steps=10),
    PolyLR={},
    ReduceOnPlateauLR=dict(monitor='loss', patience=0),
    StepLR=dict(step_size=2),
)


@pytest.mark.parametrize('name', [*scheduler_classes(), 'OneCycleLR linear'])
def test_every_scheduler_survives_a_checkpoint(load, name):
    name, *strategy = name.split()
    kind = scheduler_classes()[name]
    arguments = dict(ARGUMENTS[name.replace('Momentum', 'LR')])
    if strategy:
        (arguments['anneal_strategy'],) = strategy
    parameter = 'momentum' if 'Momentum' in name else 'lr'

    def make():
        weight = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
        return optimizer, kind(optimizer, **arguments)

    def advance(optimizer, scheduler, steps):
        values = []
        for _ in range(steps):
            optimizer.step()
            if 'Plateau' in name:
                scheduler.step(dict(loss=1.0))
            else:
                scheduler.step()
            values.append(optimizer.param_groups[0][parameter])
        return values

    optimizer, scheduler = make()
    advance(optimizer, scheduler, 3)
    saved = load(
        dict(optimizer=optimizer.state_dict(), scheduler=scheduler.state_dict())
    )
    other_optimizer, other = make()
    other_optimizer.load_state_dict(saved['optimizer'])
    other.load_state_dict(saved['scheduler'])
    expected = advance(optimizer, scheduler, 4)
    assert advance(other_optimizer, other, 4) == expected
    assert other.state_dict() == scheduler.state_dict()


def test_every_scheduler_has_its_arguments_here():
    assert {name.replace('Momentum', 'LR') for name in scheduler_classes()} == set(
        ARGUMENTS
    )
