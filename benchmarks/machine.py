"""What the numbers were measured on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

_PACKAGES = (
    'torch',
    'numpy',
    'mmpose',
    'onedl-mmengine',
    'mmengine',
    'mmcv-lite',
    'opencv-python-headless',
    'opencv-python',
)


def describe_machine(device: str) -> dict:
    """Describe the hardware and the versions that the numbers belong to.

    Args:
        device (str): ``'cpu'`` or ``'cuda'``.
    """
    versions = dict(python=platform.python_version())
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    described = dict(
        device=device,
        processor=_processor(),
        cores=os.cpu_count(),
        threads=torch.get_num_threads(),
        memory_gb=_memory(),
        versions=versions,
    )
    if device == 'cuda':
        described |= dict(gpu=torch.cuda.get_device_name(), cuda=torch.version.cuda)
    return described


def _processor() -> str:
    path = Path('/proc/cpuinfo')
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.split(':')[1].strip() for line in lines if line[:10] == 'model name']
    return names[0] if names else platform.processor() or platform.machine()


def _memory() -> float | None:
    if not hasattr(os, 'sysconf'):
        return None
    return round(os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9, 1)
