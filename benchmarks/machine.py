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
    'onnxruntime',
    'ai-edge-litert',
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
        native_bf16=computes_bf16(device),
        versions=versions,
    )
    if device == 'cuda':
        described |= dict(gpu=torch.cuda.get_device_name(), cuda=torch.version.cuda)
    return described


def computes_bf16(device: str) -> bool:
    """Whether a device computes in bfloat16 itself, and does not emulate it.

    Where the system does not tell, it is taken to.

    Args:
        device (str): ``'cpu'`` or ``'cuda'``.
    """
    if device == 'cuda':
        # Since compute capability 8.0.
        return torch.cuda.get_device_capability() >= (8, 0)
    path = Path('/proc/cpuinfo')
    # avx512_bf16 or amx_bf16, or ARM's bf16.
    return 'bf16' in path.read_text() if path.is_file() else True


def _processor() -> str:
    path = Path('/proc/cpuinfo')
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.split(':')[1].strip() for line in lines if line[:10] == 'model name']
    return names[0] if names else platform.processor() or platform.machine()


def _memory() -> float | None:
    if not hasattr(os, 'sysconf'):
        return None
    return round(os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9, 1)
