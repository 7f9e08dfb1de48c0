"""Measurements of speed and memory, beside MMPose's own models."""
