"""Shared fixtures."""

import os
from pathlib import Path

import hypothesis
import pytest

import phr_mmpose  # noqa: F401  first: it lets the stack import

REPO = Path(__file__).resolve().parent.parent
# The small cascade's fixtures, for the tests of the interfaces and of the tools.
pytest_plugins = ['small_cascade']
# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile('untimed', deadline=None)
hypothesis.settings.load_profile('untimed')


@pytest.fixture(scope='session')
def data_root() -> Path:
    """The folder with ``lsp/``, ``lspet/`` and ``mpii/`` (see docs/data.md)."""
    root = Path(os.environ.get('PHR_DATA', REPO.parent / 'shared' / 'data'))
    if not (root / 'lsp' / 'joints.mat').is_file():
        pytest.skip(f'no LSP in {root}; set PHR_DATA to the folder that holds lsp/')
    return root
