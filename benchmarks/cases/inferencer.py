"""MMPose's inferencer on one photo, from pixels to a dict of joints."""

import statistics
import tempfile
from pathlib import Path

from mmpose.apis import MMPoseInferencer

from benchmarks.measure import peak_memory, time_calls
from benchmarks.models import forget_weights, read_config
from benchmarks.samples import draw_photo


def measure(options: dict) -> dict:
    """Time the inferencer on one photo, the whole of it as one person.

    Args:
        options (dict): ``model``, ``device``, ``calls``, ``warmup``.

    Returns:
        dict: ``seconds`` of a photo; ``peak_gb``.
    """
    config = read_config(options['model'])
    forget_weights(config.model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'config.py')
        config.dump(str(path))
        inferencer = MMPoseInferencer(
            pose2d=str(path), device=options['device'], det_model='whole_image'
        )
    # Else its bar is drawn over the results of this process.
    inferencer.inferencer.show_progress = False
    photo = draw_photo(0)
    seconds = time_calls(
        lambda: next(inferencer(photo)),
        options['device'],
        options['calls'],
        options['warmup'],
    )
    return dict(
        seconds=statistics.median(seconds), peak_gb=peak_memory(options['device'])
    )
