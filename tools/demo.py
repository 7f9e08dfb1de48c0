"""Estimate the poses of people in photos and videos: see phr_mmpose/commands/pose.py.

Example:
    python tools/demo.py photo.jpg folder/ clip.mp4 --out-dir out
"""

from phr_mmpose.utils.cli import run

from phr_mmpose.commands.pose import main

if __name__ == '__main__':
    run(main)
