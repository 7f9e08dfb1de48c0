"""Mutated videos give frames, or a UserError."""

import cv2
import numpy as np
import pytest
from fuzzing import counts, mutated_bytes, survives

from phr_mmpose.apis.video import VideoFrames


@counts(60, 1500)
@pytest.mark.parametrize('kind', ['mp4v.mp4', 'MJPG.avi', 'XVID.avi', 'FFV1.mkv'])
def test_videos(kind, seeds, tmp_path, photo):
    code, _, suffix = kind.partition('.')
    path = tmp_path / f'sound.{suffix}'
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 10, (90, 120))
    for shift in range(8):
        video.write(np.roll(photo, shift, axis=1))
    video.release()
    content, path = path.read_bytes(), tmp_path / f'mutated.{suffix}'

    def case(generator):
        path.write_bytes(mutated_bytes(content, generator))
        frames = VideoFrames(path)
        for frame in frames:
            assert frame.dtype == np.uint8 and frame.ndim == 3
            assert frame.shape[:2] == frames.shape
        assert 0 < frames.fps < 1000 and frames.count > 0
        assert frames.shortfall is None or '\n' not in frames.shortfall

    survives(seeds, case)
