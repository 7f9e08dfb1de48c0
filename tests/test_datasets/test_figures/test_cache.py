"""The cache gives back what was put in, also across processes."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

from phr_mmpose.datasets.figures import draw_figure
from phr_mmpose.datasets.figures.cache import FigureCache


def test_a_figure_comes_back_as_it_was():
    cache, figure = FigureCache(3, 64), draw_figure(1, 2, 64)
    assert cache.get(2) is None
    cache.put(2, figure)
    back = cache.get(2)
    for name, value in vars(figure).items():
        assert np.array_equal(getattr(back, name), value), name
    # It is a copy: drawing into it changes nothing in the cache.
    back.image[:] = 0
    assert np.array_equal(cache.get(2).image, figure.image)


def test_copies_start_empty():
    cache = FigureCache(2, 64)
    cache.put(0, draw_figure(1, 0, 64))
    for twin in (copy.deepcopy(cache), pickle.loads(pickle.dumps(cache))):
        assert twin.get(0) is None
        twin.put(1, draw_figure(1, 1, 64))
    assert cache.get(1) is None


@pytest.mark.skipif(
    'fork' not in multiprocessing.get_all_start_methods(), reason='needs fork'
)
def test_a_forked_worker_fills_it_for_all():
    cache, figure = FigureCache(2, 64), draw_figure(1, 1, 64)
    worker = multiprocessing.get_context('fork').Process(
        target=cache.put, args=(1, figure)
    )
    worker.start()
    worker.join(30)
    assert worker.exitcode == 0
    assert np.array_equal(cache.get(1).image, figure.image)
