"""Options of a config on the command line."""

import argparse

import pytest

from phr_mmpose.utils.config import ConfigOptions, load_config
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


def test_options_that_nothing_reads_are_refused(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text("optim_wrapper = dict(type='OptimWrapper')\nown = 1\n")
    options = {
        'own': 2,
        'custom_hooks': [],
        'auto_scale_lr.enable': True,
        'sync_bn': 'torch',
    }
    config = load_config(path, {**options, 'optim_wrapper.clip_grad.max_norm': 1})
    assert config.own == 2 and config.optim_wrapper.clip_grad.max_norm == 1
    for key, hint in (
        ('optim_wraper.type', '; is it optim_wrapper?'),
        ('nothing.alike', ''),
    ):
        with pytest.raises(UserError) as caught:
            load_config(path, {key: 1})
        first = key.split('.')[0]
        line = f'--cfg-options {key}: the config has no {first}{hint}'
        assert str(caught.value) == line
