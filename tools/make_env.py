"""Set up a virtual environment with all that this repository needs.

Called by ``make``; needs nothing but Python's standard library. What is in the
environment already stays as it is, only what is missing is installed.
"""

import argparse
import configparser
import hashlib
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
# Before any line that an older Python cannot run.
if sys.version_info < (3, 10):  # noqa: UP036
    print(
        f'error: Python {sys.version.split()[0]} is too old, 3.10 or newer is needed: '
        'make PYTHON=python3.x',
        file=sys.stderr,
    )
    raise SystemExit(2)

# torch with CUDA unpacks to 5.4 GB and leaves 2.6 GB in pip's cache; a torch that the
# user names may be one for the CPU.
DEFAULT_TORCH = 'torch torchvision'
GIGABYTES = {DEFAULT_TORCH: 9}

# Distributions of requirements/mm.txt by the module that tells that they, or
# another distribution of the same module, are there.
MM_MODULES = {
    'onedl-mmengine': 'mmengine',
    'mmcv-lite': 'mmcv',
    'mmdet': 'mmdet',
    'mmpose': 'mmpose',
}

# What pip says, and what it means.
TROUBLES = [
    (r'No space left on device', 'the disk is full: free about 9 GB'),
    (
        r'Temporary failure in name resolution|Name or service not known|'
        r'Network is unreachable|Connection refused|ConnectTimeout|Read timed out|'
        r'NewConnectionError|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED',
        'the package index cannot be reached: check the network, or name a mirror '
        'in PIP_INDEX_URL',
    ),
    (
        r'No matching distribution found for (\S+)',
        'the package index has no {0} for this Python: try another one, '
        'make PYTHON=python3.x',
    ),
    (r'externally-managed-environment', 'this is not a virtual environment'),
]


class SetupError(Exception):
    """Something on this machine is missing; one line says what to do."""


class Pip:
    """Runs pip in one environment and shows that it is alive."""

    def __init__(self, python: Path) -> None:
        self.python = python
        self.start = time.monotonic()

    def say(self, text: str) -> None:
        """Print a line with the seconds since the start."""
        print(f'[{time.monotonic() - self.start:4.0f} s] {text}', flush=True)

    def command(self, *arguments: str) -> list[str]:
        """Make the command line of a ``pip install``.

        Compiling 5 GB of packages to byte code takes as long as unpacking them;
        Python compiles what is imported at first use.
        """
        return [
            str(self.python), '-m', 'pip', 'install', '--no-compile',
            '--disable-pip-version-check', '--no-input', '--progress-bar', 'off',
            *arguments,
        ]  # fmt: skip

    def install(self, title: str, *arguments: str) -> None:
        """Install, printing what is downloaded.

        Args:
            title (str): What this step is about.
            *arguments (str): Requirements and options of pip.

        Raises:
            SetupError: If pip fails.
        """
        self.say(title)
        process = subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
        )
        lines = queue.Queue()
        reader = threading.Thread(target=_pump, args=(process.stdout, lines))
        reader.start()
        output = []
        doing = 'asking the package index'
        while True:
            try:
                line = lines.get(timeout=10)
            except queue.Empty:
                self.say(f'  … {doing}')
                continue
            if line is None:
                break
            output.append(line)
            begun = re.match(r'\s*Downloading ([^-]+-[^-]+)\S* \((.*)\)', line)
            if begun:
                doing = f'downloading {begun[1]} ({begun[2]})'
                if re.match(r'\d\d+\.\d [MG]B', begun[2]):
                    self.say(f'  {doing}')
            elif line.startswith('Installing collected packages'):
                doing = 'unpacking'
                self.say(f'  {doing} {line.count(",") + 1} packages')
        if process.wait():
            raise SetupError(explain(output))


def _pump(stream, lines: queue.Queue) -> None:
    for line in stream:
        lines.put(line.rstrip())
    lines.put(None)


def explain(output: list[str]) -> str:
    """Say in one line why pip failed.

    Args:
        output (list[str]): What pip printed.

    Returns:
        str: The cause and the mend.
    """
    text = '\n'.join(output)
    for pattern, meaning in TROUBLES:
        found = re.search(pattern, text)
        if found:
            return meaning.format(*found.groups())
    errors = [line for line in output if line.startswith('ERROR')] or output[-1:]
    return f'pip failed: {errors[0] if errors else "no message"}'


def fingerprint(torch: str) -> str:
    """Hash what the environment is made from, so that a change is noticed.

    Args:
        torch (str): The requirement of torch.

    Returns:
        str: 64 hexadecimal digits.
    """
    digest = hashlib.sha256(torch.encode())
    for path in [
        REPO / 'setup.cfg',
        Path(__file__),
        *sorted((REPO / 'requirements').iterdir()),
    ]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def requirements() -> list[str]:
    """Read from ``setup.cfg`` what the package and its tests need, but torch."""
    config = configparser.ConfigParser()
    config.read(REPO / 'setup.cfg', encoding='utf-8')
    lines = [
        *config['options']['install_requires'].splitlines(),
        *config['options.extras_require']['dev'].splitlines(),
    ]
    lines = [line.strip() for line in lines]
    return [line for line in lines if line and not line.startswith(('#', 'torch'))]


