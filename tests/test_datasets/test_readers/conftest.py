import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope='session')
def synthetic():
    """The module beside this file, whatever pytest's import mode."""
    path = Path(__file__).with_name('synthetic.py')
    spec = importlib.util.spec_from_file_location('synthetic_datasets', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run_tool():
    """Run a tool in this process as the command line would."""
    import runpy

    from phr_mmpose.utils.cli import run

    tools = Path(__file__).resolve().parents[3] / 'tools'

    def run_it(name, *arguments):
        main = runpy.run_path(str(tools / f'{name}.py'))['main']
        run(lambda: main([str(argument) for argument in arguments]))

    return run_it
