"""The names of the cascade's two parts, in one place."""

from collections.abc import Sequence

from phr_mmpose.utils.errors import UserError

DETECTOR = 'detector'
REFINER = 'refiner'
PARTS = (DETECTOR, REFINER)


def check_parts(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the parts in the cascade's order.

    Args:
        parts (Sequence[str]): Some of :data:`PARTS`, at least one.

    Raises:
        UserError: If a name is unknown or none is given.
    """
    if isinstance(parts, str) or not parts or not set(parts) <= set(PARTS):
        raise UserError(f'trained parts must be some of {list(PARTS)}, got {parts!r}')
    return tuple(part for part in PARTS if part in parts)
