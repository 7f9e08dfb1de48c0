"""This project's tools, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / 'tools'


def run_tool(name: str, *arguments: object, **options) -> subprocess.CompletedProcess:
    """Run a tool to its end.

    Args:
        name (str): Its file in ``tools/``.
        *arguments (object): Its command line.
        **options: Of ``subprocess.run``.

    Returns:
        subprocess.CompletedProcess: How it ended.
    """
    # A config may have parts of projects/, which is not installed.
    paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, paths))}
    command = [sys.executable, str(TOOLS / name), *map(str, arguments)]
    return subprocess.run(command, env=environment, **options)
