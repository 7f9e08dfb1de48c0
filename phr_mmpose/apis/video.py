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
        self._capture = cv2.VideoCapture(_opencv_name(path))
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
        self._name = _opencv_name(path)
        self._writer = cv2.VideoWriter(
            self._name,
            cv2.VideoWriter_fourcc(*'mp4v'),
            _writable_fps(fps),
            (width, height),
        )
        if not self._writer.isOpened():
            raise UserError(
                f'{path}: no MPEG-4 video of {width} x {height} px at {fps:g} frames '
                'per second can be written by this OpenCV or on this disk; use '
                '--no-draw'
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

    def count_frames(self) -> int:
        """Read the finished file.

        FFmpeg does not tell that a disk is full; what it wrote then has no index.

        Returns:
            int: How many frames can be read.
        """
        capture = cv2.VideoCapture(self._name)
        count = 0
        while capture.grab():
            count += 1
        capture.release()
        return count


def _writable_fps(fps: float) -> float:
    """Round to what MPEG-4 can say: a fraction of numbers of 16 bits."""
    decimals = next(each for each in (3, 2, 1) if fps * 10**each < 2**16 - 1)
    return max(round(fps, decimals), 0.01)


def _opencv_name(path: str | Path) -> str:
    """Give a file's name to OpenCV, which dies of names that are not UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UserError(
            f'{path}: OpenCV opens no video with a name that is not UTF-8; rename it'
        ) from None
    return str(path)
