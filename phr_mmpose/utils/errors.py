"""The one exception that is meant for a person's eyes, and others in its words."""

# Longer than any line of this package that does not quote a file.
_LONGEST = 1000
_CUT = ' … '


class UserError(ValueError):
    """Bad input: one line that names the file or value and how to mend it.

    Tools print it without a traceback and exit with code 2 (see
    :func:`phr_mmpose.utils.cli.run`). What a line quotes of a file is made safe
    to print, see :func:`one_line`.

    Args:
        message (str): The line.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(_without_traceback(message)))


def one_line(text: str) -> str:
    """Make text of any origin safe to print in one line.

    Args:
        text (str): The text.

    Returns:
        str: Control characters are escaped, and the middle of a long text is
        left out: the beginning says what is wrong, the end how to mend it.
    """
    line = ''.join(
        char if char.isprintable() else char.encode('unicode_escape').decode()
        for char in text
    )
    if len(line) <= _LONGEST:
        return line
    half = (_LONGEST - len(_CUT)) // 2
    return line[:half] + _CUT + line[-half:]


def first_line(error: BaseException) -> str:
    """Put an error of another library into one line.

    Args:
        error (BaseException): The error.

    Returns:
        str: Its kind and the first line of its message.
    """
    lines = str(error).strip().splitlines() or ['no reason given']
    return f'{type(error).__name__}: {lines[0]}'


def _without_traceback(message: str) -> str:
    """Undo what torch puts before the message of an error in a loader's worker."""
    if not message.startswith(f'Caught {UserError.__name__} in '):
        return message
    name = f'{UserError.__module__}.{UserError.__name__}: '
    return message.splitlines()[-1].removeprefix(name)
