"""A case in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.plan import Case
from phr_mmpose.utils.errors import UserError

_REPO = Path(__file__).resolve().parent.parent
# Longer than any case takes on two cores, so that none hangs for ever.
_LIMIT_S = 1800


def measure_apart(case: Case, threads: int | None = None) -> dict:
    """Measure a case in a process of its own.

    Args:
        case (Case): The case.
        threads (int | None): PyTorch's threads; None leaves it the choice.

    Returns:
        dict: What the case's module gives.

    Raises:
        UserError: If the process fails; says why in one line.
    """
    paths = [str(_REPO), os.environ.get('PYTHONPATH', '')]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, paths)))
    if threads is not None:
        environment['OMP_NUM_THREADS'] = str(threads)
    command = [sys.executable, '-m', 'benchmarks.worker', case.kind]
    try:
        done = subprocess.run(
            [*command, json.dumps(case.options)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise UserError(f'{case.name}: not done after {_LIMIT_S} s') from None
    if done.returncode < 0:
        raise UserError(
            f'{case.name}: killed by signal {-done.returncode}, perhaps for want of '
            'memory'
        )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ['it said nothing']
        raise UserError(f'{case.name}: {said[-1].removeprefix("error: ")}')
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        raise UserError(f'{case.name}: gave no result') from None
