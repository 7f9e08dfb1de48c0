"""Files written as Torch7 writes them, and hostile ones."""

import math
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch7_writer import NAMES, Function, Obj, Pairs, Storage, Tensor, Writer, dump

from phr_mmpose.utils.errors import UserError
from projects.released_weights.reader import LuaFunction, TorchObject, load


@pytest.fixture
def read(tmp_path):
    """Write a value and read it back."""
    path = tmp_path / 'value.t7'

    def round_trip(value):
        path.write_bytes(dump(value))
        return load(path)

    return round_trip


@pytest.fixture
def fault(tmp_path):
    """Read bytes that are no whole file; return the one line that says so."""
    path = tmp_path / 'bytes.t7'

    def load_bytes(data):
        path.write_bytes(data)
        with pytest.raises(UserError) as error:
            load(path)
        message = str(error.value)
        assert 'bytes.t7' in message
        assert '\n' not in message
        return message

    return load_bytes


# What is right


@pytest.mark.parametrize(
    'value', [None, True, False, 0, -7, 2.5, 1e300, math.inf, 'text', '', 'Käse\n']
)
def test_plain_values(read, value):
    result = read(value)
    assert result == value
    assert type(result) is type(value)


def test_strings_keep_bytes_that_are_no_text(read):
    assert read(b'\xff\x00a').encode(errors='surrogateescape') == b'\xff\x00a'


def test_tables(read):
    assert read({'a': 1, 'b': {'c': 2}}) == {'a': 1, 'b': {'c': 2}}
    assert read({1.5: 'x', -1: 'y'}) == {1.5: 'x', -1: 'y'}
    # As Lua: what is set to nil is not there.
    assert read({'a': None, 'b': 2}) == {'b': 2}
    # The order in a file is that of Lua's hash: any.
    assert read({2: 'b', 1: 'a', 3: 'c'}).as_list() == ['a', 'b', 'c']
    assert read([]).as_list() == []
    assert read({1: 'a', 3: 'c'}).as_list() is None
    # Not the same key to Lua, but to Python.
    result = read(Pairs([(1, 'number'), (True, 'true')]))
    assert result[1] == 'number'
    assert set(result.values()) == {'number', 'true'}


def test_what_is_shared_is_shared_and_may_hold_itself(read):
    inner = {'x': 1}
    result = read([inner, inner, {'x': 1}])
    assert result[1] is result[2]
    assert result[1] is not result[3]
    table = {}
    table['self'] = table
    result = read(table)
    assert result['self'] is result
    item = Obj('my.Class')
    item.fields['a'] = item
    result = read(item)
    assert result.get('a') is result
    # As keys too.
    pairs = Pairs()
    pairs += [(pairs, 3), (item, 4)]
    result = read(pairs)
    assert result[result] == 3


@pytest.mark.parametrize('dtype', NAMES)
@pytest.mark.parametrize('where', ['', 'Cuda'])
def test_every_type_of_tensor_and_storage(read, dtype, where):
    array = np.array([0, 1, 2, 3, 4, 100], dtype)
    storage = Storage(array, where + NAMES[dtype])
    result = read({'tensor': Tensor(storage, (2, 3), (3, 1)), 'storage': storage})
    assert result['tensor'].dtype == dtype
    np.testing.assert_array_equal(result['tensor'], array.reshape(2, 3))
    np.testing.assert_array_equal(result['storage'], array)


def test_tensors_without_elements(read):
    empty = Tensor(None, kind='Float')
    result = read([empty, Tensor(Storage(np.empty(0, np.float64)))])
    assert [result[1].shape, result[2].shape] == [(0,), (0,)]


def test_views_share_their_storage(read):
    base = np.arange(12, dtype=np.float32)
    result = read([base.reshape(3, 4), base.reshape(3, 4).T, base[2:9:3]])
    np.testing.assert_array_equal(result[2], base.reshape(3, 4).T)
    np.testing.assert_array_equal(result[3], [2, 5, 8])
    result[1][0, 1] = -1
    assert result[2][1, 0] == -1


def test_expanded_tensors_are_read_only(read):
    one = Storage(np.array([5], np.float32))
    result = read(Tensor(one, (1000, 1000, 1000), (0, 0, 0)))
    assert result[999, 0, 7] == 5
    assert not result.flags.writeable


@pytest.mark.parametrize('version', [None, 0, 1, 2])
def test_objects_with_and_without_versions(read, version):
    result = read(
        Obj('nn.Linear', {'weight': np.ones((2, 3)), '__class__': 'dict'}, version)
    )
    assert type(result) is TorchObject
    assert result.typename == 'nn.Linear'
    assert result.get('weight').shape == (2, 3)
    assert result.get('bias') is None


@pytest.mark.parametrize('kind', [6, 7, 8])
def test_functions_are_opaque(read, kind):
    function = Function(b'\x1bLJ\x01code', None, kind)
    function.upvalues = [{'value': function if kind != 6 else 1}]
    result = read({'f': function, 'after': 1})
    assert type(result['f']) is LuaFunction
    assert result['after'] == 1


lua = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=['Cs']), max_size=5),
    lambda inner: st.dictionaries(st.text('abc', max_size=3), inner, max_size=4),
    max_leaves=15,
)


def without_nil(value):
    if isinstance(value, dict):
        return {k: without_nil(v) for k, v in value.items() if v is not None}
    return value


@settings(max_examples=50, deadline=None)
@given(lua)
def test_any_value_comes_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp('lua') / 'value.t7'
    path.write_bytes(dump(value))
    assert load(path) == without_nil(value)


