"""The steps of a job, as Ray Data runs them in its processes."""

import json
import pickle
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import torch
from mmpose.structures import PoseDataSample

from phr_mmpose.apis.estimation import (
    PersonPipeline,
    default_batch_size,
    predict,
    read_poses,
)
from phr_mmpose.apis.person_boxes import (
    BoxSource,
    SomeBoxesFaulty,
    check_scored_boxes,
    whole_image,
)
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.apis.pose_writer import persons
from phr_mmpose.cluster.sources import read_file
from phr_mmpose.datasets.photos import decode_photo
from phr_mmpose.utils.errors import UserError, first_line


class CropPersons:
    """Reads photos and cuts out their persons: work for CPUs.

    Args:
        pipeline (PersonPipeline): Of the model.
        boxes (BoxSource): Where persons are on photos that come without boxes.
    """

    def __init__(self, pipeline: PersonPipeline, boxes: BoxSource = whole_image):
        self._pipeline = pipeline
        self._boxes = boxes

    def __call__(self, photos: pa.Table) -> pa.Table:
        """Read some photos; a photo that cannot be read is named, and no more.

        Args:
            photos (pa.Table): See :data:`phr_mmpose.cluster.sources.PHOTOS`.

        Returns:
            pa.Table: ``path``, ``crops`` (pickled boxes, scores and persons, null
            where there are none) and ``error``, of a photo or of some of its boxes.
        """
        crops, errors = [], []
        for photo in photos.to_pylist():
            content, error = None, None
            try:
                crop, error = self._crop(photo['path'], photo['boxes'])
                content = pickle.dumps(crop)
            except UserError as fault:
                error = str(fault)
            # One photo of a million must not end the job, whatever is wrong with it.
            except Exception as fault:
                error = f'{photo["path"]}: {first_line(fault)}'
            crops.append(content)
            errors.append(error)
        return pa.table(
            {
                'path': photos['path'],
                'crops': pa.array(crops, pa.large_binary()),
                'error': pa.array(errors, pa.string()),
            }
        )

    def _crop(self, path: str, given: str | None) -> tuple[tuple, str | None]:
        image = decode_photo(read_file(path), path)
        fault = None
        try:
            if given is not None:
                boxes = json.loads(given)
                boxes, scores = check_scored_boxes(
                    boxes, [1.0] * len(boxes), image.shape[:2], path
                )
            else:
                boxes, scores = self._boxes(_file(path), image)
        except SomeBoxesFaulty as error:
            boxes, scores, fault = error.boxes, error.box_scores, str(error)
        return (boxes, scores, [self._pipeline(image, box) for box in boxes]), fault


class PredictPoses:
    """Holds the model, loaded once, and predicts: work for a GPU where there is one.

    Args:
        config (str): Of the model, or its name, see :func:`load_pose_model`.
        weights (str, optional): Its checkpoint or ONNX file.
        device (str, optional): See :func:`load_pose_model`.
        batch_size (int, optional): Persons in one batch at most. Defaults to
            :func:`default_batch_size`.
        threads (int): Of the model on a CPU. Defaults to 1.
    """

    def __init__(
        self,
        config: str,
        weights: str | None = None,
        device: str | None = None,
        batch_size: int | None = None,
        threads: int = 1,
    ) -> None:
        torch.set_num_threads(threads)
        self._model = load_pose_model(config, weights, device)
        self._batch_size = batch_size or default_batch_size(self._model)

    def __call__(self, photos: pa.Table) -> pa.Table:
        """Predict the poses of some photos' persons, who share batches.

        Args:
            photos (pa.Table): From :class:`CropPersons`.

        Returns:
            pa.Table: ``path``, ``persons`` as JSON, null of a photo that could not be
            used, and ``error``, also of persons on whom the network failed.

        Raises:
            Exception: Of the network, if it failed on all of several persons.
        """
        # Made by CropPersons of the same job.
        cut = [
            None if each is None else pickle.loads(each)
            for each in photos['crops'].to_pylist()
        ]
        crops = [person for each in cut if each for person in each[2]]
        samples = iter(self._predict(crops))
        found, errors = [], photos['error'].to_pylist()
        for number, each in enumerate(cut):
            if each is None:
                found.append(None)
                continue
            boxes, scores, own = each
            own = [next(samples) for _ in own]
            faults = [first_line(one) for one in own if isinstance(one, Exception)]
            if faults:
                kept = [not isinstance(one, Exception) for one in own]
                boxes, scores = boxes[kept], scores[kept]
                own = [one for one in own if not isinstance(one, Exception)]
                line = f'{photos["path"][number]}: {faults[0]}'
                errors[number] = '; '.join(filter(None, (errors[number], line)))
            poses = read_poses(own, self._model, boxes, scores)
            found.append(json.dumps(persons(poses), allow_nan=False))
        return pa.table(
            {
                'path': photos['path'],
                'persons': pa.array(found, pa.string()),
                'error': pa.array(errors, pa.string()),
            }
        )

    def _predict(self, crops: list[dict]) -> list[PoseDataSample | Exception]:
        """Predict persons, or tell what the network failed of."""
        found = []
        for start in range(0, len(crops), self._batch_size):
            batch = crops[start : start + self._batch_size]
            try:
                found += predict(self._model, batch)
            # As of photos: one person must not end the job, nor cost others.
            except Exception:
                found += map(self._predict_one, batch)
        # A network that no longer works must not spoil photo after photo.
        if len(found) > 1 and all(isinstance(each, Exception) for each in found):
            raise found[0]
        return found

    def _predict_one(self, crop: dict) -> PoseDataSample | Exception:
        try:
            (sample,) = predict(self._model, [crop])
        except Exception as fault:
            return fault
        return sample


def _file(path: str) -> Path:
    """Name a photo as its store does, without an address's signs and options."""
    return Path(unquote(path.partition('?')[0]) if '://' in path else path)
