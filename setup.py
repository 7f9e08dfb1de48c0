"""What setup.cfg cannot say: the configs are part of the package."""

from pathlib import Path

from setuptools import find_packages, setup

folders = {path.parent for path in Path('configs').rglob('*.py')}
configs = {f'phr_mmpose.{".".join(path.parts)}': str(path) for path in folders}
setup(
    packages=[*find_packages(include=['phr_mmpose*']), *sorted(configs)],
    package_dir=configs,
)
