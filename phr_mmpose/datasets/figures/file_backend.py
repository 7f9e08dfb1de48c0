"""Figures as files: a path that says what is drawn, and MMEngine's way to open it."""

import re
from pathlib import Path
from typing import NamedTuple

import cv2
from mmengine.fileio import BaseStorageBackend, register_backend

from phr_mmpose.datasets.figures.renderer import draw_figure
from phr_mmpose.utils.errors import UserError

MIN_SIZE, MAX_SIZE = 64, 1024
"""int: Limits of a picture's side, in pixels."""

_PATTERN = re.compile(
    r'figures://image_size=(?P<image_size>[0-9]+),occlusion=(?P<occlusion>[^,/]+),'
    r'back_views=(?P<back_views>[^,/]+)/figure_(?P<seed>[0-9]+)_(?P<number>[0-9]+)\.png'
)


class FigurePath(NamedTuple):
    """All that a figure depends on; as a string, its path.

    Attributes:
        seed (int): Of the data set.
        number (int): Of the figure in the data set.
        image_size (int): Side of the picture in pixels.
        occlusion (float): Mean share of the joints that objects hide.
        back_views (float): Share of the people seen from behind.
    """

    seed: int
    number: int
    image_size: int
    occlusion: float
    back_views: float

    def __str__(self) -> str:
        return (
            f'figures://image_size={self.image_size},occlusion={self.occlusion},'
            f'back_views={self.back_views}/figure_{self.seed}_{self.number}.png'
        )

    @classmethod
    def parse(cls, path: str | Path) -> 'FigurePath':
        """Read a path.

        Args:
            path (str | Path): The path.

        Returns:
            FigurePath: What it says.

        Raises:
            UserError: If it is not the path of a figure.
        """
        match = _PATTERN.fullmatch(str(path))
        try:
            found = match and cls(
                seed=int(match['seed']),
                number=int(match['number']),
                image_size=int(match['image_size']),
                occlusion=float(match['occlusion']),
                back_views=float(match['back_views']),
            )
        except ValueError:
            found = None
        if (
            not found
            or not MIN_SIZE <= found.image_size <= MAX_SIZE
            or not 0 <= found.occlusion <= 1
            or not 0 <= found.back_views <= 1
        ):
            example = cls(0, 12, 160, 0.1, 0.2)
            raise UserError(
                f'{path}: not the path of a drawn figure; one is {example} '
                f'(image_size from {MIN_SIZE} to {MAX_SIZE}, shares from 0 to 1)'
            )
        return found


@register_backend('figures', prefixes='figures')
class FigureBackend(BaseStorageBackend):
    """Draws the figure that a path names; nothing is on disk.

    This lets MMPose's visualization hook and ``LoadImage`` open figures like photos.
    """

    def get(self, filepath: str | Path) -> bytes:
        """Draw a figure.

        Args:
            filepath (str | Path): A :class:`FigurePath` as a string.

        Returns:
            bytes: The picture as PNG, pixel for pixel that of ``draw_figure``.

        Raises:
            UserError: If the path is not that of a figure.
        """
        figure = FigurePath.parse(filepath)
        picture = draw_figure(
            figure.seed,
            figure.number,
            figure.image_size,
            figure.occlusion,
            figure.back_views,
        ).image
        return cv2.imencode('.png', picture)[1].tobytes()

    def get_text(self, filepath: str | Path, encoding: str = 'utf-8') -> str:
        """Refuse: a picture holds no text.

        Args:
            filepath (str | Path): The path.
            encoding (str): Not used.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f'{filepath}: a picture holds no text')
