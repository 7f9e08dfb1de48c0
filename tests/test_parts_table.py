"""The table in docs/use.md names what configs can be built of."""

import re
from pathlib import Path

import mmpose.registry
from mmengine.registry import FUNCTIONS, Registry

import phr_mmpose  # noqa: F401

PAGE = Path(__file__).resolve().parent.parent / 'docs' / 'use.md'


def test_the_table_names_all_that_is_registered():
    registries = [r for r in vars(mmpose.registry).values() if isinstance(r, Registry)]
    registered = {
        name
        for registry in (*registries, FUNCTIONS)
        for name, built in registry.module_dict.items()
        if built.__module__.startswith('phr_mmpose')
        and built.__module__ != 'phr_mmpose.renamed'
    }
    _, section = PAGE.read_text().split('## Parts to build of')
    section, *_ = section.split('\n## ')
    rows = re.findall(r'^\| \w+ \| (`.*) \|$', section, re.MULTILINE)
    assert set(re.findall(r'`(\w+)`', ' '.join(rows))) == registered
