"""Test a cascade on photos of which some joints are hidden by patches.

Does the refiner find what the detector cannot see, on photos whose labels do not say
what is hidden? KeypointMasking lays background over joints of the test photos, the
same each time, so that these joints are certainly hidden. They are rated apart from
the joints that the labels call hidden, and from those that are still visible. Writes a
table and the numbers: PCK (MPII: PCKh) of detector and refiner, and by how much the
refiner is better, with the range of 95 % of a bootstrap over persons.

Example:
    python projects/paper_study/masked_photos.py --out masked \
        --config W/hourglass_cascade/config.py \
        --checkpoint W/hourglass_cascade/seed_*/stage_joint.pth
"""

import argparse
import copy
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

if __name__ == '__main__':
    # Its own folder comes first on the path, in place of the repository.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from phr_mmpose.utils.cli import run

import numpy as np
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpose.registry import METRICS

from phr_mmpose.evaluation.functional.bootstrap import Difference, rate_difference
from phr_mmpose.evaluation.functional.pck import (
    column_joints,
    hits,
    normalized_distances,
    scored_joints,
)
from phr_mmpose.evaluation.metrics.keypoint_pck import KeypointPCK
from phr_mmpose.utils.config import ConfigOptions, load_config
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.json_files import write_json
from projects.paper_study.persons import read_persons
from projects.paper_study.tables import markdown_table
from projects.paper_study.testing import (
    check_checkpoints,
    run_test,
    subnetwork_options,
)

