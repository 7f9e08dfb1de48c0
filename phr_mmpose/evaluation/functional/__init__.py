"""Evaluation in plain numpy."""
