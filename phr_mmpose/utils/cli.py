"""How every tool ends: a result, or one clear line."""

import sys
from collections.abc import Callable

from phr_mmpose.utils.errors import UserError


def run(main: Callable[[], None]) -> None:
    """Run a tool's ``main`` and turn :class:`UserError` into one line.

    Args:
        main (Callable): The tool's entry point.

    Raises:
        SystemExit: With code 2 after a :class:`UserError`, 130 after Ctrl-C.
    """
    try:
        main()
    except UserError as error:
        print(f'error: {_own_line(error)}', file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print('error: interrupted', file=sys.stderr)
        raise SystemExit(130) from None


def _own_line(error: UserError) -> str:
    """Leave out the traceback of a loader's worker, which torch puts before."""
    last = (str(error).splitlines() or [''])[-1]
    return last.removeprefix(f'{UserError.__module__}.{UserError.__name__}: ')
