"""Drawn people as a data set."""

from numbers import Integral, Real

import numpy as np
from mmpose.datasets.datasets import BaseCocoStyleDataset
from mmpose.registry import DATASETS

from phr_mmpose.datasets.figures.cache import FigureCache
from phr_mmpose.datasets.figures.file_backend import MAX_SIZE, MIN_SIZE, FigurePath
from phr_mmpose.datasets.figures.renderer import Figure, draw_figure
from phr_mmpose.datasets.joints import FIGURES_METAINFO, head_sizes
from phr_mmpose.utils.errors import UserError


@DATASETS.register_module()
class FigureDataset(BaseCocoStyleDataset):
    """Articulated figures drawn by the project's own generator.

    A figure is a pure function of ``seed``, its number and the arguments below:
    no download, the same pictures on every run, in any order and any process.
    Train and test sets are two seeds. It carries MPII's 16 joints with **exact**
    visibility: a joint is visible if the surface seen at its pixel belongs to
    body parts that meet there, close to it, and no object covers it. Joints outside the
    picture are not annotated.

    Items hold the keys of :class:`~phr_mmpose.datasets.body.PartDataset`, and the
    picture itself:

    - ``img`` (image_size, image_size, 3) uint8, BGR, drawn when the item is
      asked for; a pipeline needs no ``LoadImage`` but may have it
    - ``img_path`` (str): a path that MMEngine's ``fileio`` opens by drawing the figure
      again, see :mod:`phr_mmpose.datasets.figures.file_backend`
    - ``img_shape``, ``ori_shape`` (tuple): height and width
    - ``bbox`` (1, 4): a square as large as the body is tall, or as the joints
      need
    - ``keypoints`` (1, 16, 2), ``keypoints_visible`` (1, 16, 2) as [annotated,
      visible], ``head_size`` (1,)

    Args:
        num (int): Number of figures.
        seed (int): Not negative; another seed gives other figures.
        image_size (int): Side of the pictures in pixels, from 64 to 1024.
        occlusion (float): Mean share of the joints that objects hide, in
            [0, 1]; above 0.5 they hide less. It changes nothing but the objects.
            Defaults to 0.1.
        back_views (float): Share of people with their back turned, among those who do
            not sit, in [0, 1]. Their left and right are hardest to tell apart. Defaults
            to 0.2.
        cache (bool): Keep drawn figures in memory (3 bytes per pixel), shared
            by the loader's forked workers. Defaults to False.
        metainfo (dict, optional): Replaces ``METAINFO``.
        **kwargs: ``indices``, ``serialize_data``, ``pipeline``, ``test_mode``,
            ``lazy_init`` and ``max_refetch`` of ``BaseCocoStyleDataset``.

    Raises:
        UserError: If an argument is out of its range.
    """

    METAINFO: dict = FIGURES_METAINFO

    def __init__(
        self,
        num: int = 1000,
        seed: int = 0,
        image_size: int = 160,
        occlusion: float = 0.1,
        back_views: float = 0.2,
        cache: bool = False,
        metainfo: dict | None = None,
        **kwargs,
    ) -> None:
        _check_whole('num', num, 1)
        _check_whole('seed', seed, 0)
        _check_whole('image_size', image_size, MIN_SIZE, MAX_SIZE)
        for name, share in (('occlusion', occlusion), ('back_views', back_views)):
            if not isinstance(share, Real) or not 0 <= share <= 1:
                raise UserError(
                    f'FigureDataset: {name}={share!r} is no share; '
                    'give a number from 0 to 1'
                )
        self.num = int(num)
        self.seed = int(seed)
        self.image_size = int(image_size)
        self.occlusion = float(occlusion)
        self.back_views = float(back_views)
        self.cache = FigureCache(self.num, self.image_size) if cache else None
        super().__init__(metainfo=metainfo, data_mode='topdown', **kwargs)

    def load_data_list(self) -> list[dict]:
        """List the figures without drawing them.

        Returns:
            list[dict]: One item for each figure, with its number and name.
        """
        return [
            {
                'id': index,
                'img_id': index,
                'img_path': str(
                    FigurePath(
                        self.seed,
                        index,
                        self.image_size,
                        self.occlusion,
                        self.back_views,
                    )
                ),
            }
            for index in range(self.num)
        ]

    def figure(self, number: int) -> Figure:
        """One figure, drawn or from the cache.

        Args:
            number (int): The figure's number, ``id`` of its item.

        Returns:
            Figure: The picture and all that is known about it.
        """
        figure = self.cache.get(number) if self.cache else None
        if figure is None:
            figure = draw_figure(
                self.seed,
                number,
                self.image_size,
                self.occlusion,
                self.back_views,
            )
            if self.cache:
                self.cache.put(number, figure)
        return figure

    def get_data_info(self, idx: int) -> dict:
        """Draw a figure and describe it.

        Args:
            idx (int): Index in the data set.

        Returns:
            dict: The keys in the class's description.
        """
        info = super().get_data_info(idx)
        figure = self.figure(info['id'])
        shape = figure.image.shape[:2]
        info.update(
            img=figure.image,
            img_shape=shape,
            ori_shape=shape,
            bbox=figure.box[None],
            bbox_score=np.ones(1, dtype=np.float32),
            keypoints=np.where(figure.annotated[:, None], figure.joints, 0)[None],
            keypoints_visible=np.stack(
                [figure.annotated, figure.visible], axis=-1
            ).astype(np.float32)[None],
            head_size=head_sizes(figure.head_box).astype(np.float32),
        )
        return info


def _check_whole(name: str, value: object, low: int, high: int | None = None) -> None:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if whole and value >= low and (high is None or value <= high):
        return
    span = f'from {low} to {high}' if high else f'of at least {low}'
    raise UserError(f'FigureDataset: {name}={value!r}; give a whole number {span}')
