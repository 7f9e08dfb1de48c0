"""One case in one process: reads its options, prints one line of JSON.

Started by ``benchmarks/run.py`` as ``python -m benchmarks.worker KIND OPTIONS``.
"""

import importlib
import json
import sys
import warnings

from phr_mmpose.utils.cli import run

from mmengine.registry import init_default_scope


def main() -> None:
    """Measure the case that the command line names."""
    kind, options = sys.argv[1], json.loads(sys.argv[2])
    # Of the stack's own parts, which the measured code does not choose.
    warnings.filterwarnings('ignore')
    init_default_scope('mmpose')
    module = importlib.import_module(f'benchmarks.cases.{kind}')
    print(json.dumps(module.measure(options)))


if __name__ == '__main__':
    run(main)
