"""The one exception that is meant for a person's eyes."""


class UserError(ValueError):
    """Bad input: one line that names the file or value and how to mend it.

    Tools print it without a traceback and exit with code 2 (see
    :func:`phr_mmpose.utils.cli.run`).
    """
