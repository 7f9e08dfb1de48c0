"""Many people in one photo, against one."""

import numpy as np
from mmpose.apis import init_model

from benchmarks.measure import forget_peak, peak_memory, time_calls
from benchmarks.models import forget_weights, read_config
from benchmarks.samples import PHOTO_SIZE, draw_person, draw_photo
from phr_mmpose.apis import estimate_poses


def measure(options: dict) -> dict:
    """Time ``estimate_poses`` for one person and for a crowd.

    Args:
        options (dict): ``model``, ``device``, ``people``.

    Returns:
        dict: ``single_seconds_per_person``, ``crowd_seconds_per_person``,
        ``people`` and ``peak_gb``.
    """
    device, people = options['device'], options['people']
    model = random_model(options['model'], device)
    photo, boxes = draw_photo(0), draw_boxes(people)
    # One person first: it warms up for both.
    single = time_calls(
        lambda: estimate_poses(model, photo, boxes[:1]), device, calls=2, warmup=1
    )
    warmup = 1 if device == 'cuda' else 0
    forget_peak(device)
    crowd = time_calls(
        lambda: estimate_poses(model, photo, boxes), device, calls=1, warmup=warmup
    )
    return dict(
        single_seconds_per_person=float(np.median(single)),
        crowd_seconds_per_person=crowd[0] / people,
        people=people,
        peak_gb=peak_memory(device),
    )


def random_model(name: str, device: str):
    """Load a model for inference, with random weights.

    Args:
        name (str): The path of a config.
        device (str): ``'cpu'`` or ``'cuda'``.
    """
    config = read_config(name)
    forget_weights(config.model)
    return init_model(config, None, device=device)


def draw_boxes(people: int) -> np.ndarray:
    """Draw boxes of persons, 200 px high, in a photo of ``PHOTO_SIZE``.

    Args:
        people (int): Persons N.

    Returns:
        np.ndarray: Shape (N, 4), x1, y1, x2, y2.
    """
    random = np.random.default_rng(0)
    return np.stack([draw_person(random, PHOTO_SIZE, 200, 1)[0] for _ in range(people)])
