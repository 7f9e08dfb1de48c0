"""One colour for each side of the body, by the joints' names."""

# Three of Okabe and Ito's, which stay apart for the colour-blind. RGB.
RIGHT = (230, 120, 0)
LEFT = (86, 180, 233)
MIDDLE = (240, 228, 66)

# Lies under every stroke, so that it shows on any background.
EDGE = (25, 25, 25)


def joint_colour(name: str) -> tuple[int, int, int]:
    """Colour of a joint.

    Args:
        name (str): Such as ``'left_hip'``.

    Returns:
        tuple[int, int, int]: RGB, 0 to 255.
    """
    if name.startswith('right'):
        return RIGHT
    return LEFT if name.startswith('left') else MIDDLE


def limb_colour(start: str, end: str) -> tuple[int, int, int]:
    """Colour of a limb: its side's, or the middle's where it joins the sides.

    Args:
        start (str): Name of the joint at one end.
        end (str): Name of the joint at the other end.

    Returns:
        tuple[int, int, int]: RGB, 0 to 255.
    """
    colours = {joint_colour(start), joint_colour(end)} - {MIDDLE}
    return colours.pop() if len(colours) == 1 else MIDDLE
