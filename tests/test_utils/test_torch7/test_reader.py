"""Files of every kind, written here as Torch7 writes them, and hostile ones."""

import math
import struct
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch7_writer import NAMES, Function, Obj, Storage, Tds, Tensor, Writer, dump

from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.torch7 import BooleanKey, LuaFunction, TorchObject, load


@pytest.fixture(params=['binary', 'ascii', 'long of 4 bytes'])
def read(request, tmp_path):
    """Write a value in one of the encodings and read it back."""
    options = {
        'binary': dict(),
        'ascii': dict(ascii=True),
        'long of 4 bytes': dict(long_size=4),
    }[request.param]

    def round_trip(value):
        path = tmp_path / 'value.t7'
        path.write_bytes(dump(value, **options))
        return load(path)

    return round_trip


def load_bytes(tmp_path, data, **options):
    path = tmp_path / 'bytes.t7'
    path.write_bytes(data)
    return load(path, **options)


def fault(tmp_path, data, **options):
    with pytest.raises(UserError) as error:
        load_bytes(tmp_path, data, **options)
    message = str(error.value)
    assert 'bytes.t7' in message
    assert '\n' not in message
    return message


# What is right


@pytest.mark.parametrize(
    'value', [None, True, False, 0, -7, 2.5, 1e300, 'text', '', 'Käse\n', 2.0**53]
)
def test_plain_values(read, value):
    result = read(value)
    assert result == value
    assert type(result) is type(value) or result == 2**53


def test_numbers_that_are_not_whole_or_not_finite(read):
    result = read([math.nan, math.inf, -math.inf, 3.0, 1e17])
    assert math.isnan(result[0])
    assert result[1:] == [math.inf, -math.inf, 3, 1e17]
    assert [type(each) for each in result[3:]] == [int, float]


def test_strings_keep_bytes_that_are_no_text(read):
    assert read(b'\xff\x00a').encode(errors='surrogateescape') == b'\xff\x00a'


def test_tables(read):
    assert read({'a': 1, 'b': {'c': [1, 2]}}) == {'a': 1, 'b': {'c': [1, 2]}}
    assert read([]) == {}
    # The order in a file is that of Lua's hash: any.
    assert read({2: 'b', 1: 'a', 3: 'c'}) == ['a', 'b', 'c']
    assert read({0: 'a', 1: 'b'}) == {0: 'a', 1: 'b'}
    assert read({1: 'a', 3: 'c'}) == {1: 'a', 3: 'c'}
    assert read({1: 'a', 'n': 1}) == {1: 'a', 'n': 1}
    assert read({1.5: 'x', -1: 'y'}) == {1.5: 'x', -1: 'y'}
    assert read({True: 'yes'}) == {True: 'yes'}
    # As Lua: what is set to nil is not there.
    assert read({'a': None, 'b': 2}) == {'b': 2}


def test_keys_that_are_the_same_to_python_only(tmp_path):
    writer = Writer()
    writer.write_int(3, 1, 3)
    for key, value in ((1, 'number'), (True, 'true'), (False, 'false')):
        writer.write(key)
        writer.write(value)
    result = load_bytes(tmp_path, b''.join(writer.parts))
    assert result == {1: 'number', BooleanKey(True): 'true', False: 'false'}


def test_what_is_shared_is_shared(read):
    inner = {'x': 1}
    result = read([inner, inner, {'x': 1}])
    assert result[0] is result[1]
    assert result[0] is not result[2]


def test_tables_that_hold_themselves(read):
    table = {}
    table['self'] = table
    result = read(table)
    assert result['self'] is result
    cycle = [1, {}]
    cycle[1]['list'] = cycle
    result = read(cycle)
    assert type(result[1]['list']) is type(result)
    assert result[1]['list'] is result


def test_tables_objects_and_tensors_as_keys(tmp_path):
    writer = Writer()
    table, item, tensor = [1, 2], Obj('nn.Key'), np.zeros(2, np.float32)
    writer.write_int(3, 1, 4)
    writer.indices['outermost'] = 1
    for key in (table, item, tensor):
        writer.write(key)
        writer.write(7)
    writer.write_int(3, 1)  # the table itself, as key and value
    writer.write_int(3, 1)
    result = load_bytes(tmp_path, b''.join(writer.parts))
    keys = list(result)
    assert keys[0] == [1, 2]
    assert keys[1].typename == 'nn.Key'
    np.testing.assert_array_equal(keys[2].value, [0, 0])
    assert keys[3] is result
    assert result[result] is result
    assert [result[key] for key in keys[:3]] == [7, 7, 7]


