"""Import the stack part by part, and say what is missing or mismatched.

Prints one line per part; ``note`` means that phr_mmpose copes with it, ``FAIL`` that
the command after ``->`` has to be run. Exit code 1 if anything failed, else 0.
"""

import argparse
import configparser
import importlib
import importlib.metadata
import importlib.util
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

REPO = Path(__file__).resolve().parent.parent
MM_MEND = 'pip install --no-deps -r requirements/mm.txt'
XTCOCOTOOLS_MEND = (
    'pip install cython setuptools wheel && pip install --force-reinstall --no-deps '
    '--no-cache-dir --no-build-isolation -r requirements/xtcocotools.txt'
)
OPENCV = 'opencv-python-headless'
# Distributions of one module, which overwrite each other, and what to install instead.
RIVALS = {
    'cv2': (
        ('opencv-python', 'opencv-contrib-python', 'opencv-contrib-python-headless')
        + (OPENCV,),
        f'pip install {OPENCV}',
    ),
    'mmengine': (('mmengine', 'onedl-mmengine'), MM_MEND),
    'mmcv': (('mmcv', 'mmcv-lite', 'onedl-mmcv'), MM_MEND),
}
# In the order in which they need each other, and what mends their absence. phr_mmpose
# comes before what imports only once it has prepared the stack.
PARTS = {
    'numpy': "pip install 'numpy >= 1.23'",
    'cv2': f'pip install {OPENCV}',
    'torch': 'pip install torch torchvision',
    'mmengine': MM_MEND,
    'mmcv': MM_MEND,
    'phr_mmpose': 'pip install -e .',
    'mmdet.models': MM_MEND,
    'mmpose.apis': MM_MEND,
}


class Finding(NamedTuple):
    """One line of the report: the part, ``ok``, ``note`` or ``FAIL``, and the mend."""

    part: str
    level: str
    text: str
    mend: str = ''

    def __str__(self) -> str:
        line = f'{self.part:<22} {self.level:<5} {self.text}'
        return f'{line}\n{"":<22}       -> {self.mend}' if self.mend else line


def _normal(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r'\d+', version.split('+')[0])[:3])


def check_distributions(installed: Mapping[str, str]) -> Iterator[Finding]:
    """Find what is missing, too old, overwrites another or does not go with it.

    Args:
        installed (Mapping[str, str]): Version by distribution, in pip's normal form.
    """
    for module, (names, mend) in RIVALS.items():
        there = [name for name in names if name in installed]
        if len(there) > 1:
            text = f'{" and ".join(there)} overwrite each other'
            mend = f'pip uninstall -y {" ".join(there)} && {mend}'
            yield Finding(module, 'FAIL', text, mend)
    mmcv = installed.get('mmcv') or installed.get('mmcv-lite', '0')
    if _numbers(mmcv) >= (2, 2):
        yield Finding('mmcv', 'FAIL', f'mmdet 3 refuses mmcv {mmcv}', MM_MEND)
    torch, numpy = installed.get('torch', '9'), installed.get('numpy', '0')
    if _numbers(torch) < (2, 3) and _numbers(numpy) >= (2,):
        text = f'torch {torch} was built for numpy 1, here is numpy {numpy}'
        mend = f"pip install 'numpy < 2' '{OPENCV} < 4.12'"
        yield Finding('numpy', 'FAIL', text, mend)
    config = configparser.ConfigParser()
    config.read(REPO / 'setup.cfg', encoding='utf-8')
    for variant in RIVALS['cv2'][0]:
        (bound,) = re.findall(r'[\d.]+', config['options.extras_require']['opencv'])
        version = installed.get(variant)
        if version and _numbers(version) < _numbers(bound):
            # Before, phones' videos came upside down.
            text = f'version {version} is too old'
            yield Finding(variant, 'FAIL', text, f"pip install '{variant} >= {bound}'")
    lines = config['options']['install_requires']
    for name, bound in re.findall(r'^(\w+) >= ([\d.]+)$', lines, re.MULTILINE):
        version = installed.get(_normal(name))
        if version is None or _numbers(version) < _numbers(bound):
            text = 'missing' if version is None else f'version {version} is too old'
            yield Finding(name, 'FAIL', text, f"pip install '{name} >= {bound}'")


def check_import(module: str, mend: str, needed: bool = True) -> Finding:
    """Import a part of the stack; where that fails, name the cause and the mend."""
    package = module.split('.')[0]
    try:
        importlib.import_module(module)
    except Exception as error:  # broken packages raise anything
        cause = (str(error).strip().splitlines() or [''])[0]
        missing = (getattr(error, 'name', None) or package).split('.')[0]
        if isinstance(error, ModuleNotFoundError) and missing != package:
            mend = f'pip install {missing}'
        level = 'FAIL' if needed else 'note'
        return Finding(module, level, f'{type(error).__name__}: {cause}', mend)
    return Finding(module, 'ok', getattr(sys.modules[package], '__version__', ''))


def check_all() -> Iterator[Finding]:
    """Check everything, each finding as it comes."""
    version = '.'.join(map(str, sys.version_info[:3]))
    yield Finding('python', 'ok', f'{version} at {sys.executable}')
    yield from check_distributions(
        {
            _normal(each.metadata['Name']): each.version
            for each in importlib.metadata.distributions()
            if each.metadata['Name']
        }
    )
    sys.path.insert(0, str(REPO))
    # Before phr_mmpose provides what these two lack. A torchvision that does not fit
    # torch costs mmdet's detectors, no xtcocotools MMPose's COCO metrics; but one that
    # was built for another numpy breaks the import of MMPose.
    mend = 'install torch and torchvision from the same index, in one command'
    yield check_import('torchvision.ops', mend, needed=False)
    is_there = importlib.util.find_spec('xtcocotools') is not None
    yield check_import('xtcocotools.mask', XTCOCOTOOLS_MEND, needed=is_there)
    for module, mend in PARTS.items():
        yield check_import(module, mend)
    for module in ('pytest', 'hypothesis', 'ruff'):
        if importlib.util.find_spec(module) is None:
            yield Finding(module, 'note', 'only the tests need it', 'make env')


def main() -> None:
    """Print the report and exit with 0 or 1."""
    warnings.simplefilter('ignore')
    passed = True
    for finding in check_all():
        print(finding, flush=True)
        passed = passed and finding.level != 'FAIL'
    print('all in order' if passed else 'not in order: run the commands after "->"')
    raise SystemExit(not passed)


if __name__ == '__main__':
    # It has no options but --help, and refuses others.
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    try:
        main()
    except KeyboardInterrupt:
        # Not by phr_mmpose.utils.cli, whose import it is to try.
        print('error: interrupted', file=sys.stderr)
        raise SystemExit(130) from None
