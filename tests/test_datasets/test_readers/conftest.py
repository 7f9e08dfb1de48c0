from phr_mmpose.utils.cli import run

import pytest
import synthetic as synthetic_module
from tool_modules import load_tool


@pytest.fixture(scope='session')
def synthetic():
    """The module beside this file."""
    return synthetic_module


@pytest.fixture
def run_tool():
    """Run a tool in this process as the command line would."""

    def run_it(name, *arguments):
        main = load_tool(name).main
        run(lambda: main([str(argument) for argument in arguments]))

    return run_it
