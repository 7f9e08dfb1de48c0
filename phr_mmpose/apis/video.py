"""Read and write videos through OpenCV."""

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from phr_mmpose.utils.errors import UserError

# FFmpeg writes its complaints to stderr by itself; the errors here say them once.
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')

_DEFAULT_FPS = 25.0
# Headers' counts may be guesses from a duration; what lacks more ends early.
_GUESSED_SHARE, _GUESSED_FRAMES = 0.05, 2


class VideoFrames:
    """The frames of a video, one after the other.

    Args:
        path (str | Path): The file.

    Raises:
        UserError: If it cannot be opened or has no frame.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self._capture = cv2.VideoCapture(str(path))
        opened, frame = self._capture.read()
        if not opened:
            raise UserError(f'{path}: not a readable video; convert it to .mp4 (H.264)')
        self._first = frame
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        #: float: Frames per second.
        self.fps = fps if 0 < fps < 1000 else _DEFAULT_FPS
        #: int: Frames, as the file's header has it; a guess in some files.
        self.count = max(1, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        #: tuple[int, int]: Height and width in pixels.
        self.shape = frame.shape[:2]
        #: int: Frames that have been read.
        self.read = 0
        self._seconds = 0.0

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield frames (H, W, 3), BGR, uint8; once."""
        frame, there = self._first, True
        while there:
            self.read += 1
            self._seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            yield frame
            there, frame = self._capture.read()
        self._capture.release()

    @property
    def shortfall(self) -> str | None:
        """What is to be said of a video that ends early; of others None.

        Known once all frames have been read. Frames of varying length, which
        make a header's count a poor guess, do not count as an early end: the
        time of the last frame has to lack as well.
        """
        lowest = (1 - _GUESSED_SHARE) * self.count - _GUESSED_FRAMES
        if self.read >= lowest or self._seconds * self.fps >= lowest:
            return None
        return (
            f'{self.path}: the video ends early, after {self.read} of {self.count} '
            'frames; copy or convert it again'
        )


class VideoFile:
    """A video to write frames to, an MPEG-4 file.

    Args:
        path (str | Path): The file, ``.mp4``.
        fps (float): Frames per second.
        shape (tuple[int, int]): Height and width in pixels.

    Raises:
        UserError: If this OpenCV cannot write it.
    """

    def __init__(self, path: str | Path, fps: float, shape: tuple[int, int]) -> None:
        height, width = shape
        self._writer = cv2.VideoWriter(
            str(path), cv2.VideoWriter_fourcc(*'mp4v'), fps, (width, height)
        )
        if not self._writer.isOpened():
            raise UserError(
                f'{path}: this OpenCV cannot write MPEG-4 videos; use --no-draw'
            )

    def write(self, frame: np.ndarray) -> None:
        """Append a frame.

        Args:
            frame (np.ndarray): Shape (H, W, 3), BGR, uint8.
        """
        self._writer.write(frame)

    def close(self) -> None:
        """Finish the file."""
        self._writer.release()
