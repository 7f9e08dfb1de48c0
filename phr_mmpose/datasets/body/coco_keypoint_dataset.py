"""COCO keypoint files of any keypoints, with the flag for hidden joints kept."""

import logging
from collections import Counter
from collections.abc import Sequence

import numpy as np
from mmengine.fileio import exists
from mmengine.logging import print_log
from mmpose.datasets.datasets import CocoDataset
from mmpose.registry import DATASETS

from phr_mmpose.datasets.annotation_list import are_coordinates
from phr_mmpose.utils.errors import UserError, first_line

# COCO's flags of a keypoint; 0 is one that is not annotated.
_HIDDEN, _VISIBLE = 1, 2
# Pixels of the photo, at the longer side: what is in shares of it has no such box.
_SMALLEST_BOX = 2
# What the readers raise for a file of another layout.
_MISREAD = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@DATASETS.register_module()
class CocoKeypointDataset(CocoDataset):
    """MMPose's ``CocoDataset`` that knows which joints are hidden.

    MMPose takes a joint with v = 1 (annotated, but hidden) for one with v = 2
    (visible). Here ``keypoints_visible`` is (1, K, 2), [annotated, visible]:
    [1, 1] for v = 2, [1, 0] for v = 1, [0, 0] for v = 0. K is the number of
    joints. All else is as in ``CocoDataset``: boxes, crowds, areas, ``bbox_file``.

    Items have ``img_shape``, the photo's height and width as the file tells them,
    which the transforms that read the photo compare with it.

    A file without a single v = 2 was written by a tool that does not tell hidden
    from visible. Its ``keypoints_visible`` is (1, K), annotated; so is that of the
    boxes of a ``bbox_file``.

    Args:
        ann_file (str): COCO keypoint file, relative to ``data_root``.
        metainfo (dict, optional): The file's keypoints as MMPose describes them,
            or ``dict(from_file='path/of/a/config.py')``. Defaults to COCO's 17.
        **kwargs: As for MMPose's ``CocoDataset``.

    Raises:
        UserError: If a file is missing or faulty, two of its entries have one id, its
            keypoints are not those of ``metainfo`` or stand in another order, no box is
            in pixels, or it holds no person to use.
    """

    def load_data_list(self) -> list[dict]:
        """Read the file.

        Returns:
            list[dict]: One item for each person, or for each photo with
            ``data_mode='bottomup'``.
        """
        for path in filter(None, (self.ann_file, self.bbox_file)):
            if not exists(path):
                raise UserError(
                    f'{path}: no such file; check data_root, ann_file and bbox_file'
                )
        # Read once: each reading of metainfo copies it.
        self._meta = self.metainfo
        self._flags: set[float] = set()
        self._listed = 0
        try:
            items = super().load_data_list()
        except UserError:
            raise
        except _MISREAD as error:
            raise UserError(
                f'{self.ann_file}: is no COCO keypoint file ({first_line(error)}); '
                'give one with "images", "annotations" and "categories", and with '
                'whole numbers, not in quotes, as ids'
            ) from error
        if not items:
            raise UserError(
                f'{self.ann_file}: no person to use; each needs a box, annotated '
                'keypoints and iscrowd 0'
            )
        if self.data_mode == 'topdown' and len(items) < self._listed:
            print_log(
                f'{self.ann_file}: {len(items)} of {self._listed} annotations are '
                'used; the others lack a box or keypoints, are crowds, name no photo '
                'of the file, or are of photos that sample_interval skips',
                logger='current',
            )
        if self.data_mode == 'topdown' and all(
            np.ptp(item['bbox'].reshape(2, 2), axis=0).max() < _SMALLEST_BOX
            for item in items
        ):
            raise UserError(
                f'{self.ann_file}: no box is as large as {_SMALLEST_BOX} pixels; give '
                'boxes and keypoints in pixels, not as shares of the photo'
            )
        if self._flags and _HIDDEN not in self._flags:
            print_log(
                f'{self.ann_file}: no joint is marked as hidden (v = 1). If who '
                'labelled it did not look, the detector learns hidden joints as '
                'visible ones',
                logger='current',
                level=logging.WARNING,
            )
        if _VISIBLE not in self._flags:
            for item in items:
                flags = item.get('keypoints_visible')
                if flags is not None and flags.ndim == 3:
                    item['keypoints_visible'] = flags[..., 0]
        return items

    def _load_annotations(self) -> tuple[list[dict], list[dict]]:
        """Read the file's persons, and see that its entries are what they seem."""
        found = super()._load_annotations()
        content = self.coco.dataset
        self._listed = len(self.coco.anns)
        # Of entries with one id the reader knows only the last.
        self._check_ids('annotations', content['annotations'], self._listed)
        self._check_ids('images', content.get('images', ()), len(self.coco.imgs))
        for category in content.get('categories', ()):
            self._check_names(category.get('keypoints') or ())
        return found

    def _check_ids(self, name: str, entries: Sequence[dict], different: int) -> None:
        if different < len(entries):
            counts = Counter(entry['id'] for entry in entries)
            number, times = counts.most_common(1)[0]
            raise UserError(
                f'{self.ann_file}: {times} of its "{name}" have the id {number}; give '
                'each its own, also where several files were joined'
            )

    def _check_names(self, names: Sequence[str]) -> None:
        """Compare the keypoints that a category names with those of ``metainfo``."""
        known = list(self._meta['keypoint_id2name'].values())
        ours, theirs = ([_plain(name) for name in each] for each in (names, known))
        if len(ours) != len(theirs) or ours == theirs:
            return
        place = next(i for i, name in enumerate(ours) if name != theirs[i])
        line = (
            f'{self.ann_file}: calls its keypoint {place} {names[place]!r}, the '
            f'metainfo {self._meta["dataset_name"]!r} {known[place]!r}'
        )
        if sorted(ours) == sorted(theirs):
            raise UserError(f'{line}; give the metainfo in the order of the file')
        print_log(
            f'{line}; if that is another joint, give the metainfo of the file',
            logger='current',
            level=logging.WARNING,
        )

    def parse_data_info(self, raw_data_info: dict) -> dict | None:
        """Read one person, with both flags.

        Args:
            raw_data_info (dict): ``raw_ann_info`` and ``raw_img_info``, the
                file's entries of the person and of the photo.

        Returns:
            dict | None: The item; None for an entry without box or keypoints.

        Raises:
            UserError: If the keypoints are not those of ``metainfo``, or the box is
                not of numbers.
        """
        ann = raw_data_info['raw_ann_info']
        if ann.get('keypoints') == []:
            # Some files list so whom nobody annotated; MMPose leaves them out, too.
            return None
        flags = self._read_flags(ann) if 'keypoints' in ann else None
        if 'bbox' in ann and not (
            isinstance(ann['bbox'], list) and np.shape(ann['bbox']) == (4,)
        ):
            raise UserError(
                f'{self.ann_file}: annotation {ann.get("id")} has the "bbox" '
                f'{ann["bbox"]}; give x, y, width, height, or leave it out'
            )
        info = super().parse_data_info(raw_data_info)
        if info is None:
            return None
        if not np.isfinite(info['bbox']).all():
            raise UserError(
                f'{self.ann_file}: annotation {ann.get("id")}: "bbox", or "width" and '
                '"height" of its photo, are no numbers; give all in pixels'
            )
        self._flags.update(flags.tolist())
        both = np.stack([flags >= _HIDDEN, flags == _VISIBLE], axis=-1)
        info['keypoints_visible'] = both.astype(np.float32)[None]
        if self.data_mode == 'topdown':
            # Compared with the photo when that is read.
            photo = raw_data_info['raw_img_info']
            info['img_shape'] = (photo['height'], photo['width'])
        return info

    def _read_flags(self, ann: dict) -> np.ndarray:
        """Check a person's keypoints and give their K flags."""
        person = f'{self.ann_file}: annotation {ann.get("id")}'
        values = np.array(ann['keypoints'], dtype=np.float32).ravel()
        wanted = self._meta['num_keypoints']
        if values.size != 3 * wanted:
            raise UserError(
                f'{person} has {values.size / 3:g} keypoints where the metainfo '
                f'{self._meta["dataset_name"]!r} names {wanted}; give the metainfo of '
                "the file's keypoints"
            )
        if not are_coordinates(values).all():
            raise UserError(
                f'{person} has what is no pixel of a photo in "keypoints" (NaN, or far '
                'away); give an unknown keypoint as 0, 0, 0'
            )
        flags = values[2::3]
        if not np.isin(flags, (0, _HIDDEN, _VISIBLE)).all():
            raise UserError(f'{person}: the flags v of "keypoints" may be 0, 1 and 2')
        return flags


def _plain(name: str) -> str:
    """A keypoint's name as ``metainfo`` would write it."""
    return str(name).strip().lower().replace('-', '_').replace(' ', '_')
