"""Several results on the same persons, side by side."""

import os
from collections.abc import Iterable, Sequence

import numpy as np

from phr_mmpose.evaluation.curves import draw_system_curves
from phr_mmpose.evaluation.functional.bootstrap import Difference, rate_difference
from phr_mmpose.evaluation.functional.pck import (
    column_joints,
    scored_joints,
    splits,
)
from phr_mmpose.evaluation.ground_truth import GroundTruth
from phr_mmpose.evaluation.predictions import load_predictions
from phr_mmpose.evaluation.report import table
from phr_mmpose.evaluation.scoring import score_joints
from phr_mmpose.utils.errors import UserError


def parse_named_files(entries: Sequence[str]) -> dict[str, str]:
    """Read what ``--compare`` was given.

    Args:
        entries (Sequence[str]): Each ``name=file``.

    Returns:
        dict[str, str]: Files by name, in the order given.

    Raises:
        UserError: If an entry is of another form, two have one name or a file
            does not exist.
    """
    files = {}
    for entry in entries:
        name, _, path = entry.partition('=')
        name = name.strip()
        if not name or not path:
            raise UserError(f'--compare {entry}: give name=file, such as ours=preds.h5')
        if name in files:
            raise UserError(f'--compare: two files are named {name!r}')
        if not os.path.isfile(path):
            raise UserError(f'{path}: no such file')
        files[name] = path
    return files


def choose_one_based(given: Sequence[str] | None, names: Iterable[str]) -> set[str]:
    """Say which files count pixels from 1, by what ``--one-based`` was given.

    Args:
        given (Sequence[str] | None): Names of ``--compare``; none named: all
            files; None (no such option): no file.
        names (Iterable[str]): The names there are.

    Returns:
        set[str]: Some of ``names``.

    Raises:
        UserError: If a name is not there.
    """
    names = list(names)
    for name in given or ():
        if name not in names:
            raise UserError(
                f'--one-based {name}: --compare has {", ".join(names) or "no file"}'
            )
    return set() if given is None else set(given or names)


class Comparison:
    """Results of several systems on the persons of one ground truth.

    Args:
        truth (GroundTruth): N persons of K joints.
    """

    def __init__(self, truth: GroundTruth) -> None:
        self.truth = truth
        self.scores = {}
        self.notes: list[str] = []
        self._distances: dict[str, np.ndarray] = {}

    def add(self, name: str, joints: np.ndarray) -> None:
        """Add a system.

        Args:
            name (str): Its name in table and picture.
            joints (np.ndarray): Its predictions (N, K, 2), on the grid of the
                ground truth, pixels **counted from 1**.

        Raises:
            UserError: If there is a system of that name.
        """
        if name in self.scores:
            raise UserError(f'--compare: the name {name!r} is taken; choose another')
        self._distances[name], self.scores[name] = score_joints(joints, self.truth)

    def add_file(
        self, name: str, path: str, one_based: bool = False, key: str | None = None
    ) -> None:
        """Add a system from a file of predictions.

        Args:
            name (str): Its name in table and picture.
            path (str): The file.
            one_based (bool): See :func:`load_predictions`.
            key (str | None): See :func:`load_predictions`.

        Raises:
            UserError: If the file does not fit the ground truth.
        """
        predictions = load_predictions(path, self.truth, one_based, key)
        self.notes += predictions.notes
        self.add(name, predictions.joints)

    def table(self) -> str:
        """Lay out one row for each system, at the benchmark's threshold."""
        measure = self._measure()
        return f'{measure}\n' + table(
            {name: scores.rows[measure] for name, scores in self.scores.items()}
        )

    def differences(self) -> dict[str, dict[str, Difference]]:
        """Compare each system with the first.

        Returns:
            dict[str, dict[str, Difference]]: Of each but the first, by split
            (``'all'``, ``'visible'``, ``'occluded'``), its Total minus the first's.
        """
        truth = self.truth
        scored = scored_joints(column_joints(truth.names))
        masks = splits(truth.annotated, truth.visible)
        first, *others = self._distances
        return {
            name: {
                split: rate_difference(
                    self._distances[first][:, scored],
                    self._distances[name][:, scored],
                    mask[:, scored],
                    truth.thr,
                )
                for split, mask in masks.items()
            }
            for name in others
        }

    def draw(self, path: str, title: str) -> None:
        """Draw one line for each system, one panel for each column.

        Args:
            path (str): Picture file.
            title (str): Headline.

        Raises:
            UserError: If the suffix is of no kind that can be drawn.
        """
        truth = self.truth
        systems = {name: (d, truth.annotated) for name, d in self._distances.items()}
        draw_system_curves(systems, truth.names, truth.measure, truth.thr, path, title)

    def _measure(self) -> str:
        return f'{self.truth.measure}@{self.truth.thr:g}'
