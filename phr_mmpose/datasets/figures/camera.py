"""From space to the picture: a perspective camera that looks at one person."""

import math
from dataclasses import dataclass

import numpy as np

# World axes (x left of a person who faces the camera, y up, z to the camera) and the
# picture's (x right, y down, z into the picture).
WORLD_TO_PICTURE = np.diag([1.0, -1.0, -1.0])


@dataclass
class Camera:
    """A camera at a distance, looking down a little.

    Args:
        distance (float): From the world's origin, in body heights; perspective
            grows as it shrinks.
        tilt (float): Radians that the camera looks down.
        scale (float): Pixels per body height at the origin's distance.
        offset (tuple[float, float]): Pixel at which the origin appears.
    """

    distance: float
    tilt: float
    scale: float = 1.0
    offset: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        cos, sin = math.cos(self.tilt), math.sin(self.tilt)
        look_down = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
        self.rotation = WORLD_TO_PICTURE @ look_down

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Project points of the world.

        Args:
            points (np.ndarray): Shape (P, 3), in body heights.

        Returns:
            tuple[np.ndarray, np.ndarray]: Shape (P, 3): x, y in pixels and the
            depth in pixels of the origin's scale; shape (P,): pixels per body
            height at each point.
        """
        turned = points @ self.rotation.T
        scale = self.scale * self.distance / (self.distance + turned[:, 2])
        projected = np.empty_like(turned)
        projected[:, 0] = turned[:, 0] * scale + self.offset[0]
        projected[:, 1] = turned[:, 1] * scale + self.offset[1]
        projected[:, 2] = turned[:, 2] * self.scale
        return projected, scale
