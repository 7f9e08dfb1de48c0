"""Moved to projects/paper_study/occlusion_study.py."""

raise SystemExit('error: moved: python projects/paper_study/occlusion_study.py')
