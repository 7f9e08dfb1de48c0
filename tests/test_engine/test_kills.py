import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_killed_runs_resume_to_the_bit():
    """A few of what ``kills.py`` does; it says how to do more."""
    script = Path(__file__).with_name('kills.py')
    done = subprocess.run(
        [sys.executable, str(script), '--kills', '4'], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '4 of 4 runs equal' in done.stdout
