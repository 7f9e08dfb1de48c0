"""Several data sets of the same joints as one."""

from mmengine.dataset import ConcatDataset
from mmpose.registry import DATASETS


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
    """

    def __init__(
        self, datasets: list[dict], metainfo: dict, lazy_init: bool = False
    ) -> None:
        super().__init__(
            [dict(dataset, metainfo=metainfo) for dataset in datasets], lazy_init
        )
