"""The one exception that is meant for a person's eyes, and others in its words."""


class UserError(ValueError):
    """Bad input: one line that names the file or value and how to mend it.

    Tools print it without a traceback and exit with code 2 (see
    :func:`phr_mmpose.utils.cli.run`).
    """


def first_line(error: Exception) -> str:
    """Put an error of another library into one line.

    Args:
        error (Exception): The error.

    Returns:
        str: Its kind and the first line of its message.
    """
    lines = str(error).strip().splitlines() or ['no reason given']
    return f'{type(error).__name__}: {lines[0]}'
