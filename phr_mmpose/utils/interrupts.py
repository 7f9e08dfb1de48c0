"""Ctrl-C while a script imports ends it as later on: one line, exit code 130."""

import os
import signal
import sys
from pathlib import Path

LINE = 'error: interrupted'
EXIT_CODE = 130

_REPO = Path(__file__).resolve().parents[2]
_SCRIPTS = [_REPO / 'tools', _REPO / 'projects', _REPO / 'benchmarks']


def end_script_at_once() -> None:
    """Let Ctrl-C end this process at once if it runs a script of this repository.

    An exception would print a traceback, or a package that is being imported would
    catch it. Other programs, and scripts in which Ctrl-C does something else or
    nothing (``nohup``), keep what they have.
    """
    file = getattr(sys.modules['__main__'], '__file__', None)
    if not file or not set(_SCRIPTS) & set(Path(file).resolve().parents):
        return
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def raise_again() -> None:
    """Let Ctrl-C raise ``KeyboardInterrupt`` again, once the imports are over."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(*_: object) -> None:
    # Printing is not allowed while something else is being printed.
    os.write(2, f'{LINE}\n'.encode())
    os._exit(EXIT_CODE)
