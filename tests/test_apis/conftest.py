"""Takes the fixtures of the small cascade."""

from small_cascade import (  # noqa: F401
    checkpoints,
    config,
    cut_video,
    exported,
    folder,
    photo,
)
