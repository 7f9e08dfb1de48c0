"""Where the persons are: the whole image, a file of boxes, or a detector.

Each source is called with a photo's path and picture and gives boxes (N, 4) in
pixels of the photo, from 0, and scores (N,).
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mmengine.registry import DefaultScope
from mmpose.evaluation.functional import nms

from phr_mmpose.apis.loading import choose_device, load_checkpoint, meta_of
from phr_mmpose.datasets.boxes import check_boxes
from phr_mmpose.utils.checkpoint import check_matches, get_state_dict
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError, first_line

BoxSource = Callable[[Path, np.ndarray], tuple[np.ndarray, np.ndarray]]

_FORMS = (
    'give {"photo.jpg": [[x1, y1, x2, y2], …], …} or '
    '[{"image": "photo.jpg", "bbox": [x1, y1, x2, y2]}, …]'
)


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


class BoxFile:
    """Boxes from a JSON file, for each photo by its name.

    A name may be the path as it was given to the tool, or its end (such as the
    file's name). The boxes under a video's name hold for all its frames.

    Args:
        path (str | Path): ``{name: [[x1, y1, x2, y2], …]}``, or a list of
            ``{"image": name, "bbox": [x1, y1, x2, y2]}``.

    Raises:
        UserError: If the file cannot be read or has another form.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        try:
            content = json.loads(Path(path).read_bytes())
        except OSError as error:
            raise UserError(f'{path}: {error.strerror}; {_FORMS}') from None
        except ValueError as error:
            raise UserError(f'{path}: not readable JSON ({error}); {_FORMS}') from None
        self._boxes = self._collect(content)

    def _collect(self, content: object) -> dict[str, list]:
        if isinstance(content, dict):
            faulty = [
                name for name, boxes in content.items() if type(boxes) is not list
            ]
            if faulty:
                raise UserError(f'{self.path}: "{faulty[0]}" has no list; {_FORMS}')
            return content
        if not isinstance(content, list):
            raise UserError(f'{self.path}: neither an object nor a list; {_FORMS}')
        boxes: dict[str, list] = {}
        for number, entry in enumerate(content):
            if not (isinstance(entry, dict) and isinstance(entry.get('image'), str)):
                raise UserError(f'{self.path}: entry {number} has no image; {_FORMS}')
            if 'bbox' not in entry:
                raise UserError(f'{self.path}: entry {number} has no bbox; {_FORMS}')
            boxes.setdefault(entry['image'], []).append(entry['bbox'])
        return boxes

    def __call__(self, path: Path, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look up the boxes of a photo.

        Args:
            path (Path): The photo.
            image (np.ndarray): Shape (H, W, 3).

        Returns:
            tuple[np.ndarray, np.ndarray]: Boxes (N, 4) and scores (N,), ones.

        Raises:
            UserError: If the photo is not in the file, or a box is faulty.
        """
        path = Path(path)
        parts = path.parts
        names = [str(path), path.as_posix()]
        names += ['/'.join(parts[start:]) for start in range(len(parts))]
        name = next((name for name in names if name in self._boxes), None)
        if name is None:
            raise UserError(
                f'{path}: has no boxes in {self.path}; '
                f'add "{path.name}" to it, with an empty list for no person'
            )
        boxes = check_boxes(
            self._boxes[name], image.shape[:2], f'{path} (boxes of {self.path})'
        )
        return boxes, np.ones(len(boxes), np.float32)


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
        classes = meta_of(checkpoint).get('classes', model.dataset_meta['classes'])
        if 'person' not in classes:
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

        with DefaultScope.overwrite_default_scope('mmdet'):
            found = inference_detector(self.model, image).pred_instances.cpu().numpy()
        boxes, scores = found.bboxes, found.scores
        wide = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        kept = (found.labels == self.person) & (scores > self.score_threshold) & wide
        boxes, scores = boxes[kept], scores[kept]
        if len(boxes):
            best = nms(np.column_stack([boxes, scores]), self.overlap_threshold)
            boxes, scores = boxes[best], scores[best]
        return boxes.astype(np.float32), scores.astype(np.float32)
