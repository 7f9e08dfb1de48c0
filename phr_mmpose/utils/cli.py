"""How every tool ends, with a result or one clear line, and what they all check."""

import sys
from collections.abc import Callable, Sequence

from phr_mmpose.utils import interrupts
from phr_mmpose.utils.errors import UserError


def run(main: Callable[[], None]) -> None:
    """Run a tool's ``main`` and turn :class:`UserError` into one line.

    Args:
        main (Callable): The tool's entry point.

    Raises:
        SystemExit: With code 2 after a :class:`UserError`, 130 after Ctrl-C.
    """
    # Names of files need not be UTF-8.
    sys.stdout.reconfigure(errors='backslashreplace')
    try:
        interrupts.raise_again()
        main()
    except UserError as error:
        print(f'error: {error}', file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print(interrupts.LINE, file=sys.stderr)
        raise SystemExit(interrupts.EXIT_CODE) from None


def refuse_renamed_options(argv: Sequence[str] | None, **new_names: str) -> None:
    """Refuse options by their former names.

    Args:
        argv (Sequence[str] | None): Command line without the program's name; None
            takes the process's own.
        **new_names (str): Former names without their dashes, ``_`` for ``-``, and
            what takes their place.

    Raises:
        UserError: If one of them is given.
    """
    for word in sys.argv[1:] if argv is None else argv:
        option = word.partition('=')[0]
        former = option.removeprefix('--').replace('-', '_')
        if option.startswith('--') and former in new_names:
            raise UserError(f'{option} is gone since version 0.3: {new_names[former]}')


def check_within(option: str, value: float, low: float, high: float) -> None:
    """Refuse a number that is out of its range, or none at all.

    Args:
        option (str): The option, as it is written on the command line.
        value (float): What it was given.
        low (float): The least that it may be.
        high (float): The most.

    Raises:
        UserError: If it is not within.
    """
    if not low <= value <= high:
        raise UserError(f'{option} {value:g}: give a number from {low:g} to {high:g}')
