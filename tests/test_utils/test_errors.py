"""What a line quotes of a file can be printed."""

import copy
import pickle

from phr_mmpose.utils.errors import UserError, one_line


def test_control_characters_are_escaped():
    error = UserError('a\nb\r\x1b[2Jc\udce9\u202e.jpg: no photo, 1 × 2 …')
    assert str(error) == 'a\\nb\\r\\x1b[2Jc\\udce9\\u202e.jpg: no photo, 1 × 2 …'
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert str(copy.copy(error)) == str(error)


def test_of_a_long_text_both_ends_stay():
    line = one_line('photo.jpg: ' + 'x' * 100_000 + '; name another')
    assert len(line) <= 1000 and one_line(line) == line
    assert line.startswith('photo.jpg: xxx') and line.endswith('xxx; name another')
    assert one_line('x' * 1000) == 'x' * 1000
    assert len(one_line('\0' * 1000)) <= 1000