def has_module(python: Path, module: str) -> bool:
    """Tell whether a module imports in the environment, apart from this clone.

    Args:
        python (Path): The environment's interpreter.
        module (str): Its name.

    Returns:
        bool: Whether it is there, not whether it works.
    """
    code = f'from importlib.util import find_spec as f; exit(f({module!r}) is None)'
    return subprocess.run([python, '-I', '-c', code]).returncode == 0


def make_venv(folder: Path) -> Path:
    """Make a virtual environment unless there is one.

    Args:
        folder (Path): Where.

    Returns:
        Path: Its interpreter.

    Raises:
        SetupError: If this Python cannot make one.
    """
    python = folder / 'bin' / 'python'
    works = python.exists() and has_module(python, 'pip')
    if works:
        return python
    version = '.'.join(map(str, sys.version_info[:2]))
    print(f'making {folder} with Python {version}', flush=True)
    made = subprocess.run(
        [sys.executable, '-m', 'venv', str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if made.returncode or not has_module(python, 'pip'):
        if 'No space left' in made.stdout:
            raise SetupError(TROUBLES[0][1])
        raise SetupError(
            'this Python has no working venv module: '
            f'sudo apt install python3-venv (or python{version}-venv)'
        )
    return python


def check_disk(folder: Path, to_install: str) -> None:
    """Refuse to begin what the disk cannot hold.

    Args:
        folder (Path): The environment.
        to_install (str): The requirement of torch, empty if torch is there.

    Raises:
        SetupError: If there is too little room.
    """
    needed = GIGABYTES.get(to_install, 2 if to_install else 1)
    free = shutil.disk_usage(folder).free / 1e9
    if free < needed:
        raise SetupError(
            f'{folder} has {free:.1f} GB free, about {needed} are needed: '
            'make room, or put the environment elsewhere with VENV=path'
        )


def install_all(python: Path, torch: str) -> None:
    """Install what is missing.

    The downloads of torch take longest by far and keep one core busy; what needs no
    look at them is built on another one meanwhile.

    Args:
        python (Path): The environment's interpreter.
        torch (str): The requirements of torch and torchvision.

    Raises:
        SetupError: If something cannot be installed.
    """
    pip = Pip(python)
    opencv = [] if has_module(python, 'cv2') else ['opencv-python-headless >= 4.6']
    builders = ['cython', 'setuptools >= 64', 'wheel']
    pip.install('[1/3] libraries', *requirements(), *opencv, *builders)

    beside = []
    missing = [name for name in MM_MODULES if not has_module(python, MM_MODULES[name])]
    if missing:
        text = (REPO / 'requirements' / 'mm.txt').read_text(encoding='utf-8')
        wanted = [line for line in text.splitlines() if line.split(' ')[0] in missing]
        beside.append(['--no-deps', *wanted])
    beside.append(['--no-deps', '--no-build-isolation', '-e', str(REPO)])
    xtcocotools = [
        '--no-deps', '--no-build-isolation',
        '-r', str(REPO / 'requirements' / 'xtcocotools.txt'),
    ]  # fmt: skip
    if not has_module(python, 'xtcocotools'):
        beside.append(xtcocotools)
    failed = []
    worker = threading.Thread(target=_install_beside, args=(pip, beside, failed))
    worker.start()
    try:
        pip.install('[2/3] torch (2.6 GB with CUDA, 2 minutes or more)', *torch.split())
    finally:
        pip.say('[3/3] MMPose and its stack')
        worker.join()
    for arguments, output in failed:
        if arguments is not xtcocotools:
            raise SetupError(explain(output))
        pip.say(
            'note: xtcocotools does not build (it needs gcc and python3-dev); '
            "only MMPose's COCO scoring is missing without it"
        )


def _install_beside(pip: Pip, steps: list[list[str]], failed: list) -> None:
    for arguments in steps:
        done = subprocess.run(
            pip.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
        )
        if done.returncode:
            failed.append((arguments, done.stdout.splitlines()))


def main() -> None:
    """Set up the environment, or see at once that it is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('venv', type=Path, help='the environment, made if missing')
    parser.add_argument(
        '--torch', default=DEFAULT_TORCH, help='as pip takes it, "torch==2.13.0"'
    )
    parser.add_argument(
        '--force', action='store_true', help='look at every package again'
    )
    args = parser.parse_args()
    folder = args.venv.expanduser().absolute()
    stamp = folder / '.phr_mmpose'
    mark = fingerprint(args.torch)
    if not args.force and stamp.exists() and stamp.read_text() == mark:
        return
    stamp.unlink(missing_ok=True)
    start = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    python = make_venv(folder)
    check_disk(folder, '' if has_module(python, 'torch') else args.torch)
    install_all(python, args.torch)
    checked = subprocess.run([python, str(REPO / 'tools' / 'check_env.py')])
    if checked.returncode:
        raise SetupError('the environment is not in order, see the lines above')
    stamp.write_text(mark)
    print(f'{folder} is ready after {time.monotonic() - start:.0f} s', flush=True)


if __name__ == '__main__':
    try:
        main()
    except SetupError as error:
        print(f'error: {error}', file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print('error: interrupted; run make again to go on', file=sys.stderr)
        raise SystemExit(130) from None
