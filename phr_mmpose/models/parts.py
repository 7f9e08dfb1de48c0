"""The names of the cascade's two parts, in one place."""

from collections.abc import Sequence

from phr_mmpose.utils.errors import UserError

DETECTOR = 'detector'
REFINER = 'refiner'
PARTS = (DETECTOR, REFINER)


def check_parts(
    parts: Sequence[str], present: Sequence[str] = PARTS
) -> tuple[str, ...]:
    """Return the parts in the cascade's order.

    Args:
        parts (Sequence[str]): Some of ``present``, at least one.
        present (Sequence[str]): The parts that the model has, by default both.

    Raises:
        UserError: If a name is unknown, the model lacks the part or none is
            given.
    """
    if isinstance(parts, str) or not parts or not set(parts) <= set(present):
        raise UserError(f'trained parts must be some of {list(present)}, got {parts!r}')
    return tuple(part for part in PARTS if part in parts)