#: Background over one to four joints of every person whose photo has some to give.
MASKING = dict(type='KeypointMasking', prob=1.0, copy_prob=0.0, max_hidden=4, seed=0)
PATCH, LABELS, VISIBLE = 'hidden by a patch', 'hidden by the labels', 'visible'


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', required=True, metavar='PY')
    parser.add_argument('--checkpoint', required=True, nargs='+', metavar='PTH')
    parser.add_argument(
        '--out', required=True, metavar='DIR', help='for masked.md and masked.json'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override values of the config, such as test_dataloader.batch_size=8',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Test each checkpoint and write the results.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the config's metric rates no PCK, its pipeline cannot be masked,
            or a test fails.
    """
    args = parse_args(argv)
    check_checkpoints(args.checkpoint)
    masked = with_masking(load_config(args.config, args.cfg_options), args.config)
    photos = MaskedPhotos(masked, args.config)
    results = []
    with tempfile.TemporaryDirectory(prefix='masked_') as folder:
        config, joints = Path(folder, 'config.py'), Path(folder, 'joints.npz')
        config.write_text(masked.pretty_text)
        for checkpoint in args.checkpoint:
            distances = {}
            for name, options in subnetwork_options(masked).items():
                print(f'{checkpoint}: {name}', flush=True)
                run_test(config, checkpoint, *options, '--out', str(joints))
                with np.load(joints) as arrays:
                    distances[name] = photos.distances(arrays['preds'])
            results.append(dict(checkpoint=checkpoint, joints=photos.rate(distances)))
            table = as_markdown(photos, results)
            write_json(
                Path(args.out, 'masked.json'),
                dict(
                    measure=photos.measure,
                    persons=photos.persons,
                    masking=MASKING,
                    checkpoints=results,
                ),
            )
            with atomic_path(Path(args.out, 'masked.md')) as temporary:
                temporary.write_text(table)
    print(table)


def with_masking(config: Config, path: str) -> Config:
    """Copy a config whose test photos are masked after the crop.

    Raises:
        UserError: If the test pipeline does not end with what packs the sample.
    """
    config = copy.deepcopy(config)
    pipeline = list(config.test_dataloader.dataset.get('pipeline', ()))
    if not pipeline or not pipeline[-1]['type'].startswith('Pack'):
        raise UserError(
            f'{path}: the pipeline of its test_dataloader does not end with '
            'PackCascadeInputs, before which the photos are masked'
        )
    config.test_dataloader.dataset.pipeline = [*pipeline[:-1], MASKING, pipeline[-1]]
    return config


class MaskedPhotos:
    """The persons of the test photos, and which of their joints are hidden by what.

    Args:
        config (Config): Tests on masked photos, see :func:`with_masking`.
        path (str): What the config is called in an error.

    Raises:
        UserError: If the config's metric is none of this project's PCK.
    """

    def __init__(self, config: Config, path: str) -> None:
        evaluator = config.test_evaluator
        metrics = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
        with DefaultScope.overwrite_default_scope('mmpose'):
            built = [METRICS.build(metric) for metric in metrics]
        self._metric = next((m for m in built if isinstance(m, KeypointPCK)), None)
        if self._metric is None:
            raise UserError(
                f'{path}: its test_evaluator has neither LspPCKAccuracy nor '
                'MpiiPCKhAccuracy'
            )
        # The plain ones without their pictures, the masked ones without packing.
        dataset = config.test_dataloader.dataset
        #: Which they are, of which list.
        self.persons = {
            key: dataset[key] for key in ('ann_file', 'indices') if dataset.get(key)
        }
        labelled = read_persons(dataset, [])
        self._masked = read_persons(dataset, dataset.pipeline[:-1])
        poses, self._names, _ = self._metric.prepare(self._masked)
        self.persons['number'] = len(poses.gt)
        before = self._metric.prepare(labelled)[0]
        seen = before.annotated if before.visible is None else before.visible
        self.groups = {
            PATCH: poses.annotated & seen & ~poses.visible,
            LABELS: poses.annotated & ~seen,
            VISIBLE: poses.annotated & poses.visible,
        }

    @property
    def measure(self) -> str:
        """str: Such as ``'PCK@0.2'``."""
        return f'{self._metric.measure}@{self._metric.thr:g}'

    def distances(self, predictions: np.ndarray) -> np.ndarray:
        """Measure predictions (N, K, 2) in reference lengths, (N, K)."""
        poses = replace(self._masked, pred=predictions)
        poses, _, reference = self._metric.prepare(poses)
        return normalized_distances(poses.pred, poses.gt, reference)

    def rate(self, distances: dict[str, np.ndarray]) -> dict[str, dict]:
        """Rate one model.

        Args:
            distances (dict[str, np.ndarray]): Of its detector and its refiner, if it
                has one, by name.

        Returns:
            dict[str, dict]: Of each group that has joints their ``number``, the rates
            in percent by subnetwork, and ``difference``: the refiner's rate minus the
            detector's with its range.
        """
        scored = scored_joints(column_joints(self._names))
        rates = {
            name: self._rate_group(
                {part: found[:, scored] for part, found in distances.items()},
                counted[:, scored],
            )
            for name, counted in self.groups.items()
        }
        return {name: rate for name, rate in rates.items() if rate['number']}

    def _rate_group(
        self, distances: dict[str, np.ndarray], counted: np.ndarray
    ) -> dict[str, object]:
        thr = self._metric.thr
        result: dict[str, object] = {}
        for part, found in distances.items():
            right, known = hits(found, counted, thr)
            result['number'] = int(known.sum())
            result[part] = 100 * float(right.sum() / max(known.sum(), 1))
        if 'refiner' in distances:
            difference = rate_difference(
                distances['detector'], distances['refiner'], counted, thr
            )
            result['difference'] = difference._asdict()
        return result


def as_markdown(photos: MaskedPhotos, results: Sequence[dict]) -> str:
    """Say whose joints they are; lay out a row for each checkpoint and group."""
    lines = []
    for result in results:
        for name, rates in result['joints'].items():
            difference = rates.get('difference')
            lines.append(
                [
                    result['checkpoint'],
                    name,
                    f'{rates["number"]:,}',
                    f'{rates["detector"]:.1f}',
                    f'{rates["refiner"]:.1f}' if difference else '-',
                    str(Difference(**difference)) if difference else '-',
                ]
            )
    header = ['joints', 'number', 'detector', 'refiner', 'refiner - detector']
    persons = ', '.join(f'{key} {value}' for key, value in photos.persons.items())
    table = markdown_table([photos.measure, *header], lines)
    return f'Persons: {persons}\n\n{table}\n'


if __name__ == '__main__':
    run(main)
