"""What a backbone's levels must be."""

from collections.abc import Sequence

from torch import Tensor

from phr_mmpose.utils.errors import UserError


def check_channels(
    owner: str, in_channels: Sequence[int], levels: Sequence[Tensor]
) -> None:
    """Refuse levels of other channels than a part was built for.

    Args:
        owner (str): The part's class, for the error message.
        in_channels (Sequence[int]): Channels of the levels, as the config gives them.
        levels (Sequence[Tensor]): Of shape (B, c_i, h_i, w_i) each.

    Raises:
        UserError: If there are other levels; names their channels.
    """
    wanted, found = tuple(in_channels), tuple(level.shape[1] for level in levels)
    if found != wanted:
        raise UserError(
            f'{owner} in_channels is {wanted}, the levels have {found}; set it to '
            f'{found}'
        )