@pytest.mark.parametrize('dtype', NAMES)
def test_every_type_of_tensor_and_storage(read, dtype):
    array = np.array([[0, 1, 2], [3, 4, 100]], dtype)
    result = read({'tensor': array, 'storage': Storage(array[0].copy())})
    for name, expected in (('tensor', array), ('storage', array[0])):
        assert result[name].dtype == dtype
        np.testing.assert_array_equal(result[name], expected)


@pytest.mark.parametrize('dtype', NAMES)
def test_tensors_of_the_gpu(read, dtype):
    array = np.arange(6).astype(dtype)
    kind = f'Cuda{NAMES[dtype]}'
    result = read(Tensor(Storage(array, kind), (2, 3), (3, 1), 1))
    np.testing.assert_array_equal(result, array.reshape(2, 3))
    assert result.dtype == dtype


def test_tensors_without_elements(read):
    empty = Tensor(None, kind='Float')
    result = read([empty, Tensor(Storage(np.empty(0, np.float64)), offset=1)])
    assert [each.shape for each in result] == [(0,), (0,)]
    assert [each.dtype for each in result] == [np.float32, np.float64]


def test_views_share_their_storage(read):
    base = np.arange(12, dtype=np.float32)
    result = read([base.reshape(3, 4), base.reshape(3, 4).T, base[2:9:3], base[:2]])
    np.testing.assert_array_equal(result[0], base.reshape(3, 4))
    np.testing.assert_array_equal(result[1], base.reshape(3, 4).T)
    np.testing.assert_array_equal(result[2], [2, 5, 8])
    result[0][0, 1] = -1
    assert result[1][1, 0] == -1
    assert result[3][1] == -1
    assert all(each.flags.aligned for each in result)


def test_expanded_tensors_are_read_only(read):
    one = Storage(np.array([5], np.float32))
    result = read(Tensor(one, (1000, 1000, 1000), (0, 0, 0)))
    assert result.shape == (1000, 1000, 1000)
    assert result[999, 0, 7] == 5
    assert not result.flags.writeable


@pytest.mark.parametrize('version', [None, 0, 1, 2])
def test_objects_with_and_without_versions(read, version):
    layer = Obj('nn.Linear', {'weight': np.ones((2, 3)), 'train': False}, version)
    result = read(layer)
    assert isinstance(result, TorchObject)
    assert result.typename == 'nn.Linear'
    assert result.version == (version or 0)
    assert result.weight.shape == (2, 3)
    assert result.train is False
    assert result['train'] is False
    assert 'weight' in result
    assert 'weight' in dir(result)
    assert result.get('bias') is None
    assert not hasattr(result, 'bias')


def test_objects_that_hold_themselves_and_hostile_names(read):
    item = Obj('my.Class', {'typename': 'other', '__class__': 'dict', 'get': 1})
    item.fields['a'] = item
    result = read(item)
    assert result.a is result
    assert result.typename == 'my.Class'
    assert result.fields['typename'] == 'other'
    assert type(result) is TorchObject
    assert np.asarray(result).dtype == object


def test_objects_with_a_list_or_one_value_for_fields(read):
    assert read(Obj('my.List', ['a', 'b'])).fields == {1: 'a', 2: 'b'}
    np.testing.assert_array_equal(
        read(Obj('my.Own', np.ones(2, np.float32))).content, [1, 1]
    )


@pytest.mark.parametrize('kind', [6, 7, 8])
def test_functions_are_opaque(read, kind):
    upvalues = [{'name': 'x', 'value': 3}]
    result = read({'f': Function(b'\x1bLJ\x01code', upvalues, kind), 'after': 1})
    assert isinstance(result['f'], LuaFunction)
    assert result['f'].code == b'\x1bLJ\x01code'
    assert result['f'].upvalues == upvalues
    assert result['after'] == 1


def test_a_function_that_closes_over_itself(read):
    function = Function(b'code')
    function.upvalues = [{'name': 'self', 'value': function}]
    result = read([function, function])
    assert result[0] is result[1]
    assert result[0].upvalues[0]['value'] is result[0]


