"""Several data sets of the same joints as one."""

from collections.abc import Sequence

from mmengine.dataset import ConcatDataset
from mmpose.registry import DATASETS

from phr_mmpose.utils.errors import UserError


@DATASETS.register_module()
class JoinedDataset(ConcatDataset):
    """MMEngine's ``ConcatDataset`` whose config says which joints it has.

    For a checkpoint that does not name its joints, MMPose (``init_model``, the
    inferencers) reads ``metainfo`` of the training data's config; without it
    they take the joints of COCO, or fail.

    Args:
        datasets (list[dict]): The data sets' configs.
        metainfo (dict): The meta information of each of them.
        lazy_init (bool): As in ``ConcatDataset``. Defaults to False.
        crop_cache (Sequence[str | None], optional): The ``crop_cache`` of each of
            them.

    Raises:
        UserError: If ``crop_cache`` is not one for each.
    """

    def __init__(
        self,
        datasets: list[dict],
        metainfo: dict,
        lazy_init: bool = False,
        crop_cache: Sequence[str | None] | None = None,
    ) -> None:
        datasets = give_caches(datasets, crop_cache)
        super().__init__(
            [dict(dataset, metainfo=metainfo) for dataset in datasets], lazy_init
        )


def give_caches(
    datasets: Sequence[dict], names: Sequence[str | None] | None
) -> list[dict]:
    """Give each of joined data sets its crop cache.

    Args:
        datasets (Sequence[dict]): Their configs.
        names (Sequence[str | None], optional): The caches; None leaves a config as
            it is.

    Returns:
        list[dict]: The configs with ``crop_cache``.

    Raises:
        UserError: If there is not one for each.
    """
    if names is None:
        return list(datasets)
    if isinstance(names, str) or len(names) != len(datasets):
        raise UserError(
            f'crop_cache={names!r}: {len(datasets)} data sets are joined; give a list '
            'with one cache, or None, for each'
        )
    return [
        dataset if name is None else dict(dataset, crop_cache=name)
        for dataset, name in zip(datasets, names, strict=True)
    ]
