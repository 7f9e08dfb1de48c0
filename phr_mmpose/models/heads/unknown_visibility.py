"""Say which data sets train a detector of visible joints without knowing them."""

import logging

from mmengine.dist import is_main_process
from mmengine.logging import print_log


class UnknownVisibility:
    """Warns once for each data set that cannot say which joints are hidden.

    Without the flag a hidden joint counts as visible, so that the detector is
    trained to see what is not there; nothing else in a run tells.
    """

    def __init__(self) -> None:
        self._warned: set[str] = set()

    def warn(self, samples: list) -> None:
        """Look at one batch.

        Args:
            samples (list[PoseDataSample]): ``PackCascadeInputs`` marks those
                whose visibility is unknown with ``visibility_unknown_in``.
        """
        found = {sample.get('visibility_unknown_in') for sample in samples}
        for name in sorted(found - self._warned - {None}):
            self._warned.add(name)
            if is_main_process():
                print_log(
                    f'The data set {name!r} does not say which joints are hidden: '
                    'the detector of visible joints learns every annotated one of '
                    'it as visible. See docs/own_data.md.',
                    logger='current',
                    level=logging.WARNING,
                )