KEY = struct.pack('<2i', 2, 1) + b'k'


def test_deep_nesting_does_not_recurse(tmp_path):
    depth = 20_000
    parts = [struct.pack('<3i', 3, i + 1, 1) + KEY for i in range(depth)]
    path = tmp_path / 'deep.t7'
    path.write_bytes(b''.join(parts) + struct.pack('<i', 0))
    value, reached = load(path), 0
    while 'k' in value:
        value, reached = value['k'], reached + 1
    assert reached == depth - 1


# What is wrong


def sample():
    module = Obj('nn.Linear', {'weight': np.arange(12, dtype=np.float32)[1:9]})
    table = {'module': module, 'n': 3, 'name': 'x', 'ok': True, 'list': [1, 2, module]}
    table['f'] = Function(b'code', [{'name': 'up', 'value': table}])
    return table


def test_a_file_cut_short_anywhere(fault, read):
    whole = read(sample())
    assert whole['list'][3] is whole['module']
    data = dump(sample())
    for length in range(len(data)):
        fault(data[:length])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_files_end_in_one_line_or_in_a_value(tmp_path_factory, data):
    content = bytearray(dump(sample()))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp('damaged') / 'x.t7'
    path.write_bytes(content)
    try:
        load(path)
    except UserError as error:
        assert '\n' not in str(error)


@pytest.mark.parametrize(
    'data',
    [
        b'PK\x03\x04 a checkpoint of torch',
        b'<html>not found</html>',
        b'1\n3\n',
        b'\x03\x00',
        struct.pack('<i', 9) + bytes(20),
        struct.pack('<i', -1) + bytes(20),
    ],
)
def test_other_files(fault, data):
    assert 'no binary Torch7 file' in fault(data)


def test_no_file_an_empty_one_and_a_folder(tmp_path, fault):
    for path in (tmp_path / 'none.t7', tmp_path):
        with pytest.raises(UserError, match='cannot be read'):
            load(path)
    assert 'is empty' in fault(b'')


def ints(*values):
    return struct.pack(f'<{len(values)}i', *values)


def longs(*values):
    return struct.pack(f'<{len(values)}q', *values)


def text(value):
    return ints(len(value)) + value


STORAGE = ints(4, 2) + text(b'V 1') + text(b'torch.FloatStorage')
TENSOR = ints(4, 1) + text(b'torch.FloatTensor')


def tensor_bytes(sizes, strides, offset, kind=b'Float'):
    """A tensor of 4-byte elements with whatever extents, over four of them."""
    return (
        ints(4, 1)
        + text(b'torch.' + kind + b'Tensor')
        + ints(len(sizes))
        + longs(*sizes, *strides, offset)
        + STORAGE
        + longs(4)
        + bytes(16)
    )


@pytest.mark.parametrize(
    ('data', 'reason'),
    [
        (ints(2, 2**31 - 1) + b'abc', 'characters are announced'),
        (ints(2, -5) + bytes(40), '-5 characters'),
        (ints(3, 1, 2**31 - 1) + bytes(40), 'pairs are announced'),
        (ints(3, 1, -1) + bytes(40), '-1 pairs'),
        (STORAGE + longs(2**31) + bytes(60), 'elements are announced'),
        (STORAGE + longs(2**62) + bytes(60), 'elements are announced'),
        (STORAGE + longs(-1) + bytes(60), '-1 elements'),
        (ints(3, 1, 1) + KEY + ints(17), '17 is no type'),
        (ints(3, 1, 1) + KEY + ints(4, 1), 'cannot be referred to'),
        (ints(3, 1, 1, 0, 0) + bytes(20), 'the key nil'),
        (
            ints(3, 1, 1, 1) + struct.pack('<d', math.nan) + ints(0),
            'the key nil',
        ),
        (tensor_bytes([5], [1], 1), 'reaches beyond'),
        (tensor_bytes([2], [1], 4), 'reaches beyond'),
        (tensor_bytes([2], [1], 0), 'reaches beyond'),
        (tensor_bytes([2, 2], [2**62, 1], 1), 'reaches beyond'),
        (tensor_bytes([2**62, 2**62], [0, 0], 1), 'reaches beyond'),
        (tensor_bytes([2], [-1], 2), 'negative'),
        (tensor_bytes([-2], [1], 1), 'negative'),
        (tensor_bytes([2], [1], 1, kind=b'Double'), 'has no storage of float64'),
        (TENSOR + ints(2**30) + bytes(200), 'dimensions are announced'),
        (TENSOR + ints(40) + bytes(900), 'a tensor of 40 dimensions'),
        (TENSOR + ints(1) + longs(1, 1, 1) + ints(4, 1), 'cannot be referred to'),
        (TENSOR + ints(1) + longs(1, 1, 1) + KEY, 'without a storage'),
        (TENSOR + ints(1) + longs(3, 1, 1) + ints(0), 'has no storage'),
        (dump({'a': 1}) + b'more', '4 bytes follow'),
    ],
)
def test_hostile_files(fault, data, reason):
    tracemalloc.start()
    message = fault(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reason in message
    assert peak < 1_000_000


def test_a_tensor_may_not_pose_as_a_storage(fault):
    # A strided view as storage would let a tensor reach outside of memory.
    strided = np.arange(10, dtype=np.float32)[::5]
    writer = Writer()
    writer.write([strided, Tensor(None, (2,), (1,), kind='Float')])
    data = b''.join(writer.parts)[:-4] + ints(4, writer.indices[id(strided)])
    assert 'without a storage' in fault(data)
