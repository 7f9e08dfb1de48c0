"""Packages that only some uses of this one need."""

from importlib.util import find_spec

from phr_mmpose.utils.errors import UserError


def require(extra: str, *packages: str) -> None:
    """See that packages are installed.

    Args:
        extra (str): The extra of this package that brings them.
        *packages (str): Their names.

    Raises:
        UserError: If one is not.
    """
    for package in packages:
        if find_spec(package) is None:
            raise UserError(
                f'{package} is not installed: pip install -e ".[{extra}]", or '
                f'pip install {" ".join(packages)}'
            )
