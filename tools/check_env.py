"""Import the stack part by part, and say what is missing or mismatched.

Prints one line per part; ``note`` means that phr_mmpose copes with it, ``FAIL`` that
something has to be done. Exit code 1 if anything failed, else 0.
"""

import argparse
import configparser
import importlib
import importlib.metadata
import importlib.util
import re
import sys
import types
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent

OPENCVS = (
    'opencv-python',
    'opencv-python-headless',
    'opencv-contrib-python',
    'opencv-contrib-python-headless',
)
MM_MEND = 'pip install --no-deps -r requirements/mm.txt'
XTCOCOTOOLS_MEND = (
    'pip install cython setuptools wheel && pip install --force-reinstall --no-deps '
    '--no-build-isolation -r requirements/xtcocotools.txt'
)

# In the order in which they need each other: module, what mends its absence.
PARTS = (
    ('numpy', "pip install 'numpy >= 1.23'"),
    ('cv2', 'pip install opencv-python-headless'),
    ('scipy.io', 'pip install scipy'),
    ('matplotlib.pyplot', 'pip install matplotlib'),
    ('h5py', 'pip install h5py'),
    ('torch', 'pip install torch torchvision'),
    ('pycocotools.mask', 'pip install pycocotools'),
    ('mmengine', MM_MEND),
    ('mmcv', MM_MEND),
)
# Imported once phr_mmpose.compat has done its part.
MM_PARTS = (
    ('mmdet.models', MM_MEND),
    ('mmpose.models', MM_MEND),
    ('mmpose.apis', MM_MEND),
    ('phr_mmpose', 'pip install -e .'),
)


@dataclass
class Finding:
    """One line of the report.

    Args:
        part (str): What was looked at.
        level (str): ``ok``, ``note`` or ``FAIL``.
        text (str): Version, or what is wrong.
        mend (str): The command that mends it.
    """

    part: str
    level: str
    text: str
    mend: str = ''

    def __str__(self) -> str:
        line = f'{self.part:<22} {self.level:<5} {self.text}'
        return f'{line}\n{"":<22}       -> {self.mend}' if self.mend else line


def installed_versions() -> dict[str, str]:
    """List the environment's distributions, names in pip's normal form."""
    return {
        _normal(dist.metadata['Name']): dist.version
        for dist in importlib.metadata.distributions()
        if dist.metadata['Name']
    }


def _normal(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()


def check_conflicts(installed: Mapping[str, str]) -> list[Finding]:
    """Find distributions that overwrite each other or do not go together.

    Args:
        installed (Mapping[str, str]): Version by distribution.

    Returns:
        list[Finding]: What is wrong; empty if nothing is.
    """
    found = []
    opencvs = [name for name in OPENCVS if name in installed]
    if len(opencvs) > 1:
        found.append(
            Finding(
                'opencv',
                'FAIL',
                f'{" and ".join(opencvs)} overwrite each other',
                f'pip uninstall -y {" ".join(opencvs)} && pip install {opencvs[-1]}',
            )
        )
    if 'mmengine' in installed and 'onedl-mmengine' in installed:
        found.append(
            Finding(
                'mmengine',
                'FAIL',
                'mmengine and its fork onedl-mmengine overwrite each other',
                f'pip uninstall -y mmengine onedl-mmengine && {MM_MEND}',
            )
        )
    mmcvs = [name for name in ('mmcv', 'mmcv-lite', 'onedl-mmcv') if name in installed]
    if len(mmcvs) > 1:
        found.append(
            Finding(
                'mmcv',
                'FAIL',
                f'{" and ".join(mmcvs)} overwrite each other',
                f'pip uninstall -y {" ".join(mmcvs)} && {MM_MEND}',
            )
        )
    mmcv = installed.get('mmcv') or installed.get('mmcv-lite')
    if 'mmdet' in installed and mmcv and _numbers(mmcv) >= (2, 2):
        found.append(
            Finding('mmcv', 'FAIL', f'mmdet 3 refuses mmcv {mmcv} (>= 2.2.0)', MM_MEND)
        )
    if (
        _numbers(installed.get('torch', '0')) < (2, 3)
        and _numbers(installed.get('numpy', '0')) >= (2,)
        and 'torch' in installed
    ):
        found.append(
            Finding(
                'numpy',
                'FAIL',
                f'torch {installed["torch"]} was built for numpy 1, '
                f'here is numpy {installed["numpy"]}',
                "pip install 'numpy < 2' 'opencv-python-headless < 4.12'",
            )
        )
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r'\d+', version.split('+')[0])[:3])


def check_requirements(installed: Mapping[str, str]) -> list[Finding]:
    """Compare the environment with the lower bounds in ``setup.cfg``.

    Args:
        installed (Mapping[str, str]): Version by distribution.

    Returns:
        list[Finding]: Missing and outdated distributions.
    """
    config = configparser.ConfigParser()
    config.read(REPO / 'setup.cfg', encoding='utf-8')
    found = []
    for line in config['options']['install_requires'].splitlines():
        wanted = re.fullmatch(r'(\w+) >= ([\d.]+)', line.strip())
        if not wanted:
            continue
        name, bound = wanted.groups()
        version = installed.get(_normal(name))
        if version is None or _numbers(version) < _numbers(bound):
            has = 'missing' if version is None else f'version {version} is too old'
            found.append(Finding(name, 'FAIL', has, f"pip install '{name} >= {bound}'"))
    return found


