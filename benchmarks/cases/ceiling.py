"""What the machine can do at most: the product of two large matrices."""

import torch

from benchmarks.measure import time_calls
from benchmarks.models import BFLOAT16, FLOAT32


def measure(options: dict) -> dict:
    """Multiply square matrices in both precisions.

    Args:
        options (dict): ``device``; ``size``, rows and columns; ``calls``.

    Returns:
        dict: ``fp32`` and ``bf16``: 10^9 multiplications with addition a
        second, of the fastest call.
    """
    device, size = options['device'], options['size']
    rates = {}
    for name, dtype in ((FLOAT32, torch.float32), (BFLOAT16, torch.bfloat16)):
        left = torch.randn(size, size, device=device).to(dtype)
        right = torch.randn(size, size, device=device).to(dtype)
        out = torch.empty_like(left)
        seconds = time_calls(
            lambda left=left, right=right, out=out: torch.mm(left, right, out=out),
            device,
            options['calls'],
            warmup=1,
        )
        rates[name] = size**3 / 1e9 / min(seconds)
    return rates
