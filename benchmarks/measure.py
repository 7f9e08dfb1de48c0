"""Time and memory of one process, on either device."""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch


def synchronise(device: str) -> None:
    """Wait until the device has done what it was given."""
    if device == 'cuda':
        torch.cuda.synchronize()


def time_calls(
    function: Callable[[], object], device: str, calls: int, warmup: int
) -> list[float]:
    """Time calls of a function, each to the end of its work on the device.

    Args:
        function (Callable): What to time.
        device (str): ``'cpu'`` or ``'cuda'``.
        calls (int): Timed calls.
        warmup (int): Calls before them, which choose kernels and fill caches.

    Returns:
        list[float]: Seconds of each timed call.
    """
    for _ in range(warmup):
        function()
    seconds = []
    for _ in range(calls):
        synchronise(device)
        start = time.perf_counter()
        function()
        synchronise(device)
        seconds.append(time.perf_counter() - start)
    return seconds


def peak_memory(device: str) -> float:
    """Most memory held so far, in 10^9 bytes.

    Of the process on a CPU, where it can only grow; of PyTorch's allocator on a
    GPU, since :func:`forget_peak`.

    Args:
        device (str): ``'cpu'`` or ``'cuda'``.
    """
    if device == 'cuda':
        return torch.cuda.max_memory_allocated() / 1e9
    status = Path('/proc/self/status')
    if status.is_file():
        lines = dict(line.split(':', 1) for line in status.read_text().splitlines())
        if 'VmHWM' in lines:
            return int(lines['VmHWM'].split()[0]) * 1024 / 1e9
    # A process begins with its parent's peak here. Kilobytes, but bytes on macOS.
    unit = 1 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def held_memory(device: str) -> float:
    """Memory held now, in 10^9 bytes: to be taken off a later peak.

    Where a CPU's system does not tell, the peak so far stands in for it.

    Args:
        device (str): ``'cpu'`` or ``'cuda'``.
    """
    if device == 'cuda':
        return torch.cuda.memory_allocated() / 1e9
    status = Path('/proc/self/statm')
    if not status.is_file():
        return peak_memory(device)
    return int(status.read_text().split()[1]) * resource.getpagesize() / 1e9


def forget_peak(device: str) -> None:
    """Start anew with the peak of a GPU's memory; a CPU's stays."""
    if device == 'cuda':
        torch.cuda.reset_peak_memory_stats()


def summarise(values: Sequence[float]) -> dict:
    """Describe repeats by their median and their extent.

    Args:
        values (Sequence[float]): At least one number.

    Returns:
        dict: ``median``, ``low``, ``high`` and the number of ``repeats``.
    """
    return dict(
        median=statistics.median(values),
        low=min(values),
        high=max(values),
        repeats=len(values),
    )
