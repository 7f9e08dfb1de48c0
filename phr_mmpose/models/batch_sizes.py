"""How many persons a model is best given at once."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Pixels of their crops. On a GPU 16 persons of 256 x 256 px, about 2 GB with the
# paper's model and a flip test; on a CPU one for each thread: its caches hold no more,
# and fresh memory costs it time (measured with two threads).
_PIXELS_ON_GPU = 16 * 256**2
_PIXELS_PER_THREAD = 256**2


def persons_at_once(device: str, size: tuple[int, int]) -> int:
    """Say how many persons suit a device and the size of their crops.

    Args:
        device (str): The type of the device.
        size (tuple[int, int]): Of a crop in pixels, in either order.

    Returns:
        int: At least one.
    """
    on_cpu = device == 'cpu'
    pixels = torch.get_num_threads() * _PIXELS_PER_THREAD if on_cpu else _PIXELS_ON_GPU
    return max(1, pixels // (size[0] * size[1]))


def predict_in_parts(
    predict: Callable[[Tensor, Sequence], list], inputs: Tensor, samples: Sequence
) -> list:
    """Predict a batch, on a CPU in parts of :func:`persons_at_once`.

    Args:
        predict (Callable): Of some crops and their samples; each person's result
            does not depend on the others.
        inputs (Tensor): Crops (B, C, H, W).
        samples (Sequence): B samples.

    Returns:
        list: What ``predict`` gives, in order.
    """
    device = inputs.device.type
    # A GPU gains by large batches, and who chose one there has the memory.
    if device != 'cpu':
        return predict(inputs, samples)
    step = persons_at_once(device, inputs.shape[-2:])
    return [
        done
        for start in range(0, len(inputs), step)
        for done in predict(inputs[start : start + step], samples[start : start + step])
    ]
