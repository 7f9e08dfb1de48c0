import time

import numpy as np
import pytest

from benchmarks.measure import held_memory, peak_memory, summarise, time_calls


def test_calls_are_timed_one_by_one_after_the_warmup():
    done = []

    def work():
        done.append(len(done))
        time.sleep(0.02)

    seconds = time_calls(work, 'cpu', calls=3, warmup=2)
    assert len(seconds) == 3 and len(done) == 5
    assert min(seconds) >= 0.02


def test_the_peak_counts_what_was_touched_and_freed():
    before, held = peak_memory('cpu'), held_memory('cpu')
    # The system counts pages in batches.
    assert 0 < held < before + 1e-2
    # More than has ever been held, by 0.1 GB.
    block = np.ones(round((before - held) * 1e9 + 1e8), np.uint8)
    del block
    assert peak_memory('cpu') - before == pytest.approx(0.1, abs=0.05)


def test_a_summary_is_median_and_extent():
    assert summarise([3.0, 1.0, 2.0]) == dict(median=2, low=1, high=3, repeats=3)