def check_import(module: str, mend: str) -> Finding:
    """Import a part of the stack.

    Args:
        module (str): Its name.
        mend (str): The command for its absence.

    Returns:
        Finding: Its version, or the cause of the failure.
    """
    try:
        imported = importlib.import_module(module)
    except Exception as error:  # broken packages raise anything
        cause = str(error).strip().splitlines() or ['']
        text = f'{type(error).__name__}: {cause[0]}'
        missing = getattr(error, 'name', None) or ''
        if isinstance(error, ModuleNotFoundError) and not module.startswith(missing):
            mend = f'pip install {missing.split(".")[0]}'
        return Finding(module, 'FAIL', text, mend)
    package = sys.modules[module.split('.')[0]]
    return Finding(
        module, 'ok', getattr(package, '__version__', getattr(imported, '__name__', ''))
    )


def check_torchvision() -> Finding:
    """See whether torchvision's compiled library fits torch."""
    try:
        torchvision = importlib.import_module('torchvision')
        nms = importlib.import_module('torchvision.ops').nms
        torch = importlib.import_module('torch')
        nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except ModuleNotFoundError as error:
        return Finding('torchvision', 'FAIL', str(error), 'pip install torchvision')
    except Exception as error:  # its library fails in many ways
        cause = str(error).splitlines()[0][:60]
        return Finding(
            'torchvision',
            'note',
            f'does not fit torch, no mmdet detectors ({cause})',
            'install torch and torchvision from the same index, in one command',
        )
    return Finding('torchvision', 'ok', torchvision.__version__)


def check_xtcocotools() -> Finding:
    """See whether xtcocotools is there and was built for the numpy that is there."""
    if importlib.util.find_spec('xtcocotools') is None:
        text = "missing, only MMPose's COCO metrics need it"
        return Finding('xtcocotools', 'note', text, XTCOCOTOOLS_MEND)
    try:
        importlib.import_module('xtcocotools.mask')
    except Exception as error:  # ValueError or ImportError, by numpy's version
        text = f'built for another numpy ({str(error).strip().splitlines()[0][:60]})'
        return Finding('xtcocotools', 'FAIL', text, XTCOCOTOOLS_MEND)
    return Finding('xtcocotools', 'ok', importlib.metadata.version('xtcocotools'))


def check_mmcv_ops() -> Finding:
    """Tell the full mmcv from mmcv-lite."""
    if importlib.util.find_spec('mmcv._ext') is None:
        text = 'lite: nms and roi_align come from torchvision, other ops are missing'
        return Finding('mmcv ops', 'note', text)
    return Finding('mmcv ops', 'ok', 'compiled')


def check_tools(installed: Mapping[str, str]) -> list[Finding]:
    """Look for what only the tests and linters need."""
    return [
        Finding(name, 'note', 'missing, only the tests need it', f'pip install {name}')
        for name in ('pytest', 'hypothesis', 'ruff')
        if name not in installed
    ]


def check_all(report=print) -> bool:
    """Check everything, reporting each finding as it comes.

    Args:
        report (Callable): Called with each :class:`Finding`.

    Returns:
        bool: Whether nothing failed.
    """
    installed = installed_versions()
    passed = True

    def note(*findings: Finding) -> None:
        nonlocal passed
        for finding in findings:
            passed = passed and finding.level != 'FAIL'
            report(finding)

    version = '.'.join(map(str, sys.version_info[:3]))
    old = sys.version_info < (3, 10)
    note(
        Finding(
            'python',
            'FAIL' if old else 'ok',
            f'{version} at {sys.executable}',
            'make the environment with Python 3.10 or newer' if old else '',
        )
    )
    note(*check_conflicts(installed), *check_requirements(installed))
    for module, mend in PARTS:
        note(check_import(module, mend))
        if module == 'torch' and 'torch' in sys.modules:
            note(check_torchvision())
        elif module == 'pycocotools.mask':
            note(check_xtcocotools())
        elif module == 'mmcv' and 'mmcv' in sys.modules:
            note(check_mmcv_ops())
    if passed:
        sys.path.insert(0, str(REPO))
        _load_compat().prepare_imports()
        note(*[check_import(module, mend) for module, mend in MM_PARTS])
    note(*check_tools(installed))
    return passed


def _load_compat() -> types.ModuleType:
    """Load ``phr_mmpose/compat.py`` alone: the package would import all the rest."""
    path = REPO / 'phr_mmpose' / 'compat.py'
    spec = importlib.util.spec_from_file_location('phr_mmpose_compat', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(argv: list[str] | None = None) -> None:
    """Print the report and exit with 0 or 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args(argv)
    warnings.simplefilter('ignore')
    passed = check_all(lambda finding: print(finding, flush=True))
    print('all in order' if passed else 'not in order: run the commands after "->"')
    raise SystemExit(0 if passed else 1)


if __name__ == '__main__':
    main()