def test_tds(read):
    inner = Tds({'a': 1, 2: 'b'})
    result = read([Tds([inner, None, 'x']), inner, Tds({1: 'a'}, 'tds_hash')])
    assert result[0] == [{'a': 1, 2: 'b'}, None, 'x']
    assert result[0][0] is result[1]
    assert result[2] == {1: 'a'}


def test_an_index_is_the_only_link_where_references_are_off(read):
    # torch.save(…, referenced=False) writes equal things again, by new indices.
    table = {'x': 1}
    assert read([dict(table), dict(table)]) == [table, table]


lua = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=['Cs']), max_size=5),
    lambda inner: (
        st.lists(inner.filter(lambda each: each is not None), min_size=1, max_size=4)
        | st.dictionaries(st.text('abc', max_size=3), inner, min_size=1, max_size=4)
    ),
    max_leaves=15,
)


def without_nil(value):
    if isinstance(value, list):
        return [without_nil(each) for each in value]
    if isinstance(value, dict):
        return {k: without_nil(v) for k, v in value.items() if v is not None}
    return value


@settings(max_examples=60, deadline=None)
@given(lua, st.booleans())
def test_any_value_comes_back(tmp_path_factory, value, ascii):
    path = tmp_path_factory.mktemp('lua') / 'value.t7'
    path.write_bytes(dump(value, ascii=ascii))
    assert load(path) == without_nil(value)


def test_deep_nesting_does_not_recurse(tmp_path):
    depth = 20_000
    parts = [struct.pack('<3i', 3, i + 1, 1) + KEY for i in range(depth)]
    value = load_bytes(tmp_path, b''.join(parts) + struct.pack('<i', 0))
    reached = 0
    while 'k' in value:
        value, reached = value['k'], reached + 1
    assert reached == depth - 1


KEY = struct.pack('<2i', 2, 1) + b'k'


def test_large_files_are_read_at_the_speed_of_a_copy(tmp_path):
    array = np.zeros(20_000_000, np.float32)
    path = tmp_path / 'large.t7'
    path.write_bytes(dump(array))
    start = time.perf_counter()
    assert load(path).nbytes == 80_000_000
    assert time.perf_counter() - start < 5


# What is wrong


def sample():
    module = Obj('nn.Linear', {'weight': np.arange(12, dtype=np.float32)[1:9]})
    table = {'module': module, 'n': 3, 'name': 'x', 'ok': True, 'list': [1, 2, module]}
    table['f'] = Function(b'code', [{'name': 'up', 'value': table}])
    table['vec'] = Tds([1, 'two'])
    return table


@pytest.mark.parametrize('options', [{}, {'ascii': True}, {'long_size': 4}])
def test_a_file_cut_short_anywhere(tmp_path, options):
    data = dump(sample(), **options)
    path = tmp_path / 'bytes.t7'
    whole = load_bytes(tmp_path, data)
    assert whole['list'][2] is whole['module']
    for length in range(0, len(data), 1 if not options else 3):
        path.write_bytes(data[:length])
        try:
            load(path)
        except UserError as error:
            message = str(error)
            assert 'bytes.t7' in message
            assert '\n' not in message
        else:
            # In text mode the last line's end is not needed.
            assert options.get('ascii')
            assert data[length:] == b'\n'


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_files_end_in_one_line_or_in_a_value(tmp_path_factory, data):
    content = bytearray(dump(sample(), ascii=data.draw(st.booleans())))
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
        b'\x80\x02}q\x00.',
        b'<html>not found</html>',
        b'\x89PNG\r\n\x1a\n',
        b'\x03\x00',
        struct.pack('<i', 9) + bytes(20),
        struct.pack('<i', -1) + bytes(20),
    ],
)
def test_other_files(tmp_path, data):
    assert 'is no Torch7 file' in fault(tmp_path, data)


def test_no_file_an_empty_one_and_a_folder(tmp_path):
    for path, reason in (
        (tmp_path / 'none.t7', 'No such file'),
        (tmp_path, 'cannot be read'),
    ):
        with pytest.raises(UserError, match=reason):
            load(path)
    assert 'is empty' in fault(tmp_path, b'')
    with pytest.raises(UserError, match='long_size'):
        load(tmp_path, long_size=5)


def ints(*values):
    return struct.pack(f'<{len(values)}i', *values)


