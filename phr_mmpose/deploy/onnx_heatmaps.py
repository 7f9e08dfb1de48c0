"""A cascade's heatmaps from an ONNX file, in place of its modules."""

import os
from pathlib import Path

import numpy as np
import torch
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor

from phr_mmpose.models.heads.cascade_head import DETECTOR, REFINER
from phr_mmpose.utils.errors import UserError, first_line
from phr_mmpose.utils.json_files import parse_json
from phr_mmpose.utils.packages import require

#: The file's input, its outputs in order, and its metadata, JSON each.
CROPS = 'crops'
OUTPUTS = (DETECTOR, REFINER)
FACTS = ('input_size', 'heatmap_size', 'joints', 'flip_indices')


@MODELS.register_module()
class OnnxHeatmaps(BaseModule):
    """The networks of a cascade, computed by ONNX Runtime on the CPU.

    With as many threads as PyTorch has when the file is opened. There are no
    parameters: nothing can be trained here. Copies open the file again.

    Letters: B crops, K joints, H x W the heatmap grid.

    Args:
        file (str): As ``tools/export_onnx.py`` writes it; ``~`` allowed.

    Attributes:
        facts (dict): The file's ``input_size`` and ``heatmap_size`` ([w, h]),
            ``joints`` (K names) and ``flip_indices``.

    Raises:
        UserError: If ONNX Runtime is lacking, or the file cannot be read or is
            of another kind.
    """

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file
        self._open()

    def _open(self) -> None:
        """Open the file, and see that it is of the right kind."""
        require('onnx', 'onnxruntime')
        import onnxruntime

        file = self.file
        path = Path(file).expanduser()
        if not os.path.isfile(path):
            raise UserError(f'{file}: no such file; write it with tools/export_onnx.py')
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self.session = onnxruntime.InferenceSession(
                str(path), options, providers=['CPUExecutionProvider']
            )
        # Its exceptions have no common base but this.
        except Exception as error:
            raise UserError(
                f'{file}: ONNX Runtime cannot read it ({first_line(error)}); write it '
                'anew with tools/export_onnx.py'
            ) from error
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.facts = self._read_facts(file)

    def __getstate__(self) -> dict:
        """Leave out the session, which can neither be copied nor pickled."""
        return {key: each for key, each in vars(self).items() if key != 'session'}

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(state)
        self._open()

    def _read_facts(self, file: str) -> dict:
        """Read the metadata, and see that the file is of the right kind."""
        meta = self.session.get_modelmeta().custom_metadata_map
        inputs = [each.name for each in self.session.get_inputs()]
        expected = list(OUTPUTS)
        if inputs == [CROPS] and self.outputs in (expected, expected[:1]):
            try:
                facts = {key: parse_json(meta[key]) for key in FACTS}
            except (KeyError, ValueError):
                facts = {}
            if facts and all(isinstance(value, list) for value in facts.values()):
                self._check_shapes(file, facts)
                return facts
        if 'regressor' in self.outputs:
            raise UserError(
                f'{file}: was written by a version before 0.3; export it again'
            )
        raise UserError(
            f'{file}: is no cascade that tools/export_onnx.py wrote; give one'
        )

    def _check_shapes(self, file: str, facts: dict) -> None:
        """Refuse a file whose input or outputs are not as its metadata say."""
        crops, *heatmaps = self.session.get_inputs() + self.session.get_outputs()
        grid = [len(facts['joints']), *facts['heatmap_size'][::-1]]
        for each, kind, expected in (
            (crops, 'tensor(uint8)', [3, *facts['input_size'][::-1]]),
            *((output, 'tensor(float)', grid) for output in heatmaps),
        ):
            # The batch is open; so were the detector's sizes in older files.
            fits = len(each.shape) == 4 and all(
                found == size or not isinstance(found, int)
                for found, size in zip(each.shape[1:], expected, strict=False)
            )
            if not fits or len(expected) != 3 or each.type != kind:
                raise UserError(
                    f'{file}: {each.name} is {each.type} of {each.shape}, its metadata '
                    f'say {expected}; write it anew with tools/export_onnx.py'
                )

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Compute the heatmaps.

        Args:
            crops (Tensor): (B, 3, H_in, W_in), BGR, values of a byte in any type.

        Returns:
            tuple[Tensor, ...]: The detector's probabilities and, where there is
            a refiner, its confidences, (B, K, H, W) float32 each, on the CPU.

        Raises:
            UserError: If the crops are not of the file's ``input_size``, or what
                it computes is not of its ``heatmap_size``.
        """
        size = list(crops.shape[:1:-1])
        if size != self.facts['input_size']:
            raise UserError(
                f'crops of {size} px (width, height) reach an ONNX file for '
                f'{self.facts["input_size"]}; use it with the config that it was '
                'exported with'
            )
        # numpy casts with one thread; those that PyTorch wakes up would go on spinning
        # where ONNX Runtime computes.
        crops = np.ascontiguousarray(crops.cpu().numpy(), np.uint8)
        try:
            found = self.session.run(self.outputs, {CROPS: crops})
        # Its exceptions have no common base but this.
        except Exception as error:
            raise UserError(
                f'{self.file}: cannot be computed ({first_line(error)}); write it anew '
                'with tools/export_onnx.py'
            ) from error
        joints = len(self.facts['joints'])
        shape = (len(crops), joints, *self.facts['heatmap_size'][::-1])
        if any(each.shape != shape for each in found):
            raise UserError(
                f'{self.file}: computes heatmaps of {found[0].shape[1:]}, its metadata '
                f'say {shape[1:]}; write it anew with tools/export_onnx.py'
            )
        return tuple(torch.from_numpy(each) for each in found)
