"""Moved to projects/paper_study/ablation.py."""

raise SystemExit('error: moved: python projects/paper_study/ablation.py')