def longs(*values):
    return struct.pack(f'<{len(values)}q', *values)


def text(value):
    return ints(len(value)) + value


def tensor_bytes(sizes, strides, offset, elements=4, kind=b'Float'):
    """A tensor of 4-byte elements with whatever extents."""
    return (
        ints(4, 1)
        + text(b'V 1')
        + text(b'torch.' + kind + b'Tensor')
        + ints(len(sizes))
        + longs(*sizes, *strides, offset)
        + ints(4, 2)
        + text(b'V 1')
        + text(b'torch.FloatStorage')
        + longs(elements)
        + bytes(4 * elements)
    )


STORAGE = ints(4, 1) + text(b'V 1') + text(b'torch.FloatStorage')


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
        (ints(3, 1, 1) + KEY + ints(4, 1), 'is referred to as one of type 4'),
        (ints(3, 1, 1, 0, 0), 'the key nil'),
        (ints(3, 1, 1, 1) + struct.pack('<d', math.nan) + ints(0), 'the key nil'),
        (tensor_bytes([5], [1], 1), 'reaches beyond its storage'),
        (tensor_bytes([2], [1], 4), 'reaches beyond its storage'),
        (tensor_bytes([2], [1], 0), 'reaches beyond its storage'),
        (tensor_bytes([2, 2], [2**62, 1], 1), 'reaches beyond its storage'),
        (tensor_bytes([2**62, 2**62], [0, 0], 1), 'reaches beyond its storage'),
        (tensor_bytes([2], [-1], 2), 'negative'),
        (tensor_bytes([-2], [1], 1), 'negative'),
        (tensor_bytes([2], [1], 1, kind=b'Double'), 'has a storage of float32'),
        (
            ints(4, 1) + text(b'torch.FloatTensor') + ints(2**30) + bytes(200),
            'dimensions are announced',
        ),
        (
            ints(4, 1) + text(b'torch.FloatTensor') + ints(40) + bytes(900),
            'a tensor of 40 dimensions',
        ),
        (
            ints(4, 1)
            + text(b'torch.FloatTensor')
            + ints(1)
            + longs(1, 1, 1)
            + ints(4, 1),
            'holds itself',
        ),
        (
            ints(4, 1) + text(b'torch.FloatTensor') + ints(1) + longs(1, 1, 1) + KEY,
            'without a storage',
        ),
        (
            ints(4, 1)
            + text(b'torch.FloatTensor')
            + ints(1)
            + longs(3, 1, 1)
            + ints(0),
            'has no storage',
        ),
        (dump({'a': 1}) + b'more', '4 bytes follow'),
        (b'3\n1\nnan\n', 'a whole number is expected'),
        (b'1\nabc\n', 'a number is expected'),
        (b'4\n1\n3\nV 1\n18\ntorch.FloatStorage\n3\n1 2\n\n\n', 'instead of 3'),
        (b'4\n1\n3\nV 1\n18\ntorch.FloatStorage\n2\n1 x\n', 'numbers are expected'),
        (b'4\n1\n3\nV 1\n17\ntorch.LongStorage\n1\n' + b'9' * 30, 'numbers are exp'),
        (b'4\n1\n3\nV 1\n18\ntorch.FloatStorage\n999999999\n1 2\n', 'are announced'),
    ],
)
def test_hostile_files(tmp_path, data, reason):
    tracemalloc.start()
    message = fault(tmp_path, data, long_size=8)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reason in message
    assert peak < 1_000_000


def test_a_tensor_may_not_pose_as_a_storage(tmp_path):
    # A strided view as storage would let a tensor reach outside of memory.
    base = np.arange(10, dtype=np.float32)
    writer = Writer()
    strided = base[::5]
    writer.write_int(3, 1, 2)
    writer.indices['outermost'] = 1
    writer.write(1)
    writer.write(strided)
    writer.write(2)
    poser = Tensor(None, (2,), (1,), 1, 'Float')
    writer.write(poser)
    data = b''.join(writer.parts)[:-4] + ints(4, writer.indices[id(strided)])
    assert 'without a storage' in fault(tmp_path, data)


def test_trailing_values_pass_on_request(tmp_path):
    data = dump({'a': 1}) + dump([2])
    assert load_bytes(tmp_path, data, trailing=True) == {'a': 1}
