"""What open pages work with, in memory alone."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field


@dataclass
class Visit:
    """A photo that a page works with.

    Args:
        photo (bytes): The uploaded file.
        box (tuple[float, ...], optional): x1, y1, x2, y2, pixels of the photo.
        corner (tuple[float, float], optional): The first corner of a box.
        shape (tuple[int, int], optional): The photo's height and width, once it is
            shown.
        shown (tuple[int, int], optional): Those of the picture on the page.
        begun (float): When it began, by ``time.monotonic()``. Defaults to now.
    """

    photo: bytes
    box: tuple[float, ...] | None = None
    corner: tuple[float, float] | None = None
    shape: tuple[int, int] | None = None
    shown: tuple[int, int] | None = None
    begun: float = field(default_factory=time.monotonic)


class Visits:
    """The visits of the pages that are open; of the many, the latest.

    Gradio's own state would outlive its page by an hour.

    Args:
        most (int): How many there may be. Defaults to 64.
        seconds (float): How long one may last. Defaults to half an hour.
    """

    def __init__(self, most: int = 64, seconds: float = 1800) -> None:
        self._most = most
        self._seconds = seconds
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, page: str) -> Visit | None:
        """Look up a page's visit; None where it has none, or none any more."""
        with self._lock:
            self._drop_old()
            return self._visits.get(page)

    def set(self, page: str, visit: Visit | None) -> None:
        """Begin a page's visit, or end it."""
        with self._lock:
            self._visits.pop(page, None)
            if visit is not None:
                self._visits[page] = visit
            self._drop_old()
            while len(self._visits) > self._most:
                self._visits.popitem(last=False)

    def forget_old(self) -> None:
        """Forget those that have lasted too long, also where nobody asks for one."""
        with self._lock:
            self._drop_old()

    def _drop_old(self) -> None:
        before = time.monotonic() - self._seconds
        old = [page for page, visit in self._visits.items() if visit.begun < before]
        for page in old:
            del self._visits[page]
