"""Options of a config on the command line."""

import argparse

import pytest

from phr_mmpose.utils.config import ConfigOptions
from phr_mmpose.utils.errors import UserError


def parse(*words):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    return parser.parse_args(['--cfg-options', *words]).cfg_options


def test_options_are_read_as_mmengine_reads_them():
    found = parse('a.b=2', 'c=[1,x]', '--cfg-options', 'd=e=f', 'a.b=3')
    assert found == {'a.b': 3, 'c': [1, 'x'], 'd': 'e=f'}


@pytest.mark.parametrize('word', ['foo', 'a=[1,2', "a={'b':1.5,'c':[1,2],'d':3}"])
def test_what_is_no_option_is_told_in_one_line(word):
    with pytest.raises(UserError) as caught:
        parse('a=1', word)
    line = str(caught.value)
    assert line.startswith(f'--cfg-options {word}: give KEY=VALUE')
    assert '\n' not in line
