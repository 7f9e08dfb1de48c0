"""Takes the fixtures of the small cascade."""

from small_cascade import checkpoints, config, cut_video, folder, photo  # noqa: F401
