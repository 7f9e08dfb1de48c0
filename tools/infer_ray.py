"""Poses of very many photos: see phr_mmpose/commands/infer_ray.py.

Example:
    python tools/infer_ray.py photos/ --out poses
"""

from phr_mmpose.utils.cli import run

from phr_mmpose.commands.infer_ray import main

if __name__ == '__main__':
    run(main)
