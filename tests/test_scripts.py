"""Every script starts by itself, whatever was imported before in the tests."""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
SCRIPTS = sorted(
    path
    for folder in ('tools', 'projects', 'benchmarks')
    for path in (REPO / folder).rglob('*.py')
    if "__name__ == '__main__'" in path.read_text()
)


def imports(path: Path, seen: set[Path]) -> Iterator[str]:
    """Name the packages that a file imports when it starts, in order."""
    seen.add(path)
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules = [node.module, *(f'{node.module}.{a.name}' for a in node.names)]
        else:
            continue
        for module in modules:
            package = module.split('.')[0]
            local = REPO / f'{module.replace(".", "/")}.py'
            if package != 'phr_mmpose' and local.is_file() and local not in seen:
                yield from imports(local, seen)
            yield package


@pytest.mark.parametrize('script', SCRIPTS, ids=lambda path: path.stem)
def test_the_package_comes_before_all_others(script):
    for package in imports(script, set()):
        if package == 'phr_mmpose':
            break
        assert package in sys.stdlib_module_names


@pytest.mark.parametrize('script', SCRIPTS, ids=lambda path: path.stem)
def test_ctrl_c_ends_its_imports_in_one_line(script, tmp_path):
    stub = 'import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n'
    (tmp_path / 'torch.py').write_text(stub)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ, PYTHONPATH=f'{tmp_path}{os.pathsep}{REPO}'),
        # Where the tests run in the background, Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert (done.returncode, done.stderr) == (130, 'error: interrupted\n')


# The benchmarks start worker.py, which has no options.
@pytest.mark.slow
@pytest.mark.parametrize(
    'script',
    [path for path in SCRIPTS if path.stem != 'worker'],
    ids=lambda path: path.stem,
)
def test_it_starts_in_a_process_of_its_own(script):
    done = subprocess.run(
        [sys.executable, str(script), '--help'],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPO,
    )
    assert done.returncode == 0, done.stderr
    assert 'usage: ' in done.stdout
