"""Where the persons are: the whole image, a file of boxes, or a detector.

Each source is called with a photo's path and picture and gives boxes (N, 4) in
pixels of the photo, from 0, and scores (N,).
"""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path, PureWindowsPath

import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmpose.evaluation.functional import nms

from phr_mmpose.apis.loading import choose_device, meta_of
from phr_mmpose.datasets.boxes import FaultyBoxes, check_boxes
from phr_mmpose.utils.checkpoint import (
    check_matches,
    get_state_dict,
    load_checkpoint,
)
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError, first_line
from phr_mmpose.utils.json_files import read_json

BoxSource = Callable[[Path, np.ndarray], tuple[np.ndarray, np.ndarray]]

_FORMS = (
    'give {"photo.jpg": [[x1, y1, x2, y2], …], …} or '
    '[{"image": "photo.jpg", "bbox": [x1, y1, x2, y2], "score": 0.9}, …]'
)

# Any number that float32 holds and a person may mean.
_MAX_SCORE = 1e30


def whole_image(path: Path, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take the whole picture for one person's box.

    Args:
        path (Path): Not used.
        image (np.ndarray): Shape (H, W, 3).

    Returns:
        tuple[np.ndarray, np.ndarray]: Boxes (1, 4) and scores (1,).
    """
    height, width = image.shape[:2]
    return np.array([[0, 0, width, height]], np.float32), np.ones(1, np.float32)


class SomeBoxesFaulty(UserError):
    """Some boxes of a photo are faulty; the others can be used.

    Args:
        line (str): What is wrong.
        boxes (np.ndarray): Shape (N, 4), the others; N > 0.
        box_scores (np.ndarray): Shape (N,).
    """

    def __init__(self, line: str, boxes: np.ndarray, box_scores: np.ndarray) -> None:
        super().__init__(line)
        self.boxes = boxes
        self.box_scores = box_scores


class BoxFile:
    """Boxes from a JSON file, for each photo by its name.

    A name may be the path as it was given to the tool, or its end (such as the
    file's name), with slashes of either kind. The boxes under a video's name hold
    for all its frames.

    Args:
        path (str | Path): ``{name: [[x1, y1, x2, y2], …]}``, or a list of
            ``{"image": name, "bbox": [x1, y1, x2, y2]}``, perhaps with ``"score"``.

    Raises:
        UserError: If the file cannot be read or has another form.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        content = read_json(path, _FORMS)
        #: For each name its boxes, and their scores.
        self._boxes: dict[str, tuple[list, list[float]]] = {}
        if isinstance(content, dict):
            self._collect_names(content)
        elif isinstance(content, list):
            self._collect_entries(content)
        else:
            raise UserError(f'{path}: neither an object nor a list; {_FORMS}')

    def _collect_names(self, content: dict) -> None:
        for name, boxes in content.items():
            if not isinstance(boxes, list):
                raise UserError(f'{self.path}: "{name}" has no list; {_FORMS}')
            self._add(name, boxes, [1.0] * len(boxes))

    def _collect_entries(self, content: list) -> None:
        for number, entry in enumerate(content):
            if not (isinstance(entry, dict) and isinstance(entry.get('image'), str)):
                raise UserError(f'{self.path}: entry {number} has no image; {_FORMS}')
            if 'bbox' not in entry:
                raise UserError(f'{self.path}: entry {number} has no bbox; {_FORMS}')
            score = entry.get('score', 1)
            if type(score) not in (int, float) or not abs(score) < _MAX_SCORE:
                raise UserError(
                    f'{self.path}: entry {number} has a score that is no number; '
                    'leave it out where it is not known'
                )
            self._add(entry['image'], [entry['bbox']], [score])

    def _add(self, name: str, boxes: list, scores: list[float]) -> None:
        known, known_scores = self._boxes.setdefault(_with_slashes(name), ([], []))
        known += boxes
        known_scores += scores

    def __call__(self, path: Path, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look up the boxes of a photo.

        Args:
            path (Path): The photo.
            image (np.ndarray): Shape (H, W, 3).

        Returns:
            tuple[np.ndarray, np.ndarray]: Boxes (N, 4) and scores (N,), ones where
            the file has none.

        Raises:
            UserError: If the photo is not in the file, or all its boxes are faulty.
            SomeBoxesFaulty: If some are.
        """
        parts = Path(_with_slashes(path)).parts
        names = [_with_slashes(path)]
        names += ['/'.join(parts[start:]) for start in range(len(parts))]
        name = next((name for name in names if name in self._boxes), None)
        if name is None:
            raise UserError(
                f'{path}: has no boxes in {self.path}; '
                f'add "{Path(path).name}" to it, with an empty list for no person'
            )
        boxes, scores = self._boxes[name]
        source = f'{path} (boxes of {self.path})'
        return check_scored_boxes(boxes, scores, image.shape[:2], source)


def check_scored_boxes(
    boxes: list, scores: Sequence[float], shape: tuple[int, int], source: str
) -> tuple[np.ndarray, np.ndarray]:
    """Check the boxes that a user gives of one photo.

    Args:
        boxes (list): N times x1, y1, x2, y2, in pixels of the photo.
        scores (Sequence[float]): N scores.
        shape (tuple[int, int]): Height and width of the photo.
        source (str): Where they come from, for the error message.

    Returns:
        tuple[np.ndarray, np.ndarray]: Boxes (N, 4) and scores (N,), float32.

    Raises:
        SomeBoxesFaulty: If some are faulty.
        UserError: If all are, see :func:`check_boxes`.
    """
    scores = np.array(scores, np.float32)
    try:
        return check_boxes(boxes, shape, source), scores
    except FaultyBoxes as error:
        if not error.good.any():
            raise
        good = [boxes[number] for number in np.flatnonzero(error.good)]
        raise SomeBoxesFaulty(
            str(error), check_boxes(good, shape, source), scores[error.good]
        ) from None


def _with_slashes(name: str | Path) -> str:
    """Write a path in one way, wherever it comes from."""
    return PureWindowsPath(name).as_posix()


class PersonDetector:
    """Boxes of the persons that an MMDetection model finds.

    Args:
        config (str | Path): The detector's config, a ``.py`` file.
        weights (str | Path, optional): Its checkpoint. Default: ``load_from``
            of the config.
        device (str, optional): See :func:`choose_device`.
        score_threshold (float): Less certain boxes are dropped. Defaults to
            0.3, as in MMPose's inferencer.
        overlap_threshold (float): Boxes that overlap a more certain one by
            more (IoU) are dropped. Defaults to 0.3, as there.

    Raises:
        UserError: If config, weights or device are faulty or do not fit.
    """

    def __init__(
        self,
        config: str | Path,
        weights: str | Path | None = None,
        device: str | None = None,
        score_threshold: float = 0.3,
        overlap_threshold: float = 0.3,
    ) -> None:
        # mmdet is needed by this source of boxes alone, and slow to import.
        from mmdet.apis import init_detector

        target = choose_device(device)
        settings = load_config(config)
        if settings.get('default_scope') == 'mmpose':
            raise UserError(f'{config}: is for poses; give one of MMDetection')
        weights = weights or settings.get('load_from')
        if not weights:
            raise UserError(f'{config}: names no weights; give --det-weights')
        checkpoint = load_checkpoint(weights)
        state_dict = get_state_dict(checkpoint, weights)
        try:
            with (
                DefaultScope.overwrite_default_scope('mmdet'),
                # It warns of classes and colours that it cannot tell.
                warnings.catch_warnings(record=True),
            ):
                model = init_detector(settings, None, palette='random', device='cpu')
        # The stack raises anything for a config that it cannot build.
        except Exception as error:
            raise UserError(
                f'{config}: its detector cannot be built: {first_line(error)}'
            ) from error
        # Weights of other tools carry some extra; a gap however is a fault.
        own = model.state_dict()
        state_dict = {key: value for key, value in state_dict.items() if key in own}
        check_matches(model, state_dict, weights)
        model.load_state_dict(state_dict, strict=False)
        classes = _classes(checkpoint, model, weights)
        if not isinstance(classes, (list, tuple)) or 'person' not in classes:
            raise UserError(f'{weights}: a detector without the class "person"')
        self.model = model.to(target)
        self.person = list(classes).index('person')
        self.score_threshold = score_threshold
        self.overlap_threshold = overlap_threshold

    def __call__(self, path: Path, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Detect the persons of a photo.

        Args:
            path (Path): Not used.
            image (np.ndarray): Shape (H, W, 3), BGR, uint8.

        Returns:
            tuple[np.ndarray, np.ndarray]: Boxes (N, 4) and scores (N,), the
            most certain first; N may be 0.
        """
        from mmdet.apis import inference_detector

        device = next(self.model.parameters()).device.type
        with (
            DefaultScope.overwrite_default_scope('mmdet'),
            # A precision that the poses are computed in is not the detector's.
            torch.autocast(device, enabled=False),
        ):
            found = inference_detector(self.model, image).pred_instances.cpu().numpy()
        boxes, scores = found.bboxes, found.scores
        wide = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        kept = (found.labels == self.person) & (scores > self.score_threshold) & wide
        boxes, scores = boxes[kept], scores[kept]
        if len(boxes):
            best = nms(np.column_stack([boxes, scores]), self.overlap_threshold)
            boxes, scores = boxes[best], scores[best]
        return boxes.astype(np.float32), scores.astype(np.float32)


def _classes(checkpoint: dict, model: BaseModel, weights: str | Path) -> Sequence[str]:
    """Names of a detector's classes, in their order."""
    meta = checkpoint.get('meta')
    # MMDetection 2 wrote them in capitals, and not among the data set's.
    for place in (meta_of(checkpoint), meta if isinstance(meta, dict) else {}):
        for key in ('classes', 'CLASSES'):
            if key in place:
                return place[key]
    # Without names a detector of one class finds persons, one of 80 has COCO's.
    numbers = {getattr(each, 'num_classes', None) for each in model.modules()} - {None}
    if 80 not in numbers and numbers != {1}:
        raise UserError(
            f'{weights}: does not name its classes; put them into its '
            "meta: dict(dataset_meta=dict(classes=[..., 'person', ...]))"
        )
    return model.dataset_meta['classes']
